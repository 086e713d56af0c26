//! Taking every second factor of a user away, for one who has lost them all.

use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    mail::{LetterKind, SecurityChange},
    outbox, store,
};

/// Removes the app, the passkeys and the recovery codes of a user, who is told by mail; `false` if
/// there is no such user or none of them.
///
/// Whoever decides this must know who is asking: afterwards the password alone is enough.
///
/// # Errors
/// When the database fails.
pub async fn reset(app: &App, actor: Actor, user_id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    store::users::lock(&txn, user_id).await?;
    let Some(user) = store::users::find(&txn, user_id).await? else {
        return Ok(false);
    };
    let had_totp = store::users::remove_totp(&txn, user_id).await?;
    let passkeys = store::passkeys::delete_of_user(&txn, user_id).await?;
    let codes = store::recovery_codes::delete_of_user(&txn, user_id).await?;
    if !had_totp && passkeys == 0 && codes == 0 {
        return Ok(false);
    }
    let event = Event::new("second_factor.reset", actor, Target::new("user", user_id));
    audit::record(app, &txn, event).await?;
    let letter = LetterKind::SecurityChange { what: SecurityChange::FactorsReset, at: app.now() };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    txn.commit().await?;
    Ok(true)
}
