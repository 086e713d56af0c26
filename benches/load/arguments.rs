//! The command line of this benchmark.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

/// What an operation costs the server, beside what a bare handler costs.
#[derive(Clone, Parser)]
#[command(name = "cargo bench --bench load --")]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct Arguments {
    /// Only rows whose id contains one of these words, with what they are compared to
    #[arg(long, value_name = "WORD,…", value_delimiter = ',')]
    pub(crate) rows: Vec<String>,
    /// On a PostgreSQL that is started for it, instead of SQLite
    #[arg(long)]
    pub(crate) postgres: bool,
    /// On SQLite and then on PostgreSQL
    #[arg(long)]
    pub(crate) both: bool,
    /// Connections at once
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// How often everything is measured; the table has medians
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Measure this many times the usual number of operations
    #[arg(long, default_value_t = 1.0)]
    pub(crate) scale: f64,
    /// Put the tables into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
    /// Beside node oidc-provider, which npm installs below target/
    #[arg(long)]
    pub(crate) compare: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve what the rows are compared to, with answers of so many bytes
    #[arg(long, hide = true, requires = "listen")]
    pub(crate) reference: Option<usize>,
    /// Where the reference listens
    #[arg(long, hide = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// The database of the reference
    #[arg(long, hide = true)]
    pub(crate) database: Option<String>,
}

impl Arguments {
    /// A number of operations, scaled.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a number of operations, small and positive"
    )]
    pub(crate) fn scaled(&self, operations: usize) -> usize {
        ((operations as f64 * self.scale) as usize).max(1)
    }

    /// Whether a row was asked for.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|word| id.contains(word.as_str()))
    }
}

/// Where the tables stand.
pub(crate) fn document() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md")
}
