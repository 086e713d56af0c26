//! The audit trail, which has no page yet: the one peek behind the public surface.

use entity::audit_event::{Column, Entity, Model};
use sea_orm::{EntityTrait, QueryOrder};

use super::World;

impl World {
    /// Every event so far, oldest first.
    pub async fn audit_events(&self) -> Vec<Model> {
        let events = Entity::find().order_by_asc(Column::At).order_by_asc(Column::Id);
        events.all(self.app.store.read()).await.unwrap()
    }

    /// How often something happened, by `noun.verb`.
    pub async fn audited(&self, action: &str) -> usize {
        self.audit_events().await.iter().filter(|event| event.action == action).count()
    }
}
