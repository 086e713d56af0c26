//! Authorization codes (RFC 6749 §4.1): made once, spent once.
//!
//! A code is spent by its first presentation by its own client, whatever the outcome. Presented
//! again by that client it fails and ends every token that came from it; presented by another client
//! it just fails: ownership is proved before anything is destroyed.

use chrono::{DateTime, Utc};
use entity::{authorization_code, client, user};

use super::{
    grants::{self, Place},
    issue::{self, Beginning, Issued},
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::secret::{AuthorizationCode, Secret},
    fault::Fault,
    store::{self, Txn},
};

/// A user's yes: who, to whom, where and to what.
#[derive(Debug)]
pub struct Yes<'a> {
    /// The client that asked.
    pub client: &'a client::Model,
    /// Who is signed in.
    pub user: &'a user::Model,
    /// When they proved who they are.
    pub authenticated_at: DateTime<Utc>,
    /// Where the client may act.
    pub place: &'a Place,
    /// What it may do there.
    pub scope: Scope,
}

/// What the code must remember of the request.
#[derive(Debug)]
pub struct Asked {
    /// Where the browser goes next, exactly as it was received.
    pub redirect_uri: String,
    /// RFC 7636 §4.2, S256.
    pub code_challenge: Option<String>,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: Option<String>,
    /// RFC 8707 §2.
    pub resource: Option<String>,
}

/// What became of a presented code.
#[derive(Debug)]
pub enum Exchange {
    /// The first pair of a new family.
    Issued(Issued),
    /// No such code, not this client's, expired, or it failed the check it was spent on.
    Refused,
    /// It had been presented before; what it produced is dead.
    Replayed,
}

/// Records the user's permission and makes a code for it, in `txn`.
///
/// # Errors
/// When the database fails.
pub async fn create(
    app: &App,
    txn: &Txn,
    yes: Yes<'_>,
    asked: Asked,
) -> Result<Secret<AuthorizationCode>, Fault> {
    let now = app.now();
    let whose = (yes.client.id.as_str(), yes.user.id, yes.place.workspace_id());
    let grant = grants::allow(app, txn, whose, &yes.scope).await?;
    let code = Secret::<AuthorizationCode>::random(&*app.random);
    let row = authorization_code::Model {
        code_sha256: code.sha256(),
        family_id: app.random.uuid(now),
        client_id: yes.client.id.clone(),
        grant_id: grant.id,
        redirect_uri: asked.redirect_uri,
        scope: yes.scope.to_string(),
        code_challenge: asked.code_challenge,
        nonce: asked.nonce,
        resource: asked.resource,
        user_epoch: yes.user.epoch,
        authenticated_at: store::instant(yes.authenticated_at),
        expires_at: store::instant(now + app.config.oauth.code_ttl()),
        consumed_at: None,
    };
    store::authorization_codes::insert(txn, row).await?;
    Ok(code)
}

/// Spends a code and, if `check` finds the request worthy of it, issues tokens.
///
/// # Errors
/// When the database fails; then the code is not spent.
pub async fn exchange(
    app: &App,
    client: &client::Model,
    code: &Secret<AuthorizationCode>,
    check: impl FnOnce(&authorization_code::Model) -> bool + Send,
) -> Result<Exchange, Fault> {
    let now = app.now();
    let code_sha256 = code.sha256();
    let txn = app.store.begin().await?;
    let taken = store::authorization_codes::consume(&txn, &code_sha256, &client.id, now).await?;
    let outcome = match taken {
        Some(row) if row.expires_at.0 > now && check(&row) => {
            issue_for(app, &txn, client, row).await?
        }
        Some(_) => Exchange::Refused,
        None => replay(app, &txn, client, &code_sha256).await?,
    };
    // a spent code stays spent and a replay's revocation stays done, whatever the outcome
    txn.commit().await?;
    Ok(outcome)
}

async fn issue_for(
    app: &App,
    txn: &Txn,
    client: &client::Model,
    code: authorization_code::Model,
) -> Result<Exchange, Fault> {
    let grant = store::grants::find(txn, code.grant_id).await?;
    let Some(grant) = grant.filter(|grant| grant.revoked_at.is_none()) else {
        return Ok(Exchange::Refused);
    };
    let user = store::users::find(txn, grant.user_id).await?;
    let is_same_user =
        |user: &user::Model| user.disabled_at.is_none() && user.epoch == code.user_epoch;
    if !user.as_ref().is_some_and(is_same_user) {
        return Ok(Exchange::Refused);
    }
    let beginning = Beginning {
        family_id: code.family_id,
        scope: Scope::stored(&code.scope),
        resource: code.resource,
        user_epoch: code.user_epoch,
        authenticated_at: code.authenticated_at.0,
    };
    Ok(Exchange::Issued(issue::begin_family(app, txn, (client, &grant), beginning).await?))
}

/// RFC 6749 §4.1.2: a code presented twice is denied and what it produced is revoked.
async fn replay(
    app: &App,
    txn: &Txn,
    client: &client::Model,
    code_sha256: &[u8],
) -> Result<Exchange, Fault> {
    let spent = store::authorization_codes::find_of_client(txn, code_sha256, &client.id).await?;
    let Some(spent) = spent else { return Ok(Exchange::Refused) };
    if store::token_families::revoke(txn, spent.family_id, app.now()).await? {
        let event = Event::new(
            "authorization_code.replay",
            Actor::Client(client.id.clone()),
            Target::new("token_family", spent.family_id),
        );
        audit::record(app, txn, event).await?;
    }
    Ok(Exchange::Replayed)
}
