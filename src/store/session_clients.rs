//! Which clients take part in which session.

use chrono::{DateTime, Utc};
use entity::{
    browser_session,
    session_client::{COLUMN, Entity, Model},
    token_family,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Select, prelude::Uuid, sea_query::Expr,
};

use super::{Txn, insert_unique, instant};
use crate::{cache::Subject, fault::Fault};

/// Which sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// One.
    One(Uuid),
    /// Every one of the user but this.
    AllBut(Uuid),
    /// Every one of the user.
    All,
}

/// Writes down that a family began in a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), Fault> {
    // a family begins once; a second time is the same time
    let _ = insert_unique::<Entity>(db, row).await?;
    Ok(())
}

/// Keeps a session of a user as it is until the transaction ends; `false` if it has ended.
///
/// # Errors
/// When the database fails.
pub async fn hold_session(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    session_id: Uuid,
) -> Result<bool, Fault> {
    // a write that changes nothing: whoever ends the session waits for it
    let held = browser_session::Entity::update_many()
        .col_expr(
            browser_session::Column::LastSeenAt,
            Expr::col(browser_session::Column::LastSeenAt),
        )
        .filter(browser_session::COLUMN.user_id.eq(user_id))
        .filter(browser_session::COLUMN.id.eq(session_id))
        .exec(db)
        .await?;
    Ok(held.rows_affected == 1)
}

/// Takes out who took part in the sessions of a user that end. To be called after the sessions were
/// removed: whoever joined before that is seen.
///
/// # Errors
/// When the database fails.
pub async fn take(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    ending: Ending,
) -> Result<Vec<Model>, Fault> {
    let mut which = Entity::find().filter(COLUMN.user_id.eq(user_id));
    which = match ending {
        Ending::One(id) => which.filter(COLUMN.session_id.eq(id)),
        Ending::AllBut(id) => which.filter(COLUMN.session_id.ne(id)),
        Ending::All => which,
    };
    let rows: Vec<Model> = ordered(which).all(db).await?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.family_id).collect();
    Entity::delete_many().filter(COLUMN.family_id.is_in(ids)).exec(db).await?;
    Ok(rows)
}

fn ordered(select: Select<Entity>) -> Select<Entity> {
    use sea_orm::QueryOrder;
    select
        .order_by_asc(entity::session_client::Column::CreatedAt)
        .order_by_asc(entity::session_client::Column::FamilyId)
}

/// Ends these families and every token in them.
///
/// # Errors
/// When the database fails.
pub async fn revoke_families(db: &Txn, ids: &[i64], now: DateTime<Utc>) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    for id in ids {
        db.changes(Subject::Family(*id));
    }
    token_family::Entity::update_many()
        .col_expr(token_family::Column::RevokedAt, Expr::value(instant(now)))
        .filter(token_family::COLUMN.id.is_in(ids.iter().copied()))
        .filter(token_family::COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(())
}
