//! Where a user is signed in, as the user sees it.

use entity::{browser_session::Model, user};
use uuid::Uuid;

use super::session::SignedIn;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store,
    tokens::logout::{self, Ending},
};

/// How many sessions a page lists; whoever has more ends the others together.
const LISTED: u64 = 100;

/// The sessions of a user that are not at an end and were used last, the last first, and how many there
/// are.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, user: &user::Model) -> Result<(Vec<Model>, u64), Fault> {
    let (db, now) = (app.store.read(), app.now());
    let found = store::browser_sessions::list_of_user(db, user.id, user.epoch, now, LISTED).await?;
    let number = store::browser_sessions::count_of_user(db, user, now).await?;
    Ok((found, number))
}

/// Signs a user out of one browser, at once; `false` if there is no such session of this user.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, user_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::browser_sessions::delete_by_id(&txn, user_id, id).await? {
        return Ok(false);
    }
    logout::end(app, &txn, user_id, Ending::One(id)).await?;
    let event = Event::new("session.end", Actor::User(user_id), Target::new("user", user_id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}

/// Signs a user out of every browser but this one, at once, and answers of how many.
///
/// # Errors
/// When the database fails.
pub async fn end_others(app: &App, here: &SignedIn) -> Result<u64, Fault> {
    let user_id = here.user.id;
    let txn = app.store.begin().await?;
    let kept = &here.session.cookie_sha256;
    let ended = store::browser_sessions::delete_others(&txn, user_id, kept).await?;
    if ended > 0 {
        logout::end(app, &txn, user_id, Ending::AllBut(here.session.id)).await?;
        let target = Target::new("user", user_id);
        let event = Event::new("session.end_others", Actor::User(user_id), target);
        audit::record(app, &txn, event.because(format!("{ended} sessions"))).await?;
    }
    txn.commit().await?;
    Ok(ended)
}
