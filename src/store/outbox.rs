//! Letters that wait to be sent.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    outbox::{COLUMN, Column, Entity, Model},
    types::Instant,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Expr,
};

use super::{
    due::are_due,
    insert as insert_row, instant, millis,
    paging::{Page, Wanted, contains},
};
use crate::fault::Fault;

/// Queues a letter, in the transaction that caused it.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, letter: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, letter).await
}

/// Up to `limit` letters whose next attempt is due, longest waiting first. After `n` attempts a letter waits for
/// `longest[n]` at most.
///
/// # Errors
/// When the database fails.
pub async fn list_due(
    db: &impl ConnectionTrait,
    (longest, now): (&[TimeDelta], DateTime<Utc>),
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(are_due((Column::NextAttemptAt, Column::Attempts), longest, now))
        .order_by_asc(Column::NextAttemptAt)
        .limit(limit)
        .all(db)
        .await?)
}

/// How many letters there are that were not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Those that will be tried.
    pub waiting: u64,
    /// Those that were given up.
    pub given_up: u64,
    /// When the first of those that wait is, or was, due.
    pub next_attempt_at: Option<Instant>,
}

/// The letters that were not sent.
///
/// # Errors
/// When the database fails.
pub async fn backlog(db: &impl ConnectionTrait) -> Result<Backlog, Fault> {
    let waiting = Entity::find().filter(COLUMN.next_attempt_at.is_not_null());
    let given_up =
        Entity::find().filter(COLUMN.next_attempt_at.is_null()).filter(COLUMN.sent_at.is_null());
    let first = waiting.clone().order_by_asc(Column::NextAttemptAt).one(db).await?;
    Ok(Backlog {
        waiting: waiting.count(db).await?,
        given_up: given_up.count(db).await?,
        next_attempt_at: first.and_then(|letter| letter.next_attempt_at),
    })
}

/// What has become of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It will be tried, or tried again.
    Waiting,
    /// It was sent.
    Sent,
    /// It was given up.
    GivenUp,
}

/// A page of letters, newest first; a search looks into recipients, kinds and errors.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    state: Option<State>,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let all = Entity::find().order_by_desc(Column::Id).limit(wanted.rows.saturating_add(1));
    let mut query = match state {
        None => all,
        Some(State::Waiting) => all.filter(COLUMN.next_attempt_at.is_not_null()),
        Some(State::Sent) => all.filter(COLUMN.sent_at.is_not_null()),
        Some(State::GivenUp) => {
            all.filter(COLUMN.next_attempt_at.is_null()).filter(COLUMN.sent_at.is_null())
        }
    };
    if let Some(after) = wanted.after.as_deref().and_then(|after| Uuid::parse_str(after).ok()) {
        query = query.filter(Column::Id.lt(after));
    }
    if let Some(text) = wanted.search() {
        let anywhere = [Column::Recipient, Column::Kind, Column::LastError]
            .into_iter()
            .map(|column| contains(column, text))
            .fold(Condition::any(), Condition::add);
        query = query.filter(anywhere);
    }
    Ok(Page::of(query.all(db).await?, wanted, |letter| letter.id.to_string()))
}

/// Removes a letter that was not sent; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete_unsent(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    let gone = Entity::delete_by_id(id).filter(COLUMN.sent_at.is_null()).exec(db).await?;
    Ok(gone.rows_affected == 1)
}

/// The letters with these ids, as far as they are still there.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// Makes letters that wait due now: this one, or all; answers how many. One that was sent or given
/// up does not wait any more.
///
/// # Errors
/// When the database fails.
pub async fn hurry(
    db: &impl ConnectionTrait,
    id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    let update = Entity::update_many().col_expr(Column::NextAttemptAt, Expr::value(instant(now)));
    let update = match id {
        // one that is due already is no less what was asked for
        Some(id) => update.filter(COLUMN.id.eq(id)).filter(COLUMN.next_attempt_at.is_not_null()),
        None => update.filter(COLUMN.next_attempt_at.gt(millis(now))),
    };
    Ok(update.exec(db).await?.rows_affected)
}

/// Claims a due letter for one attempt, so that no other node sends it: it will be due again at
/// `retry_at` if this attempt is never heard of again. `false` if somebody else claimed it.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    db: &impl ConnectionTrait,
    letter: &Model,
    retry_at: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(letter.attempts + 1))
        .col_expr(Column::NextAttemptAt, Expr::value(instant(retry_at)))
        .filter(COLUMN.id.eq(letter.id))
        .filter(COLUMN.attempts.eq(letter.attempts))
        .filter(COLUMN.next_attempt_at.is_not_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes that a letter was sent, and erases what it said.
///
/// # Errors
/// When the database fails.
pub async fn finish(db: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::SentAt, Expr::value(instant(now)))
        .col_expr(Column::NextAttemptAt, Expr::value(None::<i64>))
        .col_expr(Column::Sealed, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::LastError, Expr::value(None::<String>))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Notes why an attempt failed. With `is_final` no other follows, and what the letter said is
/// erased.
///
/// # Errors
/// When the database fails.
pub async fn fail(
    db: &impl ConnectionTrait,
    id: Uuid,
    error: &str,
    is_final: bool,
) -> Result<(), Fault> {
    let mut update = Entity::update_many()
        .col_expr(Column::LastError, Expr::value(error))
        .filter(COLUMN.id.eq(id));
    if is_final {
        update = update
            .col_expr(Column::NextAttemptAt, Expr::value(None::<i64>))
            .col_expr(Column::Sealed, Expr::value(None::<Vec<u8>>));
    }
    update.exec(db).await?;
    Ok(())
}
