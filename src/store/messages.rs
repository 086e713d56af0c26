//! Messages of the Comms API, each confined to a workspace and an environment.

use entity::{
    message::{COLUMN, Column, Entity, Model},
    outbox,
};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};

use super::insert as insert_row;
use crate::fault::Fault;

/// Stores a message.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, message: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, message).await
}

/// Up to `limit` messages that are older than `before`, newest first, each with its letter.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    (workspace_id, environment): (Uuid, &str),
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<(Model, Option<outbox::Model>)>, Fault> {
    let mut query = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.environment.eq(environment))
        .order_by_desc(Column::Id)
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(COLUMN.id.lt(before));
    }
    let messages = query.all(db).await?;
    let ids: Vec<_> = messages.iter().filter_map(|message| message.outbox_id).collect();
    let letters = outbox::Entity::find().filter(outbox::COLUMN.id.is_in(ids)).all(db).await?;
    let letter = |id: Option<Uuid>| letters.iter().find(|letter| Some(letter.id) == id).cloned();
    Ok(messages
        .into_iter()
        .map(|message| {
            let letter = letter(message.outbox_id);
            (message, letter)
        })
        .collect())
}
