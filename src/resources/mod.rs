//! What the sibling API serves: small, real, and confined. Every finder takes a [`Tenant`], and
//! what belongs to another one does not exist. Nothing here knows OAuth or HTTP.

pub mod scans;

use uuid::Uuid;

use crate::config::Environment;

/// Whose data is meant: one workspace, in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The workspace.
    pub workspace_id: Uuid,
    /// Production or the sandbox.
    pub environment: Environment,
}
