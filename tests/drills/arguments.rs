//! What whoever runs a drill may choose.

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
    /// What chance begins with; a failure is found again by it
    #[arg(long)]
    pub(crate) seed: Option<u64>,
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
}

impl Drill {
    const SHORT: [Self; 1] = [Self::Crash];

    /// As it is called on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether the database behind the server makes a difference.
    const fn is_for_both(self) -> bool {
        match self {
            Self::Crash => true,
        }
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
