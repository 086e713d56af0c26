//! Workspaces: the tenants that own data, members and keys.

use entity::{member::Role, types::Instant, workspace::Model};
use uuid::Uuid;

use super::{
    Checked, Membership, lookup, member,
    names::{name_problem, slug_problem},
    refused,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::Config,
    fault::{Fault, FieldError},
    store,
};

/// A workspace that does not exist yet.
#[derive(Clone, Debug)]
pub struct NewWorkspace {
    /// How paths name it.
    pub slug: String,
    /// How people name it.
    pub name: String,
    /// The PIN of the enterprise it belongs to, if any.
    pub enterprise: Option<String>,
    /// A product of the configuration.
    pub product: String,
    /// A plan of the configuration.
    pub plan: String,
}

impl NewWorkspace {
    fn problems(&self, config: &Config) -> Vec<FieldError> {
        let product = config
            .products
            .get(&self.product)
            .is_none()
            .then(|| FieldError::new("product", "is not a product of the configuration"));
        let plan = plan_problem(config, &self.plan);
        [slug_problem(&self.slug), name_problem(&self.name), product, plan]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl NewWorkspace {
    fn row(self, (id, created_at): (Uuid, Instant), enterprise_id: Option<Uuid>) -> Model {
        Model {
            id,
            slug: self.slug,
            name: self.name.trim().to_owned(),
            product: self.product,
            plan: self.plan,
            enterprise_id,
            created_at,
            disabled_at: None,
        }
    }
}

fn plan_problem(config: &Config, plan: &str) -> Option<FieldError> {
    let is_unknown = config.plans.get(plan).is_none();
    is_unknown.then(|| FieldError::new("plan", "is not a plan of the configuration"))
}

/// Creates a workspace without members.
///
/// # Errors
/// When the database fails.
pub async fn create_workspace(
    app: &App,
    actor: Actor,
    new: NewWorkspace,
) -> Result<Checked<Model>, Fault> {
    found_workspace(app, actor, new, None).await
}

/// Creates a workspace with its first owner, if there is to be one: a user who exists.
///
/// # Errors
/// When the database fails.
pub async fn found_workspace(
    app: &App,
    actor: Actor,
    new: NewWorkspace,
    owner: Option<Uuid>,
) -> Result<Checked<Model>, Fault> {
    let problems = new.problems(&app.config);
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let now = app.now();
    let txn = app.store.begin().await?;
    let enterprise_id = match &new.enterprise {
        None => None,
        Some(pin) => match lookup::find_enterprise(&txn, pin).await? {
            Some(enterprise) => Some(enterprise.id),
            None => return Ok(refused("enterprise", "does not exist")),
        },
    };
    let workspace = new.row((app.random.uuid(now), store::instant(now)), enterprise_id);
    if store::workspaces::insert(&txn, workspace.clone()).await?.is_err() {
        return Ok(refused("slug", "is taken"));
    }
    if let Some(owner) = owner {
        let membership = Membership { workspace_id: workspace.id, role: Role::Owner };
        if let Err(problems) = member::insert(app, &txn, owner, &membership).await? {
            return Ok(Err(problems));
        }
    }
    let event = Event::new("workspace.create", actor, Target::new("workspace", workspace.id));
    audit::record(app, &txn, event.in_workspace(workspace.id)).await?;
    txn.commit().await?;
    Ok(Ok(workspace))
}

/// Disables a workspace: every token and key of it is refused from now on. `false` if there is none
/// or it already is.
///
/// # Errors
/// When the database fails.
pub async fn disable_workspace(app: &App, actor: Actor, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::workspaces::disable(&txn, id, app.now()).await? {
        return Ok(false);
    }
    let event = Event::new("workspace.disable", actor, Target::new("workspace", id));
    audit::record(app, &txn, event.in_workspace(id)).await?;
    txn.commit().await?;
    Ok(true)
}

/// Enables a disabled workspace: what has not ended otherwise works again. `false` if there is none
/// or it is not disabled.
///
/// # Errors
/// When the database fails.
pub async fn enable_workspace(app: &App, actor: Actor, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::workspaces::enable(&txn, id).await? {
        return Ok(false);
    }
    let event = Event::new("workspace.enable", actor, Target::new("workspace", id));
    audit::record(app, &txn, event.in_workspace(id)).await?;
    txn.commit().await?;
    Ok(true)
}

/// Moves a workspace to another plan. What it has beyond the new plan's limits stays; nothing can be
/// added until it is within them.
///
/// # Errors
/// When the database fails.
pub async fn set_plan(app: &App, actor: Actor, id: Uuid, plan: &str) -> Result<Checked<()>, Fault> {
    if let Some(problem) = plan_problem(&app.config, plan) {
        return Ok(Err(vec![problem]));
    }
    let txn = app.store.begin().await?;
    if !store::workspaces::set_plan(&txn, id, plan).await? {
        return Ok(refused("workspace", "does not exist"));
    }
    let event = Event::new("workspace.set_plan", actor, Target::new("workspace", id));
    audit::record(app, &txn, event.in_workspace(id).because(plan)).await?;
    txn.commit().await?;
    Ok(Ok(()))
}
