//! A node that answers from memory refuses at once what has ended: for each way a key or a token
//! can end or change, by HTTP, by command or by the clock. Each is asked about until it is known by
//! heart, changed, and asked about again.

mod apps;
mod bound;
mod clients;
mod exchanged;
mod introspection;
mod keys;
mod people;
mod tokens;

use chrono::TimeDelta;
use entity::client;
use latchkey::{
    access::Principal,
    clients::registration::NewClient,
    crypto::digest,
    identity::users::NewUser,
    jobs::follow,
    keys::manage::{KeyOwner, NewKey},
    store::{self, invalidations::Position},
};
use serde_json::Value;

use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Tokens, World, new_key, script, service,
};

/// The scope of every credential here.
const SCOPE: &str = "leads:read";

/// A world whose memory is trusted, with a credential that it knows by heart.
struct Warm {
    world: World,
    acme: Acme,
    /// The client that the tokens are for.
    script: ClientApp,
    /// Whoever introspects.
    introspector: ClientApp,
    /// The key or access token that this is about.
    credential: String,
    /// The key's id, or the token's family.
    id: String,
    /// What came with the access token, if it is one of Ada's.
    tokens: Option<Tokens>,
    position: Position,
}

impl Warm {
    /// A key of Ada's.
    async fn key() -> Self {
        let (world, acme) = World::of_acme().await;
        let key = world.key(&acme.workspace, &acme.ada, SCOPE).await;
        let script = world.script().await;
        Self::with((world, acme, script), key, None).await
    }

    /// A key of Ada's that ends by itself.
    async fn key_that_ends_in(time: TimeDelta) -> Self {
        let (world, acme) = World::of_acme().await;
        let new = new_key(&acme.workspace, KeyOwner::User(acme.ada.id), SCOPE);
        let expires_at = Some(world.app.now() + time);
        let key = world.key_of(NewKey { expires_at, ..new }).await;
        let script = world.script().await;
        Self::with((world, acme, script), key, None).await
    }

    /// A token of Ada's.
    async fn token() -> Self {
        Self::token_for(script()).await
    }

    /// A token of Ada's, for this client.
    async fn token_for(client: NewClient) -> Self {
        let (world, acme) = World::of_acme().await;
        let script = world.client(client).await;
        let tokens = Tokens::of(&script.password(&acme.ada).await);
        Self::with((world, acme, script), tokens.access.clone(), Some(tokens)).await
    }

    /// A client's own token.
    async fn own_token() -> Self {
        let (world, acme) = World::of_acme().await;
        let client = world.client(service(Some(&acme.workspace))).await;
        let own = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await).access;
        Self::with((world, acme, client), own, None).await
    }

    async fn with(
        (world, acme, script): (World, Acme, ClientApp),
        credential: String,
        tokens: Option<Tokens>,
    ) -> Self {
        let introspector = world.introspector().await;
        let position = Position::default();
        let id = String::new();
        let mut warm = Self { world, acme, script, introspector, credential, id, tokens, position };
        warm.follow().await;
        let me = warm.caller().me().await.expect(200).json();
        warm.id = me["credential"]["id"].as_str().unwrap().to_owned();
        warm.heat().await;
        warm
    }

    /// Reads what others have changed, as every node does all the time.
    async fn follow(&mut self) {
        follow::run_once(&self.world.app, &mut self.position).await.unwrap();
    }

    /// Asks everything twice.
    async fn heat(&self) {
        for _ in 0..2 {
            assert_eq!(self.answers().await, (vec![200, 204, 200], true));
        }
        let (app, digest) = (&self.world.app, digest::sha256_array(self.credential.as_bytes()));
        assert!(app.cache.find::<Principal>(&digest, app.now()).is_some(), "it is not in memory");
    }

    /// The status of each question that is answered from memory, and whether introspection calls
    /// the credential active.
    async fn answers(&self) -> (Vec<u16>, bool) {
        let caller = self.caller();
        let verify = format!("/api/v1/verify?scope={SCOPE}");
        let mut statuses = Vec::new();
        for path in ["/api/v1/me", verify.as_str(), "/api/v1/me"] {
            statuses.push(caller.get(path).await.status);
        }
        (statuses, self.introspector.sees_alive(&self.credential).await)
    }

    /// Demands that it is refused, whatever is asked.
    async fn assert_refused(&self, status: u16) {
        assert_eq!(self.answers().await, (vec![status; 3], false));
    }

    fn caller(&self) -> ApiCaller {
        ApiCaller::bearer(&self.world, &self.credential)
    }

    /// What `/api/v1/me` says.
    async fn me(&self) -> Value {
        self.caller().me().await.expect(200).json()
    }

    /// Who may manage the workspace's keys through the API.
    async fn manager(&self) -> ApiCaller {
        let key = self
            .world
            .key(&self.acme.workspace, &self.acme.ada, "api-keys:manage leads:read")
            .await;
        ApiCaller::key(&self.world, &key)
    }

    /// The key's path in the API.
    fn path(&self, end: &str) -> String {
        format!("/api/api-keys/{}{end}", self.id)
    }

    /// The key's settings page.
    fn page(&self, end: &str) -> String {
        format!("/workspaces/acme/settings/keys/{}{end}", self.id)
    }

    /// Ada's browser.
    async fn browser(&self) -> Browser {
        Browser::of(&self.world, &self.acme.ada).await
    }

    /// The browser of whoever runs the server.
    async fn admin_browser(&self) -> Browser {
        let admin = NewUser {
            username: "admin@latchkey.example".to_owned(),
            is_admin: true,
            ..NewUser::default()
        };
        Browser::of(&self.world, &self.world.person_of(admin).await).await
    }

    /// Runs a command, in a process of its own, and reads what it has changed.
    async fn command(&mut self, words: &[&str]) {
        self.world.admin(words).unwrap();
        self.follow().await;
    }

    /// Lets time pass; nothing else has changed meanwhile.
    async fn advance(&mut self, by: TimeDelta) {
        self.world.clock.advance(by);
        self.follow().await;
    }

    /// Changes a client's registration: no door leads there yet.
    async fn change_client(&self, id: &str, change: impl FnOnce(&mut client::Model)) {
        let store = &self.world.app.store;
        let mut client = store::clients::find(store.read(), id).await.unwrap().unwrap();
        change(&mut client);
        let txn = store.begin().await.unwrap();
        store::clients::update(&txn, client).await.unwrap();
        txn.commit().await.unwrap();
    }
}
