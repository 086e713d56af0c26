//! Proving to be a client (RFC 6749 §2.3).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::client::{Kind, Model};

use crate::{
    app::App,
    cache::{Known, Subject},
    crypto::{
        digest,
        secret::{ClientSecret, Secret},
    },
    fault::Fault,
    store,
};

/// The enabled client that `client_id` and `secret` prove; `None` for an unknown or disabled one, a
/// wrong secret, a public client with a secret or a confidential one without.
///
/// # Errors
/// When the database fails.
pub async fn authenticate(
    app: &App,
    client_id: &str,
    secret: Option<&str>,
) -> Result<Option<Arc<Model>>, Fault> {
    let Some(client) = find_enabled(app, client_id).await? else { return Ok(None) };
    let is_proved = match (client.kind, secret, &client.secret_sha256) {
        (Kind::Public, None, None) => true,
        (Kind::Confidential, Some(secret), Some(stored)) => Secret::<ClientSecret>::parse(secret)
            .is_some_and(|secret| {
                let digest = secret.sha256();
                digest::equal(&digest, stored) || is_previous(&client, &digest, app.now())
            }),
        _ => false,
    };
    Ok(is_proved.then_some(client))
}

/// Whether it is the secret from before the last rotation, and that still works: asked at each use,
/// because a client that is known by heart is known for longer.
fn is_previous(client: &Model, digest: &[u8], now: DateTime<Utc>) -> bool {
    let ends_at = client.previous_secret_expires_at;
    let previous = client.previous_secret_sha256.as_ref();
    ends_at.is_some_and(|ends_at| now < ends_at.0)
        && previous.is_some_and(|previous| digest::equal(digest, previous))
}

/// The client with this id, unless it is disabled or the id could be none.
///
/// # Errors
/// When the database fails.
pub async fn find_enabled(app: &App, client_id: &str) -> Result<Option<Arc<Model>>, Fault> {
    if !is_id(client_id) {
        return Ok(None);
    }
    let (now, digest) = (app.now(), digest::sha256_array(client_id.as_bytes()));
    if let Some(client) = app.cache.find::<Model>(&digest, now) {
        return Ok(Some(client));
    }
    let begun = app.cache.begin();
    let client = store::clients::find(app.store.read(), client_id).await?;
    let Some(client) = client.filter(|client| client.disabled_at.is_none()) else {
        return Ok(None);
    };
    let client = Arc::new(client);
    let subjects = [Subject::Client(client.id.clone())];
    let known = Known { begun, subjects: &subjects, ends_at: None };
    app.cache.keep(digest, Arc::clone(&client), known, now);
    Ok(Some(client))
}

/// Whether a client could have this id. PostgreSQL takes no NUL in a text; an id is printable ASCII
/// anyway (RFC 6749 §A.1).
pub(crate) fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}
