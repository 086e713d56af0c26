//! One server with as many sessions.

use std::time::{Duration, Instant};

use bench_support::{
    Result,
    actors::{Expected, Reader, Repeater, readers},
    cast::Cast,
    cpu::Meter,
    drive::{Load, Measured, drive},
    http::Connection,
    installation::{Installation, Server},
    postgres::Cluster,
};

use latchkey::clock::{Clock, SystemClock};

use crate::{
    database::{ACCESS, Database, FAMILY},
    fill::{Copies, Filler},
    planted::{self, Chains, Planted},
};

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
    pub(crate) const fn operations(self) -> usize {
        match self {
            Self::Refresh => 4_000,
            Self::Known => 40_000,
            Self::Unknown => 5_000,
        }
    }
}

/// What is in the database of a server before it starts.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    /// Sessions that live.
    pub(crate) live: usize,
    /// Whose they are.
    pub(crate) users: usize,
    /// How many of them have tokens that are known.
    pub(crate) planted: usize,
    /// Sessions beside them that do not live long.
    pub(crate) dying: Option<Copies<'a>>,
}

/// What filling showed.
pub(crate) struct Filled {
    /// How long it took.
    pub(crate) time: Duration,
    /// Bytes of the access tokens and of the families, with their indices.
    pub(crate) bytes: [u64; 2],
}

/// A server and what is in its database.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) cast: Cast,
    pub(crate) chains: Vec<Chains>,
    pub(crate) known: Vec<String>,
    pub(crate) unused: Vec<String>,
    pub(crate) filled: Filled,
    pub(crate) database: Database,
    installation: Installation,
}

const ACTIVE: Expected = Expected { status: 200, text: "\"active\":true" };

impl Site {
    /// Makes one with these contents, on a database of its own.
    pub(crate) async fn with(
        contents: Contents<'_>,
        is_postgres: bool,
        connections: usize,
    ) -> Result<Self> {
        let cluster = if is_postgres { Some(Cluster::start().await?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.create("latchkey")).transpose()?;
        let installation = Installation::new(env!("CARGO_BIN_EXE_latchkey"), url)?;
        let database = match cluster {
            Some(cluster) => Database::Postgres(cluster, "latchkey"),
            None => Database::Sqlite(installation.database_file()),
        };
        let cast = Cast::register(&installation, connections)?;
        let server = installation.serve().await?;
        let mut known = Vec::new();
        for user in 0..connections {
            known.push(refreshed(&cast, &server, user).await?);
        }
        // the next one remembers nothing of them
        server.stop().await?;
        let mut planted = planted::sessions(&installation.data_dir(), contents.planted)?;
        let filled = fill(&database, contents, &planted)?;
        // neighbours in the table are not to be asked for one after the other
        planted.sort_by(|one, other| one.access.sha256.cmp(&other.access.sha256));
        let refresh_tokens = planted.iter().map(|session| session.refresh.text.clone());
        Ok(Self {
            server: installation.serve().await?,
            chains: Chains::dealt(refresh_tokens, connections, &cast.script),
            cast,
            known,
            unused: planted.into_iter().map(|session| session.access.text).collect(),
            filled,
            database,
            installation,
        })
    }

    /// Another process in place of the server's: one may be luckier than the next.
    pub(crate) async fn restarted(self) -> Result<Self> {
        self.server.stop().await?;
        self.database.read_through()?;
        Ok(Self { server: self.installation.serve().await?, ..self })
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
            Work::Known => Ok(drive(address, self.repeaters(), load(20), &meter).await?.0),
            Work::Unknown => {
                let unused = self.unused(operations)?;
                Ok(drive(address, unused, load(0), &meter).await?.0)
            }
        }
    }

    /// Who asks for tokens that the server remembers.
    pub(crate) fn repeaters(&self) -> Vec<Repeater> {
        let repeater = |token: &String| Repeater {
            request: self.cast.introspection(token).bytes(),
            expected: ACTIVE,
        };
        self.known.iter().map(repeater).collect()
    }

    /// Who asks for so many tokens that nobody has asked for yet.
    pub(crate) fn unused(&mut self, count: usize) -> Result<Vec<Reader>> {
        let rest = self.unused.len().checked_sub(count);
        let unused = self.unused.split_off(rest.ok_or("too few tokens were planted")?);
        let requests = unused.iter().map(|token| self.cast.introspection(token).bytes());
        Ok(readers(requests.collect(), self.known.len(), ACTIVE))
    }

    pub(crate) fn meter(&self) -> Meter {
        self.server.meter().and_cluster(self.database.postmaster())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}

/// The access token of a user who has refreshed once and used what came: a row that is as large as
/// it will be.
async fn refreshed(cast: &Cast, server: &Server, user: usize) -> Result<String> {
    let (_, refresh_token) = cast.tokens(server, user).await?;
    let mut connection = Connection::open(server.address).await?;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    let request = cast.script.token(&fields).bytes();
    let token = connection.expect(&request, 200).await?.text("access_token")?.to_owned();
    connection.expect(&cast.introspection(&token).bytes(), 200).await?;
    Ok(token)
}

/// An instant as the server stores it.
pub(crate) fn millis_from_now(later: Duration) -> i64 {
    (SystemClock.now() + later).timestamp_millis()
}

fn fill(database: &Database, contents: Contents<'_>, planted: &[Planted]) -> Result<Filled> {
    let begun = Instant::now();
    let session = database.fill()?;
    let filler = Filler::new(&session)?;
    filler.write(Copies {
        count: contents.live,
        users: contents.users,
        // not before everything is measured
        access_ends_at: millis_from_now(Duration::from_hours(24)),
        ends_at: None,
        planted,
    })?;
    if let Some(dying) = contents.dying {
        filler.write(dying)?;
    }
    filler.finish()?;
    let time = begun.elapsed();
    Ok(Filled { time, bytes: [session.bytes(ACCESS)?, session.bytes(FAMILY)?] })
}
