//! The public keys of clients.

use entity::client::Model;

use crate::{
    app::App,
    crypto::jwk::{self, PublicKey},
    fault::Fault,
};

/// The keys with which a client signs what it sends: those it has registered by value.
///
/// # Errors
/// When they cannot be looked up.
#[expect(clippy::unused_async, reason = "keys that are elsewhere are fetched")]
pub async fn keys_of(_app: &App, client: &Model) -> Result<Vec<PublicKey>, Fault> {
    let registered = client.settings.jwks.as_ref();
    // a set that cannot be read proves nothing
    Ok(registered.and_then(|jwks| jwk::read_set(jwks).ok()).unwrap_or_default())
}
