//! What a parser needs around it: a server with nothing in it, and a client that can sign.

use std::{cell::OnceCell, sync::Arc};

use chrono::{DateTime, Utc};
use entity::{client, signing_key::Algorithm};
use latchkey::{
    app::{App, Parts},
    audit::Actor,
    clients::registration::{self, NewClient, Registration},
    clock::Clock,
    config::{Config, Products},
    crypto::{
        passkey::{Ceremony, RelyingParty},
        random::Random,
        secrets_file::Secrets,
        signing::KeyPair,
    },
    store::Store,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::passkeys::Passkey;

/// An instant like any other.
const NOW_MILLIS: i64 = 1_804_242_427_250;

/// Products of every kind of key.
const PRODUCTS: &str = r#"
    [flow]
    query_keys = true
    key_formats = [{ environment = "live", prefix = "fe_k_", body = "hex32" }]
    [sub]
    key_formats = [{ environment = "test", prefix = "sf_", body = "base62c", imported_bodies = true }]
"#;

/// Where targets run.
pub struct Place {
    /// Products of every kind of key.
    pub products: Products,
    /// A key pair that a client, or whoever holds a token, signs with.
    pub pair: KeyPair,
    /// A site that passkeys are for, and a ceremony that has begun there.
    pub site: (RelyingParty, Ceremony),
    /// A passkey that is registered there.
    pub passkey: Passkey,
    signer: EcdsaKeyPair,
    random: SystemRandom,
    runtime: Runtime,
    server: OnceCell<Server>,
}

#[expect(clippy::disallowed_methods, reason = "ring takes no other generator")]
fn system_random() -> SystemRandom {
    SystemRandom::new()
}

/// A server, and a client of it whose key is that of the place.
struct Server {
    app: Arc<App>,
    client: client::Model,
    // goes last: the database is in it
    _folder: TempDir,
}

struct Still;
impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(NOW_MILLIS).unwrap_or_default()
    }
}

/// The same bytes every time, so that whatever fails fails again.
pub struct Counting(std::sync::atomic::AtomicU64);
impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let drawn = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let block = latchkey::crypto::digest::sha256(&drawn.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

impl Default for Place {
    fn default() -> Self {
        let random = Counting(0.into());
        let site = RelyingParty::of("https://id.example", "Latchkey").unwrap();
        let user = ("ada@example.com", "Ada");
        let ceremony = site.begin_registration(Uuid::from_u128(7), user, &[]).unwrap();
        let pair = KeyPair::generate(&random, Algorithm::Es256).unwrap();
        let (how, system) = (&ECDSA_P256_SHA256_FIXED_SIGNING, system_random());
        let site = (site, ceremony);
        Self {
            passkey: Passkey::register(&site, &pair, system_random()),
            signer: EcdsaKeyPair::from_pkcs8(how, pair.pkcs8(), &system).unwrap(),
            random: system,
            products: toml::from_str(PRODUCTS).unwrap(),
            pair,
            site,
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            server: OnceCell::new(),
        }
    }
}

impl Place {
    /// Waits for what would go to the database.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Signs with the key of this place, as JWTs are signed with ES256 (RFC 7518 §3.4).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(&self.random, message).unwrap().as_ref().to_vec()
    }

    /// The server.
    pub fn app(&self) -> &Arc<App> {
        &self.server().app
    }

    /// A client that signs with the key of this place.
    pub fn client(&self) -> &client::Model {
        &self.server().client
    }

    fn server(&self) -> &Server {
        self.server.get_or_init(|| self.runtime.block_on(server(&self.pair)))
    }
}

async fn server(pair: &KeyPair) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { issuer: "https://id.example".to_owned(), ..Config::default() };
    folder.path().clone_into(&mut config.data_dir);
    config.products = toml::from_str(PRODUCTS).unwrap();
    let random = Arc::new(Counting(1_000_000.into()));
    let secrets = Secrets::open(&folder.path().join("secrets.toml"), &*random).unwrap();
    let store = Store::sqlite(&folder.path().join("latchkey.db")).await.unwrap();
    store.migrate().await.unwrap();
    let parts = Parts { config, clock: Arc::new(Still), random, store, secrets };
    let app = App::new(parts).unwrap();
    let mut new = NewClient {
        name: "Client".to_owned(),
        redirect_uris: vec!["https://client.example/callback".to_owned()],
        grant_types: vec!["authorization_code".to_owned()],
        scope: vec!["openid".to_owned()],
        ..NewClient::default()
    };
    new.settings.jwks = Some(json!({ "keys": [pair.public_jwk()] }));
    let made = registration::register(&app, Actor::Operator, new).await.unwrap();
    let Registration::Registered { client, .. } = made else { panic!("the client is refused") };
    Server { app, client, _folder: folder }
}
