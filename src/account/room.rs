//! A workspace as one of its members sees it: whose pages are below `/workspaces/{slug}`.

use entity::member::Role;

use super::key_view::Place;
use crate::{
    app::App,
    config::Product,
    fault::Fault,
    identity::memberships::{self, Membership},
    keys::listing::Viewer,
    web::{
        browser::Account,
        frame::{Frame, Tab},
        links,
        page_error::PageError,
    },
};

/// A member and the workspace that the page is about.
pub(super) struct Room {
    pub(super) membership: Membership,
    pub(super) all: Vec<Membership>,
}

impl Room {
    /// The workspace of that slug, or the user's first one. Another's workspace does not exist.
    pub(super) async fn open(
        app: &App,
        account: &Account,
        slug: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        let all = memberships::list(app, account.user.id).await?;
        let is_asked =
            |membership: &&Membership| slug.is_none_or(|slug| membership.workspace.slug == slug);
        let membership = all.iter().find(is_asked).cloned();
        Ok(membership.map(|membership| Self { membership, all }))
    }

    /// The workspace of that slug, for one of its members.
    pub(super) async fn of_member(
        app: &App,
        account: &Account,
        slug: &str,
    ) -> Result<Self, PageError> {
        Self::open(app, account, Some(slug)).await?.ok_or_else(PageError::not_found)
    }

    /// The workspace of that slug, for one of its owners or admins. To other members what they may
    /// not do does not exist.
    pub(super) async fn of_manager(
        app: &App,
        account: &Account,
        slug: &str,
    ) -> Result<Self, PageError> {
        let room = Self::of_member(app, account, slug).await?;
        if room.is_managed() { Ok(room) } else { Err(PageError::not_found()) }
    }

    /// Whether the member is one of the workspace's owners or admins.
    pub(super) fn is_managed(&self) -> bool {
        self.membership.role >= Role::Admin
    }

    /// The switcher to a page of the user's other workspaces.
    pub(super) fn places(&self, page: fn(&str) -> String) -> Vec<Place> {
        self.places_as(Role::Member, page)
    }

    /// The switcher to a page that owners and admins have, of the workspaces that the user runs.
    pub(super) fn managed_places(&self, page: fn(&str) -> String) -> Vec<Place> {
        self.places_as(Role::Admin, page)
    }

    fn places_as(&self, least: Role, page: fn(&str) -> String) -> Vec<Place> {
        let place = |membership: &Membership| Place {
            name: membership.workspace.name.clone(),
            path: page(&membership.workspace.slug),
            is_open: membership.workspace.id == self.membership.workspace.id,
        };
        self.all.iter().filter(|membership| membership.role >= least).map(place).collect()
    }

    pub(super) fn path(&self) -> String {
        links::workspace_keys(&self.membership.workspace.slug)
    }

    /// The frame of a page about this workspace.
    pub(super) fn frame(&self, app: &App, account: &Account, tab: Tab) -> Frame {
        Frame::of_workspace(app, account, tab, &self.membership)
    }

    pub(super) fn viewer(&self, account: &Account) -> Viewer {
        Viewer::Member { user_id: account.user.id, role: self.membership.role }
    }

    pub(super) fn product<'a>(&self, app: &'a App) -> Result<&'a Product, Fault> {
        let product = app.config.products.get(&self.membership.workspace.product);
        product.ok_or_else(|| Fault::internal("a workspace of a product that is not configured"))
    }
}
