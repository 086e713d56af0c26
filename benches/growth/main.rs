//! What millions of tokens change: refresh and introspection beside few tokens and beside many, in
//! turns, on two servers that are alike in everything else.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod fill;
mod site;

use std::path::Path;

use bench_support::{
    Result, document, drive::Measured, machine, median, postgres::Cluster, table::Table,
};
use clap::Parser;

use self::site::{Site, Work};

/// What millions of tokens change.
#[derive(Clone, Parser)]
#[command(name = "cargo bench --bench growth --")]
pub(crate) struct Arguments {
    /// How many tokens are many: access and refresh tokens together
    #[arg(long, default_value_t = 5_000_000)]
    tokens: usize,
    /// How many are few
    #[arg(long, default_value_t = 100_000)]
    few: usize,
    /// How often everything is measured; the table has medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// On a PostgreSQL that is started for it, instead of SQLite
    #[arg(long)]
    postgres: bool,
    /// Put the table into docs/performance.md
    #[arg(long)]
    write: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let cluster = if arguments.postgres { Some(Cluster::start().await?) } else { None };
    let database = cluster.as_ref().map_or("SQLite", Cluster::version);
    eprintln!("{database}: {} tokens", arguments.few);
    let mut few = Site::with("few", arguments.few, cluster.as_ref(), arguments).await?;
    eprintln!("{database}: {} tokens", arguments.tokens);
    let mut many = Site::with("many", arguments.tokens, cluster.as_ref(), arguments).await?;
    let titles = ["CPU s / 1,000", "few", "many", "ratio", "p99 ms, few", "many", "≤ 1.10 ×"];
    let mut table = Table::new(&titles);
    for work in Work::ALL {
        let mut pairs = Vec::new();
        for round in 1..=arguments.rounds {
            let pair = (few.measure(work).await?, many.measure(work).await?);
            eprintln!("round {round}: {}", work.title());
            pairs.push(pair);
        }
        table.push(cells(work, &pairs));
    }
    let sizes = [few.megabytes(cluster.as_ref())?, many.megabytes(cluster.as_ref())?];
    few.stop().await?;
    many.stop().await?;
    let text = format!(
        "{database}, {} and {} tokens in {} and {} MB, {} connections, medians of {} rounds; {}.\n\n{}",
        arguments.few,
        arguments.tokens,
        sizes[0],
        sizes[1],
        arguments.connections,
        arguments.rounds,
        machine::description(),
        table.markdown()
    );
    println!("\n{text}");
    if arguments.write {
        let part = if arguments.postgres { "growth on PostgreSQL" } else { "growth on SQLite" };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        document::write(&file, part, &text)?;
    }
    Ok(())
}

fn cells(work: Work, pairs: &[(Measured, Measured)]) -> Vec<String> {
    let cpu = |of: fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(of));
    let ratio = cpu(|(few, many)| many.cpu_per_thousand() / few.cpu_per_thousand());
    let p99 = |measured: &Measured| measured.latencies.quantile(990).as_secs_f64() * 1e3;
    vec![
        work.title().to_owned(),
        format!("{:.3}", cpu(|(few, _)| few.cpu_per_thousand())),
        format!("{:.3}", cpu(|(_, many)| many.cpu_per_thousand())),
        format!("{ratio:.2} ×"),
        format!("{:.2}", median(pairs.iter().map(|(few, _)| p99(few)))),
        format!("{:.2}", median(pairs.iter().map(|(_, many)| p99(many)))),
        if ratio <= 1.10 { "yes" } else { "no" }.to_owned(),
    ]
}
