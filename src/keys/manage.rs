//! Making keys, and the way to everything else that is done to them: each one transaction, audited,
//! and confined to one workspace.

use chrono::{DateTime, Utc};
use entity::{
    api_key::{self, Model},
    workspace,
};
use uuid::Uuid;

use super::{RawKey, mint, rules, scope_list};
pub use super::{
    changes::{Change, Changed, change, delete, revoke, set_active},
    rotate::{How, MAX_OVERLAP, Rotation, rotate},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::{Environment, Product},
    fault::{Fault, FieldError},
    forms::{self, Sent, Unfit},
    store::{self, Txn},
    tokens::scopes::Scope,
    workspaces,
};

/// Whom a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// A member of the workspace.
    User(Uuid),
    /// One of the workspace's service accounts.
    ServiceAccount(Uuid),
    /// The workspace's service account that is called as the key is; made if there is none.
    Namesake,
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
    /// The credential that asks has less than this: a key cannot mint a key with scopes it does not
    /// have.
    BeyondCredential(Scope),
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
    let txn = app.store.begin().await?;
    make(app, txn, actor, (new, allowed)).await
}

/// Makes a key by a form that makes one, however often it is sent.
///
/// # Errors
/// When the database fails.
pub async fn create_once(
    app: &App,
    actor: Actor,
    new: NewKey,
    form: Sent<'_>,
) -> Result<Result<Creation, Unfit>, Fault> {
    Ok(match forms::begin(app, form).await? {
        Ok(txn) => Ok(make(app, txn, actor, (new, None)).await?),
        Err(unfit) => Err(unfit),
    })
}

async fn make(
    app: &App,
    txn: Txn,
    actor: Actor,
    (new, allowed): (NewKey, Option<&Scope>),
) -> Result<Creation, Fault> {
    // the lock comes before the count, so that the plan's limit holds whoever races
    store::workspaces::lock(&txn, new.workspace_id).await?;
    let made = write(app, &txn, actor, (new, allowed)).await?;
    if matches!(made, Creation::Created { .. }) {
        txn.commit().await?;
    }
    Ok(made)
}

async fn write(
    app: &App,
    txn: &Txn,
    actor: Actor,
    (new, allowed): (NewKey, Option<&Scope>),
) -> Result<Creation, Fault> {
    let now = app.now();
    let (workspace, product) = match home(app, txn, new.workspace_id).await? {
        Ok(home) => home,
        Err(error) => return Ok(Creation::Invalid(vec![error])),
    };
    if let Some(limit) = reached_limit(app, txn, &workspace).await? {
        return Ok(Creation::PlanLimitReached { limit });
    }
    let ceiling = match rules::ceiling(txn, &new).await? {
        Ok(ceiling) => ceiling,
        Err(error) => return Ok(Creation::Invalid(vec![error])),
    };
    let checked = match rules::check(product, &new, &ceiling, now) {
        Ok(checked) => checked,
        Err(errors) => return Ok(Creation::Invalid(errors)),
    };
    if let Some(excess) = allowed.and_then(|allowed| excess(product, &new, allowed)) {
        return Ok(Creation::BeyondCredential(excess));
    }
    let raw = mint::mint(&*app.random, checked.format);
    let owner = owner(app, txn, &actor, &new).await?;
    let key = Model { full_access: checked.full_access, ..row(app, now, (&new, owner), &raw) };
    store::api_keys::insert(txn, key.clone()).await?;
    let what = if key.full_access { "full access".to_owned() } else { new.scopes.to_string() };
    let event = Event::new("api_key.create", actor, Target::new("api_key", key.id))
        .in_workspace(key.workspace_id)
        .because(what);
    audit::record(app, txn, event).await?;
    Ok(Creation::Created { key, raw })
}

/// What to say of scopes that cannot be given.
#[must_use]
pub fn too_wide(excess: &Scope) -> FieldError {
    FieldError::new("scopes", format!("more than may be given here: {excess}"))
}

/// The workspace a key is made in and its product, or why none can be.
pub(super) async fn home<'a>(
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

/// The plan's limit, if the workspace has that many keys already: a look ahead, for a refusal that
/// comes before the body is read. [`create`] looks again under its lock.
///
/// # Errors
/// When the database fails.
pub async fn plan_limit_reached(
    app: &App,
    workspace_id: Uuid,
    plan: &str,
) -> Result<Option<u32>, Fault> {
    let limit = limit_of(app, plan);
    let count = store::api_keys::count(app.store.read(), workspace_id).await?;
    Ok((count >= u64::from(limit)).then_some(limit))
}

async fn reached_limit(
    app: &App,
    txn: &Txn,
    workspace: &workspace::Model,
) -> Result<Option<u32>, Fault> {
    let limit = limit_of(app, &workspace.plan);
    let count = store::api_keys::count(txn, workspace.id).await?;
    Ok((count >= u64::from(limit)).then_some(limit))
}

/// A plan that the configuration does not have allows no keys.
fn limit_of(app: &App, plan: &str) -> u32 {
    app.config.plans.get(plan).map_or(0, |plan| plan.keys)
}

/// What of a new key is more than `allowed`; everything is more than any list.
fn excess(product: &Product, new: &NewKey, allowed: &Scope) -> Option<Scope> {
    let asked = if new.scopes.is_empty() {
        product.scopes.keys().cloned().collect()
    } else {
        new.scopes.clone()
    };
    let excess: Scope =
        asked.iter().filter(|token| !allowed.covers(token)).map(str::to_owned).collect();
    if new.scopes.is_empty() && excess.is_empty() {
        // everything is also what will be added later
        return Some(asked);
    }
    (!excess.is_empty()).then_some(excess)
}

/// The user or the service account that will own a key.
async fn owner(
    app: &App,
    txn: &Txn,
    actor: &Actor,
    new: &NewKey,
) -> Result<(Option<Uuid>, Option<Uuid>), Fault> {
    Ok(match new.owner {
        KeyOwner::User(id) => (Some(id), None),
        KeyOwner::ServiceAccount(id) => (None, Some(id)),
        KeyOwner::Namesake => {
            let place = (new.workspace_id, new.name.trim());
            (None, Some(workspaces::find_or_add_service_account(app, txn, actor, place).await?.id))
        }
    })
}

fn row(
    app: &App,
    now: DateTime<Utc>,
    (new, (owner_user_id, service_account_id)): (&NewKey, (Option<Uuid>, Option<Uuid>)),
    raw: &RawKey,
) -> Model {
    Model {
        id: app.random.uuid(now),
        workspace_id: new.workspace_id,
        name: new.name.trim().to_owned(),
        key_sha256: raw.sha256(),
        prefix: raw.start().to_owned(),
        last4: raw.last4().to_owned(),
        environment: new.environment.as_str().to_owned(),
        owner_user_id,
        service_account_id,
        created_by: new.created_by,
        scopes: scope_list::list_of(&new.scopes, &*app.random, now),
        full_access: false,
        is_active: true,
        created_at: store::instant(now),
        expires_at: new.expires_at.map(store::instant),
        last_used_at: None,
        uses: 0,
        revoked_at: None,
        exposed_at: None,
        previous_sha256: None,
        previous_expires_at: None,
        warned_at: None,
    }
}
