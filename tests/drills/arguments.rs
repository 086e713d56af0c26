//! What whoever runs a drill may choose.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Drills of the built program: each prints one line of JSON.
#[derive(Clone, Parser)]
#[command(name = "tests/drills/run")]
pub(crate) struct Arguments {
    /// Which; without a name, the short ones
    names: Vec<Drill>,
    /// How often the server is killed
    #[arg(long, default_value_t = 2)]
    pub(crate) rounds: usize,
    /// How many slow sockets there are at once
    #[arg(long, default_value_t = 500)]
    pub(crate) sockets: usize,
    /// How many attempts of each kind strangers make
    #[arg(long, default_value_t = 300)]
    pub(crate) attempts: usize,
    /// How long the soak takes, in minutes
    #[arg(long, default_value_t = 30)]
    pub(crate) minutes: u64,
    /// What chance begins with; a failure is found again by it
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// A Latchkey of an earlier version: `upgrade` runs it beside this one
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) older: Option<PathBuf>,
    /// Without PostgreSQL
    #[arg(long)]
    sqlite_only: bool,
    /// On PostgreSQL only
    #[arg(long, conflicts_with = "sqlite_only")]
    postgres_only: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drill {
    /// `kill -9` in a storm
    Crash,
    /// The database stalls, dies, is locked or has no connection left
    Database,
    /// The disk is full or read-only, the file is damaged or another's
    Disk,
    /// The clock jumps, passes 2038, or differs between nodes
    Clock,
    /// A newer node beside an older one
    Upgrade,
    /// A copy that is taken in the middle of everything, put up elsewhere
    Backup,
    /// Thousands of clients that take their time
    Slow,
    /// Strangers who guess and register
    Abuse,
    /// Everything at once for a long time
    Soak,
}

impl Drill {
    const SHORT: [Self; 8] = [
        Self::Crash,
        Self::Database,
        Self::Disk,
        Self::Clock,
        Self::Upgrade,
        Self::Backup,
        Self::Slow,
        Self::Abuse,
    ];

    /// As it is called on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether the database behind the server makes a difference.
    const fn is_for_both(self) -> bool {
        !matches!(self, Self::Disk | Self::Slow)
    }
}

impl Arguments {
    /// What is to be run.
    pub(crate) fn drills(&self) -> Vec<Drill> {
        if self.names.is_empty() { Drill::SHORT.to_vec() } else { self.names.clone() }
    }

    /// On which databases: whether on PostgreSQL.
    pub(crate) fn databases(&self, drill: Drill) -> Vec<bool> {
        let mut databases = Vec::new();
        if !self.postgres_only || !drill.is_for_both() {
            databases.push(false);
        }
        if !self.sqlite_only && drill.is_for_both() {
            databases.push(true);
        }
        databases
    }
}
