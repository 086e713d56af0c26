//! Billable accounts (Qflow), an enterprise or a user, and what they may do.

use uuid::Uuid;

pub use crate::store::subscriptions::Account;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store,
};

impl Account {
    /// What kind of account it is, in a word.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Enterprise(_) => "enterprise",
            Self::User(_) => "user",
        }
    }

    /// The account, as something that events happen to.
    pub(super) fn target(self) -> Target {
        match self {
            Self::Enterprise(id) | Self::User(id) => Target::new(self.kind(), id),
        }
    }
}

/// Puts an account on the allow-list of the Comms API; `false` if there is no such account or it
/// already is.
///
/// # Errors
/// When the database fails.
pub async fn allow_comms(app: &App, actor: Actor, account: Account) -> Result<bool, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    let is_new = match account {
        Account::Enterprise(id) => store::enterprises::allow_comms(&txn, id, now).await?,
        Account::User(id) => store::users::allow_comms(&txn, id, now).await?,
    };
    if is_new {
        audit::record(app, &txn, Event::new("comms.allow", actor, account.target())).await?;
        txn.commit().await?;
    }
    Ok(is_new)
}

/// Takes an account off the allow-list of the Comms API; `false` if it is not on it.
///
/// # Errors
/// When the database fails.
pub async fn deny_comms(app: &App, actor: Actor, account: Account) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let was_allowed = match account {
        Account::Enterprise(id) => store::enterprises::deny_comms(&txn, id).await?,
        Account::User(id) => store::users::deny_comms(&txn, id).await?,
    };
    if was_allowed {
        audit::record(app, &txn, Event::new("comms.deny", actor, account.target())).await?;
        txn.commit().await?;
    }
    Ok(was_allowed)
}

/// Takes back that a user's account is verified (KYC); `false` if it is not.
///
/// # Errors
/// When the database fails.
pub async fn unverify_user(app: &App, actor: Actor, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let was_verified = store::users::unverify(&txn, id).await?;
    if was_verified {
        let event = Event::new("user.unverify", actor, Target::new("user", id));
        audit::record(app, &txn, event).await?;
        txn.commit().await?;
    }
    Ok(was_verified)
}

/// Marks a user's account as verified (KYC); `false` if there is no such user or it already is.
///
/// # Errors
/// When the database fails.
pub async fn verify_user(app: &App, actor: Actor, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let is_new = store::users::verify(&txn, id, app.now()).await?;
    if is_new {
        audit::record(app, &txn, Event::new("user.verify", actor, Target::new("user", id))).await?;
        txn.commit().await?;
    }
    Ok(is_new)
}
