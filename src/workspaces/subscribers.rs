//! The accounts that are enabled for API access, as whoever administers the server sees them. Their
//! keys go to the accounts by mail and are shown to nobody here.

use chrono::TimeDelta;
use entity::subscription::Model;
use uuid::Uuid;

use super::{
    Account, Checked, refused,
    subscription::{open_subscription, recipients, replace_subscription},
};
use crate::{
    app::App,
    audit::Actor,
    fault::Fault,
    store::{
        self,
        paging::{Page, Wanted},
    },
};

/// An account with a subscription.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The subscription; its key is not in it.
    pub subscription: Model,
    /// Whose it is.
    pub account: Account,
    /// The PIN of the enterprise, or the username.
    pub name: String,
}

/// A page of the accounts that are enabled for API access.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, wanted: &Wanted) -> Result<Page<Subscriber>, Fault> {
    let found = store::subscriptions::page(app.store.read(), wanted).await?;
    Ok(Page { rows: name(app, found.rows).await?, next: found.next })
}

/// The account of a subscription.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, id: Uuid) -> Result<Option<Subscriber>, Fault> {
    let found = store::subscriptions::find_by_id(app.store.read(), id).await?;
    Ok(name(app, found.into_iter().collect()).await?.pop())
}

async fn name(app: &App, rows: Vec<Model>) -> Result<Vec<Subscriber>, Fault> {
    let db = app.store.read();
    let ids = rows.iter().filter_map(|row| row.enterprise_id);
    let enterprises = store::enterprises::list_by_ids(db, ids).await?;
    let users = store::users::list_by_ids(db, rows.iter().filter_map(|row| row.user_id)).await?;
    let named = rows.into_iter().filter_map(|subscription| {
        let (account, name) = match (subscription.enterprise_id, subscription.user_id) {
            (Some(id), _) => {
                let found = enterprises.iter().find(|found| found.id == id)?;
                (Account::Enterprise(id), found.pin.clone())
            }
            (None, id) => {
                let found = users.iter().find(|found| Some(found.id) == id)?;
                (Account::User(found.id), found.username.clone())
            }
        };
        Some(Subscriber { subscription, account, name })
    });
    Ok(named.collect())
}

/// How many users an account has: those of the enterprise, or the one.
///
/// # Errors
/// When the database fails.
pub async fn users(app: &App, account: Account) -> Result<u64, Fault> {
    match account {
        Account::Enterprise(id) => {
            Ok(store::users::count_of_enterprise(app.store.read(), id).await?)
        }
        Account::User(_) => Ok(1),
    }
}

/// Enables an account for API access; its key is mailed. Answers to how many people.
///
/// # Errors
/// When the database fails.
pub async fn enable(app: &App, actor: Actor, account: Account) -> Result<Checked<usize>, Fault> {
    if !is_reached(app, account).await? {
        return Ok(nobody());
    }
    let issued = open_subscription(app, actor, account).await?;
    Ok(issued.map(|issued| issued.mailed_to.len()))
}

/// Replaces an account's key, if it still is the one of this version (`crypto/digest.rs`), else `None`;
/// the new one is mailed, the old one works for `overlap` more. Answers to how many people.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    app: &App,
    actor: Actor,
    account: Account,
    (overlap, of): (TimeDelta, &str),
) -> Result<Checked<Option<usize>>, Fault> {
    if !is_reached(app, account).await? {
        return Ok(nobody());
    }
    let issued = replace_subscription(app, actor, account, (overlap, Some(of))).await?;
    Ok(issued.map(|issued| issued.map(|issued| issued.mailed_to.len())))
}

/// Whether a letter to the account reaches anybody: a key that nobody gets would be lost.
async fn is_reached(app: &App, account: Account) -> Result<bool, Fault> {
    Ok(recipients(app, account).await?.is_none_or(|count| count > 0))
}

fn nobody<T>() -> Checked<T> {
    refused(
        "account",
        "has nobody to mail the key to: give one of its users a workspace of it first",
    )
}
