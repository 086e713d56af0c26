//! Clients that have registered themselves, and those that documents describe.

use chrono::{DateTime, Utc};
use entity::{
    app_decision, authorization_code, authorization_request,
    client::{COLUMN, Column, Entity, Model},
    grant, token_family,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, IntoIden, Query, SelectStatement},
};

use super::{Txn, insert_unique, millis};
use crate::{cache::Subject, fault::Fault};

/// Adds a client whose id is not ours to choose; `false` if there is one of that id.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Txn, client: Model) -> Result<bool, Fault> {
    db.changes(Subject::Client(client.id.clone()));
    Ok(insert_unique::<Entity>(db, client).await?.is_ok())
}

/// How many clients have registered themselves since.
///
/// # Errors
/// When the database fails.
pub async fn count_since(db: &impl ConnectionTrait, since: DateTime<Utc>) -> Result<u64, Fault> {
    let recent = Entity::find()
        .filter(COLUMN.created_at.gte(millis(since)))
        .filter(COLUMN.is_dynamic.eq(true));
    Ok(recent.count(db).await?)
}

/// Writes what a client says about itself, as it says it now; not what others have settled about it.
/// `false` if there is none, or it is disabled.
///
/// # Errors
/// When the database fails.
pub async fn rewrite(db: &Txn, client: &Model) -> Result<bool, Fault> {
    db.changes(Subject::Client(client.id.clone()));
    let changed = Entity::update_many()
        .col_expr(Column::Kind, Expr::value(client.kind))
        .col_expr(Column::Name, Expr::value(client.name.clone()))
        .col_expr(Column::SecretSha256, Expr::value(client.secret_sha256.clone()))
        .col_expr(Column::PreviousSecretSha256, Expr::value(client.previous_secret_sha256.clone()))
        .col_expr(Column::PreviousSecretExpiresAt, Expr::value(client.previous_secret_expires_at))
        .col_expr(Column::RedirectUris, Expr::value(client.redirect_uris.clone()))
        .col_expr(Column::GrantTypes, Expr::value(client.grant_types.clone()))
        .col_expr(Column::Scope, Expr::value(client.scope.clone()))
        .col_expr(Column::LogoUri, Expr::value(client.logo_uri.clone()))
        .col_expr(Column::PolicyUri, Expr::value(client.policy_uri.clone()))
        .col_expr(Column::TosUri, Expr::value(client.tos_uri.clone()))
        .col_expr(Column::VerifiedAt, Expr::value(client.verified_at))
        .col_expr(Column::Settings, Expr::value(client.settings.clone()))
        .col_expr(Column::DocumentFetchedAt, Expr::value(client.document_fetched_at))
        .col_expr(Column::DocumentFreshUntil, Expr::value(client.document_fresh_until))
        .filter(COLUMN.id.eq(&client.id))
        .filter(COLUMN.disabled_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Some clients that registered themselves before `before`, and that nobody has used or looked after
/// since.
///
/// # Errors
/// When the database fails.
pub async fn list_unused(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let unused = Entity::find().filter(unused(before)).order_by_asc(Column::CreatedAt).limit(limit);
    Ok(unused.all(db).await?)
}

/// Deletes a client that is still such a one; `false` if it is none any more.
///
/// # Errors
/// When the database fails.
pub async fn delete_unused(db: &Txn, id: &str, before: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let deleted =
        Entity::delete_many().filter(COLUMN.id.eq(id)).filter(unused(before)).exec(db).await?;
    Ok(deleted.rows_affected == 1)
}

fn unused(before: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(COLUMN.created_at.lt(millis(before)))
        .add(COLUMN.is_dynamic.eq(true))
        .add(COLUMN.is_kept.eq(false))
        .add(COLUMN.workspace_id.is_null())
        .add(no(grant::Entity, grant::Column::ClientId))
        .add(no(token_family::Entity, token_family::Column::ClientId))
        .add(no(authorization_code::Entity, authorization_code::Column::ClientId))
        .add(no(authorization_request::Entity, authorization_request::Column::ClientId))
        .add(no(app_decision::Entity, app_decision::Column::ClientId))
}

/// That a table has no row of the client.
fn no<E: EntityTrait + IntoIden>(table: E, client_id: E::Column) -> Expr {
    let rows: SelectStatement = Query::select()
        .expr(Expr::value(1))
        .from(table)
        .and_where(Expr::col((table, client_id)).equals((Entity, Column::Id)))
        .to_owned();
    Expr::exists(rows).not()
}
