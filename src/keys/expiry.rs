//! Letters about keys that are about to expire: one a week before, and one a day before.

use chrono::{DateTime, TimeDelta, Utc};
use entity::api_key;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, Txn},
};

/// How long before its end the owners of a key are told.
pub const NOTICES: [TimeDelta; 2] = [TimeDelta::days(1), TimeDelta::days(7)];
/// The owners of a workspace who are told of a service account's key.
const MAX_RECIPIENTS: u64 = 20;

/// Up to `limit` keys whose owners are to be told, for one of [`NOTICES`].
///
/// # Errors
/// When the database fails.
pub async fn list_due(
    app: &App,
    notice: TimeDelta,
    place: (Uuid, u64),
) -> Result<Vec<api_key::Model>, Fault> {
    store::api_keys::list_expiring(app.store.read(), app.now(), notice, place).await
}

/// Tells the owners of a key, once; `keys_page` makes the path of the page that lists the keys of a
/// workspace. Answers how many letters are on their way.
///
/// # Errors
/// When the database fails.
pub async fn tell(
    app: &App,
    key: api_key::Model,
    notice: TimeDelta,
    keys_page: fn(&str) -> String,
) -> Result<u64, Fault> {
    let Some(expires_at) = key.expires_at else { return Ok(0) };
    let txn = app.store.begin().await?;
    if !store::api_keys::warn(&txn, key.id, notice, app.now()).await? {
        return Ok(0);
    }
    let mut letters = 0;
    let workspace = store::workspaces::find(&txn, key.workspace_id).await?;
    if let Some(workspace) = workspace.filter(|workspace| workspace.disabled_at.is_none()) {
        let letter = LetterKind::KeyExpiring {
            key_name: key.name.clone(),
            shown: format!("{}…{}", key.prefix, key.last4),
            workspace_name: workspace.name,
            keys_page: app.url(&keys_page(&workspace.slug)),
            expires_at: expires_at.0,
        };
        for email in recipients(&txn, &key).await? {
            outbox::queue(app, &txn, &email, &letter).await?;
            letters += 1;
        }
    }
    note(app, &txn, &key, expires_at.0).await?;
    txn.commit().await?;
    Ok(letters)
}

/// Who owns a key: a user, as long as the user is in the workspace, or else the workspace's owners.
async fn recipients(txn: &Txn, key: &api_key::Model) -> Result<Vec<String>, Fault> {
    if let Some(user_id) = key.owner_user_id {
        let is_member = store::members::find(txn, key.workspace_id, user_id).await?.is_some();
        let user = store::users::find(txn, user_id).await?.filter(|_| is_member);
        let user = user.filter(|user| user.disabled_at.is_none());
        return Ok(user.map(|user| user.email).into_iter().collect());
    }
    let owners =
        store::users::list_owners_of_workspace(txn, key.workspace_id, MAX_RECIPIENTS).await?;
    Ok(owners.into_iter().map(|owner| owner.email).collect())
}

async fn note(
    app: &App,
    txn: &Txn,
    key: &api_key::Model,
    expires_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let event = Event::new("api_key.warn", Actor::System, Target::new("api_key", key.id));
    let event = event.in_workspace(key.workspace_id);
    audit::record(app, txn, event.because(format!("expires at {}", expires_at.to_rfc3339()))).await
}
