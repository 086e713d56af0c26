//! Several servers on one database, one data directory and one issuer.

use std::{thread, time::Duration};

use serde_json::Value;

use crate::support::{Browser, CALLBACK, ClientApp, Installation, Person, Process, Site};

const ADA: &str = "acme/ada@acme.example";
/// Where the load balancer would be: nobody has to be there.
const ISSUER: &str = "http://localhost:8080";
/// What one node does is true on all others in this time.
const SOON: Duration = Duration::from_secs(1);
const POLLS: u32 = 100;

/// Running servers, and what was made in them by command while they ran.
pub struct Cluster {
    /// The servers.
    pub nodes: Vec<Process>,
    /// Their database and their keys.
    pub installation: Installation,
    /// The owner of the workspace `acme`.
    pub ada: Person,
    /// A client for the password grant, at the first node.
    pub script: ClientApp,
}

impl Cluster {
    /// Starts servers, all at once, where there was nothing before.
    pub async fn of(size: usize) -> Self {
        Self::with(size, &[]).await
    }

    /// The same with further variables.
    pub async fn with(size: usize, variables: &[(&str, &str)]) -> Self {
        let installation = Installation::empty().await;
        let nodes = start(&installation, size, variables);
        installation.admin("create-enterprise --pin acme --name Acme");
        installation.admin("create-workspace --slug acme --name Acme --enterprise acme --plan pro");
        let ada = format!("create-user --username {ADA} --workspace acme --role owner");
        let ada = installation.admin(&ada);
        let ada = Person {
            id: text(&ada, "id").parse().unwrap(),
            username: text(&ada, "username"),
            password: text(&ada, "password"),
        };
        let line = "create-client --name Script --grant-type password,refresh_token \
                    --scope 'leads:read leads:write' --introspection";
        let script = client(&nodes[0], &installation.admin(line));
        Self { nodes, installation, ada, script }
    }

    /// A client for the code grant, at the first node.
    pub fn web(&self) -> ClientApp {
        let line = format!(
            "create-client --name Web --redirect-uri {CALLBACK} \
             --grant-type authorization_code,refresh_token --scope leads:read"
        );
        let mut web = client(&self.nodes[0], &self.installation.admin(&line));
        CALLBACK.clone_into(&mut web.redirect_uri);
        web
    }

    /// A key of the workspace: its id and the key.
    pub fn key(&self) -> (String, String) {
        let key =
            self.installation.admin("create-key --workspace acme --name K --scope leads:read");
        (text(&key, "id"), text(&key, "key"))
    }

    /// A client, at each node.
    pub fn at_each(&self, client: &ClientApp) -> Vec<ClientApp> {
        self.nodes.iter().map(|node| client.at(node)).collect()
    }

    /// Ada's browser, signed in on the first node.
    pub async fn browser(&self) -> Browser {
        Browser::of(&self.nodes[0], &self.ada).await
    }

    /// Ends every server: each in peace. Answers what they have written down.
    pub fn stop(self) -> Vec<String> {
        let ends = self.nodes.into_iter().map(Process::stop);
        ends.map(|exit| {
            assert_eq!(exit.code, Some(0), "{}", exit.stderr);
            exit.stderr
        })
        .collect()
    }
}

fn start(installation: &Installation, size: usize, variables: &[(&str, &str)]) -> Vec<Process> {
    let serve = || {
        let args = ["serve", "--listen", "127.0.0.1:0", "--issuer", ISSUER];
        let mut command = installation.command(&args);
        command.envs(variables.iter().copied());
        Process::start(command)
    };
    thread::scope(|scope| {
        let starting: Vec<_> = (0..size).map(|_| scope.spawn(serve)).collect();
        starting.into_iter().map(|node| node.join().unwrap()).collect()
    })
}

fn client(site: &impl Site, client: &Value) -> ClientApp {
    ClientApp::new(site, &text(client, "client_id"), client["client_secret"].as_str())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// Asks again and again until the answer is yes; it must be within a second.
#[track_caller]
pub fn soon<F: Future<Output = bool>>(is_so: impl FnMut() -> F) -> impl Future<Output = ()> {
    within(SOON, is_so)
}

/// Asks again and again until the answer is yes; it must be within this time.
#[track_caller]
pub fn within<F: Future<Output = bool>>(
    limit: Duration,
    mut is_so: impl FnMut() -> F,
) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let mut polls = tokio::time::interval(limit / POLLS);
        for _ in 0..POLLS {
            polls.tick().await;
            if is_so().await {
                return;
            }
        }
        panic!("it is not so after {limit:?}, asked at {place}");
    }
}
