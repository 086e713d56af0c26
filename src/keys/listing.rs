//! Which keys a member sees, how much of each, and which ones the member may change (Subworkflow).

use std::collections::{HashMap, HashSet};

use entity::{api_key, member::Role, user};
use uuid::Uuid;

use crate::{
    app::App,
    fault::Fault,
    store::{
        self,
        api_keys::Sight,
        paging::{Page, Wanted},
    },
};

/// Who looks at the keys of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// A member.
    Member {
        /// Who.
        user_id: Uuid,
        /// With which role there.
        role: Role,
    },
    /// A program that acts for no person.
    Machine {
        /// The service account it acts as, if it is one.
        service_account_id: Option<Uuid>,
        /// Whether it may manage keys.
        may_manage: bool,
    },
}

impl Viewer {
    /// Whether this viewer sees all of the key and may change it: its owner, or whoever administers
    /// the workspace. Others see that it exists.
    #[must_use]
    pub fn owns(&self, key: &api_key::Model) -> bool {
        match *self {
            Self::Member { user_id, role } => {
                role >= Role::Admin || key.owner_user_id == Some(user_id)
            }
            Self::Machine { service_account_id, may_manage } => {
                may_manage
                    || service_account_id.is_some() && key.service_account_id == service_account_id
            }
        }
    }
}

impl Viewer {
    /// Which keys a search may tell more of than whose they are.
    fn sight(&self) -> Sight {
        match *self {
            Self::Member { role, .. } if role >= Role::Admin => Sight::All,
            Self::Machine { may_manage: true, .. } => Sight::All,
            Self::Member { user_id, .. } => Sight::Of(user_id),
            // programs do not search
            Self::Machine { .. } => Sight::Of(Uuid::nil()),
        }
    }
}

/// How a user looks at the keys of a workspace; who is no member sees nothing of anybody's.
///
/// # Errors
/// When the database fails.
pub async fn viewer(app: &App, workspace_id: Uuid, user_id: Uuid) -> Result<Viewer, Fault> {
    let member = store::members::find(app.store.read(), workspace_id, user_id).await?;
    Ok(member.map_or(Viewer::Machine { service_account_id: None, may_manage: false }, |member| {
        Viewer::Member { user_id, role: member.role }
    }))
}

/// A key and whom it belongs to.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The key. Unless `is_visible` its name, prefix and scopes must not be shown.
    pub key: api_key::Model,
    /// The owner's username or the service account's name.
    pub owner: String,
    /// Whether the owner has left the workspace or is disabled: the key works no more, and somebody
    /// should rotate what used it.
    pub has_owner_left: bool,
    /// The username of who made it.
    pub created_by: Option<String>,
    /// Whether its present secret was reported as leaked.
    pub has_leaked: bool,
    /// Whether the viewer sees all of it and may change it.
    pub is_visible: bool,
}

/// How many keys one query reads where all are wanted.
const AT_ONCE: u64 = 500;

/// Every key of a workspace, newest first: as many as its plan allows.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, workspace_id: Uuid, viewer: Viewer) -> Result<Vec<Listed>, Fault> {
    let (mut wanted, mut all) = (Wanted { rows: AT_ONCE, ..Wanted::default() }, Vec::new());
    loop {
        let found = page(app, workspace_id, viewer, &wanted).await?;
        all.extend(found.rows);
        wanted.after = found.next;
        if wanted.after.is_none() {
            return Ok(all);
        }
    }
}

/// A page of the keys of a workspace, newest first. A search finds a key by what the viewer sees of it,
/// and by its owner.
///
/// # Errors
/// When the database fails.
pub async fn page(
    app: &App,
    workspace_id: Uuid,
    viewer: Viewer,
    wanted: &Wanted,
) -> Result<Page<Listed>, Fault> {
    let db = app.store.read();
    let Page { rows, next } =
        store::api_keys::page(db, workspace_id, viewer.sight(), wanted).await?;
    Ok(Page { rows: describe(app, workspace_id, viewer, rows).await?, next })
}

/// How many keys a workspace has; expired and revoked ones count until they are deleted.
///
/// # Errors
/// When the database fails.
pub async fn count(app: &App, workspace_id: Uuid) -> Result<u64, Fault> {
    store::api_keys::count(app.store.read(), workspace_id).await
}

/// One key of a workspace, however much of it this viewer sees.
///
/// # Errors
/// When the database fails.
pub async fn get(
    app: &App,
    workspace_id: Uuid,
    id: Uuid,
    viewer: Viewer,
) -> Result<Option<Listed>, Fault> {
    let key = store::api_keys::find(app.store.read(), workspace_id, id).await?;
    Ok(describe(app, workspace_id, viewer, key.into_iter().collect()).await?.pop())
}

async fn describe(
    app: &App,
    workspace_id: Uuid,
    viewer: Viewer,
    keys: Vec<api_key::Model>,
) -> Result<Vec<Listed>, Fault> {
    let db = app.store.read();
    let people = keys.iter().flat_map(|key| [key.owner_user_id, key.created_by]).flatten();
    let people: HashSet<_> = people.collect();
    let owners: HashSet<_> = keys.iter().filter_map(|key| key.owner_user_id).collect();
    let members = store::members::list_user_ids(db, workspace_id, owners).await?;
    let members: HashSet<_> = members.into_iter().collect();
    let users = store::users::list_by_ids(db, people).await?;
    let users: HashMap<_, _> = users.into_iter().map(|user: user::Model| (user.id, user)).collect();
    let machines: HashSet<_> = keys.iter().filter_map(|key| key.service_account_id).collect();
    let machines = store::service_accounts::list_by_ids(db, workspace_id, machines).await?;
    let machines: HashMap<_, _> =
        machines.into_iter().map(|machine| (machine.id, machine.name)).collect();
    let leaked = keys.iter().map(|key| key.key_sha256.clone());
    let leaked: HashSet<_> = store::leaks::list_reported(db, leaked).await?.into_iter().collect();
    let username = |id: Uuid| users.get(&id).map(|user| user.username.clone());
    let listed = keys.into_iter().map(|key| {
        let machine = key.service_account_id.and_then(|id| machines.get(&id).cloned());
        let has_left = |id: &Uuid| {
            !members.contains(id) || users.get(id).is_none_or(|user| user.disabled_at.is_some())
        };
        Listed {
            owner: key.owner_user_id.and_then(username).or(machine).unwrap_or_default(),
            has_owner_left: key.owner_user_id.as_ref().is_some_and(has_left),
            created_by: key.created_by.and_then(username),
            has_leaked: leaked.contains(&key.key_sha256),
            is_visible: viewer.owns(&key),
            key,
        }
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
    use entity::scope_list::ScopeList;

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
            scopes: ScopeList::default(),
            full_access: false,
            is_active: true,
            created_at: now,
            expires_at: None,
            last_used_at: None,
            uses: 0,
            revoked_at: None,
            exposed_at: None,
            previous_sha256: None,
            previous_expires_at: None,
            warned_at: None,
        }
    }

    #[test]
    fn members_see_their_own_keys_and_administrators_all() {
        let (ada, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sees = |user_id, role, owner| Viewer::Member { user_id, role }.owns(&key(owner));

        assert!(sees(ben, Role::Member, Some(ben)));
        assert!(!sees(ben, Role::Member, Some(ada)));
        assert!(!sees(ben, Role::Member, None));
        assert!(sees(ben, Role::Admin, Some(ada)));
        assert!(sees(ben, Role::Owner, None));
    }

    #[test]
    fn machines_see_their_own_keys_and_managers_all() {
        let id = Some(Uuid::from_u128(3));
        let own = api_key::Model { service_account_id: id, ..key(None) };
        let sees = |service_account_id, may_manage, key: &api_key::Model| {
            Viewer::Machine { service_account_id, may_manage }.owns(key)
        };

        assert!(sees(id, false, &own));
        assert!(!sees(None, false, &own));
        assert!(!sees(id, false, &key(None)));
        assert!(!sees(None, false, &key(None)));
        assert!(sees(None, true, &key(Some(Uuid::nil()))));
    }
}
