//! What Prometheus' own libraries say of every process, read from `/proc` (proc(5)) on Linux and left
//! out elsewhere.

use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};

/// In which `/proc/self/stat` counts; the kernel's interface has had no other for decades.
const TICKS_PER_SECOND: f64 = 100.0;

/// Size, time and files of this process.
pub(super) struct Gauges {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    files: Gauge,
    uptime: Gauge<f64, AtomicU64>,
    began: DateTime<Utc>,
}

impl Gauges {
    pub(super) fn new(registry: &mut Registry, began: DateTime<Utc>) -> Self {
        let names = registry.sub_registry_with_prefix("process");
        let (cpu, resident, files, uptime) =
            (Counter::default(), Gauge::default(), Gauge::default(), Gauge::default());
        let start: Gauge<f64, AtomicU64> = Gauge::default();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
        start.set(began.timestamp_millis() as f64 / 1000.0);
        let about = "User and system time spent";
        names.register_with_unit("cpu", about, Unit::Seconds, Counter::clone(&cpu));
        let about = "Memory that is resident";
        names.register_with_unit("resident_memory", about, Unit::Bytes, Gauge::clone(&resident));
        names.register("open_fds", "Files and connections that are open", Gauge::clone(&files));
        let about = "When the process started, since 1970";
        names.register_with_unit("start_time", about, Unit::Seconds, start);
        let about = "How long it has run";
        names.register_with_unit("uptime", about, Unit::Seconds, Gauge::clone(&uptime));
        Self { cpu, resident, files, uptime, began }
    }

    pub(super) fn read(&self, now: DateTime<Utc>) {
        #[expect(clippy::cast_precision_loss, reason = "a process does not run that long")]
        let millis = (now - self.began).num_milliseconds().max(0) as f64;
        self.uptime.set(millis / 1000.0);
        let file = |name| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
        if let Some(seconds) = file("stat").as_deref().and_then(cpu_seconds) {
            self.cpu.inner().store(seconds.to_bits(), std::sync::atomic::Ordering::Relaxed);
        }
        if let Some(bytes) = file("status").as_deref().and_then(resident_bytes) {
            self.resident.set(bytes);
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // the one that is being read from is not counted
            self.files.set(super::whole(files.count().saturating_sub(1)));
        }
    }
}

/// Fields 14 and 15, after a name in parentheses that may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7 (a) S 1"), None);
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t  2048 kB\n"), Some(2_097_152));
        assert_eq!(resident_bytes("VmRSS: many"), None);
    }
}
