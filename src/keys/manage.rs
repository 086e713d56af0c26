//! Making, switching, revoking and deleting keys: each one transaction, audited, and confined to
//! one workspace.

use chrono::{DateTime, Utc};
use entity::{api_key, workspace};
use uuid::Uuid;

use super::{RawKey, mint, rules};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::{Environment, Product},
    fault::{Fault, FieldError},
    store::{self, Txn},
    tokens::scopes::Scope,
};

/// Whom a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// A member of the workspace.
    User(Uuid),
    /// One of the workspace's service accounts.
    ServiceAccount(Uuid),
}

/// What a key shall be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The workspace it will be confined to.
    pub workspace_id: Uuid,
    /// What people call it, 1 to 120 characters.
    pub name: String,
    /// What it may do; empty means what the product's `empty_scopes` says.
    pub scopes: Scope,
    /// Everything the product offers; only where an empty list would mean it too.
    pub full_access: bool,
    /// Which data it sees.
    pub environment: Environment,
    /// Whom it acts as.
    pub owner: KeyOwner,
    /// The user who makes it; `None` when the operator does.
    pub created_by: Option<Uuid>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// How the making of a key went.
#[expect(
    clippy::large_enum_variant,
    reason = "made once and taken apart at once; a box would only be in the way"
)]
#[derive(Debug)]
pub enum Creation {
    /// It is made; `raw` is shown once and kept nowhere.
    Created {
        /// The stored row.
        key: api_key::Model,
        /// The key in clear.
        raw: RawKey,
    },
    /// The workspace has as many keys as its plan allows, expired and revoked ones included.
    PlanLimitReached {
        /// How many that is.
        limit: u32,
    },
    /// Fields that break a rule, all of them.
    Invalid(Vec<FieldError>),
}

/// Makes a key, as far as the roles of its creator and its owner allow.
///
/// # Errors
/// When the database fails.
pub async fn create(app: &App, actor: Actor, new: NewKey) -> Result<Creation, Fault> {
    create_within(app, actor, new, None).await
}

/// Makes a key that can do no more than `allowed`, the scopes of the credential that asks for it:
/// a key cannot mint a key with scopes it does not have.
///
/// # Errors
/// When the database fails.
pub async fn create_within(
    app: &App,
    actor: Actor,
    new: NewKey,
    allowed: Option<&Scope>,
) -> Result<Creation, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    // the lock comes before the count, so that the plan's limit holds whoever races
    store::api_keys::lock_workspace(&txn, new.workspace_id).await?;
    let (workspace, product) = match home(app, &txn, new.workspace_id).await? {
        Ok(home) => home,
        Err(error) => return Ok(Creation::Invalid(vec![error])),
    };
    if let Some(limit) = reached_limit(app, &txn, &workspace).await? {
        return Ok(Creation::PlanLimitReached { limit });
    }
    let ceiling = match rules::ceiling(&txn, &new).await? {
        Ok(ceiling) => ceiling.within(allowed),
        Err(error) => return Ok(Creation::Invalid(vec![error])),
    };
    let checked = match rules::check(product, &new, &ceiling, now) {
        Ok(checked) => checked,
        Err(errors) => return Ok(Creation::Invalid(errors)),
    };
    let raw = mint::mint(&*app.random, checked.format);
    let key = row(app.random.uuid(now), now, &new, &raw, checked.full_access);
    store::api_keys::insert(&txn, key.clone()).await?;
    let what = if key.full_access { "full access".to_owned() } else { new.scopes.to_string() };
    audit::record(app, &txn, event("api_key.create", actor, &key).because(what)).await?;
    txn.commit().await?;
    Ok(Creation::Created { key, raw })
}

/// Switches a key of this workspace on or off; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn set_active(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    id: Uuid,
    is_active: bool,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let is_changed = store::api_keys::set_active(&txn, workspace_id, id, is_active).await?;
    let action = if is_active { "api_key.enable" } else { "api_key.disable" };
    settle(app, txn, is_changed, Change { action, actor, workspace_id, id }).await
}

/// Revokes a key of this workspace for good; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn revoke(app: &App, actor: Actor, workspace_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let is_changed = store::api_keys::revoke(&txn, workspace_id, id, app.now()).await?;
    let change = Change { action: "api_key.revoke", actor, workspace_id, id };
    settle(app, txn, is_changed, change).await
}

/// Deletes a key of this workspace, which is immediate and final; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(app: &App, actor: Actor, workspace_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let is_changed = store::api_keys::delete(&txn, workspace_id, id).await?;
    let change = Change { action: "api_key.delete", actor, workspace_id, id };
    settle(app, txn, is_changed, change).await
}

struct Change {
    action: &'static str,
    actor: Actor,
    workspace_id: Uuid,
    id: Uuid,
}

/// Writes down a change that happened and commits it.
async fn settle(app: &App, txn: Txn, is_changed: bool, change: Change) -> Result<bool, Fault> {
    if !is_changed {
        return Ok(false);
    }
    let event = Event::new(change.action, change.actor, Target::new("api_key", change.id))
        .in_workspace(change.workspace_id);
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}

/// The workspace a key is made in and its product, or why none can be.
async fn home<'a>(
    app: &'a App,
    txn: &Txn,
    id: Uuid,
) -> Result<Result<(workspace::Model, &'a Product), FieldError>, Fault> {
    let refused = |message: &str| Ok(Err(FieldError::new("workspace", message)));
    let Some(workspace) = store::workspaces::find(txn, id).await? else {
        return refused("is not known");
    };
    if workspace.disabled_at.is_some() {
        return refused("is disabled");
    }
    let Some(product) = app.config.products.get(&workspace.product) else {
        return refused("belongs to a product that this server is not configured for");
    };
    Ok(Ok((workspace, product)))
}

/// The plan's limit, if the workspace has that many keys already. A plan that the configuration
/// does not have allows none.
async fn reached_limit(
    app: &App,
    txn: &Txn,
    workspace: &workspace::Model,
) -> Result<Option<u32>, Fault> {
    let limit = app.config.plans.get(&workspace.plan).map_or(0, |plan| plan.keys);
    let count = store::api_keys::count(txn, workspace.id).await?;
    Ok((count >= u64::from(limit)).then_some(limit))
}

fn row(
    id: Uuid,
    now: DateTime<Utc>,
    new: &NewKey,
    raw: &RawKey,
    full_access: bool,
) -> api_key::Model {
    let (owner_user_id, service_account_id) = match new.owner {
        KeyOwner::User(id) => (Some(id), None),
        KeyOwner::ServiceAccount(id) => (None, Some(id)),
    };
    api_key::Model {
        id,
        workspace_id: new.workspace_id,
        name: new.name.trim().to_owned(),
        key_sha256: raw.sha256(),
        prefix: raw.start().to_owned(),
        last4: raw.last4().to_owned(),
        environment: new.environment.as_str().to_owned(),
        owner_user_id,
        service_account_id,
        created_by: new.created_by,
        scopes: new.scopes.iter().map(str::to_owned).collect(),
        full_access,
        is_active: true,
        created_at: store::instant(now),
        expires_at: new.expires_at.map(store::instant),
        last_used_at: None,
        revoked_at: None,
        exposed_at: None,
    }
}

fn event(action: &'static str, actor: Actor, key: &api_key::Model) -> Event {
    Event::new(action, actor, Target::new("api_key", key.id)).in_workspace(key.workspace_id)
}
