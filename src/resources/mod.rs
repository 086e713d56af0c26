//! What the API serves: small, real rooms, each confined to one workspace and one environment by
//! its finder. Nothing here knows of OAuth or HTTP.

pub mod comms;
pub mod datasets;
pub mod emails;
pub mod guests;
pub mod leads;
pub mod scans;
pub mod subscribers;

use uuid::Uuid;

pub use crate::store::confined::{Change, Listing, Tenant, Window};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store::Txn,
};

/// Writes down what happened to a thing of this tenant, in the transaction that makes it happen:
/// `noun.verb`, and nothing of what is in the thing.
async fn write_down(
    app: &App,
    txn: &Txn,
    (actor, tenant): (Actor, &Tenant),
    action: &'static str,
    id: Uuid,
) -> Result<(), Fault> {
    let kind = action.split('.').next().unwrap_or(action);
    let event = Event::new(action, actor, Target::new(kind, id))
        .in_workspace(tenant.workspace_id)
        .because(tenant.environment.as_str());
    audit::record(app, txn, event).await
}
