//! Finding a workspace by the name people type.

use entity::workspace;

use super::names::slug_problem;
use crate::{app::App, fault::Fault, store};

/// The workspace with this slug.
///
/// # Errors
/// When the database fails.
pub async fn find_by_slug(app: &App, slug: &str) -> Result<Option<workspace::Model>, Fault> {
    // PostgreSQL takes no NUL in a text, not even in a question
    if slug_problem(slug).is_some() {
        return Ok(None);
    }
    store::workspaces::find_by_slug(app.store.read(), slug).await
}
