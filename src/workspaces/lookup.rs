//! Finding workspaces.

use entity::{enterprise, workspace};
use uuid::Uuid;

use super::{Pin, names::slug_problem};
use crate::{
    app::App,
    fault::Fault,
    store::{
        self, Ask,
        paging::{Page, Wanted},
    },
};

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

/// The enterprise of a PIN as it was typed.
///
/// # Errors
/// When the database fails.
pub async fn find_enterprise(db: &impl Ask, pin: &str) -> Result<Option<enterprise::Model>, Fault> {
    let Some(pin) = Pin::parse(pin) else { return Ok(None) };
    store::enterprises::find_by_pin(db, pin.as_str()).await
}

/// The same, for who only reads.
///
/// # Errors
/// When the database fails.
pub async fn enterprise(app: &App, pin: &str) -> Result<Option<enterprise::Model>, Fault> {
    find_enterprise(app.store.read(), pin).await
}

/// A page of workspaces, by slug: of one enterprise, or all.
///
/// # Errors
/// When the database fails.
pub async fn page(
    app: &App,
    enterprise_id: Option<Uuid>,
    wanted: &Wanted,
) -> Result<Page<workspace::Model>, Fault> {
    store::workspaces::page(app.store.read(), enterprise_id, wanted).await
}

/// The workspace with this slug, and the enterprise it belongs to.
///
/// # Errors
/// When the database fails.
pub async fn find_with_enterprise(
    app: &App,
    slug: &str,
) -> Result<Option<(workspace::Model, Option<enterprise::Model>)>, Fault> {
    let Some(workspace) = find_by_slug(app, slug).await? else { return Ok(None) };
    let enterprise = match workspace.enterprise_id {
        Some(id) => store::enterprises::find(app.store.read(), id).await?,
        None => None,
    };
    Ok(Some((workspace, enterprise)))
}
