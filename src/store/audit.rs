//! The audit trail.

use chrono::{DateTime, Utc};
use entity::{
    audit_event::{COLUMN, Column, Entity, Model},
    types::Instant,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, prelude::Uuid,
};

use super::{
    Ask, first_id_at,
    paging::{Page, Wanted},
};
use crate::fault::Fault;

/// Which events are looked for; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Where they happened.
    pub workspace_id: Option<Uuid>,
    /// What happened, as `noun.verb`.
    pub action: Option<String>,
    /// Who did it: one of these kinds, or one of these ids.
    pub actors: Option<(Vec<String>, Vec<String>)>,
    /// They happened then or later.
    pub from: Option<DateTime<Utc>>,
    /// They happened before.
    pub until: Option<DateTime<Utc>>,
}

impl Sought {
    /// Those of `events` that are looked for.
    pub(super) fn among(&self, mut events: Select<Entity>) -> Select<Entity> {
        if let Some(id) = self.workspace_id {
            events = events.filter(COLUMN.workspace_id.eq(id));
        }
        if let Some(action) = &self.action {
            events = events.filter(COLUMN.action.eq(action));
        }
        if let Some((kinds, ids)) = &self.actors {
            let either = Condition::any()
                .add(Column::ActorKind.is_in(kinds))
                .add(Column::ActorId.is_in(ids));
            events = events.filter(either);
        }
        if let Some(from) = self.from {
            events = events.filter(Column::Id.gte(first_id_at(from)));
        }
        if let Some(until) = self.until {
            events = events.filter(Column::Id.lt(first_id_at(until)));
        }
        events
    }
}

/// Writes one event, in the transaction that made it happen.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl Ask, event: Model) -> Result<(), Fault> {
    const INSERT: &str = "insert into audit_event (id, at, action, actor_kind, actor_id,
        workspace_id, target_kind, target_id, detail, seal, place, chain)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let values = vec![
        event.id.into(),
        event.at.into(),
        event.action.into(),
        event.actor_kind.into(),
        event.actor_id.into(),
        event.workspace_id.into(),
        event.target_kind.into(),
        event.target_id.into(),
        event.detail.into(),
        event.seal.into(),
        event.place.into(),
        event.chain.into(),
    ];
    db.change(INSERT, values).await?;
    Ok(())
}

/// A page of events, newest first. An event's id begins with its instant, so one order serves both.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    sought: &Sought,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let newest = Entity::find().order_by_desc(Column::Id).limit(wanted.rows.saturating_add(1));
    let mut query = sought.among(newest);
    if let Some(after) = wanted.after.as_deref().and_then(|after| Uuid::parse_str(after).ok()) {
        query = query.filter(Column::Id.lt(after));
    }
    Ok(Page::of(query.all(db).await?, wanted, |event| event.id.to_string()))
}

/// When each of these actors last did one of these things.
///
/// # Errors
/// When the database fails.
pub async fn list_last(
    db: &impl ConnectionTrait,
    actions: &[&str],
    actor_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<(String, Instant)>, Fault> {
    let last = Entity::find()
        .select_only()
        .column(Column::ActorId)
        .column_as(Column::At.max(), "at")
        .filter(Column::ActorId.is_in(actor_ids))
        .filter(Column::Action.is_in(actions.iter().copied()))
        .group_by(Column::ActorId);
    Ok(last.into_tuple().all(db).await?)
}
