//! What millions of tokens change: refresh and introspection beside few sessions and beside many, in
//! turns, on two servers that are alike in everything else; and what it does to them when a million
//! sessions end at once.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod database;
mod expired;
mod fill;
mod grown;
mod planted;
mod site;

use std::path::Path;

use bench_support::{Result, document, on_each_database};
use clap::Parser;

/// What millions of tokens change.
#[derive(Clone, Parser)]
#[command(name = "cargo bench --bench growth --")]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct Arguments {
    /// How many live access tokens are many, each with its family
    #[arg(long, default_value_t = 5_000_000)]
    many: usize,
    /// How many are few
    #[arg(long, default_value_t = 100_000)]
    few: usize,
    /// Users become more too, with ten sessions each; without it those of the few have all of them
    #[arg(long, conflicts_with = "expired")]
    users: bool,
    /// Instead: how many sessions, of two rows each, end while a server with few others works
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "500000")]
    expired: Option<usize>,
    /// How often everything is measured; the table has medians
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Connections at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// On a PostgreSQL that is started for it, instead of SQLite
    #[arg(long)]
    postgres: bool,
    /// On SQLite and then on PostgreSQL
    #[arg(long)]
    both: bool,
    /// Put the table into docs/performance.md
    #[arg(long)]
    write: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let databases = (arguments.postgres, arguments.both);
    on_each_database(databases, async |is_postgres| run(&arguments, is_postgres).await)
}

async fn run(arguments: &Arguments, is_postgres: bool) -> Result<()> {
    let what = match arguments.expired {
        Some(_) => "expired",
        None if arguments.users => "growth with users",
        None => "growth",
    };
    let text = if let Some(count) = arguments.expired {
        expired::run(arguments, is_postgres, count).await?
    } else {
        grown::run(arguments, is_postgres).await?
    };
    println!("\n{text}");
    if arguments.write {
        let part = format!("{what} on {}", if is_postgres { "PostgreSQL" } else { "SQLite" });
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        document::write(&file, &part, &text)?;
    }
    Ok(())
}
