//! Users.

use chrono::{DateTime, Utc};
use entity::{
    member,
    user::{COLUMN, Column, Entity, Model},
    workspace,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
    prelude::Uuid,
    sea_query::{Expr, Query},
};

use super::{
    Ask, Duplicate, Txn,
    direct::record,
    insert_unique,
    paging::{self, Page, Wanted},
    switch,
};
use crate::{cache::Subject, fault::Fault};

record!(Model {
    id,
    username,
    email,
    email_verified_at,
    enterprise_id,
    name,
    profile,
    password_hash,
    epoch,
    totp_sealed,
    is_admin,
    verified_at,
    comms_allowed_at,
    created_at,
    disabled_at,
});

/// The user with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// The user with this canonical username.
///
/// # Errors
/// When the database fails.
pub async fn find_by_username(db: &impl Ask, username: &str) -> Result<Option<Model>, Fault> {
    const OF_USERNAME: &str = r#"select id, username, email, email_verified_at, enterprise_id, name,
        profile, password_hash, epoch, totp_sealed, is_admin, verified_at, comms_allowed_at,
        created_at, disabled_at from "user" where username = $1"#;
    Ok(db.first(OF_USERNAME, vec![username.into()]).await?)
}

/// Whether there is no user at all.
///
/// # Errors
/// When the database fails.
pub async fn is_empty(db: &impl ConnectionTrait) -> Result<bool, Fault> {
    Ok(Entity::find().count(db).await? == 0)
}

/// Adds a user, unless the canonical username is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    user: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, user).await
}

/// Replaces the password and raises the epoch, if the epoch still is `epoch`: what was issued before
/// is dead, and a link that was made for that epoch works once.
///
/// # Errors
/// When the database fails.
pub async fn replace_password(
    db: &Txn,
    id: Uuid,
    epoch: i64,
    password_hash: &str,
) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    let changed = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(password_hash))
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.epoch.eq(epoch))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Makes other changes of this user's second factors wait until this transaction ends, so that what
/// is counted stays so.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &impl ConnectionTrait, id: Uuid) -> Result<(), Fault> {
    // a write to the row is a lock on PostgreSQL; SQLite's writer is alone anyway
    Entity::update_many()
        .col_expr(Column::Id, Expr::col(Column::Id))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Gives a user an authenticator app's seed; `false` if there is no user or one has it already.
///
/// # Errors
/// When the database fails.
pub async fn add_totp(db: &impl ConnectionTrait, id: Uuid, sealed: Vec<u8>) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::TotpSealed, Expr::value(sealed))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.totp_sealed.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Forgets a user's seed; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn remove_totp(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::TotpSealed, Expr::value(None::<Vec<u8>>))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.totp_sealed.is_not_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Disables a user; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn disable(db: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    switch::<Entity>(db, COLUMN.id.eq(id), Column::DisabledAt, Some(now)).await
}

/// Enables a disabled user; `false` if there is none or it is not disabled.
///
/// # Errors
/// When the database fails.
pub async fn enable(db: &Txn, id: Uuid) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    switch::<Entity>(db, COLUMN.id.eq(id), Column::DisabledAt, None).await
}

/// Raises a user's epoch: every session and token from before is dead. `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn raise_epoch(db: &Txn, id: Uuid) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    let changed = Entity::update_many()
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// How many users an enterprise has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_enterprise(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.enterprise_id.eq(enterprise_id)).count(db).await?)
}

/// How many of an enterprise's users are verified (KYC).
///
/// # Errors
/// When the database fails.
pub async fn count_verified_of_enterprise(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
) -> Result<u64, Fault> {
    let all = Entity::find().filter(COLUMN.enterprise_id.eq(enterprise_id));
    Ok(all.filter(COLUMN.verified_at.is_not_null()).count(db).await?)
}

/// How many of an enterprise's users may call the Comms API by themselves.
///
/// # Errors
/// When the database fails.
pub async fn count_comms_of_enterprise(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
) -> Result<u64, Fault> {
    let all = Entity::find().filter(COLUMN.enterprise_id.eq(enterprise_id));
    Ok(all.filter(COLUMN.comms_allowed_at.is_not_null()).count(db).await?)
}

/// Puts a user on the allow-list of the Comms API; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn allow_comms(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    switch::<Entity>(db, COLUMN.id.eq(id), Column::CommsAllowedAt, Some(now)).await
}

/// Takes a user off the allow-list of the Comms API; `false` if they are not on it.
///
/// # Errors
/// When the database fails.
pub async fn deny_comms(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    switch::<Entity>(db, COLUMN.id.eq(id), Column::CommsAllowedAt, None).await
}

/// Takes back that a user is verified (KYC); `false` if they are not.
///
/// # Errors
/// When the database fails.
pub async fn unverify(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    switch::<Entity>(db, COLUMN.id.eq(id), Column::VerifiedAt, None).await
}

/// Marks a user as verified (KYC); `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn verify(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    switch::<Entity>(db, COLUMN.id.eq(id), Column::VerifiedAt, Some(now)).await
}

/// Replaces what a user says about themselves.
///
/// # Errors
/// When the database fails.
pub async fn set_profile(
    db: &Txn,
    id: Uuid,
    name: Option<&str>,
    profile: serde_json::Value,
) -> Result<(), Fault> {
    db.changes(Subject::User(id));
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::Profile, Expr::value(profile))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Up to `limit` owners of a workspace who are not disabled, by username.
///
/// # Errors
/// When the database fails.
pub async fn list_owners_of_workspace(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let owners = Query::select()
        .column(member::Column::UserId)
        .from(member::Entity)
        .and_where(member::COLUMN.workspace_id.eq(workspace_id))
        .and_where(member::COLUMN.role.eq(member::Role::Owner))
        .to_owned();
    Ok(Entity::find()
        .filter(COLUMN.disabled_at.is_null())
        .filter(Column::Id.in_subquery(owners))
        .order_by_asc(Column::Username)
        .limit(limit)
        .all(db)
        .await?)
}

/// Up to `limit` of an enterprise's own users who own one of its workspaces, by username.
///
/// # Errors
/// When the database fails.
pub async fn list_owners(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let workspaces = Query::select()
        .column(workspace::Column::Id)
        .from(workspace::Entity)
        .and_where(workspace::COLUMN.enterprise_id.eq(enterprise_id))
        .to_owned();
    let owners = Query::select()
        .column(member::Column::UserId)
        .from(member::Entity)
        .and_where(member::Column::WorkspaceId.in_subquery(workspaces))
        .and_where(member::COLUMN.role.eq(member::Role::Owner))
        .to_owned();
    Ok(Entity::find()
        .filter(COLUMN.enterprise_id.eq(enterprise_id))
        .filter(COLUMN.disabled_at.is_null())
        .filter(Column::Id.in_subquery(owners))
        .order_by_asc(Column::Username)
        .limit(limit)
        .all(db)
        .await?)
}

/// The users with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// Which users a page lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Those of one enterprise.
    pub enterprise_id: Option<Uuid>,
    /// Those who are verified (KYC), or those who are not.
    pub is_verified: Option<bool>,
}

/// A page of users, by username; a search looks into usernames, addresses and names.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    page_which(db, Which::default(), wanted).await
}

/// The same of some users.
///
/// # Errors
/// When the database fails.
pub async fn page_which(
    db: &impl ConnectionTrait,
    which: Which,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let mut some = Entity::find();
    if let Some(id) = which.enterprise_id {
        some = some.filter(COLUMN.enterprise_id.eq(id));
    }
    some = match which.is_verified {
        Some(true) => some.filter(COLUMN.verified_at.is_not_null()),
        Some(false) => some.filter(COLUMN.verified_at.is_null()),
        None => some,
    };
    page_of(db, some, wanted).await
}

/// The same of what a query finds.
pub(super) async fn page_of(
    db: &impl ConnectionTrait,
    some: Select<Entity>,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let places: (_, &[_]) = (Column::Username, &[Column::Username, Column::Email, Column::Name]);
    paging::page(db, some, wanted, places, |user| user.username.clone()).await
}
