//! What the rows work with, made before the first of them: users, clients, keys and tokens; and
//! what can be measured while they are made.

use bench_support::{
    Result,
    actors::{Authorizer, Chain, Collector},
    cast::{Cast, import_keys},
    drive::{Load, drive},
    installation::{Installation, Server},
    postgres::Cluster,
};

use crate::{
    arguments::Arguments,
    figures::{self, Figure},
    rows::{ROWS, Row},
    stage::operations,
};

/// How many access tokens are issued to see what each takes.
const STORED: usize = 100_000;

/// Credentials, one of each kind for every connection, and those that nobody has used yet.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) keys: Vec<String>,
    pub(crate) unused_keys: Vec<String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) unused_tokens: Vec<String>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) authorizers: Vec<Authorizer>,
}

/// An installation that is ready to be started.
pub(crate) struct Prepared {
    pub(crate) installation: Installation,
    pub(crate) cast: Cast,
    pub(crate) credentials: Credentials,
    pub(crate) figures: Vec<Figure>,
}

impl Prepared {
    /// Makes everything that the wanted rows need.
    pub(crate) async fn new(
        program: &str,
        cluster: Option<&Cluster>,
        arguments: &Arguments,
    ) -> Result<Self> {
        let url = cluster.map(|cluster| cluster.create("latchkey")).transpose()?;
        let installation = Installation::new(program, url)?;
        let cast = Cast::register(&installation, arguments.connections)?;
        let unused = once(arguments, Row::is_key_once);
        let mut keys = import_keys(&installation, arguments.connections + unused)?;
        let unused_keys = keys.split_off(arguments.connections);
        let credentials = Credentials { keys, unused_keys, ..Credentials::default() };
        let mut prepared = Self { installation, cast, credentials, figures: Vec::new() };
        if arguments.wants("start") {
            prepared.figures.extend(figures::starts(&prepared.installation).await?);
        }
        if arguments.wants("binary") {
            prepared.figures.push(figures::binary(program)?);
        }
        let server = prepared.installation.serve().await?;
        prepared.sign_in(&server, arguments).await?;
        server.stop().await?;
        prepared.issue(cluster, arguments).await?;
        Ok(prepared)
    }

    /// Every user signs in: with a password at the script, with a browser at the web client.
    async fn sign_in(&mut self, server: &Server, arguments: &Arguments) -> Result<()> {
        for user in 0..arguments.connections {
            let (access, refresh_token) = self.cast.tokens(server, user).await?;
            self.credentials.tokens.push(access);
            let client = self.cast.script.clone();
            self.credentials.chains.push(Chain { client, refresh_token });
            if arguments.wants("code") {
                let (client, request) =
                    (self.cast.web.clone(), self.cast.authorization(server, user).await?);
                self.credentials.authorizers.push(Authorizer { client, request });
            }
        }
        Ok(())
    }

    /// Issues access tokens that nobody uses, and stops the server that has issued them: the next
    /// one has never heard of them.
    async fn issue(&mut self, cluster: Option<&Cluster>, arguments: &Arguments) -> Result<()> {
        let stored = if arguments.wants("storage") { arguments.scaled(STORED) } else { 0 };
        let count = once(arguments, Row::is_token_once).max(stored);
        if count == 0 {
            return Ok(());
        }
        let file = self.installation.database_file();
        let before = figures::stored(&file, cluster)?;
        let server = self.installation.serve().await?;
        let request = self.cast.client_credentials().bytes();
        let collector = |_| Collector { request: request.clone(), tokens: Vec::new() };
        let collectors = (0..arguments.connections).map(collector).collect();
        let load = Load { operations: count, warm_up: 0 };
        let (issued, collectors) = drive(server.address, collectors, load, &server.meter()).await?;
        server.stop().await?;
        let after = figures::stored(&file, cluster)?;
        if arguments.wants("storage") {
            self.figures.push(figures::storage(before, after, issued.operations)?);
        }
        let tokens = collectors.into_iter().flat_map(|it| it.tokens);
        self.credentials.unused_tokens = tokens.collect();
        Ok(())
    }
}

/// How many unused credentials the rows of a kind need.
fn once(arguments: &Arguments, is_kind: fn(&Row) -> bool) -> usize {
    let rows = ROWS.iter().filter(|row| is_kind(row) && arguments.wants(row.id));
    rows.map(|row| operations(row, arguments) * arguments.rounds).sum()
}
