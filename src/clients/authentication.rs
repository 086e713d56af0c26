//! Proving to be a client (RFC 6749 §2.3).

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};
use entity::{
    client::{Kind, Model},
    client_settings::AuthMethod,
};

use super::{
    assertion::{Assertion, Endpoint, Problem},
    documents,
    dynamic::TooMany,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    cache::{Known, Subject},
    crypto::{
        digest,
        secret::{ClientSecret, Secret},
    },
    fault::Fault,
    store,
};

/// What comes of an id that a stranger names: its client, if there is one, unless too many come from there.
pub type Met = Result<Option<Arc<Model>>, TooMany>;

/// By what a client says that it is who it is.
pub enum Proof<'a> {
    /// By nothing: `none`.
    Nothing,
    /// By its secret.
    Secret(ShownSecret<'a>),
    /// By what it has signed: `private_key_jwt`.
    Assertion(&'a Assertion, Endpoint<'a>),
}

/// A secret, and where it was.
pub enum ShownSecret<'a> {
    /// In the header: `client_secret_basic`.
    Basic(&'a str),
    /// In the body: `client_secret_post`.
    Post(&'a str),
}

/// The enabled client that `client_id` and `proof` prove, as `stranger` says; `None` for an unknown or disabled one, a
/// wrong secret or signature, and another method than the client's.
///
/// # Errors
/// When the database fails.
pub async fn authenticate(
    app: &App,
    client_id: &str,
    proof: Proof<'_>,
    stranger: IpAddr,
) -> Result<Met, Fault> {
    let client = match meet(app, client_id, stranger).await? {
        Ok(Some(client)) => client,
        nobody => return Ok(nobody),
    };
    let problem = match proof {
        Proof::Nothing => {
            let needs_nothing = uses(&client, AuthMethod::None) && client.secret_sha256.is_none();
            (!needs_nothing).then_some(WRONG)
        }
        Proof::Secret(secret) => (!knows(app, &client, &secret)).then_some(WRONG),
        Proof::Assertion(assertion, endpoint) if uses(&client, AuthMethod::PrivateKeyJwt) => {
            // boxed, so that every other proof does not carry the room for it
            match Box::pin(assertion.proves(app, &client, (endpoint, stranger))).await? {
                Ok(()) => None,
                Err(Problem::TooMany(too_many)) => return Ok(Err(too_many)),
                Err(Problem::Wrong) => Some(WRONG),
                Err(Problem::Used) => Some("client_assertion.replay"),
            }
        }
        Proof::Assertion(..) => Some(WRONG),
    };
    let Some(action) = problem else { return Ok(Ok(Some(client))) };
    let target = Target::new("client", &client.id);
    audit::record_of_stranger(app, Event::new(action, Actor::System, target)).await?;
    Ok(Ok(None))
}

/// The event of a proof that is none.
const WRONG: &str = "client.authentication_failed";

/// The same, if the client is in memory and has shown its secret; `None` says nothing.
#[must_use]
pub fn known(app: &App, client_id: &str, secret: &ShownSecret<'_>) -> Option<Arc<Model>> {
    let client = app.cache.find::<Model>(&name_of_entry(client_id), app.now())?;
    knows(app, &client, secret).then_some(client)
}

/// Under what a client is kept in memory.
fn name_of_entry(client_id: &str) -> [u8; 32] {
    digest::sha256_array(client_id.as_bytes())
}

/// Whether this is how the client proves itself: as it is registered, and where that says nothing, by
/// its secret in either place.
fn uses(client: &Model, method: AuthMethod) -> bool {
    match (client.kind, client.settings.token_endpoint_auth_method) {
        (Kind::Public, _) => method == AuthMethod::None,
        (Kind::Confidential, Some(registered)) => method == registered,
        (Kind::Confidential, None) => {
            matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
        }
    }
}

/// Whether the secret is the client's, and where the client shows it.
fn knows(app: &App, client: &Model, secret: &ShownSecret<'_>) -> bool {
    let (method, secret) = match secret {
        ShownSecret::Basic(secret) => (AuthMethod::ClientSecretBasic, secret),
        ShownSecret::Post(secret) => (AuthMethod::ClientSecretPost, secret),
    };
    if !uses(client, method) {
        return false;
    }
    let Some(stored) = &client.secret_sha256 else { return false };
    Secret::<ClientSecret>::parse(secret).is_some_and(|secret| {
        let digest = secret.sha256();
        digest::equal(&digest, stored) || is_previous(client, &digest, app.now())
    })
}

/// Whether it is the secret from before the last rotation, and that still works: asked at each use,
/// because a client that is known by heart is known for longer.
fn is_previous(client: &Model, digest: &[u8], now: DateTime<Utc>) -> bool {
    let ends_at = client.previous_secret_expires_at;
    let previous = client.previous_secret_sha256.as_ref();
    ends_at.is_some_and(|ends_at| now < ends_at.0)
        && previous.is_some_and(|previous| digest::equal(digest, previous))
}

/// The client with this id, unless it is disabled or the id could be none. The id may be the address of
/// a document that describes the client, which is fetched again when it is old: never inside a transaction.
///
/// # Errors
/// When the database fails.
pub async fn find_enabled(app: &App, client_id: &str) -> Result<Option<Arc<Model>>, Fault> {
    Ok(find(app, client_id, None).await?.ok().flatten())
}

/// The same, for an id that a stranger names: if it is the address of a document, and nobody has come with it before,
/// the document is fetched and the client is known from then on.
///
/// # Errors
/// When the database fails.
pub async fn meet(app: &App, client_id: &str, stranger: IpAddr) -> Result<Met, Fault> {
    find(app, client_id, Some(stranger)).await
}

async fn find(app: &App, client_id: &str, stranger: Option<IpAddr>) -> Result<Met, Fault> {
    if !is_id(client_id) {
        return Ok(Ok(None));
    }
    let (now, digest) = (app.now(), name_of_entry(client_id));
    if let Some(client) = app.cache.find::<Model>(&digest, now) {
        return Ok(Ok(Some(client)));
    }
    let begun = app.cache.begin();
    let client = store::clients::find(app.store.read(), client_id).await?;
    let client = if documents::is_address(client_id) {
        match Box::pin(documents::described(app, client_id, client, stranger)).await? {
            Ok(client) => client,
            Err(too_many) => return Ok(Err(too_many)),
        }
    } else {
        client
    };
    let Some(client) = client.filter(|client| client.disabled_at.is_none()) else {
        return Ok(Ok(None));
    };
    let client = Arc::new(client);
    let subjects = [Subject::Client(client.id.clone())];
    let ends_at = client.document_fresh_until.map(|end| end.0);
    let known = Known { begun, subjects: &subjects, ends_at };
    app.cache.keep(digest, Arc::clone(&client), known, now);
    Ok(Ok(Some(client)))
}

/// Whether a client could have this id. PostgreSQL takes no NUL in a text; an id is printable ASCII
/// anyway (RFC 6749 §A.1).
pub(crate) fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}
