//! Failed sign-ins, counted for an account or for an address.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    sign_in_failure::{COLUMN, Column, Entity, Model},
    types::Instant,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{instant, millis};
use crate::{crypto::digest::equal, fault::Fault};

/// The clocks of nodes differ by less. What was counted later than that was counted before the clock
/// was set back.
pub const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The count under this key.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, key_sha256: &[u8]) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(key_sha256.to_vec()).one(db).await?)
}

/// The counts under these keys, of one moment.
///
/// # Errors
/// When the database fails.
pub async fn find_all(
    db: &impl ConnectionTrait,
    keys_sha256: [&[u8]; 3],
) -> Result<[Option<Model>; 3], Fault> {
    let keys = keys_sha256.map(<[u8]>::to_vec);
    let rows = Entity::find().filter(Column::KeySha256.is_in(keys)).all(db).await?;
    Ok(keys_sha256.map(|key| rows.iter().find(|row| equal(&row.key_sha256, key)).cloned()))
}

/// Holds the count under this key for as long as the transaction lasts, be there one yet or not, and answers it.
///
/// # Errors
/// When the database fails.
pub async fn hold(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<Model, Fault> {
    let row = Model {
        key_sha256: key_sha256.to_vec(),
        failures: 0,
        window_started_at: instant(now),
        last_failed_at: instant(DateTime::UNIX_EPOCH),
    };
    // a write to the row is a lock on PostgreSQL; SQLite's writer is alone anyway
    let same = Expr::col((Entity, Column::Failures));
    Ok(Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::KeySha256).value(Column::Failures, same).to_owned())
        .exec_with_returning(db)
        .await?)
}

/// Takes back what was counted at `counted_at`; if nothing was since, the last failure is that of `before` again.
///
/// # Errors
/// When the database fails.
pub async fn give_back(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
    (counted_at, before): (DateTime<Utc>, Instant),
) -> Result<(), Fault> {
    let counted = COLUMN.key_sha256.eq(key_sha256.to_vec());
    Entity::update_many()
        .col_expr(Column::LastFailedAt, Expr::value(before))
        .filter(counted.clone())
        .filter(COLUMN.last_failed_at.eq(instant(counted_at)))
        .exec(db)
        .await?;
    Entity::update_many()
        .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
        .filter(counted)
        .filter(COLUMN.failures.gt(0))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes back one that was counted, in the window that began then if one is said: another that has begun since
/// keeps all it has.
///
/// # Errors
/// When the database fails.
pub async fn take_back(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
    window_started_at: Option<Instant>,
) -> Result<(), Fault> {
    let of_window = window_started_at.map(|began| COLUMN.window_started_at.eq(began));
    let counted =
        Condition::all().add(COLUMN.key_sha256.eq(key_sha256.to_vec())).add_option(of_window);
    // a window begins with what is counted in it, and not with what was nothing in the end
    let last = Entity::delete_many().filter(counted.clone()).filter(COLUMN.failures.lte(1));
    if last.exec(db).await?.rows_affected == 0 {
        Entity::update_many()
            .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
            .filter(counted)
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Which counts are over, so that the next failure is the first one.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// Those whose window began then or before.
    BegunBy(DateTime<Utc>),
    /// Those that nothing was added to since.
    QuietSince(DateTime<Utc>),
}

/// Counts one more failure, and answers the count. One that is over, or in a time that is still to come, starts again
/// at one.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
    over: Over,
    now: DateTime<Utc>,
) -> Result<Model, Fault> {
    let row = Model {
        key_sha256: key_sha256.to_vec(),
        failures: 1,
        window_started_at: instant(now),
        last_failed_at: instant(now),
    };
    // what stands in the table
    let standing = |column| Expr::col((Entity, column));
    let is_over = match over {
        Over::BegunBy(then) => standing(Column::WindowStartedAt).lte(millis(then)),
        Over::QuietSince(then) => standing(Column::LastFailedAt).lte(millis(then)),
    };
    let is_over = is_over.or(standing(Column::LastFailedAt).gt(millis(now + SKEW)));
    let failures =
        Expr::case(is_over.clone(), 1_i64).finally(standing(Column::Failures).add(1_i64));
    let began = Expr::case(is_over, millis(now)).finally(standing(Column::WindowStartedAt));
    let again = OnConflict::column(Column::KeySha256)
        .value(Column::Failures, failures)
        .value(Column::WindowStartedAt, began)
        .update_column(Column::LastFailedAt)
        .to_owned();
    Ok(Entity::insert(row.into_active_model()).on_conflict(again).exec_with_returning(db).await?)
}

/// Forgets the failures under this key.
///
/// # Errors
/// When the database fails.
pub async fn clear(db: &impl ConnectionTrait, key_sha256: &[u8]) -> Result<(), Fault> {
    Entity::delete_by_id(key_sha256.to_vec()).exec(db).await?;
    Ok(())
}
