//! Users' passkeys.

use chrono::{DateTime, Utc};
use entity::passkey::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::{Json, Uuid},
    sea_query::Expr,
};

use super::{Ask, Duplicate, direct::record, insert_unique, instant};
use crate::fault::Fault;

record! {
    /// A number of rows.
    pub struct Counted {
        /// The number.
        pub number: i64,
    }
}

/// A user's passkeys, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<Model>, Fault> {
    let found = Entity::find().filter(COLUMN.user_id.eq(user_id));
    Ok(found.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(db).await?)
}

/// Who of these users has passkeys.
///
/// # Errors
/// When the database fails.
pub async fn list_owners(
    db: &impl ConnectionTrait,
    users: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Uuid>, Fault> {
    let owners = Entity::find()
        .select_only()
        .column(Column::UserId)
        .distinct()
        .filter(COLUMN.user_id.is_in(users));
    Ok(owners.into_tuple().all(db).await?)
}

/// How many passkeys a user has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_user(db: &impl Ask, user_id: Uuid) -> Result<u64, Fault> {
    const OF_USER: &str = "select count(*) as number from passkey where user_id = $1";
    let counted: Option<Counted> = db.first(OF_USER, vec![user_id.into()]).await?;
    Ok(counted.map_or(0, |counted| counted.number.unsigned_abs()))
}

/// The user's passkey with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).one(db).await?)
}

/// The user's passkey with this credential id.
///
/// # Errors
/// When the database fails.
pub async fn find_by_credential(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    credential_sha256: Vec<u8>,
) -> Result<Option<Model>, Fault> {
    let found = Entity::find().filter(COLUMN.credential_sha256.eq(credential_sha256));
    Ok(found.filter(COLUMN.user_id.eq(user_id)).one(db).await?)
}

/// Adds a passkey, unless its credential id is known already, whoever has it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    passkey: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, passkey).await
}

/// What a use changes of a passkey.
#[derive(Clone, Debug)]
pub struct Use {
    /// The credential afterwards.
    pub credential: Json,
    /// Its counter afterwards.
    pub counter: i64,
    /// When it was used.
    pub at: DateTime<Utc>,
}

/// Notes a use; `false` if the passkey is gone or its counter is another than `passkey` says: then
/// somebody else has used it meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn advance(db: &impl ConnectionTrait, passkey: &Model, used: Use) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Credential, Expr::value(used.credential))
        .col_expr(Column::Counter, Expr::value(used.counter))
        .col_expr(Column::LastUsedAt, Expr::value(instant(used.at)))
        .filter(COLUMN.id.eq(passkey.id))
        .filter(COLUMN.user_id.eq(passkey.user_id))
        .filter(COLUMN.counter.eq(passkey.counter))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Gives the user's passkey another name; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn rename(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    id: Uuid,
    name: &str,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.user_id.eq(user_id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Removes the user's passkey; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &impl ConnectionTrait, user_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let gone = Entity::delete_by_id(id).filter(COLUMN.user_id.eq(user_id)).exec(db).await?;
    Ok(gone.rows_affected == 1)
}

/// Removes every passkey of a user; how many there were.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    let gone = Entity::delete_many().filter(COLUMN.user_id.eq(user_id)).exec(db).await?;
    Ok(gone.rows_affected)
}
