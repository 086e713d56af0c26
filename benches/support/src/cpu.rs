//! What processes have used, from `/proc` (Linux).

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::Result;

/// `USER_HZ`, the same on every architecture that Linux runs on today.
const TICK: Duration = Duration::from_millis(10);
/// How often it is asked whether a server rests.
const PAUSE: Duration = Duration::from_millis(40);
/// A server that does not rest for so long has a background of its own.
const MOST_PAUSES: u32 = 25;
/// Idle readings in a row that mean rest.
const ENOUGH: u32 = 3;

/// Which processes are counted.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Processes with threads.
    pub processes: Vec<u32>,
    /// Postmasters, each counted with the processes it has started.
    pub clusters: Vec<u32>,
}

impl Meter {
    /// One process.
    #[must_use]
    pub fn of(process: u32) -> Self {
        Self { processes: vec![process], clusters: Vec::new() }
    }

    /// The same, and a PostgreSQL cluster.
    #[must_use]
    pub fn and_cluster(mut self, postmaster: Option<u32>) -> Self {
        self.clusters.extend(postmaster);
        self
    }

    /// CPU time since their start, user and system, ended threads included.
    ///
    /// # Errors
    /// When one of them is gone.
    pub fn total(&self) -> Result<Duration> {
        let mut total = Duration::ZERO;
        for process in &self.processes {
            total += Stat::of(*process)?.own;
        }
        for postmaster in &self.clusters {
            total += cluster(*postmaster)?;
        }
        Ok(total)
    }

    /// Waits until they rest, so that what an operation leaves behind is counted with it.
    ///
    /// # Errors
    /// When one of them is gone.
    pub async fn rest(&self) -> Result<()> {
        let (mut last, mut idle) = (self.total()?, 0);
        for _ in 0..MOST_PAUSES {
            sleep(PAUSE).await;
            let now = self.total()?;
            idle = if now.saturating_sub(last) < TICK { idle + 1 } else { 0 };
            if idle == ENOUGH {
                break;
            }
            last = now;
        }
        Ok(())
    }
}

/// Resident memory of a process in KiB: now, and at most so far.
///
/// # Errors
/// When it is gone.
pub fn memory(process: u32) -> Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    };
    Ok((of("VmRSS:"), of("VmHWM:")))
}

/// What a process has used itself.
///
/// # Errors
/// When it is gone.
pub fn process(id: u32) -> Result<Duration> {
    Ok(Stat::of(id)?.own)
}

/// What the machine does beside a benchmark: the less, the more its rates and latencies say.
pub struct Bystander {
    own: Meter,
    begun: Instant,
    busy: Duration,
    used: Duration,
}

impl Bystander {
    /// Begins to look; `own` are the benchmark's processes.
    ///
    /// # Errors
    /// When one of them is gone.
    pub fn beside(own: Meter) -> Result<Self> {
        Ok(Self { begun: Instant::now(), busy: busy()?, used: own.total()?, own })
    }

    /// The share of all processors that others have used since, in percent.
    ///
    /// # Errors
    /// When one of the benchmark's processes is gone.
    pub fn percent(&self) -> Result<f64> {
        let (busy, used) =
            (busy()?.saturating_sub(self.busy), self.own.total()?.saturating_sub(self.used));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let all = self.begun.elapsed().as_secs_f64() * crate::drive::count(cores);
        Ok(busy.saturating_sub(used).as_secs_f64() / all * 100.0)
    }
}

/// What all processors have done since the machine started, idle time left out.
fn busy() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u32> =
        line.split_whitespace().skip(1).map_while(|it| it.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|place| fields.get(*place));
    Ok(TICK * busy.sum::<u32>())
}

/// `/proc/<pid>/stat`, as far as it matters here.
struct Stat {
    parent: u32,
    own: Duration,
    /// Of children that have ended.
    children: Duration,
}

impl Stat {
    fn of(process: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // the name may hold blanks and parentheses
        let (_, rest) = text.rsplit_once(')').ok_or("a process without a name")?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |place: usize| -> Result<u32> {
            Ok(fields.get(place).ok_or("a short line in /proc")?.parse()?)
        };
        Ok(Self {
            parent: number(1)?,
            own: TICK * (number(11)? + number(12)?),
            children: TICK * (number(13)? + number(14)?),
        })
    }
}

/// PostgreSQL's processes have one thread each, so the scheduler's exact count is theirs.
fn cluster(postmaster: u32) -> Result<Duration> {
    let mut total = exact(postmaster)? + Stat::of(postmaster)?.children;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // one that has just ended is among its parent's children
        if Stat::of(process).is_ok_and(|stat| stat.parent == postmaster) {
            total += exact(process).unwrap_or_default();
        }
    }
    Ok(total)
}

fn exact(process: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat"))?;
    let nanos = text.split_whitespace().next().ok_or("an empty line in /proc")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
