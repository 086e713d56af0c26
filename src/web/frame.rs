//! What surrounds every page of somebody who is signed in.

use poem::http::Uri;

use super::{browser::Account, notice, query};
use crate::app::App;

/// The tabs of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Connected apps.
    Apps,
    /// API keys.
    Keys,
    /// Password and second factor.
    Security,
    /// What is known about the user.
    Profile,
    /// Registered clients, for administrators of the server.
    Clients,
    /// None of them: a page that a link leads to.
    Elsewhere,
}

/// Who is signed in, where on the settings the page is, and what has just happened.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who is signed in.
    pub username: String,
    /// Whether to show what only administrators of the server may open.
    pub is_admin: bool,
    /// The token of this browser's forms.
    pub csrf: String,
    /// A sentence about what has just happened.
    pub notice: Option<&'static str>,
    tab: Tab,
}

impl Frame {
    /// The frame of a page in `tab`.
    #[must_use]
    pub fn new(app: &App, account: &Account, tab: Tab) -> Self {
        Self {
            username: account.user.username.clone(),
            is_admin: account.user.is_admin,
            csrf: account.csrf(app),
            notice: None,
            tab,
        }
    }

    /// The same frame, with the notice that the page's address names.
    #[must_use]
    pub fn with_notice_of(mut self, uri: &Uri) -> Self {
        self.notice = query::get(uri, notice::PARAMETER).and_then(|name| notice::words(&name));
        self
    }

    /// The attribute that marks the open tab.
    #[must_use]
    pub fn mark(&self, tab: &str) -> &'static str {
        let name = match self.tab {
            Tab::Apps => "apps",
            Tab::Keys => "keys",
            Tab::Security => "security",
            Tab::Profile => "profile",
            Tab::Clients => "clients",
            Tab::Elsewhere => return "false",
        };
        if name == tab { "page" } else { "false" }
    }
}
