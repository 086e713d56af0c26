//! Where the rows are played: a running server with its users and credentials, and the reference.

use std::net::SocketAddr;

use bench_support::{
    Result,
    actors::{Expected, Repeater, readers},
    cast::Cast,
    cpu::Meter,
    drive::{Actor, Load, Measured, drive},
    http::{Connection, Request},
    installation::{Installation, Server},
    postgres::Cluster,
};

use crate::{
    arguments::Arguments,
    figures::Figure,
    flood::{self, Flooded},
    prepare::{Credentials, Prepared},
    reference::{self, Reference},
    rows::{Row, Work},
};

/// A hashing pool has a short queue: more would be refused.
const PASSWORD_CONNECTIONS: usize = 2;
/// Of those who introspect, and of those who sign in beside them.
const FLOOD_CONNECTIONS: (usize, usize) = (16, 32);
const VERIFY: &str = "/api/v1/verify";
const ME: &str = "/api/v1/me";

/// Everything that rows need.
pub(crate) struct Stage {
    // processes go before what they work on
    server: Server,
    reference: Reference,
    cast: Cast,
    credentials: Credentials,
    /// How many of the reference's rows have been selected.
    selected: usize,
    connections: usize,
    installation: Installation,
    cluster: Option<Cluster>,
    /// What was seen while it was set.
    pub(crate) figures: Vec<Figure>,
}

/// How many operations a round of a row has, all connections alike.
pub(crate) fn operations(row: &Row, arguments: &Arguments) -> usize {
    let scaled = arguments.scaled(row.operations);
    if matches!(row.work, Work::Password | Work::Hash) {
        return scaled.max(PASSWORD_CONNECTIONS);
    }
    scaled.next_multiple_of(arguments.connections)
}

impl Stage {
    /// Sets it for the rows that are wanted.
    pub(crate) async fn set(
        program: &str,
        cluster: Option<Cluster>,
        arguments: &Arguments,
    ) -> Result<Self> {
        let Prepared { installation, cast, credentials, figures } =
            Prepared::new(program, cluster.as_ref(), arguments).await?;
        let server = installation.serve().await?;
        let file = || installation.directory().join("reference.db");
        let database = cluster.as_ref().map_or_else(
            || Ok(file().display().to_string()),
            |cluster| cluster.create("reference"),
        )?;
        let key = credentials.keys.first().ok_or("no connections")?;
        let reference = Reference::start(body_bytes(&server, key).await?, &database).await?;
        Ok(Self {
            server,
            reference,
            cast,
            credentials,
            selected: 0,
            connections: arguments.connections,
            installation,
            cluster,
            figures,
        })
    }

    /// Stops everything, the server first.
    pub(crate) async fn strike(self) -> Result<()> {
        self.server.stop().await?;
        drop((self.reference, self.installation, self.cluster));
        Ok(())
    }

    /// The server's processes.
    fn meter(&self) -> Meter {
        self.server.meter().and_cluster(self.cluster.as_ref().map(Cluster::id))
    }

    /// All processes of the benchmark but the rivals.
    pub(crate) fn processes(&self) -> Meter {
        let mut meter = self.meter();
        meter.processes.extend([self.reference.id(), std::process::id()]);
        meter
    }

    /// Memory of the server now and at most, in KiB.
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        bench_support::cpu::memory(self.server.id())
    }

    /// One round of a row.
    pub(crate) async fn measure(&mut self, row: &Row, operations: usize) -> Result<Measured> {
        let load = |warm_up| Load { operations, warm_up };
        match row.work {
            Work::FloorEmpty => self.floor("/empty", 204, load(50)).await,
            Work::FloorBody => self.floor("/body", 200, load(50)).await,
            Work::SelectEmpty => self.select("/select-empty", 204, load(0)).await,
            Work::SelectBody => self.select("/select-body", 200, load(0)).await,
            Work::Hash => reference::hashes(operations),
            Work::VerifyKey => self.again(VERIFY, 204, &self.credentials.keys, load(50)).await,
            Work::VerifyToken => self.again(VERIFY, 204, &self.credentials.tokens, load(50)).await,
            Work::MeKey => self.again(ME, 200, &self.credentials.keys, load(50)).await,
            Work::MeToken => self.again(ME, 200, &self.credentials.tokens, load(50)).await,
            Work::VerifyKeyOnce => {
                let unused = take(&mut self.credentials.unused_keys, operations)?;
                self.once(VERIFY, 204, unused).await
            }
            Work::MeKeyOnce => {
                let unused = take(&mut self.credentials.unused_keys, operations)?;
                self.once(ME, 200, unused).await
            }
            Work::VerifyTokenOnce => {
                let unused = take(&mut self.credentials.unused_tokens, operations)?;
                self.once(VERIFY, 204, unused).await
            }
            Work::MeTokenOnce => {
                let unused = take(&mut self.credentials.unused_tokens, operations)?;
                self.once(ME, 200, unused).await
            }
            Work::Introspect => self.introspect(load(20)).await,
            Work::ClientCredentials => {
                let request = |_| self.cast.client_credentials();
                self.repeat(self.connections, request, "\"access_token\":", load(2)).await
            }
            Work::Refresh => self.refresh(load(2)).await,
            Work::Code => self.code(load(2)).await,
            Work::Password => {
                let request = |user| self.cast.password(user);
                self.repeat(PASSWORD_CONNECTIONS, request, "\"refresh_token\":", load(1)).await
            }
        }
    }

    /// One round of the flood.
    pub(crate) async fn flood(&self) -> Result<Flooded> {
        let calm = self.credentials.tokens.iter().take(FLOOD_CONNECTIONS.0);
        let calm: Vec<_> = calm.map(|token| self.cast.introspection(token).bytes()).collect();
        let flood = (0..FLOOD_CONNECTIONS.1).map(|user| self.cast.password(user).bytes());
        flood::round(self.server.address, &calm, flood.collect()).await
    }

    async fn floor(&self, path: &str, status: u16, load: Load) -> Result<Measured> {
        let actors = (0..self.connections).map(|number| Repeater {
            request: Request::get(path).bearer(&reference::token(number)).bytes(),
            expected: Expected::status(status),
        });
        let meter = Meter::of(self.reference.id());
        played(self.reference.address, actors.collect(), load, &meter).await
    }

    async fn select(&mut self, path: &str, status: u16, load: Load) -> Result<Measured> {
        let request = |number: usize| {
            let token = reference::token(number % reference::TOKENS);
            Request::get(path).bearer(&token).bytes()
        };
        let requests = (self.selected..self.selected + load.operations).map(request);
        let actors = readers(requests.collect(), self.connections, Expected::status(status));
        self.selected += load.operations;
        let cluster = self.cluster.as_ref().map(Cluster::id);
        let meter = Meter::of(self.reference.id()).and_cluster(cluster);
        played(self.reference.address, actors, load, &meter).await
    }

    /// Every connection asks with a credential of its own, again and again.
    async fn again(
        &self,
        path: &str,
        status: u16,
        credentials: &[String],
        load: Load,
    ) -> Result<Measured> {
        let actors = credentials.iter().map(|credential| Repeater {
            request: Request::get(path).bearer(credential).bytes(),
            expected: Expected::status(status),
        });
        played(self.server.address, actors.collect(), load, &self.meter()).await
    }

    /// Every credential is used once.
    async fn once(&self, path: &str, status: u16, credentials: Vec<String>) -> Result<Measured> {
        let load = Load { operations: credentials.len(), warm_up: 0 };
        let requests = credentials.iter().map(|it| Request::get(path).bearer(it).bytes());
        let actors = readers(requests.collect(), self.connections, Expected::status(status));
        played(self.server.address, actors, load, &self.meter()).await
    }

    async fn introspect(&self, load: Load) -> Result<Measured> {
        let actors = self.credentials.tokens.iter().map(|token| Repeater {
            request: self.cast.introspection(token).bytes(),
            expected: Expected { status: 200, text: "\"active\":true" },
        });
        played(self.server.address, actors.collect(), load, &self.meter()).await
    }

    async fn repeat(
        &self,
        connections: usize,
        request: impl Fn(usize) -> Request,
        text: &'static str,
        load: Load,
    ) -> Result<Measured> {
        let actors = (0..connections).map(|number| Repeater {
            request: request(number).bytes(),
            expected: Expected { status: 200, text },
        });
        played(self.server.address, actors.collect(), load, &self.meter()).await
    }

    async fn refresh(&mut self, load: Load) -> Result<Measured> {
        let (chains, meter) = (std::mem::take(&mut self.credentials.chains), self.meter());
        let (measured, chains) = drive(self.server.address, chains, load, &meter).await?;
        self.credentials.chains = chains;
        Ok(measured)
    }

    async fn code(&mut self, load: Load) -> Result<Measured> {
        let (authorizers, meter) =
            (std::mem::take(&mut self.credentials.authorizers), self.meter());
        let (measured, authorizers) = drive(self.server.address, authorizers, load, &meter).await?;
        self.credentials.authorizers = authorizers;
        Ok(measured)
    }
}

async fn played<A: Actor>(
    address: SocketAddr,
    actors: Vec<A>,
    load: Load,
    meter: &Meter,
) -> Result<Measured> {
    Ok(drive(address, actors, load, meter).await?.0)
}

fn take(credentials: &mut Vec<String>, count: usize) -> Result<Vec<String>> {
    let rest = credentials.len().checked_sub(count).ok_or("too few credentials were prepared")?;
    Ok(credentials.split_off(rest))
}

async fn body_bytes(server: &Server, key: &str) -> Result<usize> {
    let request = Request::get(ME).bearer(key).bytes();
    Ok(Connection::open(server.address).await?.expect(&request, 200).await?.body.len())
}
