//! The audit trail as a chain. An event is written once; what is changed here is where it stands, once.

use entity::audit_event::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
    sea_query::Expr,
};

use super::audit::Sought;
use crate::fault::Fault;

/// The last event of the chain.
///
/// # Errors
/// When the database fails.
pub async fn find_last(db: &impl ConnectionTrait) -> Result<Option<Model>, Fault> {
    let chained = Entity::find().filter(COLUMN.place.is_not_null());
    Ok(chained.order_by_desc(Column::Place).limit(1).one(db).await?)
}

/// The first event of the chain that is sealed.
///
/// # Errors
/// When the database fails.
pub async fn find_first_sealed(db: &impl ConnectionTrait) -> Result<Option<Model>, Fault> {
    let sealed =
        Entity::find().filter(COLUMN.place.is_not_null()).filter(COLUMN.seal.is_not_null());
    Ok(sealed.order_by_asc(Column::Place).limit(1).one(db).await?)
}

/// Up to `limit` of those events outside the chain that are looked for, the oldest first, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn list_outside(
    db: &impl ConnectionTrait,
    sought: &Sought,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let mut outside = sought.among(Entity::find()).filter(COLUMN.place.is_null());
    if let Some(after) = after {
        outside = outside.filter(Column::Id.gt(after));
    }
    Ok(outside.order_by_asc(Column::Id).limit(limit).all(db).await?)
}

/// Up to `limit` of those events of the chain that are looked for, after this place, in their order.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    sought: &Sought,
    after: i64,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let chained = sought.among(Entity::find()).filter(COLUMN.place.gt(after));
    Ok(chained.order_by_asc(Column::Place).limit(limit).all(db).await?)
}

/// Puts an event into the chain; `false` if it is there already.
///
/// # Errors
/// When the database fails.
pub async fn put(
    db: &impl ConnectionTrait,
    id: Uuid,
    (place, digest): (i64, &[u8]),
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Place, Expr::value(place))
        .col_expr(Column::Chain, Expr::value(digest.to_vec()))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.place.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
