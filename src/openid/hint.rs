//! ID tokens that come back as hints (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): ours, for
//! the client that shows them, and be they expired.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::id_token;
use crate::{app::App, crypto::signed::SignedJwt, fault::Fault, identity::session, signing};

/// Longer than any ID token of ours.
const MAX_BYTES: usize = 16 * 1024;

// whoever is signed in can be named: a session's ID tokens are believed as long as it lasts
const _: () = assert!(
    signing::BELIEVED.num_seconds()
        >= session::ABSOLUTE.num_seconds() + id_token::MAX_LIFETIME.num_seconds()
);

/// What an ID token of ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The user.
    pub sub: String,
    /// The client it was made for.
    pub client_id: String,
    /// The session in which the user was signed in.
    pub sid: Option<String>,
}

/// Reads a hint; `None` if it is no ID token, or none that a key of ours has signed.
///
/// # Errors
/// When the keys cannot be had.
pub async fn read(app: &Arc<App>, token: &str) -> Result<Option<Hint>, Fault> {
    let Some(token) = SignedJwt::parse(token, MAX_BYTES) else { return Ok(None) };
    let keys = signing::keys(app).await?;
    let Some(claims) = keys.claims_of(&token, app.now()) else { return Ok(None) };
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    // other tokens of ours have another type, or none of these times
    let is_id_token = token.kind.as_deref() == Some("jwt")
        && text("iss").as_deref() == Some(app.config.issuer.as_str())
        && ["exp", "iat"].into_iter().all(|name| claims.get(name).is_some_and(Value::is_i64))
        && !claims.contains_key("events");
    let hint = text("sub").zip(client_of(claims)).filter(|_| is_id_token);
    Ok(hint.map(|(sub, client_id)| Hint { sub, client_id, sid: text("sid") }))
}

/// The client that an ID token was made for: `azp` if it says so, else its one audience (OpenID Connect
/// Core §2).
fn client_of(claims: &Map<String, Value>) -> Option<String> {
    let audiences = match claims.get("aud")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let azp = claims.get("azp").and_then(Value::as_str);
    match (azp, audiences.as_slice()) {
        (Some(azp), all) if all.contains(&azp) => Some(azp.to_owned()),
        (None, [one]) => Some((*one).to_owned()),
        _ => None,
    }
}
