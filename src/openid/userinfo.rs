//! What the userinfo endpoint tells (OpenID Connect Core §5.3): who the user of an access token is, as
//! far as that user has allowed.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{OPENID, claims};
use crate::{
    app::App,
    clients::authentication,
    crypto::secret::{AccessToken, Secret},
    fault::Fault,
    signing, store,
    store::token_records::TokenRecord,
    tokens::{
        audience,
        dpop::{self, Problem, Shown},
        resolve,
        scopes::Scope,
    },
};

/// The answer.
#[derive(Debug)]
pub enum UserInfo {
    /// What is told.
    Plain(Map<String, Value>),
    /// The same, signed, for a client that has asked for that.
    Signed(String),
    /// The token is nobody's, has ended, or is for another resource.
    InvalidToken,
    /// The token is bound to a key, and possession is not proved (RFC 9449 §7).
    Unproved(Problem),
    /// The token was not granted for signing in.
    InsufficientScope,
}

/// A live token for this server that whoever shows it may use; else the answer. `shown` is how it came.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    token: &Secret<AccessToken>,
    shown: Shown<'_>,
) -> Result<Result<TokenRecord, UserInfo>, Fault> {
    let Some(record) = resolve::token_of_somebody(app, token).await? else {
        return Ok(Err(UserInfo::InvalidToken));
    };
    // RFC 8707 §2: a token that was asked for elsewhere is nothing here
    if resolve::audience_of(&record).is_some_and(|uri| !audience::is_this_server(app, uri)) {
        return Ok(Err(UserInfo::InvalidToken));
    }
    let proved = dpop::at_resource(app, record.jkt.as_deref(), shown).await?;
    Ok(proved.map(|()| record).map_err(UserInfo::Unproved))
}

/// Tells who the user of such a token is.
///
/// # Errors
/// When the database fails, or the keys cannot be had.
pub async fn tell(app: &Arc<App>, record: &TokenRecord) -> Result<UserInfo, Fault> {
    let scope = resolve::scope_of(record);
    let Some(user_id) = record.user_id.filter(|_| scope.contains(OPENID)) else {
        return Ok(UserInfo::InsufficientScope);
    };
    let user = store::users::find(app.store.read(), user_id).await?;
    let client = authentication::find_enabled(app, &record.client_id).await?;
    let (Some(user), Some(client)) = (user, client) else { return Ok(UserInfo::InvalidToken) };
    let ceiling = Scope::stored(&record.client_scope);
    let mut told = claims::told(&user, &scope, (&named(record), &ceiling));
    told.insert("sub".to_owned(), user.id.to_string().into());
    match client.settings.userinfo_signed_response_alg {
        None => Ok(UserInfo::Plain(told)),
        Some(algorithm) => {
            // Core §5.3.2: who has signed it, and for whom
            told.insert("iss".to_owned(), app.config.issuer.as_str().into());
            told.insert("aud".to_owned(), client.id.as_str().into());
            let keys = signing::keys(app).await?;
            Ok(UserInfo::Signed(keys.sign(algorithm, ("JWT", &told), app.now())?))
        }
    }
}

/// What was asked for by name.
fn named(record: &TokenRecord) -> claims::Named {
    record.terms.as_ref().map(|terms| terms.claims.userinfo.clone()).unwrap_or_default()
}
