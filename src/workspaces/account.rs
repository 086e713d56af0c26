//! Billable accounts (Qflow): an enterprise or a user, its subscription key, and what it may do.

use entity::subscription;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::secret::{Secret, SubscriptionKey},
    fault::Fault,
    store,
};

/// How much of a subscription key may be shown again: prefix and four characters.
const SHOWN_CHARS: usize = 10;

/// Who is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// An enterprise, for all its users.
    Enterprise(Uuid),
    /// A user of the public realm.
    User(Uuid),
}

impl Account {
    fn target(self) -> Target {
        match self {
            Self::Enterprise(id) => Target::new("enterprise", id),
            Self::User(id) => Target::new("user", id),
        }
    }

    async fn exists(self, txn: &store::Txn) -> Result<bool, Fault> {
        Ok(match self {
            Self::Enterprise(id) => store::enterprises::find(txn, id).await?.is_some(),
            Self::User(id) => store::users::find(txn, id).await?.is_some(),
        })
    }
}

/// Creates a subscription key for an account, shown once; `None` if there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn open_subscription(
    app: &App,
    actor: Actor,
    account: Account,
) -> Result<Option<Secret<SubscriptionKey>>, Fault> {
    let key = Secret::<SubscriptionKey>::random(&*app.random);
    let now = app.now();
    let (enterprise_id, user_id) = match account {
        Account::Enterprise(id) => (Some(id), None),
        Account::User(id) => (None, Some(id)),
    };
    let row = subscription::Model {
        id: app.random.uuid(now),
        enterprise_id,
        user_id,
        key_sha256: key.sha256(),
        prefix: key.reveal().chars().take(SHOWN_CHARS).collect(),
        created_at: store::instant(now),
        expires_at: None,
        suspended_at: None,
    };
    let txn = app.store.begin().await?;
    if !account.exists(&txn).await? {
        return Ok(None);
    }
    store::subscriptions::insert(&txn, row).await?;
    audit::record(app, &txn, Event::new("subscription.open", actor, account.target())).await?;
    txn.commit().await?;
    Ok(Some(key))
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
