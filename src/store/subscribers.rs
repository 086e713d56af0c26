//! Subscribers: one for each address in a workspace and environment.

use entity::{
    subscriber::{Column, Entity, Model},
    types::StringList,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr,
};

use super::{
    Duplicate,
    confined::{Change, Tenant, of_tenant},
    insert_unique, is_duplicate,
};
use crate::fault::Fault;

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The address as it was given and as it is compared, if it changes.
    pub email: Option<(String, String)>,
    /// The first name.
    pub first_name: Change<String>,
    /// The last name.
    pub last_name: Change<String>,
    /// Every tag, if they change.
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
    for (column, name) in
        [(Column::FirstName, changes.first_name), (Column::LastName, changes.last_name)]
    {
        update = match name {
            Change::Keep => update,
            Change::Clear => update.col_expr(column, Expr::value(None::<String>)),
            Change::Set(name) => update.col_expr(column, Expr::value(name)),
        };
    }
    if let Some(tags) = changes.tags {
        update = update.col_expr(Column::Tags, Expr::value(tags));
    }
    let update = update.filter(of_tenant::<Model>(tenant)).filter(Column::Id.eq(id));
    match update.exec(db).await {
        Ok(updated) => Ok(Ok(updated.rows_affected == 1)),
        Err(error) if is_duplicate(&error) => Ok(Err(Duplicate)),
        Err(error) => Err(error.into()),
    }
}
