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

/// How many workspaces the switcher shows: those that the member has joined last.
const SHOWN: usize = 6;

/// A member and the workspace that the page is about.
pub(super) struct Room {
    pub(super) membership: Membership,
    /// The ones of the switcher, and one more if there are more.
    newest: Vec<Membership>,
}

impl Room {
    /// The workspace of that slug, or the user's first one. Another's workspace does not exist.
    pub(super) async fn open(
        app: &App,
        account: &Account,
        slug: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        let user_id = account.user.id;
        let membership = match slug {
            Some(slug) => memberships::find_by_slug(app, user_id, slug).await?,
            None => memberships::first(app, user_id).await?,
        };
        let Some(membership) = membership else { return Ok(None) };
        let newest = memberships::newest(app, user_id, SHOWN as u64 + 1).await?;
        Ok(Some(Self { membership, newest }))
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

    /// The switcher to a page of the user's other workspaces; to a list of all of them if there are
    /// more than it shows.
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
        let shown = &self.newest[..self.newest.len().min(SHOWN)];
        let shown = shown.iter().filter(|membership| membership.role >= least);
        let mut places: Vec<_> = shown.rev().map(place).collect();
        if !places.iter().any(|place| place.is_open) {
            places.insert(0, place(&self.membership));
        }
        if self.newest.len() > SHOWN {
            places.push(Place {
                name: "All workspaces".to_owned(),
                path: links::own_workspaces().to_owned(),
                is_open: false,
            });
        }
        places
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
