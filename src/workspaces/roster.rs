//! Who is in a workspace, as its own people see it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{member::Model, user};
use uuid::Uuid;

use crate::{
    app::App,
    fault::Fault,
    store::{
        self,
        paging::{Page, Wanted},
    },
};

/// What counts as signing in: to a browser, or by a password that an app was given.
const SIGN_INS: [&str; 2] = ["session.begin", "user.sign_in"];

/// A member, and what is known about the person.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The membership.
    pub member: Model,
    /// The person.
    pub user: user::Model,
    /// Whether they have a second factor.
    pub has_second_factor: bool,
    /// When they last signed in, anywhere.
    pub last_sign_in: Option<DateTime<Utc>>,
}

/// What ends with a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stops {
    /// API keys of the workspace that the member owns.
    pub keys: u64,
    /// Apps that the member has connected to the workspace.
    pub apps: u64,
}

/// A page of a workspace's members, by username.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, workspace_id: Uuid, wanted: &Wanted) -> Result<Page<Listed>, Fault> {
    let db = app.store.read();
    let found = store::members::page(db, workspace_id, wanted).await?;
    let ids = found.rows.iter().map(|(_, user)| user.id.to_string());
    let last: HashMap<_, _> =
        store::audit::list_last(db, &SIGN_INS, ids).await?.into_iter().collect();
    let people = found.rows.iter().map(|(_, user)| user.id);
    let with_passkeys: HashSet<_> =
        store::passkeys::list_owners(db, people).await?.into_iter().collect();
    let listed = |(member, user): (Model, user::Model)| Listed {
        has_second_factor: user.totp_sealed.is_some() || with_passkeys.contains(&user.id),
        last_sign_in: last.get(&user.id.to_string()).map(|at| at.0),
        member,
        user,
    };
    Ok(Page { rows: found.rows.into_iter().map(listed).collect(), next: found.next })
}

/// A member of a workspace; `None` if there is no such one.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    workspace_id: Uuid,
    user_id: Uuid,
) -> Result<Option<(Model, user::Model)>, Fault> {
    let db = app.store.read();
    let Some(member) = store::members::find(db, workspace_id, user_id).await? else {
        return Ok(None);
    };
    Ok(store::users::find(db, user_id).await?.map(|user| (member, user)))
}

/// Whether nobody else who can sign in owns the member's workspace.
///
/// # Errors
/// When the database fails.
pub async fn is_last_owner(app: &App, member: &Model) -> Result<bool, Fault> {
    store::members::is_last_owner(app.store.read(), member).await
}

/// How many people are in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn count(app: &App, workspace_id: Uuid) -> Result<u64, Fault> {
    store::members::count(app.store.read(), workspace_id).await
}

/// What stops when somebody leaves.
///
/// # Errors
/// When the database fails.
pub async fn stops(app: &App, workspace_id: Uuid, user_id: Uuid) -> Result<Stops, Fault> {
    let db = app.store.read();
    Ok(Stops {
        keys: store::api_keys::count_of_owner(db, workspace_id, user_id).await?,
        apps: store::grants::count_of_user(db, user_id, Some(workspace_id)).await?,
    })
}
