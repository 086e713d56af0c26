//! API keys.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    api_key::{COLUMN, Column, Entity, Model},
    member::Role,
    scope_list::ScopeList,
    service_account,
    types::Instant,
    user,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, Func, Query, SimpleExpr},
};

use super::{
    Txn,
    direct::{Ask, record},
    insert as insert_row, instant, millis,
    paging::{Page, Wanted, contains},
};
use crate::{cache::Subject, fault::Fault};

/// How many values one statement asks for.
const MAX_VALUES: usize = 500;

record! {
    /// A key with all that its life depends on.
    pub struct KeyRecord {
        /// The key.
        pub id: Uuid,
        /// Its name.
        pub name: String,
        /// Its digest; what was asked for may be the one it had before it was last rotated.
        pub key_sha256: Vec<u8>,
        /// When that one ends.
        pub previous_expires_at: Option<Instant>,
        /// `live` or `test`.
        pub environment: String,
        /// What it was given.
        pub scopes: ScopeList,
        /// Whether it was given everything.
        pub full_access: bool,
        /// Whether it is switched on.
        pub is_active: bool,
        /// When it was made.
        pub created_at: Instant,
        /// When it ends by itself.
        pub expires_at: Option<Instant>,
        /// When it was revoked.
        pub revoked_at: Option<Instant>,
        /// Its workspace.
        pub workspace_id: Uuid,
        /// The workspace's slug.
        pub workspace_slug: String,
        /// The workspace's name.
        pub workspace_name: String,
        /// The workspace's product.
        pub product: String,
        /// The workspace's plan.
        pub plan: String,
        /// When the workspace was disabled.
        pub workspace_disabled_at: Option<Instant>,
        /// Its owner, if a person owns it.
        pub user_id: Option<Uuid>,
        /// The owner's username.
        pub username: Option<String>,
        /// The owner's name.
        pub user_name: Option<String>,
        /// When the owner was disabled.
        pub user_disabled_at: Option<Instant>,
        /// The owner's role in the workspace, if they still are in it.
        pub role: Option<Role>,
        /// Its owner, if a service account owns it.
        pub service_account_id: Option<Uuid>,
        /// That account's name.
        pub service_account_name: Option<String>,
    }
}

/// A key by its digest, or by the one it had before it was last rotated.
const RECORD: &str = r#"select api_key.id, api_key.name, api_key.key_sha256,
    api_key.previous_expires_at, api_key.environment, api_key.scopes, api_key.full_access,
    api_key.is_active, api_key.created_at, api_key.expires_at, api_key.revoked_at,
    workspace.id as workspace_id, workspace.slug as workspace_slug,
    workspace.name as workspace_name, workspace.product, workspace.plan,
    workspace.disabled_at as workspace_disabled_at,
    person.id as user_id, person.username, person.name as user_name,
    person.disabled_at as user_disabled_at, member.role,
    account.id as service_account_id, account.name as service_account_name
    from api_key
    join workspace on workspace.id = api_key.workspace_id
    left join "user" person on person.id = api_key.owner_user_id
    left join member on member.workspace_id = workspace.id and member.user_id = person.id
    left join service_account account on account.id = api_key.service_account_id
    where api_key.key_sha256 = $1 or api_key.previous_sha256 = $1"#;

/// The key with this digest, or that had it before it was last rotated, with all it depends on.
///
/// # Errors
/// When the database fails.
pub async fn find_record(db: &impl Ask, key_sha256: &[u8]) -> Result<Option<KeyRecord>, Fault> {
    Ok(db.first(RECORD, vec![key_sha256.to_vec().into()]).await?)
}

/// A key of this workspace.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    id: Uuid,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).filter(COLUMN.workspace_id.eq(workspace_id)).one(db).await?)
}

/// Of which keys a search may tell more than whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Of all.
    All,
    /// Of those of a user.
    Of(Uuid),
}

/// A page of the keys of a workspace, newest first. A search looks into the names and beginnings of
/// those keys that are in sight, and into the usernames of owners and the names of service accounts.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    sight: Sight,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let mut query = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .order_by_desc(Column::Id)
        .limit(wanted.rows.saturating_add(1));
    if let Some(after) = wanted.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(COLUMN.id.lt(after));
    }
    if let Some(text) = wanted.search() {
        query = query.filter(is_about(text, workspace_id, sight));
    }
    Ok(Page::of(query.all(db).await?, wanted, |key| key.id.to_string()))
}

fn is_about(text: &str, workspace_id: Uuid, sight: Sight) -> Condition {
    let people = Query::select()
        .column(user::Column::Id)
        .from(user::Entity)
        .and_where(user::Column::Id.in_subquery(super::members::ids_of(workspace_id)))
        .and_where(contains(user::Column::Username, text))
        .to_owned();
    let machines = Query::select()
        .column(service_account::Column::Id)
        .from(service_account::Entity)
        .and_where(service_account::COLUMN.workspace_id.eq(workspace_id))
        .and_where(contains(service_account::Column::Name, text))
        .to_owned();
    let mut own = Condition::all().add(
        Condition::any()
            .add(contains(Column::Name, text))
            .add(contains(Column::Prefix, text))
            .add(COLUMN.last4.eq(text)),
    );
    if let Sight::Of(user_id) = sight {
        own = own.add(COLUMN.owner_user_id.eq(user_id));
    }
    Condition::any()
        .add(own)
        .add(Column::OwnerUserId.in_subquery(people))
        .add(Column::ServiceAccountId.in_subquery(machines))
}

/// Up to `limit` keys that are accepted now and expire in less than `notice`, whose owners have not
/// been told so yet; in the order of their ids, after `after`.
///
/// # Errors
/// When the database fails.
pub async fn list_expiring(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    notice: TimeDelta,
    (after, limit): (Uuid, u64),
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.expires_at.lte(millis(now + notice)))
        .filter(COLUMN.is_active.eq(true))
        .filter(COLUMN.revoked_at.is_null())
        .filter(is_untold(notice))
        .filter(COLUMN.id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?)
}

/// Notes that a key's owners are told that it expires in less than `notice`; `false` if they have
/// been told that before.
///
/// # Errors
/// When the database fails.
pub async fn warn(
    db: &impl ConnectionTrait,
    id: Uuid,
    notice: TimeDelta,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let warned = Entity::update_many()
        .col_expr(Column::WarnedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(is_untold(notice))
        .exec(db)
        .await?;
    Ok(warned.rows_affected == 1)
}

/// Whoever made a key when it had less than `notice` to live knows.
fn is_untold(notice: TimeDelta) -> SimpleExpr {
    let told_at = Func::coalesce([Expr::col(Column::WarnedAt), Expr::col(Column::CreatedAt)]);
    Expr::expr(told_at).lt(Expr::col(Column::ExpiresAt).sub(notice.num_milliseconds()))
}

/// How many keys a workspace has; expired and revoked ones count until they are deleted.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.workspace_id.eq(workspace_id)).count(db).await?)
}

/// How many keys of a workspace that are not revoked a user owns.
///
/// # Errors
/// When the database fails.
pub async fn count_of_owner(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    user_id: Uuid,
) -> Result<u64, Fault> {
    let owned = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.owner_user_id.eq(user_id))
        .filter(COLUMN.revoked_at.is_null());
    Ok(owned.count(db).await?)
}

/// The keys with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// Stores a new key.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, key: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, key).await
}

/// Switches a key of this workspace on or off; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn set_active(
    db: &Txn,
    workspace_id: Uuid,
    id: Uuid,
    is_active: bool,
) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let changed = Entity::update_many()
        .col_expr(Column::IsActive, Expr::value(is_active))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Gives a key of this workspace another name.
///
/// # Errors
/// When the database fails.
pub async fn rename(db: &Txn, workspace_id: Uuid, id: Uuid, name: &str) -> Result<(), Fault> {
    db.changes(Subject::Key(id));
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Writes down the secret that a key has from now on, and the one it had before; `false` if its secret
/// is not the one with the digest `present` any more.
///
/// # Errors
/// When the database fails.
pub async fn replace_secret(db: &Txn, key: &Model, present: &[u8]) -> Result<bool, Fault> {
    db.changes(Subject::Key(key.id));
    let replaced = Entity::update_many()
        .col_expr(Column::KeySha256, Expr::value(key.key_sha256.clone()))
        .col_expr(Column::Prefix, Expr::value(key.prefix.clone()))
        .col_expr(Column::Last4, Expr::value(key.last4.clone()))
        .col_expr(Column::ExposedAt, Expr::value(key.exposed_at))
        .col_expr(Column::PreviousSha256, Expr::value(key.previous_sha256.clone()))
        .col_expr(Column::PreviousExpiresAt, Expr::value(key.previous_expires_at))
        .filter(COLUMN.id.eq(key.id))
        .filter(COLUMN.workspace_id.eq(key.workspace_id))
        .filter(COLUMN.key_sha256.eq(present))
        .exec(db)
        .await?;
    Ok(replaced.rows_affected == 1)
}

/// Whether any key has, or had before its rotation, one of these digests; those that are taken.
///
/// # Errors
/// When the database fails.
pub async fn list_taken(
    db: &impl ConnectionTrait,
    digests: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Fault> {
    let mut taken = Vec::new();
    // databases bound the number of values in a statement
    for some in digests.chunks(MAX_VALUES) {
        let is_one = Condition::any()
            .add(Column::KeySha256.is_in(some.to_vec()))
            .add(Column::PreviousSha256.is_in(some.to_vec()));
        for key in Entity::find().filter(is_one).all(db).await? {
            taken.extend([key.key_sha256].into_iter().chain(key.previous_sha256));
        }
    }
    Ok(taken)
}

/// Revokes a key of this workspace for good; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    db: &Txn,
    workspace_id: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Deletes a key of this workspace; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, workspace_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let gone =
        Entity::delete_by_id(id).filter(COLUMN.workspace_id.eq(workspace_id)).exec(db).await?;
    Ok(gone.rows_affected == 1)
}

/// Notes that a key was used in a query string; `true` if it never was before.
///
/// # Errors
/// When the database fails.
pub async fn expose(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let now = Expr::value(instant(now));
    let noted = Entity::update_many().col_expr(Column::ExposedAt, now).filter(COLUMN.id.eq(id));
    let first = noted.clone().filter(COLUMN.exposed_at.is_null()).exec(db).await?;
    Ok(first.rows_affected == 1 || noted.exec(db).await.map(|_| false)?)
}
