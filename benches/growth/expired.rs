//! The second part: a million rows end at once, and the server removes them while it works.

mod report;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bench_support::{
    Result,
    actors::{Reader, Repeater},
    cpu::Bystander,
    http::{Connection, Request},
    latencies::Latencies,
    machine,
    pace::{Pace, paced},
};

use crate::{
    Arguments,
    database::{ACCESS, Database, FAMILY},
    fill::{Copies, users_of},
    planted::Chains,
    site::{Contents, Site, millis_from_now},
};

/// The most that p99 may be meanwhile, in multiples of what it was before.
const REACH: f64 = 1.5;
/// What is done in a second: introspections of known tokens, of new ones, and refreshes.
const PACES: [u32; 3] = [400, 100, 100];
const TITLES: [&str; 3] =
    ["introspection", "introspection, token never used before", "refresh with rotation"];
/// Between two looks at how far the removal is.
const SLICE: Duration = Duration::from_secs(5);
/// Slices that the server may warm up in, that are needed before, and that follow after.
const WARM_UP: usize = 2;
const BEFORE: usize = 6;
const AFTER: usize = 12;
/// One row in so many is watched.
const APART: usize = 5_000;
/// Whatever is not removed by then never will be.
const PATIENCE: Duration = Duration::from_mins(45);

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    During,
    After,
}

/// What the three kinds of work took in one slice.
type Taken = [Latencies; 3];

/// Measures, and answers what the document is to say.
pub(crate) async fn run(arguments: &Arguments, is_postgres: bool, count: usize) -> Result<String> {
    // filling takes a while, and then it is to be seen how everything was before
    let wait = Duration::from_secs(120 + u64::try_from(count)? / 5_000);
    let (begun, ends_at) = (Instant::now(), millis_from_now(wait));
    let dying = Copies {
        count,
        users: users_of(count),
        access_ends_at: ends_at,
        ends_at: Some(ends_at),
        planted: &[],
    };
    // one of them is met for the first time in every hundredth of a second, until all is over
    let live = arguments.few.max(count / 4);
    let contents = Contents { live, users: users_of(live), planted: live, dying: Some(dying) };
    eprintln!("{live} sessions that live and {count} that end in {} s", wait.as_secs());
    let mut site = Site::with(contents, is_postgres, arguments.connections).await?;
    let watch = Watch::new(&site.database, ends_at)?;
    let mut own = site.meter();
    own.processes.push(std::process::id());
    let bystander = Bystander::beside(own)?;
    let seen = observe(&mut site, &watch, begun + wait).await?;
    let others = bystander.percent()?;
    let about = format!(
        "{}, {count} sessions of an access token and a family each that end beside {live} others; \
         {} introspections a second, {} of them of tokens never used before, and {} refreshes; \
         medians of slices of {} s; of {} that were watched the first was gone {:.0} s after it \
         had ended and the last {:.0} s after that; no removal held up who writes for longer than \
         {:.1} ms; other programs used {others:.0} % of the processors; {}.",
        site.database.title(),
        PACES[0] + PACES[1],
        PACES[1],
        PACES[2],
        SLICE.as_secs(),
        seen.watched,
        seen.noticed.as_secs_f64(),
        seen.removed.as_secs_f64(),
        seen.longest_removal.as_secs_f64() * 1e3,
        machine::description(),
    );
    site.stop().await?;
    println!("{}", seen.line(is_postgres, 2 * count));
    Ok(format!("{about}\n\n{}", seen.table().markdown()))
}

/// Asks how many rows are left of some that will go, of either table.
struct Watch([String; 2]);

impl Watch {
    fn new(database: &Database, ends_at: i64) -> Result<Self> {
        let session = database.look()?;
        let hex =
            if session.is_sqlite() { "hex(token_sha256)" } else { "encode(token_sha256, 'hex')" };
        // the last row of a table with them
        let watched = |table, end, key, place| {
            session.texts(&format!(
                "select {key} from (select *, row_number() over (order by {place} desc) as number \
                 from {table} where {end} = {ends_at}) as ending where number % {APART} = 1"
            ))
        };
        let left = |table, key, watched: &[String]| {
            format!("select count(*) from {table} where {key} in ({})", watched.join(", "))
        };
        let families = watched(FAMILY, "ends_at", "id", "id")?;
        let tokens = watched(ACCESS, "expires_at", hex, "token_sha256")?;
        let tokens: Vec<_> = tokens.iter().map(|hex| session.blob_of(hex)).collect();
        Ok(Self([left(FAMILY, "id", &families), left(ACCESS, "token_sha256", &tokens)]))
    }

    /// How many of them there are.
    fn left(&self, database: &Database) -> Result<u64> {
        let session = database.look()?;
        let [families, tokens] = &self.0;
        Ok(session.number(families)? + session.number(tokens)?)
    }
}

/// What was seen.
struct Seen {
    phases: [Vec<Taken>; 3],
    /// Rows.
    watched: u64,
    /// From the end of the rows to the first removal, and from there to the last.
    noticed: Duration,
    removed: Duration,
    /// The longest transaction that removed some, as the server says.
    longest_removal: Duration,
}

/// Works at a steady pace until all is over.
async fn observe(site: &mut Site, watch: &Watch, end: Instant) -> Result<Seen> {
    let mut phases: [Vec<Taken>; 3] = Default::default();
    let mut load = Load::of(site)?;
    let all = watch.left(&site.database)?;
    let (mut number, mut after, mut phase) = (0, 0, Phase::Before);
    let (mut first, mut last) = (None, None);
    while after < AFTER {
        if end.elapsed() > PATIENCE {
            return Err("what has expired is not removed".into());
        }
        let (began, used) = (Instant::now(), site.meter().total()?);
        let taken;
        (taken, load) = load.slice(site.server.address).await?;
        let used = site.meter().total()?.saturating_sub(used).as_secs_f64();
        let left = watch.left(&site.database)?;
        let next = match left {
            0 => Phase::After,
            left if left < all => Phase::During,
            _ => Phase::Before,
        };
        let was = std::mem::replace(&mut phase, next);
        // a slice that saw any of the removal counts as that
        let of = if was == phase { phase } else { Phase::During };
        eprintln!(
            "{of:?}, {left} of {all} left: {:.2} of a processor, {}",
            used / began.elapsed().as_secs_f64(),
            brief(&taken)
        );
        number += 1;
        if phase != Phase::Before && first.is_none() {
            if number < WARM_UP + BEFORE {
                return Err("filling took so long that nothing was seen before".into());
            }
            first = Some(Instant::now());
        }
        if phase == Phase::After {
            last.get_or_insert_with(Instant::now);
            after += 1;
        }
        if number > WARM_UP {
            phases[of as usize].push(taken);
        }
    }
    let (first, last) = first.zip(last).ok_or("nothing was removed")?;
    let noticed = first.saturating_duration_since(end);
    let longest_removal = longest_removal(site.server.address).await?;
    Ok(Seen { phases, watched: all, noticed, removed: last - first, longest_removal })
}

/// What the server's metrics say of the longest removal.
async fn longest_removal(address: SocketAddr) -> Result<Duration> {
    const NAME: &str = "latchkey_sweep_longest_removal_seconds ";
    let mut connection = Connection::open(address).await?;
    let answer = connection.expect(&Request::get("/metrics").bytes(), 200).await?;
    let text = String::from_utf8_lossy(answer.body).into_owned();
    let seconds = text.lines().find_map(|line| line.strip_prefix(NAME));
    Ok(Duration::try_from_secs_f64(seconds.ok_or("the metrics know no removal")?.parse()?)?)
}

/// Who works, at a connection each.
struct Load {
    known: Vec<Repeater>,
    unknown: Vec<Reader>,
    chains: Vec<Chains>,
}

impl Load {
    fn of(site: &mut Site) -> Result<Self> {
        Ok(Self {
            known: site.repeaters(),
            unknown: site.unused(site.unused.len())?,
            chains: std::mem::take(&mut site.chains),
        })
    }

    async fn slice(self, address: SocketAddr) -> Result<(Taken, Self)> {
        let pace = |per_second| Pace { per_second, length: SLICE };
        let [known, unknown, refreshes] = PACES.map(pace);
        let (known, unknown, chains) = tokio::try_join!(
            paced(address, self.known, known),
            paced(address, self.unknown, unknown),
            paced(address, self.chains, refreshes),
        )?;
        let load = Self { known: known.1, unknown: unknown.1, chains: chains.1 };
        Ok(([known.0, unknown.0, chains.0], load))
    }
}

fn millis(latencies: &Latencies, thousandths: usize) -> f64 {
    latencies.quantile(thousandths).as_secs_f64() * 1e3
}

fn brief(taken: &Taken) -> String {
    let one = |latencies: &Latencies| {
        format!(
            "{:.1}/{:.1}/{:.1}",
            millis(latencies, 500),
            millis(latencies, 990),
            millis(latencies, 1000)
        )
    };
    format!("p50/p99/longest ms: {}", taken.each_ref().map(one).join(", "))
}
