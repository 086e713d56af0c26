//! Subscriptions: one for each billable account, with its key and, for a while after a rotation, the
//! key before.

use chrono::{DateTime, Utc};
use entity::{
    enterprise,
    subscription::{COLUMN, Column, Entity, Model},
    user,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, Query},
};

use super::{
    Duplicate, insert_unique, instant, millis,
    paging::{Page, Wanted, contains},
};
use crate::fault::Fault;

/// A billable account: who is known by a subscription key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// An enterprise.
    Enterprise(Uuid),
    /// A user.
    User(Uuid),
}

impl Account {
    fn is_it(self) -> Expr {
        match self {
            Self::Enterprise(id) => COLUMN.enterprise_id.eq(id),
            Self::User(id) => COLUMN.user_id.eq(id),
        }
    }
}

/// Stores a new subscription, unless its account has one.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    subscription: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, subscription).await
}

/// The subscription of an account.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, account: Account) -> Result<Option<Model>, Fault> {
    Ok(Entity::find().filter(account.is_it()).one(db).await?)
}

/// The subscription with this id.
///
/// # Errors
/// When the database fails.
pub async fn find_by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// A page of subscriptions, oldest first; a search looks into PINs and names of enterprises, and
/// usernames.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    let mut query = Entity::find().order_by_asc(Column::Id).limit(wanted.rows.saturating_add(1));
    if let Some(after) = wanted.after.as_deref().and_then(|after| Uuid::parse_str(after).ok()) {
        query = query.filter(Column::Id.gt(after));
    }
    if let Some(text) = wanted.search() {
        let enterprises = Query::select()
            .column(enterprise::Column::Id)
            .from(enterprise::Entity)
            .cond_where(
                Condition::any()
                    .add(contains(enterprise::Column::Pin, text))
                    .add(contains(enterprise::Column::Name, text)),
            )
            .to_owned();
        let users = Query::select()
            .column(user::Column::Id)
            .from(user::Entity)
            .and_where(contains(user::Column::Username, text))
            .to_owned();
        let either = Condition::any()
            .add(Column::EnterpriseId.in_subquery(enterprises))
            .add(Column::UserId.in_subquery(users));
        query = query.filter(either);
    }
    Ok(Page::of(query.all(db).await?, wanted, |row| row.id.to_string()))
}

/// The subscription that a key opens: its present key, or the one before while that still works.
///
/// # Errors
/// When the database fails.
pub async fn find_by_key(
    db: &impl ConnectionTrait,
    sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    let previous = Condition::all()
        .add(COLUMN.previous_sha256.eq(sha256))
        .add(COLUMN.previous_expires_at.gt(millis(now)));
    let either = Condition::any().add(COLUMN.key_sha256.eq(sha256)).add(previous);
    Ok(Entity::find().filter(either).one(db).await?)
}

/// Gives a subscription another key, and lets the present one work until `previous_expires_at`, or
/// no longer if that is `None`. `false` if somebody else did it just now.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    db: &impl ConnectionTrait,
    present: &Model,
    (sha256, prefix): (&[u8], &str),
    previous_expires_at: Option<DateTime<Utc>>,
) -> Result<bool, Fault> {
    let previous = previous_expires_at.map(|_| present.key_sha256.clone());
    let changed = Entity::update_many()
        .col_expr(Column::KeySha256, Expr::value(sha256))
        .col_expr(Column::Prefix, Expr::value(prefix))
        .col_expr(Column::PreviousSha256, Expr::value(previous))
        .col_expr(Column::PreviousExpiresAt, Expr::value(previous_expires_at.map(instant)))
        .filter(COLUMN.id.eq(present.id))
        .filter(COLUMN.key_sha256.eq(present.key_sha256.as_slice()))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Suspends an account's subscription; `false` if it has none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn suspend(
    db: &impl ConnectionTrait,
    account: Account,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::SuspendedAt, Expr::value(instant(now)))
        .filter(account.is_it())
        .filter(COLUMN.suspended_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Ends a suspension; `false` if there was none.
///
/// # Errors
/// When the database fails.
pub async fn resume(db: &impl ConnectionTrait, account: Account) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::SuspendedAt, Expr::value(None::<i64>))
        .filter(account.is_it())
        .filter(COLUMN.suspended_at.is_not_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
