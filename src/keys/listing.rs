//! Which keys a member sees, how much of each, and which ones the member may change (Subworkflow).

use std::collections::HashMap;

use entity::{api_key, member::Role, user};
use uuid::Uuid;

use crate::{app::App, fault::Fault, store};

/// A member who looks at the keys of a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    /// Who.
    pub user_id: Uuid,
    /// With which role there.
    pub role: Role,
}

impl Viewer {
    /// Whether this member sees all of the key and may change it: its owner, or whoever
    /// administers the workspace. Others see that it exists.
    #[must_use]
    pub fn owns(&self, key: &api_key::Model) -> bool {
        self.role >= Role::Admin || key.owner_user_id == Some(self.user_id)
    }
}

/// A key and whom it belongs to.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The key. Unless `is_visible` its name, prefix and scopes must not be shown.
    pub key: api_key::Model,
    /// The owner's username or the service account's name.
    pub owner: String,
    /// Whether the viewer sees all of it and may change it.
    pub is_visible: bool,
}

/// The keys of a workspace, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, workspace_id: Uuid, viewer: Viewer) -> Result<Vec<Listed>, Fault> {
    let db = app.store.read();
    let keys = store::api_keys::list(db, workspace_id).await?;
    let users = store::users::list_by_ids(db, keys.iter().filter_map(|key| key.owner_user_id));
    let users = users.await?.into_iter().map(|user: user::Model| (user.id, user.username));
    let machines = store::service_accounts::list_of_workspace(db, workspace_id).await?;
    let machines = machines.into_iter().map(|machine| (machine.id, machine.name));
    let names: HashMap<_, _> = users.chain(machines).collect();
    let listed = keys.into_iter().map(|key| {
        let owner = key.owner_user_id.or(key.service_account_id).and_then(|id| names.get(&id));
        Listed { owner: owner.cloned().unwrap_or_default(), is_visible: viewer.owns(&key), key }
    });
    Ok(listed.collect())
}

/// A key that this member may see all of and change; others are `None`, as if they did not exist.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    workspace_id: Uuid,
    id: Uuid,
    viewer: Viewer,
) -> Result<Option<api_key::Model>, Fault> {
    let key = store::api_keys::find(app.store.read(), workspace_id, id).await?;
    Ok(key.filter(|key| viewer.owns(key)))
}

#[cfg(test)]
mod tests {
    use entity::types::StringList;

    use super::*;

    fn key(owner_user_id: Option<Uuid>) -> api_key::Model {
        let now = store::instant(chrono::DateTime::UNIX_EPOCH);
        api_key::Model {
            id: Uuid::nil(),
            workspace_id: Uuid::nil(),
            name: String::new(),
            key_sha256: vec![],
            prefix: String::new(),
            last4: String::new(),
            environment: "live".to_owned(),
            owner_user_id,
            service_account_id: None,
            created_by: None,
            scopes: StringList::default(),
            full_access: false,
            is_active: true,
            created_at: now,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            exposed_at: None,
        }
    }

    #[test]
    fn members_see_their_own_keys_and_administrators_all() {
        let (ada, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sees = |user_id, role, owner| Viewer { user_id, role }.owns(&key(owner));

        assert!(sees(ben, Role::Member, Some(ben)));
        assert!(!sees(ben, Role::Member, Some(ada)));
        assert!(!sees(ben, Role::Member, None));
        assert!(sees(ben, Role::Admin, Some(ada)));
        assert!(sees(ben, Role::Owner, None));
    }
}
