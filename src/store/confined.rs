//! Rows that belong to one workspace and one environment. There is no way to look for one without
//! saying whose: the tenant is in every finder here.

use entity::{dataset, email, guest, lead, message, subscriber};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
};

use super::insert as insert_row;
use crate::{config::Environment, fault::Fault};

/// Whose data: a workspace and which of its two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The workspace.
    pub workspace_id: Uuid,
    /// Live or test: neither sees the other's data.
    pub environment: Environment,
}

/// Which part of a list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// At most so many items.
    pub limit: u64,
    /// Only what comes after this item.
    pub after: Option<Uuid>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The last of them, if more follow.
    pub next: Option<Uuid>,
}

/// What becomes of a column that may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes empty.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// The same change, of another type.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Clear => Change::Clear,
            Self::Set(value) => Change::Set(f(value)),
        }
    }
}

/// A row that is confined.
pub trait Confined: Sized + Send + Sync {
    /// Its table.
    type Table: EntityTrait<Model = Self>;
    /// The id: a version 7 UUID, so that a larger one is newer.
    const ID: <Self::Table as EntityTrait>::Column;
    /// The workspace.
    const WORKSPACE_ID: <Self::Table as EntityTrait>::Column;
    /// The environment, as text.
    const ENVIRONMENT: <Self::Table as EntityTrait>::Column;

    /// The row's id.
    fn id(&self) -> Uuid;
}

macro_rules! confined {
    ($($table:ident,)+) => {
        $(impl Confined for $table::Model {
            type Table = $table::Entity;

            const ID: $table::Column = $table::Column::Id;
            const WORKSPACE_ID: $table::Column = $table::Column::WorkspaceId;
            const ENVIRONMENT: $table::Column = $table::Column::Environment;

            fn id(&self) -> Uuid {
                self.id
            }
        })+
    };
}

confined! {
    dataset,
    email,
    guest,
    lead,
    message,
    subscriber,
}

/// What a row must be to be this tenant's.
pub(super) fn of_tenant<M: Confined>(tenant: &Tenant) -> Condition {
    Condition::all()
        .add(M::WORKSPACE_ID.eq(tenant.workspace_id))
        .add(M::ENVIRONMENT.eq(tenant.environment.as_str()))
}

/// The tenant's row with this id.
///
/// # Errors
/// When the database fails.
pub async fn find<M: Confined>(
    db: &impl ConnectionTrait,
    tenant: &Tenant,
    id: Uuid,
) -> Result<Option<M>, Fault> {
    let own = M::Table::find().filter(of_tenant::<M>(tenant));
    Ok(own.filter(M::ID.eq(id)).one(db).await?)
}

/// A part of the tenant's rows, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list<M: Confined>(
    db: &impl ConnectionTrait,
    tenant: &Tenant,
    window: &Window,
) -> Result<Listing<M>, Fault> {
    let mut query = M::Table::find().filter(of_tenant::<M>(tenant)).order_by_desc(M::ID);
    if let Some(after) = window.after {
        query = query.filter(M::ID.lt(after));
    }
    // one more than was asked for, only to see whether there is one
    let mut items = query.limit(window.limit.saturating_add(1)).all(db).await?;
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(M::id);
    Ok(Listing { items, next })
}

/// Stores a new row.
///
/// # Errors
/// When the database fails.
pub async fn insert<M>(db: &impl ConnectionTrait, row: M) -> Result<(), Fault>
where
    M: Confined + IntoActiveModel<<M::Table as EntityTrait>::ActiveModel>,
    <M::Table as EntityTrait>::ActiveModel:
        ActiveModelTrait<Entity = M::Table> + ActiveModelBehavior + Send,
{
    insert_row::<M::Table>(db, row).await
}

/// Deletes the tenant's row with this id; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete<M: Confined>(
    db: &impl ConnectionTrait,
    tenant: &Tenant,
    id: Uuid,
) -> Result<bool, Fault> {
    let own = M::Table::delete_many().filter(of_tenant::<M>(tenant));
    Ok(own.filter(M::ID.eq(id)).exec(db).await?.rows_affected == 1)
}
