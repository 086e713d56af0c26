//! Keys of any kind, and who else may own them.

use entity::workspace;
use latchkey::{
    audit::Actor,
    config::Environment,
    keys::manage::{KeyOwner, NewKey},
    tokens::scopes::Scope,
    workspaces,
};
use uuid::Uuid;

use super::World;

/// A live key that does not end by itself.
pub fn new_key(workspace: &workspace::Model, owner: KeyOwner, scope: &str) -> NewKey {
    NewKey {
        workspace_id: workspace.id,
        name: "a key".to_owned(),
        scopes: Scope::parse(scope).unwrap(),
        full_access: false,
        environment: Environment::Live,
        owner,
        created_by: None,
        expires_at: None,
    }
}

impl World {
    /// A service account of a workspace.
    pub async fn service_account(&self, workspace: &workspace::Model, name: &str) -> Uuid {
        let app = &self.app;
        let made = workspaces::service_account(app, Actor::Operator, workspace.id, name).await;
        made.unwrap().unwrap().id
    }
}
