//! ID tokens (OpenID Connect Core §2): who signed in, when and how, for one client. They are thin: the
//! rest is told by the userinfo endpoint, or here if it is asked for by name.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use entity::{client, signing_key::Algorithm};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{OPENID, claims};
use crate::{
    app::App,
    clients::policy::Policy,
    crypto::digest,
    fault::Fault,
    signing, store,
    tokens::{
        acr,
        issue::{About, Issued},
        scopes::Scope,
    },
};

/// Long enough for a client whose clock is a little off.
const MIN_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// It tells of a sign-in, which is soon over; it opens nothing.
pub(super) const MAX_LIFETIME: TimeDelta = TimeDelta::hours(1);

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    at_hash: String,
    /// What was asked for by name.
    #[serde(flatten)]
    named: Map<String, Value>,
}

/// Has the keys at hand for a client that may get ID tokens, before anything is spent for it: a code
/// or a refresh token must not be lost because they cannot be had.
///
/// # Errors
/// When the keys cannot be had.
pub async fn prepare(app: &Arc<App>, client: &client::Model) -> Result<(), Fault> {
    if Scope::stored(&client.scope).contains(OPENID) {
        signing::keys(app).await?;
    }
    Ok(())
}

/// The ID token that goes with tokens for a client; `None` where they are the client's own, or the
/// granted scope has no `openid` (OpenID Connect Core §3.1.3.3, §12.2).
///
/// # Errors
/// When the keys cannot be had, or the database fails.
pub async fn make(
    app: &Arc<App>,
    client: &client::Model,
    issued: &Issued,
) -> Result<Option<String>, Fault> {
    let Some(about) = issued.about.as_deref().filter(|_| issued.scope.contains(OPENID)) else {
        return Ok(None);
    };
    let now = app.now();
    let algorithm = Policy::of(app, client).id_token_algorithm();
    let lifetime = TimeDelta::seconds(issued.expires_in).clamp(MIN_LIFETIME, MAX_LIFETIME);
    let terms = &about.terms;
    let amr = terms.amr.as_deref().unwrap_or_default();
    let token = IdToken {
        iss: &app.config.issuer,
        sub: about.user_id.to_string(),
        aud: &client.id,
        exp: (now + lifetime).timestamp(),
        iat: now.timestamp(),
        auth_time: terms.wants_auth_time.then(|| about.authenticated_at.timestamp()),
        nonce: about.nonce.as_deref(),
        acr: acr::of(amr, &terms.acr_values),
        amr: Some(amr.split(' ').filter(|it| !it.is_empty()).collect::<Vec<_>>())
            .filter(|references| !references.is_empty()),
        sid: terms.sid.as_deref(),
        at_hash: half_hash(algorithm, issued.access_token.reveal()),
        named: named(app, client, about).await?,
    };
    let keys = signing::keys(app).await?;
    keys.sign(algorithm, ("JWT", &token), now).map(Some)
}

/// What was asked for by name, as far as the client may still have it.
async fn named(
    app: &App,
    client: &client::Model,
    about: &About,
) -> Result<Map<String, Value>, Fault> {
    let asked = &about.terms.claims.id_token;
    if asked.is_empty() {
        return Ok(Map::new());
    }
    let user = store::users::find(app.store.read(), about.user_id).await?;
    let ceiling = Scope::stored(&client.scope);
    let told = user.map(|user| claims::told(&user, &Scope::default(), (asked, &ceiling)));
    Ok(told.unwrap_or_default())
}

/// The left half of the hash that belongs to the algorithm (OpenID Connect Core §3.1.3.6); of Ed25519
/// that is SHA-512.
fn half_hash(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::EdDsa => digest::sha512(text.as_bytes()),
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => digest::sha256(text.as_bytes()),
    };
    let (left, _) = hash.split_at(hash.len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core, appendix A.3.
    #[test]
    fn an_access_token_is_hashed_as_the_standard_shows() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

        assert_eq!(half_hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash(Algorithm::EdDsa, token).len(), 43);
    }
}
