//! Where a user belongs, and with which role.

use entity::{member::Role, workspace};
use uuid::Uuid;

use crate::{
    app::App,
    fault::Fault,
    store::{
        self,
        memberships::{Found, Named, Realm},
        paging::{Page, Wanted},
    },
    workspaces::{names::slug_problem, roles},
};

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

impl From<Found> for Membership {
    fn from((workspace, role): Found) -> Self {
        Self { workspace, role }
    }
}

/// The membership of a user in the workspace of this slug; `None` if the user is not in it, or it is
/// disabled.
///
/// # Errors
/// When the database fails.
pub async fn find_by_slug(
    app: &App,
    user_id: Uuid,
    slug: &str,
) -> Result<Option<Membership>, Fault> {
    // PostgreSQL takes no NUL in a text, not even in a question
    if slug_problem(slug).is_some() {
        return Ok(None);
    }
    let found = store::memberships::find(app.store.read(), user_id, Named::Slug(slug)).await?;
    Ok(found.map(Membership::from))
}

/// The same by the workspace's id.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, user_id: Uuid, id: Uuid) -> Result<Option<Membership>, Fault> {
    let found = store::memberships::find(app.store.read(), user_id, Named::Id(id)).await?;
    Ok(found.map(Membership::from))
}

/// The oldest membership of a user.
///
/// # Errors
/// When the database fails.
pub async fn first(app: &App, user_id: Uuid) -> Result<Option<Membership>, Fault> {
    let db = app.store.read();
    let found = store::memberships::list_oldest(db, user_id, Realm::Any, 1).await?;
    Ok(found.into_iter().next().map(Membership::from))
}

/// The `limit` newest memberships of a user, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn newest(app: &App, user_id: Uuid, limit: u64) -> Result<Vec<Membership>, Fault> {
    let found = store::memberships::list_newest(app.store.read(), user_id, limit).await?;
    Ok(found.into_iter().map(Membership::from).collect())
}

/// A page of a user's memberships, by the slug of the workspace.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, user_id: Uuid, wanted: &Wanted) -> Result<Page<Membership>, Fault> {
    let found = store::memberships::page(app.store.read(), user_id, wanted).await?;
    let rows = found.rows.into_iter().map(Membership::from);
    Ok(Page { rows: rows.collect(), next: found.next })
}
