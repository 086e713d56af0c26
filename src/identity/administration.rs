//! What administrators of the server do to users.
//!
//! Nobody locks or demotes themselves, and one administrator who can sign in always stays: the rules
//! that could end the last one hold all of them while they look and write.

use entity::{enterprise, member::Role, user, workspace};
use uuid::Uuid;

pub use crate::store::users::Which;

use super::{password, second_factor};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store::{
        self, Txn,
        paging::{Page, Wanted},
    },
    tokens::logout::{self, Ending},
};

/// What became of a change to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds from the next request on.
    Done,
    /// It was so already, or there is no such user.
    Unchanged,
    /// Nobody does this to themselves.
    Oneself,
    /// Nobody could administer the server any more.
    LastAdmin,
}

/// A user, as whoever administers the server sees them.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user.
    pub user: user::Model,
    /// Their realm; `None` is the public one.
    pub enterprise: Option<enterprise::Model>,
    /// Whether signing in asks for a second factor.
    pub has_second_factor: bool,
    /// Browsers that they are signed in to.
    pub sessions: u64,
    /// Apps that they have connected.
    pub apps: u64,
    /// Slugs of workspaces with other people that nobody else owns: so many as
    /// [`store::members::SOLE_OWNED`] at most.
    pub sole_owner_of: Vec<String>,
}

/// A page of users, by username.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, which: Which, wanted: &Wanted) -> Result<Page<user::Model>, Fault> {
    store::users::page_which(app.store.read(), which, wanted).await
}

/// A user with what belongs to them.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, id: Uuid) -> Result<Option<Person>, Fault> {
    let db = app.store.read();
    let Some(user) = store::users::find(db, id).await? else { return Ok(None) };
    let enterprise = match user.enterprise_id {
        Some(id) => store::enterprises::find(db, id).await?,
        None => None,
    };
    Ok(Some(Person {
        has_second_factor: second_factor::are_asked_of(app, &user).await?,
        sessions: store::browser_sessions::count_of_user(db, &user, app.now()).await?,
        apps: store::grants::count_of_user(db, id, None).await?,
        sole_owner_of: store::members::list_sole_owned(db, id).await?,
        enterprise,
        user,
    }))
}

/// A page of where a user belongs, disabled workspaces too, and as what; by slug.
///
/// # Errors
/// When the database fails.
pub async fn memberships(
    app: &App,
    user_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<(workspace::Model, Role)>, Fault> {
    store::memberships::page_of_all(app.store.read(), user_id, wanted).await
}

/// The user of a username as it was typed, or of an id.
///
/// # Errors
/// When the database fails.
pub async fn find_by_name(app: &App, typed: &str) -> Result<Option<user::Model>, Fault> {
    let db = app.store.read();
    if let Ok(id) = Uuid::try_parse(typed.trim()) {
        return store::users::find(db, id).await;
    }
    match super::username::Username::parse(typed.trim()) {
        Some(name) => store::users::find_by_username(db, &name.to_string()).await,
        None => Ok(None),
    }
}

/// Locks a user: sessions, tokens and keys are refused from now on.
///
/// # Errors
/// When the database fails.
pub async fn lock(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    store::retrying(|| lock_once(app, by, id)).await
}

async fn lock_once(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    if let Some(refusal) = refusal(&txn, by, id).await? {
        return Ok(refusal);
    }
    if !store::users::disable(&txn, id, app.now()).await? {
        return Ok(Outcome::Unchanged);
    }
    logout::end(app, &txn, id, Ending::All).await?;
    finish(app, txn, "user.disable", (by, id)).await
}

/// Unlocks a user: what has not ended otherwise works again.
///
/// # Errors
/// When the database fails.
pub async fn unlock(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    if !store::users::enable(&txn, id).await? {
        return Ok(Outcome::Unchanged);
    }
    finish(app, txn, "user.enable", (by, id)).await
}

/// Makes a user an administrator of the server.
///
/// # Errors
/// When the database fails.
pub async fn promote(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    if !store::administrators::set(&txn, id, true).await? {
        return Ok(Outcome::Unchanged);
    }
    finish(app, txn, "user.promote", (by, id)).await
}

/// Takes the administration of the server from a user.
///
/// # Errors
/// When the database fails.
pub async fn demote(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    store::retrying(|| demote_once(app, by, id)).await
}

async fn demote_once(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    if let Some(refusal) = refusal(&txn, by, id).await? {
        return Ok(refusal);
    }
    if !store::administrators::set(&txn, id, false).await? {
        return Ok(Outcome::Unchanged);
    }
    finish(app, txn, "user.demote", (by, id)).await
}

/// Signs a user out of every browser and app. API keys keep working, and so does the password.
///
/// # Errors
/// When the database fails.
pub async fn sign_out(app: &App, by: Uuid, id: Uuid) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    if !store::users::raise_epoch(&txn, id).await? {
        return Ok(Outcome::Unchanged);
    }
    store::browser_sessions::delete_of_user(&txn, id).await?;
    logout::end(app, &txn, id, Ending::All).await?;
    finish(app, txn, "user.sign_out", (by, id)).await
}

/// Sends a user a letter with a link that sets a new password. `page` makes a path of this server
/// out of the link's token.
///
/// # Errors
/// When the database fails.
pub async fn send_reset(
    app: &App,
    by: Uuid,
    id: Uuid,
    page: fn(&str) -> String,
) -> Result<Outcome, Fault> {
    let is_sent = password::send_reset(app, Actor::User(by), id, page).await?;
    Ok(if is_sent { Outcome::Done } else { Outcome::Unchanged })
}

/// Holds the administrators; why `by` may not end what `id` may do, if they may not.
async fn refusal(txn: &Txn, by: Uuid, id: Uuid) -> Result<Option<Outcome>, Fault> {
    if by == id {
        return Ok(Some(Outcome::Oneself));
    }
    let admins = store::administrators::lock(txn).await?;
    // somebody else was faster with the one who asks
    if !admins.contains(&by) {
        return Ok(Some(Outcome::Unchanged));
    }
    let is_last = admins.iter().all(|admin| *admin == id);
    Ok(is_last.then_some(Outcome::LastAdmin))
}

async fn finish(
    app: &App,
    txn: Txn,
    action: &'static str,
    (by, id): (Uuid, Uuid),
) -> Result<Outcome, Fault> {
    let event = Event::new(action, Actor::User(by), Target::new("user", id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Outcome::Done)
}
