//! Drills: the built program on its worst days. Each one prints a line of JSON with its figures;
//! `docs/reliability.md` says what they show.
//!
//! ```sh
//! tests/drills/run                     # the short ones, on SQLite and on PostgreSQL
//! tests/drills/run crash --rounds 20   # one by name, as long as it takes
//! tests/drills/run upgrade --older OLD # beside a program of an earlier version
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a drill prints its figures")]

mod abuse;
mod arguments;
mod backup;
mod chance;
mod clock;
mod crash;
mod database;
mod disk;
mod load;
mod mounted;
mod reply;
mod rolling;
mod site;
mod slow;
mod soak;

use std::{process::ExitCode, time::Instant};

use bench_support::{Result, machine};
use clap::Parser;
use serde_json::{Map, Value, json};

use self::arguments::{Arguments, Drill};

/// What a drill has seen, by name.
pub(crate) type Figures = Map<String, Value>;

/// The figures of a JSON object.
pub(crate) fn figures(value: Value) -> Figures {
    match value {
        Value::Object(figures) => figures,
        other => Map::from_iter([("seen".to_owned(), other)]),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let Ok(runtime) = runtime else {
        eprintln!("a drill needs a runtime");
        return ExitCode::FAILURE;
    };
    let mut has_failed = false;
    for drill in arguments.drills() {
        for is_postgres in arguments.databases(drill) {
            let begun = Instant::now();
            let outcome = runtime.block_on(run(drill, &arguments, is_postgres));
            has_failed |= outcome.is_err();
            println!("{}", line(drill, is_postgres, outcome, begun));
        }
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn run(drill: Drill, arguments: &Arguments, is_postgres: bool) -> Result<Figures> {
    match drill {
        Drill::Crash => crash::run(arguments, is_postgres).await,
        Drill::Database => database::run(is_postgres).await,
        Drill::Disk => disk::run().await,
        Drill::Clock => clock::run(is_postgres).await,
        Drill::Upgrade => rolling::run(arguments, is_postgres).await,
        Drill::Backup => backup::run(is_postgres).await,
        Drill::Slow => slow::run(arguments).await,
        Drill::Abuse => abuse::run(arguments, is_postgres).await,
        Drill::Soak => soak::run(arguments, is_postgres).await,
    }
}

fn line(drill: Drill, is_postgres: bool, outcome: Result<Figures>, begun: Instant) -> Value {
    let mut line = figures(json!({
        "drill": drill.name(),
        "database": if is_postgres { "PostgreSQL" } else { "SQLite" },
        "passed": outcome.is_ok(),
    }));
    match outcome {
        Ok(seen) => line.extend(seen),
        Err(failure) => line.extend(figures(json!({ "failure": failure.to_string() }))),
    }
    line.extend(figures(json!({
        "seconds": begun.elapsed().as_secs(),
        "machine": machine::description(),
    })));
    Value::Object(line)
}
