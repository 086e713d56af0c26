//! One server with as many tokens.

use std::fs;

use bench_support::{
    Result,
    actors::{Chain, Collector, Expected, Reader, Repeater, readers},
    cast::Cast,
    cpu::Meter,
    drive::{Load, Measured, drive},
    installation::{Installation, Server},
    postgres::Cluster,
};

use crate::{Arguments, fill::fill};

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Refresh with rotation.
    Refresh,
    /// Introspection of tokens that the server remembers.
    Known,
    /// Introspection of tokens that are only in the database.
    Unknown,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Refresh, Self::Known, Self::Unknown];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Refresh => "refresh with rotation",
            Self::Known => "introspection",
            Self::Unknown => "introspection, token never used before",
        }
    }

    /// In one round.
    const fn operations(self) -> usize {
        match self {
            Self::Refresh => 4_000,
            Self::Known => 20_000,
            Self::Unknown => 5_000,
        }
    }
}

/// A server and what is in its database.
pub(crate) struct Site {
    name: &'static str,
    server: Server,
    cast: Cast,
    chains: Vec<Chain>,
    tokens: Vec<String>,
    unused: Vec<String>,
    postmaster: Option<u32>,
    installation: Installation,
}

const ACTIVE: Expected = Expected { status: 200, text: "\"active\":true" };

impl Site {
    /// Makes one with so many tokens, in a database of its own.
    pub(crate) async fn with(
        name: &'static str,
        tokens: usize,
        cluster: Option<&Cluster>,
        arguments: &Arguments,
    ) -> Result<Self> {
        let url = cluster.map(|cluster| cluster.create(name)).transpose()?;
        let installation = Installation::new(env!("CARGO_BIN_EXE_latchkey"), url.clone())?;
        let cast = Cast::register(&installation, arguments.connections)?;
        let server = installation.serve().await?;
        let (mut chains, mut live) = (Vec::new(), Vec::new());
        for user in 0..arguments.connections {
            let (access, refresh_token) = cast.tokens(&server, user).await?;
            chains.push(Chain { client: cast.script.clone(), refresh_token });
            live.push(access);
        }
        let request = cast.client_credentials().bytes();
        let collector = |_| Collector { request: request.clone(), tokens: Vec::new() };
        let collectors = (0..arguments.connections).map(collector).collect();
        let count = Work::Unknown.operations().next_multiple_of(arguments.connections);
        let load = Load { operations: count * arguments.rounds, warm_up: 0 };
        let (_, collectors) = drive(server.address, collectors, load, &server.meter()).await?;
        // the next one remembers nothing of them
        server.stop().await?;
        let file = || format!("sqlite://{}", installation.database_file().display());
        // a session has two tokens
        fill(&url.unwrap_or_else(file), tokens / 2).await?;
        Ok(Self {
            name,
            server: installation.serve().await?,
            cast,
            chains,
            tokens: live,
            unused: collectors.into_iter().flat_map(|it| it.tokens).collect(),
            postmaster: cluster.map(Cluster::id),
            installation,
        })
    }

    /// One round.
    pub(crate) async fn measure(&mut self, work: Work) -> Result<Measured> {
        let operations = work.operations().next_multiple_of(self.chains.len());
        let load = |warm_up| Load { operations, warm_up };
        let (address, meter) = (self.server.address, self.meter());
        match work {
            Work::Refresh => {
                let chains = std::mem::take(&mut self.chains);
                let (measured, chains) = drive(address, chains, load(5), &meter).await?;
                self.chains = chains;
                Ok(measured)
            }
            Work::Known => {
                let repeater = |token: &String| Repeater {
                    request: self.cast.introspection(token).bytes(),
                    expected: ACTIVE,
                };
                let actors: Vec<_> = self.tokens.iter().map(repeater).collect();
                Ok(drive(address, actors, load(20), &meter).await?.0)
            }
            Work::Unknown => {
                let rest = self.unused.len().checked_sub(operations);
                let unused = self.unused.split_off(rest.ok_or("too few tokens were issued")?);
                let requests = unused.iter().map(|token| self.cast.introspection(token).bytes());
                let actors: Vec<Reader> = readers(requests.collect(), self.tokens.len(), ACTIVE);
                Ok(drive(address, actors, load(0), &meter).await?.0)
            }
        }
    }

    fn meter(&self) -> Meter {
        self.server.meter().and_cluster(self.postmaster)
    }

    /// The size of the database.
    pub(crate) fn megabytes(&self, cluster: Option<&Cluster>) -> Result<u64> {
        let bytes = match cluster {
            Some(cluster) => {
                let sql = "select pg_database_size(current_database())";
                cluster.query(self.name, sql)?.parse()?
            }
            None => fs::metadata(self.installation.database_file())?.len(),
        };
        Ok(bytes / 1_000_000)
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}
