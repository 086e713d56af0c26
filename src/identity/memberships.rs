//! Where a user belongs, and with which role.

use entity::{member::Role, workspace};
use uuid::Uuid;

use crate::{app::App, fault::Fault, store, workspaces::roles};

/// A workspace and the user's role in it.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The workspace; never a disabled one.
    pub workspace: workspace::Model,
    /// What the user is there.
    pub role: Role,
}

impl Membership {
    /// The role as pages name it.
    #[must_use]
    pub fn role_words(&self) -> &'static str {
        roles::name(self.role)
    }
}

/// The workspaces of a user that are not disabled, oldest membership first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, user_id: Uuid) -> Result<Vec<Membership>, Fault> {
    let found = store::members::list_workspaces(app.store.read(), user_id).await?;
    Ok(found.into_iter().map(|(workspace, role)| Membership { workspace, role }).collect())
}
