//! What workspaces say about third-party apps: a policy each, and decisions about single apps.
//!
//! A token depends on them by way of its workspace, so that is the subject that changes.

use chrono::{DateTime, Utc};
use entity::{
    app_decision,
    app_policy::{self, Policy},
};
use sea_orm::{
    ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid,
    sea_query::OnConflict,
};

use super::{
    Txn,
    direct::{Ask, record},
    instant,
};
use crate::{cache::Subject, fault::Fault};

/// The policy of a workspace; `None` if it has never set one.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<Option<Policy>, Fault> {
    let found = app_policy::Entity::find_by_id(workspace_id).one(db).await?;
    Ok(found.map(|row| row.policy))
}

record! {
    /// What a workspace and a user say about a client.
    pub struct Standing {
        /// The workspace's policy, if it has set one.
        pub policy: Option<Policy>,
        /// Whether the workspace has decided about the client.
        pub is_decided: bool,
        /// The most that it has approved; `None` if the client is denied.
        pub approved_scope: Option<String>,
        /// The enterprise that the workspace belongs to.
        pub enterprise_id: Option<Uuid>,
        /// Whether the user has blocked the client.
        pub is_blocked: bool,
    }
}

const STANDING: &str = "select policy.policy as policy,
     decision.client_id is not null as is_decided, decision.scope as approved_scope,
     workspace.enterprise_id as enterprise_id, block.client_id is not null as is_blocked
     from (select 1 as one) asked
     left join workspace on workspace.id = $1
     left join app_policy policy on policy.workspace_id = $1
     left join app_decision decision on decision.workspace_id = $1 and decision.client_id = $2
     left join blocked_client block on block.user_id = $3 and block.client_id = $2";

/// What a workspace, if there is one, and a user say about a client: asked whenever something is about to be allowed.
///
/// # Errors
/// When the database fails.
pub async fn standing(
    db: &impl Ask,
    workspace_id: Option<Uuid>,
    client_id: &str,
    user_id: Uuid,
) -> Result<Standing, Fault> {
    let values = vec![workspace_id.into(), client_id.into(), user_id.into()];
    let found = db.first(STANDING, values).await?;
    found.ok_or_else(|| Fault::internal("one row was not one"))
}

/// The policies of those among these workspaces that have set one.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    workspace_ids: &[Uuid],
) -> Result<Vec<app_policy::Model>, Fault> {
    let ids = workspace_ids.iter().copied();
    let query = app_policy::Entity::find().filter(app_policy::COLUMN.workspace_id.is_in(ids));
    Ok(query.all(db).await?)
}

/// Sets the policy of a workspace.
///
/// # Errors
/// When the database fails.
pub async fn set(
    db: &Txn,
    workspace_id: Uuid,
    policy: Policy,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    use app_policy::{Column, Entity, Model};
    db.changes(Subject::Workspace(workspace_id));
    let row = Model { workspace_id, policy, changed_at: instant(now) };
    let mut replace = OnConflict::column(Column::WorkspaceId);
    replace.update_columns([Column::Policy, Column::ChangedAt]);
    Entity::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}

/// What a workspace has decided about a client, if anything.
///
/// # Errors
/// When the database fails.
pub async fn find_decision(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_id: &str,
) -> Result<Option<app_decision::Model>, Fault> {
    let key = (workspace_id, client_id.to_owned());
    Ok(app_decision::Entity::find_by_id(key).one(db).await?)
}

/// What these workspaces have decided about a client.
///
/// # Errors
/// When the database fails.
pub async fn list_decisions_about(
    db: &impl ConnectionTrait,
    client_id: &str,
    workspace_ids: &[Uuid],
) -> Result<Vec<app_decision::Model>, Fault> {
    use app_decision::{COLUMN, Entity};
    let ids = workspace_ids.iter().copied();
    let query = Entity::find()
        .filter(COLUMN.workspace_id.is_in(ids))
        .filter(COLUMN.client_id.eq(client_id));
    Ok(query.all(db).await?)
}

/// What a workspace has decided about these clients.
///
/// # Errors
/// When the database fails.
pub async fn list_decisions_of(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<app_decision::Model>, Fault> {
    use app_decision::{COLUMN, Entity};
    let query = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.client_id.is_in(client_ids));
    Ok(query.all(db).await?)
}

/// Decides about a client, whatever was decided before.
///
/// # Errors
/// When the database fails.
pub async fn decide(db: &Txn, decision: app_decision::Model) -> Result<(), Fault> {
    use app_decision::{Column, Entity};
    db.changes(Subject::Workspace(decision.workspace_id));
    let mut replace = OnConflict::columns([Column::WorkspaceId, Column::ClientId]);
    replace.update_columns([Column::Scope, Column::DecidedBy, Column::DecidedAt]);
    Entity::insert(decision.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Takes a decision back; `false` if there was none.
///
/// # Errors
/// When the database fails.
pub async fn undecide(db: &Txn, workspace_id: Uuid, client_id: &str) -> Result<bool, Fault> {
    db.changes(Subject::Workspace(workspace_id));
    let key = (workspace_id, client_id.to_owned());
    Ok(app_decision::Entity::delete_by_id(key).exec(db).await?.rows_affected == 1)
}
