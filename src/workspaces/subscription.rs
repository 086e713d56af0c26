//! Subscription keys (Qflow): each billable account has one, mailed once, when the account is
//! enabled for API access and whenever the key is replaced.

use chrono::{DateTime, TimeDelta, Utc};
use entity::subscription::Model;

use super::{Account, Checked, refused};
use crate::{
    app::App,
    audit::{self, Actor, Event},
    crypto::{
        digest,
        secret::{Secret, SubscriptionKey},
    },
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, Txn},
};

/// How much of a subscription key may be shown again: prefix and four characters.
const SHOWN_CHARS: usize = 10;
/// The owners of an enterprise's workspaces who get its key.
const MAX_RECIPIENTS: u64 = 20;
/// How long a replaced key may go on working.
const MAX_OVERLAP: TimeDelta = TimeDelta::days(30);

/// A key that was just made.
#[derive(Debug)]
pub struct IssuedSubscription {
    /// The key, shown once.
    pub key: Secret<SubscriptionKey>,
    /// Whom it is mailed to: the user, or the enterprise's own people who own its workspaces.
    pub mailed_to: Vec<String>,
    /// Until when the key that it replaces works.
    pub previous_expires_at: Option<DateTime<Utc>>,
}

/// Enables an account for API access: makes its subscription key and mails it.
///
/// # Errors
/// When the database fails.
pub async fn open_subscription(
    app: &App,
    actor: Actor,
    account: Account,
) -> Result<Checked<IssuedSubscription>, Fault> {
    let key = Secret::<SubscriptionKey>::random(&*app.random);
    let now = app.now();
    let (enterprise_id, user_id) = match account {
        Account::Enterprise(id) => (Some(id), None),
        Account::User(id) => (None, Some(id)),
    };
    let row = Model {
        id: app.random.uuid(now),
        enterprise_id,
        user_id,
        key_sha256: key.sha256(),
        prefix: shown(&key),
        created_at: store::instant(now),
        expires_at: None,
        suspended_at: None,
        previous_sha256: None,
        previous_expires_at: None,
    };
    let txn = app.store.begin().await?;
    let Some(addressees) = Addressees::find(&txn, account).await? else {
        return Ok(refused(account.kind(), "does not exist"));
    };
    if store::subscriptions::insert(&txn, row).await?.is_err() {
        return Ok(refused(account.kind(), "has API access already"));
    }
    let letter = |account_name| LetterKind::SubscriptionKey {
        account_name,
        key: key.reveal().to_owned(),
        previous_expires_at: None,
        is_replacement: false,
    };
    let mailed_to = addressees.tell(app, &txn, letter).await?;
    audit::record(app, &txn, Event::new("subscription.open", actor, account.target())).await?;
    txn.commit().await?;
    Ok(Ok(IssuedSubscription { key, mailed_to, previous_expires_at: None }))
}

/// Replaces an account's subscription key and mails the new one; the old one works for `overlap`
/// more, the one before it no longer.
///
/// # Errors
/// When the database fails.
pub async fn rotate_subscription(
    app: &App,
    actor: Actor,
    account: Account,
    overlap: TimeDelta,
) -> Result<Checked<IssuedSubscription>, Fault> {
    match replace_subscription(app, actor, account, (overlap, None)).await? {
        Ok(Some(issued)) => Ok(Ok(issued)),
        Ok(None) => Err(Fault::unavailable("the subscription key was replaced just now")),
        Err(problems) => Ok(Err(problems)),
    }
}

/// The same, if the account still has the key of this version (`crypto/digest.rs`), else `None`: so
/// that a form that is sent twice replaces one key, and not also the one that is on its way.
///
/// # Errors
/// When the database fails.
pub(super) async fn replace_subscription(
    app: &App,
    actor: Actor,
    account: Account,
    (overlap, of): (TimeDelta, Option<&str>),
) -> Result<Checked<Option<IssuedSubscription>>, Fault> {
    if !(TimeDelta::zero()..=MAX_OVERLAP).contains(&overlap) {
        return Ok(refused("overlap", "must be at most 30 days"));
    }
    let key = Secret::<SubscriptionKey>::random(&*app.random);
    let now = app.now();
    let ends = (!overlap.is_zero()).then(|| now + overlap);
    let txn = app.store.begin().await?;
    let Some(addressees) = Addressees::find(&txn, account).await? else {
        return Ok(refused(account.kind(), "does not exist"));
    };
    let Some(present) = store::subscriptions::find(&txn, account).await? else {
        return Ok(refused(account.kind(), "has no API access"));
    };
    let new = (&*key.sha256(), &*shown(&key));
    if of.is_some_and(|version| version != digest::version(&present.key_sha256))
        || !store::subscriptions::rotate(&txn, &present, new, ends).await?
    {
        return Ok(Ok(None));
    }
    let letter = |account_name| LetterKind::SubscriptionKey {
        account_name,
        key: key.reveal().to_owned(),
        previous_expires_at: ends,
        is_replacement: true,
    };
    let mailed_to = addressees.tell(app, &txn, letter).await?;
    audit::record(app, &txn, Event::new("subscription.rotate", actor, account.target())).await?;
    txn.commit().await?;
    Ok(Ok(Some(IssuedSubscription { key, mailed_to, previous_expires_at: ends })))
}

/// Replaces a key that has leaked by one that is mailed to the account, at once; `false` if somebody
/// else replaced it just now.
///
/// # Errors
/// When the database fails.
pub async fn replace_leaked_subscription_key(
    app: &App,
    txn: &Txn,
    present: &Model,
) -> Result<bool, Fault> {
    let key = Secret::<SubscriptionKey>::random(&*app.random);
    let new = (&*key.sha256(), &*shown(&key));
    if !store::subscriptions::rotate(txn, present, new, None).await? {
        return Ok(false);
    }
    if let Some(addressees) = Addressees::find(txn, account_of(present)).await? {
        let letter = |account_name| LetterKind::SubscriptionKey {
            account_name,
            key: key.reveal().to_owned(),
            previous_expires_at: None,
            is_replacement: true,
        };
        addressees.tell(app, txn, letter).await?;
    }
    Ok(true)
}

/// The account that a subscription is of.
#[must_use]
pub fn account_of(subscription: &Model) -> Account {
    match (subscription.enterprise_id, subscription.user_id) {
        (Some(id), _) => Account::Enterprise(id),
        // it is of one of them
        (None, id) => Account::User(id.unwrap_or_default()),
    }
}

/// What an account is called, and who gets its letters; `None` if there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn addressees(
    txn: &Txn,
    account: Account,
) -> Result<Option<(String, Vec<String>)>, Fault> {
    let found = Addressees::find(txn, account).await?;
    Ok(found.map(|found| (found.account_name, found.emails)))
}

/// Suspends an account: its keys are refused from now on. `false` if it has none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn suspend_subscription(
    app: &App,
    actor: Actor,
    account: Account,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::subscriptions::suspend(&txn, account, app.now()).await? {
        return Ok(false);
    }
    audit::record(app, &txn, Event::new("subscription.suspend", actor, account.target())).await?;
    txn.commit().await?;
    Ok(true)
}

/// Ends a suspension: the account's keys work again. `false` if there was none.
///
/// # Errors
/// When the database fails.
pub async fn resume_subscription(app: &App, actor: Actor, account: Account) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::subscriptions::resume(&txn, account).await? {
        return Ok(false);
    }
    audit::record(app, &txn, Event::new("subscription.resume", actor, account.target())).await?;
    txn.commit().await?;
    Ok(true)
}

/// How many people get an account's key by mail; `None` if there is no such account.
///
/// # Errors
/// When the database fails.
pub(super) async fn recipients(app: &App, account: Account) -> Result<Option<usize>, Fault> {
    let txn = app.store.begin().await?;
    let found = Addressees::find(&txn, account).await?;
    Ok(found.map(|found| found.emails.len()))
}

fn shown(key: &Secret<SubscriptionKey>) -> String {
    key.reveal().chars().take(SHOWN_CHARS).collect()
}

/// Who gets an account's key by mail.
struct Addressees {
    account_name: String,
    emails: Vec<String>,
}

impl Addressees {
    /// Those of an account; `None` if there is no such account.
    async fn find(txn: &Txn, account: Account) -> Result<Option<Self>, Fault> {
        Ok(match account {
            Account::User(id) => store::users::find(txn, id)
                .await?
                .map(|user| Self { account_name: user.username, emails: vec![user.email] }),
            Account::Enterprise(id) => match store::enterprises::find(txn, id).await? {
                None => None,
                Some(enterprise) => {
                    let owners = store::users::list_owners(txn, id, MAX_RECIPIENTS).await?;
                    let emails = owners.into_iter().map(|owner| owner.email).collect();
                    Some(Self { account_name: enterprise.name, emails })
                }
            },
        })
    }

    /// Queues the letter for each of them, and answers who they are.
    async fn tell(
        self,
        app: &App,
        txn: &Txn,
        letter: impl FnOnce(String) -> LetterKind,
    ) -> Result<Vec<String>, Fault> {
        let letter = letter(self.account_name);
        for email in &self.emails {
            outbox::queue(app, txn, email, &letter).await?;
        }
        Ok(self.emails)
    }
}
