//! A workspace as one of its members sees it: whose pages are below `/workspaces/{slug}`.

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
