//! The end of tokens: by their client (RFC 7009), by their user, by an administrator. One row is
//! enough each time; what depends on it is dead with it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::blocks;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::registration,
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

/// How many grants are ended at once: nobody else waits for more.
const AT_ONCE: u64 = 1_000;
/// The same of one user, of whose grants each is ended by itself.
const AT_ONCE_OF_USER: u64 = 200;

/// Whether an app that is disconnected may ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It may.
    Again,
    /// It is blocked, and disconnected in every workspace.
    Blocked,
}

/// Ends a connected app of this user, and blocks it if that is wanted; `false` if it is not one, or no
/// longer.
///
/// # Errors
/// When the database fails.
pub async fn disconnect(
    app: &App,
    user_id: Uuid,
    grant_id: Uuid,
    asking: Asking,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let Some(grant) = store::grants::find_of_user(&txn, grant_id, user_id).await? else {
        return Ok(false);
    };
    let ended = end(app, &txn, Actor::User(user_id), grant_id).await?;
    // a second click that blocks blocks
    if asking == Asking::Blocked {
        blocks::block(app, &txn, user_id, &grant.client_id).await?;
    }
    txn.commit().await?;
    Ok(ended)
}

/// Ends every connected app of this user, and blocks them if that is wanted; answers how many grants
/// there were. Each is one event, so it is done some at a time, each time in a transaction of its own.
///
/// # Errors
/// When the database fails; then some may have ended.
pub async fn disconnect_all(app: &App, user_id: Uuid, asking: Asking) -> Result<u64, Fault> {
    let mut all = 0;
    loop {
        let (ended, is_last) =
            store::retrying(|| disconnect_some_of_user(app, user_id, asking)).await?;
        all += ended;
        if is_last {
            return Ok(all);
        }
    }
}

/// Some of them; and whether these were the last.
async fn disconnect_some_of_user(
    app: &App,
    user_id: Uuid,
    asking: Asking,
) -> Result<(u64, bool), Fault> {
    let mut ended = 0;
    let txn = app.store.begin().await?;
    let some = store::grants::list_of_user(&txn, user_id, app.now(), AT_ONCE_OF_USER).await?;
    let is_last = (some.len() as u64) < AT_ONCE_OF_USER;
    for grant in some {
        ended += u64::from(end(app, &txn, Actor::User(user_id), grant.id).await?);
        if asking == Asking::Blocked {
            blocks::block(app, &txn, user_id, &grant.client_id).await?;
        }
    }
    txn.commit().await?;
    Ok((ended, is_last))
}

/// Ends what one member of a workspace has allowed a client there; `false` if it is nothing, or no
/// longer.
///
/// # Errors
/// When the database fails.
pub async fn disconnect_member(
    app: &App,
    actor: Actor,
    (workspace_id, client_id): (Uuid, &str),
    user_id: Uuid,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let found = store::grants::find_live(&txn, client_id, user_id, Some(workspace_id)).await?;
    let Some(grant) = found else { return Ok(false) };
    let ended = end(app, &txn, actor, grant.id).await?;
    txn.commit().await?;
    Ok(ended)
}

/// Ends what everybody in a workspace has allowed a client there; answers how many grants there were.
///
/// # Errors
/// When the database fails.
pub async fn disconnect_workspace(
    app: &App,
    actor: Actor,
    place: (Uuid, &str),
) -> Result<u64, Fault> {
    store::retrying(|| disconnect_workspace_once(app, actor.clone(), place)).await
}

async fn disconnect_workspace_once(
    app: &App,
    actor: Actor,
    (workspace_id, client_id): (Uuid, &str),
) -> Result<u64, Fault> {
    let txn = app.store.begin().await?;
    let now = app.now();
    let ended = store::grants::revoke_of_workspace(&txn, workspace_id, client_id, now).await?;
    if ended > 0 {
        let event = Event::new("app.revoke", actor, Target::new("client", client_id))
            .in_workspace(workspace_id)
            .because(format!("{ended} grants were revoked"));
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(ended)
}

/// Ends what everybody has allowed a client, wherever; answers how many grants there were. There may
/// be millions, so it is done a thousand at a time, each in a transaction of its own.
///
/// # Errors
/// When the database fails; then some may have ended.
pub async fn disconnect_everybody(app: &App, actor: Actor, client_id: &str) -> Result<u64, Fault> {
    let (now, mut ended) = (app.now(), 0);
    loop {
        let some = store::retrying(|| disconnect_some(app, actor.clone(), client_id, now)).await?;
        ended += some;
        if some < AT_ONCE {
            return Ok(ended);
        }
    }
}

/// The same of a client that is refused altogether from now on: it is disabled first, so that nobody
/// connects it meanwhile.
///
/// # Errors
/// When the database fails; then it may be disabled already, and some grants may have ended.
pub async fn refuse_everybody(app: &App, actor: Actor, client_id: &str) -> Result<u64, Fault> {
    let found = store::clients::find(app.store.read(), client_id).await?;
    if found.is_some_and(|client| client.disabled_at.is_none()) {
        registration::set_disabled(app, actor.clone(), client_id, true).await?;
    }
    disconnect_everybody(app, actor, client_id).await
}

async fn disconnect_some(
    app: &App,
    actor: Actor,
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    let txn = app.store.begin().await?;
    let ended = store::grants::revoke_of_client(&txn, client_id, AT_ONCE, now).await?;
    if ended > 0 {
        let event = Event::new("app.revoke", actor, Target::new("client", client_id))
            .because(format!("{ended} grants were revoked"));
        audit::record(app, &txn, event).await?;
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
