//! Registering a client on its own word (RFC 7591 §3).

use entity::client::Model;
use serde_json::{Map, Value};

use super::{
    admission::Registrar,
    reading::{Door, Refusal, read},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::registration::{all_problems, has_secret, row},
    crypto::secret::{ClientSecret, ManagementToken, Secret},
    fault::Fault,
    store,
};

/// A client that has just registered, and what it is told once.
pub struct Registered {
    /// The client.
    pub client: Model,
    /// Its secret, if it has one.
    pub secret: Option<Secret<ClientSecret>>,
    /// What manages its registration.
    pub token: Secret<ManagementToken>,
}

/// What became of a registration.
#[expect(clippy::large_enum_variant, reason = "made once per registration and taken apart at once")]
pub enum Outcome {
    /// The client exists now.
    Registered(Registered),
    /// Its metadata break a rule; nothing was written.
    Refused(Refusal),
}

/// Registers the client that describes itself so.
///
/// # Errors
/// When the database fails.
pub async fn register(
    app: &App,
    by: Registrar,
    metadata: &Map<String, Value>,
) -> Result<Outcome, Fault> {
    let new = match read(app, metadata, Door::Registration) {
        Ok(new) => new,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    if let Some(refusal) = Refusal::of(&all_problems(app, &new).await) {
        return Ok(Outcome::Refused(refusal));
    }
    let secret = has_secret(&new).then(|| Secret::<ClientSecret>::random(&*app.random));
    let token = Secret::<ManagementToken>::random(&*app.random);
    let client =
        Model { registration_token_sha256: Some(token.sha256()), ..row(app, new, secret.as_ref()) };
    let txn = app.store.begin().await?;
    store::clients::insert(&txn, client.clone()).await?;
    let actor = Actor::Client(client.id.clone());
    let event = Event::new("client.register", actor, Target::new("client", &client.id));
    audit::record(app, &txn, event.because(by.words())).await?;
    txn.commit().await?;
    Ok(Outcome::Registered(Registered { client, secret, token }))
}

impl Registrar {
    fn words(&self) -> String {
        match self {
            Self::Token(id) => format!("with the initial access token {id}"),
            Self::Anybody => "by itself".to_owned(),
        }
    }
}
