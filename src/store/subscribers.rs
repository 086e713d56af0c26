//! Subscribers: one for each address in a workspace and environment.

use entity::{
    subscriber::{Column, Entity, Model},
    types::StringList,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, SqlErr, prelude::Uuid, sea_query::Expr,
};

use super::{
    Duplicate,
    confined::{Tenant, of_tenant},
    insert_unique,
};
use crate::fault::Fault;

/// What changes; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The address as it was given, and as it is compared.
    pub email: Option<(String, String)>,
    /// The first name, or none.
    pub first_name: Option<Option<String>>,
    /// The last name, or none.
    pub last_name: Option<Option<String>>,
    /// Every tag.
    pub tags: Option<StringList>,
}

/// Adds a subscriber, unless there is one with this address.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    subscriber: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, subscriber).await
}

/// Changes the tenant's subscriber with this id; `false` if there is none. After [`Duplicate`] the
/// transaction must be given up.
///
/// # Errors
/// When the database fails.
pub async fn update(
    db: &impl ConnectionTrait,
    tenant: &Tenant,
    id: Uuid,
    changes: Changes,
) -> Result<Result<bool, Duplicate>, Fault> {
    // at least one column, so that a change of nothing still tells whether there is such a row
    let mut update = Entity::update_many().col_expr(Column::Id, Expr::col(Column::Id));
    if let Some((email, address)) = changes.email {
        update = update
            .col_expr(Column::Email, Expr::value(email))
            .col_expr(Column::Address, Expr::value(address));
    }
    if let Some(name) = changes.first_name {
        update = update.col_expr(Column::FirstName, Expr::value(name));
    }
    if let Some(name) = changes.last_name {
        update = update.col_expr(Column::LastName, Expr::value(name));
    }
    if let Some(tags) = changes.tags {
        update = update.col_expr(Column::Tags, Expr::value(tags));
    }
    let update = update.filter(of_tenant::<Model>(tenant)).filter(Column::Id.eq(id));
    match update.exec(db).await {
        Ok(changed) => Ok(Ok(changed.rows_affected == 1)),
        Err(error) if is_duplicate(error.sql_err().as_ref()) => Ok(Err(Duplicate)),
        Err(error) => Err(error.into()),
    }
}

fn is_duplicate(error: Option<&SqlErr>) -> bool {
    matches!(error, Some(SqlErr::UniqueConstraintViolation(_)))
}
