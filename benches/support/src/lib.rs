//! What the benchmarks share: they start the built program as its users do, speak to it over
//! HTTP/1.1 from another process and read what it costs from `/proc`.

pub mod actors;
pub mod browser;
pub mod cast;
pub mod cpu;
pub mod document;
pub mod drive;
pub mod http;
pub mod installation;
pub mod latencies;
pub mod machine;
pub mod pace;
pub mod postgres;
pub mod process;
pub mod table;

/// What a benchmark ends with when something is not as it should be: it never measures a failure.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is a sentence for whoever runs the benchmark.
pub type Result<T> = std::result::Result<T, Failure>;

/// The middle of several figures.
#[must_use]
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(figures[middle - 1], figures[middle]),
        _ => figures[middle],
    }
}

/// Runs a benchmark on SQLite, on PostgreSQL instead, or on both, SQLite first: it is told whether it is
/// PostgreSQL. On one thread, which leaves the processors to the server.
///
/// # Errors
/// Its own.
pub fn on_each_database(
    (instead, both): (bool, bool),
    mut run: impl AsyncFnMut(bool) -> Result<()>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if both || !instead {
            run(false).await?;
        }
        if both || instead {
            run(true).await?;
        }
        Ok(())
    })
}
