//! The end of tokens: by their client (RFC 7009), by their user, by an administrator. One row is
//! enough each time; what depends on it is dead with it.

use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::secret::{AccessToken, RefreshToken, Secret},
    fault::Fault,
    store::{self, Txn},
};

/// What became of a client's revocation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token is dead, or never lived (RFC 7009 §2.2: both are success).
    Done,
    /// It belongs to another client; it was not touched.
    Foreign,
}

/// Ends one access token, for its own client.
///
/// # Errors
/// When the database fails.
pub async fn access_token(
    app: &App,
    client_id: &str,
    token: &Secret<AccessToken>,
) -> Result<Revocation, Fault> {
    store::retrying(|| access_token_once(app, client_id, token)).await
}

async fn access_token_once(
    app: &App,
    client_id: &str,
    token: &Secret<AccessToken>,
) -> Result<Revocation, Fault> {
    let digest = token.sha256();
    let Some(record) = store::token_records::find_access(app.store.read(), &digest).await? else {
        return Ok(Revocation::Done);
    };
    if record.client_id != client_id {
        return Ok(Revocation::Foreign);
    }
    let txn = app.store.begin().await?;
    // a retry of its parent must not bring it back
    let (family_id, generation) = (record.family_id, record.generation);
    store::token_families::close_retry_window(&txn, family_id, generation, app.now()).await?;
    if store::access_tokens::delete(&txn, family_id, &digest).await? {
        let actor = Actor::Client(client_id.to_owned());
        let event =
            Event::new("access_token.revoke", actor, Target::new("token_family", family_id))
                .in_workspace(record.workspace_id);
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(Revocation::Done)
}

/// Ends the family of a refresh token, for its own client: the token, its successors and every
/// access token that came with them (RFC 7009 §2.1). A spent one will do: a client may know no other.
///
/// # Errors
/// When the database fails.
pub async fn refresh_token(
    app: &App,
    client_id: &str,
    token: &Secret<RefreshToken>,
) -> Result<Revocation, Fault> {
    store::retrying(|| refresh_token_once(app, client_id, token)).await
}

async fn refresh_token_once(
    app: &App,
    client_id: &str,
    token: &Secret<RefreshToken>,
) -> Result<Revocation, Fault> {
    let Some(family_id) = app.secrets.deriver.family_of(token) else { return Ok(Revocation::Done) };
    let found = store::token_records::find_refresh(app.store.read(), family_id).await?;
    let Some(record) = found.map(|found| found.token) else { return Ok(Revocation::Done) };
    if record.client_id != client_id {
        return Ok(Revocation::Foreign);
    }
    let txn = app.store.begin().await?;
    if store::token_families::revoke(&txn, record.family_id, app.now()).await? {
        let actor = Actor::Client(client_id.to_owned());
        let target = Target::new("token_family", record.family_id);
        let event =
            Event::new("refresh_token.revoke", actor, target).in_workspace(record.workspace_id);
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(Revocation::Done)
}

/// Ends a connected app of this user; `false` if it is not one, or no longer.
///
/// # Errors
/// When the database fails.
pub async fn revoke_grant_of_user(app: &App, user_id: Uuid, grant_id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if store::grants::find_of_user(&txn, grant_id, user_id).await?.is_none() {
        return Ok(false);
    }
    let ended = end(app, &txn, Actor::User(user_id), grant_id).await?;
    txn.commit().await?;
    Ok(ended)
}

/// Ends every connected app of this user; answers how many there were.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all_of_user(app: &App, user_id: Uuid) -> Result<u64, Fault> {
    let txn = app.store.begin().await?;
    let mut ended = 0;
    for grant in store::grants::list_of_user(&txn, user_id).await? {
        ended += u64::from(end(app, &txn, Actor::User(user_id), grant.id).await?);
    }
    txn.commit().await?;
    Ok(ended)
}

/// Ends a grant; `false` if there is none, or no longer.
///
/// # Errors
/// When the database fails.
pub async fn revoke_grant(app: &App, actor: Actor, grant_id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let ended = end(app, &txn, actor, grant_id).await?;
    txn.commit().await?;
    Ok(ended)
}

async fn end(app: &App, txn: &Txn, actor: Actor, grant_id: Uuid) -> Result<bool, Fault> {
    if !store::grants::revoke(txn, grant_id, app.now()).await? {
        return Ok(false);
    }
    let workspace_id =
        store::grants::find(txn, grant_id).await?.and_then(|grant| grant.workspace_id);
    let event = Event::new("grant.revoke", actor, Target::new("grant", grant_id))
        .in_workspace(workspace_id);
    audit::record(app, txn, event).await?;
    Ok(true)
}
