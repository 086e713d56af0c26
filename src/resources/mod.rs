//! What the API serves: small, real rooms, each confined to one workspace and one environment by
//! its finder. Nothing here knows of OAuth or HTTP.

pub mod comms;
pub mod datasets;
pub mod emails;
pub mod guests;
pub mod leads;
pub mod scans;
pub mod subscribers;

pub use crate::store::confined::{Change, Listing, Tenant, Window};
