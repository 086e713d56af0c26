//! Datasets (Subworkflow).

use entity::dataset::Model;
use uuid::Uuid;

use super::{Listing, Tenant, Window, write_down};
use crate::{app::App, audit::Actor, fault::Fault, store};

/// A dataset to be created; the sizes were checked at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDataset {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Where it is.
    pub uri: Option<String>,
}

/// Creates a dataset.
///
/// # Errors
/// When the database fails.
pub async fn create(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    new: NewDataset,
) -> Result<Model, Fault> {
    let now = app.now();
    let dataset = Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        name: new.name,
        description: new.description,
        uri: new.uri,
        created_at: store::instant(now),
    };
    let txn = app.store.begin().await?;
    store::confined::insert(&txn, dataset.clone()).await?;
    write_down(app, &txn, (actor, tenant), "dataset.create", dataset.id).await?;
    txn.commit().await?;
    Ok(dataset)
}

/// A part of the tenant's datasets, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, tenant: &Tenant, window: &Window) -> Result<Listing<Model>, Fault> {
    store::confined::list(app.store.read(), tenant, window).await
}

/// The tenant's dataset with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, tenant: &Tenant, id: Uuid) -> Result<Option<Model>, Fault> {
    store::confined::find(app.store.read(), tenant, id).await
}

/// Deletes the tenant's dataset with this id; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(app: &App, actor: Actor, tenant: &Tenant, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::confined::delete::<Model>(&txn, tenant, id).await? {
        return Ok(false);
    }
    write_down(app, &txn, (actor, tenant), "dataset.delete", id).await?;
    txn.commit().await?;
    Ok(true)
}
