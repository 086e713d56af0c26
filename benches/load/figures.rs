//! What is not counted by operation: start, memory, sizes, the flood.

use std::{fs, path::Path, time::Duration};

use bench_support::{
    Result, cpu, installation::Installation, median, postgres::Cluster, table::Table,
};
use tokio::time::sleep;

use crate::flood::Flooded;

const STARTS: usize = 10;
const MIB: f64 = 1024.0;

/// A figure with what would be good.
pub(crate) struct Figure {
    title: String,
    value: String,
    reach: &'static str,
    is_met: Option<bool>,
}

impl Figure {
    fn new(title: impl Into<String>, value: String) -> Self {
        Self { title: title.into(), value, reach: "", is_met: None }
    }

    fn reaching(self, reach: &'static str, is_met: bool) -> Self {
        Self { reach, is_met: Some(is_met), ..self }
    }
}

/// The figures as Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut table = Table::new(&["figure", "measured", "reach", "met"]);
    for Figure { title, value, reach, is_met } in figures {
        let met = is_met.map_or("", |is_met| if is_met { "yes" } else { "no" });
        table.push(vec![title.clone(), value.clone(), (*reach).to_owned(), met.to_owned()]);
    }
    table.markdown()
}

/// How long the server takes to its first answer, and what it then holds.
pub(crate) async fn starts(installation: &Installation) -> Result<Vec<Figure>> {
    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = installation.serve().await?;
        times.push(server.start.as_secs_f64() * 1e3);
        sleep(Duration::from_secs(1)).await;
        sizes.push(mib(cpu::memory(server.id())?.0));
        server.stop().await?;
    }
    let (time, size) = (median(times.into_iter()), median(sizes.into_iter()));
    let first =
        Figure::new(format!("start to first answer, median of {STARTS}"), format!("{time:.0} ms"));
    // the code that stands in memory depends on where it was loaded to
    let idle =
        Figure::new(format!("resident memory, idle, median of {STARTS}"), format!("{size:.1} MiB"));
    Ok(vec![first.reaching("≤ 50 ms", time <= 50.0), idle.reaching("≤ 25 MiB", size <= 25.0)])
}

/// Memory after the load, in KiB now and at most.
pub(crate) fn memory((now, most): (u64, u64)) -> Figure {
    let value = format!("{:.1} MiB, at most {:.1} MiB", mib(now), mib(most));
    Figure::new("resident memory after all rows", value)
}

/// The size of the program.
pub(crate) fn binary(program: &str) -> Result<Figure> {
    let megabytes = fs::metadata(program)?.len() / 1_000_000;
    let figure = Figure::new("size of the program", format!("{megabytes} MB"));
    Ok(figure.reaching("≤ 30 MB", megabytes <= 30))
}

/// Bytes that each of `count` access tokens took.
pub(crate) fn storage(before: u64, after: u64, count: usize) -> Result<Figure> {
    let each = after.saturating_sub(before) / u64::try_from(count)?;
    let title = format!("stored for each of {count} access tokens");
    let figure = Figure::new(title, format!("{each} bytes"));
    Ok(figure.reaching("≤ 220 bytes", each <= 220))
}

/// The bytes of every table with its indices; a SQLite file must not be in use.
pub(crate) fn stored(file: &Path, cluster: Option<&Cluster>) -> Result<u64> {
    let Some(cluster) = cluster else {
        return Ok(fs::metadata(file)?.len());
    };
    let sql = "select sum(pg_total_relation_size(oid)) from pg_class \
               where relkind = 'r' and relnamespace = 'public'::regnamespace";
    Ok(cluster.query("latchkey", sql)?.parse()?)
}

/// What the flood did.
pub(crate) fn flood(rounds: &[Flooded]) -> Figure {
    let of = |figure: fn(&Flooded) -> f64| median(rounds.iter().map(figure));
    let (alone, beside) =
        (of(|round| round.alone.as_secs_f64() * 1e3), of(|round| round.beside.as_secs_f64() * 1e3));
    let ratio = of(|round| round.beside.as_secs_f64() / round.alone.as_secs_f64());
    let sign_ins = of(|round| round.sign_ins);
    let value = format!(
        "{alone:.2} ms alone, {beside:.2} ms beside {sign_ins:.0} sign-ins/s: {ratio:.1} ×"
    );
    Figure::new("p99 of introspection at 1,000/s", value).reaching("≤ 3 ×", ratio <= 3.0)
}

#[expect(clippy::cast_precision_loss, reason = "a size in memory")]
fn mib(kib: u64) -> f64 {
    kib as f64 / MIB
}
