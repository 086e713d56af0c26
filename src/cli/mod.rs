//! The command line: `latchkey serve` (the default), `migrate`, `backup`, `restore`, `admin …`,
//! `doctor`, `scan` and `scan-secrets`.

mod admin;
mod backup;
mod certificate;
mod demo;
mod doctor;
mod failure;
mod log;
mod migrate;
mod output;
pub mod scan;
mod scan_secrets;
mod serve;
mod settings;
mod traces;

use std::{process::ExitCode, thread};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

use self::{failure::Failure, settings::Settings};

/// OAuth 2.0 identity server and API-key authority.
#[derive(Parser)]
#[command(name = "latchkey", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// Fill an empty database with demo data before serving
    #[arg(long)]
    demo: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT (the default)
    Serve {
        /// Fill an empty database with demo data before serving
        #[arg(long)]
        demo: bool,
    },
    /// Bring the database's schema up to this version
    Migrate {
        /// Change nothing, and fail if there is something to change
        #[arg(long)]
        check: bool,
    },
    Backup(backup::Backup),
    Restore(backup::Restore),
    /// Set up and change what the server knows, also while it runs
    #[command(subcommand)]
    Admin(Box<admin::Command>),
    Doctor(doctor::Doctor),
    Scan(scan::Scan),
    ScanSecrets(scan_secrets::ScanSecrets),
}

/// Runs the program: 0 when all is well, 1 with a line on standard error when not, 2 for a command
/// line that cannot be understood.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), Failure> {
        let (is_top_demo, settings) = (self.demo, self.settings);
        let command = self.command.unwrap_or(Command::Serve { demo: is_top_demo });
        if is_top_demo && !matches!(command, Command::Serve { .. }) {
            Self::command()
                .error(ErrorKind::ArgumentConflict, "--demo belongs to `latchkey serve`")
                .exit();
        }
        // one more than work at a time: it stays clear of the disk (`store/sqlite/places.rs`)
        let workers = thread::available_parallelism().map_or(2, |cores| cores.get() + 1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match command {
                Command::Serve { demo } => serve::run(&settings, demo || is_top_demo).await,
                Command::Migrate { check: true } => migrate::check(&settings).await,
                Command::Migrate { check: false } => migrate::run(&settings).await,
                Command::Backup(backup) => backup.run(&settings).await,
                Command::Restore(restore) => restore.run(&settings).await,
                Command::Admin(command) => admin::run(&settings, *command).await,
                Command::Doctor(doctor) => doctor::run(&settings, doctor).await,
                Command::Scan(scan) => scan::run(scan).await,
                Command::ScanSecrets(scan) => scan.run(&settings),
            }
        })
    }
}
