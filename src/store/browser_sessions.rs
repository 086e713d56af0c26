//! Signed-in browsers.

use chrono::{DateTime, Utc};
use entity::{
    browser_session::{COLUMN, Column, Entity, Model},
    user,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Expr,
};

use super::{
    direct::{Ask, Cells, Record, record},
    insert as insert_row, instant, millis,
};
use crate::fault::Fault;

/// A session and its user.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// The session.
    pub session: Model,
    /// Its user.
    pub user: user::Model,
}

record!(Model {
    cookie_sha256,
    id,
    user_id,
    user_epoch,
    user_agent,
    address,
    authenticated_at,
    confirmed_at,
    amr,
    last_seen_at,
    expires_at,
});

impl Record for SessionRecord {
    fn names() -> Vec<&'static str> {
        [Model::names(), user::Model::names()].concat()
    }

    fn read(cells: &mut impl Cells) -> Result<Self, DbErr> {
        Ok(Self { session: Model::read(cells)?, user: user::Model::read(cells)? })
    }
}

const OF_COOKIE: &str = r#"select session.cookie_sha256, session.id, session.user_id,
    session.user_epoch, session.user_agent, session.address, session.authenticated_at,
    session.confirmed_at, session.amr, session.last_seen_at, session.expires_at, person.id,
    person.username, person.email, person.email_verified_at,
    person.enterprise_id, person.name, person.profile, person.password_hash, person.epoch,
    person.totp_sealed, person.is_admin, person.verified_at, person.comms_allowed_at,
    person.created_at, person.disabled_at
    from browser_session session join "user" person on person.id = session.user_id
    where session.cookie_sha256 = $1 and session.expires_at > $2"#;

/// The unexpired session of this cookie and its user. Whether the user may still use it is for the
/// rules to say.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl Ask,
    cookie_sha256: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<Option<SessionRecord>, Fault> {
    Ok(db.first(OF_COOKIE, vec![cookie_sha256.into(), millis(now).into()]).await?)
}

/// Begins a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, session: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, session).await
}

/// Notes that a session was seen.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    db: &impl ConnectionTrait,
    cookie_sha256: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::value(instant(now)))
        .col_expr(Column::ExpiresAt, Expr::value(instant(expires_at)))
        .filter(COLUMN.cookie_sha256.eq(cookie_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(())
}

/// How many browsers a user is signed in to.
///
/// # Errors
/// When the database fails.
pub async fn count_of_user(
    db: &impl ConnectionTrait,
    user: &user::Model,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    let open = Entity::find()
        .filter(COLUMN.user_id.eq(user.id))
        .filter(COLUMN.user_epoch.eq(user.epoch))
        .filter(COLUMN.expires_at.gt(millis(now)));
    Ok(open.count(db).await?)
}

/// What proving oneself again changes of a session.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// The digest of its new cookie.
    pub cookie_sha256: Vec<u8>,
    /// When.
    pub at: DateTime<Utc>,
    /// By what, with all that was shown before.
    pub amr: String,
}

/// Puts a session under another cookie; `false` if there is none under this one any more.
///
/// # Errors
/// When the database fails.
pub async fn confirm(
    db: &impl ConnectionTrait,
    cookie_sha256: &[u8],
    confirmation: Confirmation,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::CookieSha256, Expr::value(confirmation.cookie_sha256))
        .col_expr(Column::ConfirmedAt, Expr::value(instant(confirmation.at)))
        .col_expr(Column::Amr, Expr::value(confirmation.amr))
        .filter(COLUMN.cookie_sha256.eq(cookie_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Ends one session.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &impl ConnectionTrait, cookie_sha256: &[u8]) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(cookie_sha256.to_vec()).exec(db).await?.rows_affected == 1)
}

/// Ends every session of a user.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    let gone = Entity::delete_many().filter(COLUMN.user_id.eq(user_id)).exec(db).await?;
    Ok(gone.rows_affected)
}

/// Up to `limit` unexpired sessions of a user that belong to an epoch, the one used last first.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    epoch: i64,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.user_epoch.eq(epoch))
        .filter(COLUMN.expires_at.gt(millis(now)))
        .order_by_desc(Column::LastSeenAt)
        .order_by_asc(Column::CookieSha256)
        .limit(limit)
        .all(db)
        .await?)
}

/// Ends a session of a user by its name; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete_by_id(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    id: Uuid,
) -> Result<bool, Fault> {
    let gone = Entity::delete_many()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// Ends every session of a user but the one with this cookie.
///
/// # Errors
/// When the database fails.
pub async fn delete_others(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    kept_sha256: &[u8],
) -> Result<u64, Fault> {
    let gone = Entity::delete_many()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.cookie_sha256.ne(kept_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
