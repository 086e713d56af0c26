//! Leads (FlowEstate).

use entity::lead::Model;

use super::{Listing, Tenant, Window, write_down};
use crate::{app::App, audit::Actor, fault::Fault, store};

/// A lead to be created; the sizes were checked at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLead {
    /// Who it is.
    pub name: String,
    /// The email address.
    pub email: Option<String>,
    /// The telephone number, as people write it.
    pub phone: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
}

/// Creates a lead.
///
/// # Errors
/// When the database fails.
pub async fn create(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    new: NewLead,
) -> Result<Model, Fault> {
    let now = app.now();
    let lead = Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        name: new.name,
        email: new.email,
        phone: new.phone,
        source: new.source,
        created_at: store::instant(now),
    };
    let txn = app.store.begin().await?;
    store::confined::insert(&txn, lead.clone()).await?;
    write_down(app, &txn, (actor, tenant), "lead.create", lead.id).await?;
    txn.commit().await?;
    Ok(lead)
}

/// A part of the tenant's leads, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, tenant: &Tenant, window: &Window) -> Result<Listing<Model>, Fault> {
    store::confined::list(app.store.read(), tenant, window).await
}
