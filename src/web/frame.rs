//! What surrounds every page of somebody who is signed in: where one can go from here.

use poem::http::Uri;

use super::{browser::Account, kept::Kept, links, notice, query};
use crate::{
    app::App,
    identity::{memberships::Membership, workspace_apps},
};

/// The pages that have a tab, in three areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Connected apps.
    Apps,
    /// Password and second factors.
    Security,
    /// Where the user is signed in.
    Sessions,
    /// What is known about the user.
    Profile,
    /// A workspace's API keys.
    Keys,
    /// A workspace's people.
    Members,
    /// The connected apps of a workspace, for those who run it.
    WorkspaceApps,
    /// What has happened in a workspace.
    Audit,
    /// Everybody, for administrators of the server.
    Users,
    /// Realms of users, for administrators of the server.
    Enterprises,
    /// Every workspace, for administrators of the server.
    Workspaces,
    /// Registered clients, for administrators of the server.
    Clients,
    /// Connected apps of everybody, for administrators of the server.
    AllApps,
    /// Accounts with a subscription key, for administrators of the server.
    Subscriptions,
    /// The keys that this server signs with, for administrators of the server.
    SigningKeys,
    /// Letters, for administrators of the server.
    Outbox,
    /// What has happened anywhere, for administrators of the server.
    Trail,
    /// None of them: a page that a link leads to.
    Elsewhere,
}

/// Who a group of tabs is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Area {
    Account,
    Workspace,
    Server,
}

/// A link of the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it says.
    pub words: &'static str,
    /// The path that it leads to.
    pub path: String,
    /// The value of `aria-current`.
    pub current: &'static str,
}

/// Who is signed in, where the page is, and what has just happened.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who is signed in.
    pub username: String,
    /// The areas that are open to the user.
    pub areas: Vec<Link>,
    /// The tabs of the page's area.
    pub tabs: Vec<Link>,
    /// The token of this browser's forms.
    pub csrf: String,
    /// A sentence about what has just happened.
    pub notice: Option<&'static str>,
    /// What was typed into a form that came too late.
    pub kept: Option<Kept>,
}

impl Tab {
    fn area(self, place: Option<&Membership>) -> Area {
        match self {
            Self::Users
            | Self::Enterprises
            | Self::Workspaces
            | Self::Clients
            | Self::AllApps
            | Self::Subscriptions
            | Self::SigningKeys
            | Self::Outbox
            | Self::Trail => Area::Server,
            _ if place.is_some() => Area::Workspace,
            _ => Area::Account,
        }
    }
}

impl Area {
    /// The tabs of the area; a workspace's for the one that the page is about.
    fn tabs(self, place: Option<&Membership>) -> Vec<(Tab, &'static str, String)> {
        let slug = place.map(|place| place.workspace.slug.as_str()).unwrap_or_default();
        match self {
            Self::Account => vec![
                (Tab::Apps, "Connected apps", links::connected_apps().to_owned()),
                (Tab::Keys, "API keys", links::api_keys().to_owned()),
                (Tab::Security, "Security", links::security().to_owned()),
                (Tab::Sessions, "Sessions", links::sessions().to_owned()),
                (Tab::Profile, "Profile", links::profile().to_owned()),
            ],
            Self::Workspace => {
                let mut tabs = vec![
                    (Tab::Keys, "API keys", links::workspace_keys(slug)),
                    (Tab::Members, "Members", links::workspace_members(slug)),
                ];
                if place.is_some_and(workspace_apps::may_decide) {
                    tabs.push((Tab::WorkspaceApps, "Apps", links::workspace_apps(slug)));
                    tabs.push((Tab::Audit, "Audit trail", links::workspace_audit(slug)));
                }
                tabs
            }
            Self::Server => vec![
                (Tab::Users, "Users", links::admin_users().to_owned()),
                (Tab::Enterprises, "Enterprises", links::admin_enterprises().to_owned()),
                (Tab::Workspaces, "Workspaces", links::admin_workspaces().to_owned()),
                (Tab::Clients, "Clients", links::admin_clients().to_owned()),
                (Tab::AllApps, "Connected apps", links::admin_apps().to_owned()),
                (Tab::Subscriptions, "Subscription keys", links::admin_subscriptions().to_owned()),
                (Tab::SigningKeys, "Signing keys", links::admin_signing_keys().to_owned()),
                (Tab::Outbox, "Outbox", links::admin_outbox().to_owned()),
                (Tab::Trail, "Audit trail", links::admin_audit().to_owned()),
            ],
        }
    }

    fn link(self, of_page: Self) -> Link {
        let (words, path) = match self {
            Self::Account => ("Account", links::connected_apps()),
            Self::Workspace => ("Workspace", links::workspaces()),
            Self::Server => ("Server", links::admin_clients()),
        };
        let current = if self == of_page { "true" } else { "false" };
        Link { words, path: path.to_owned(), current }
    }
}

impl Frame {
    /// The frame of a page in `tab`.
    #[must_use]
    pub fn new(app: &App, account: &Account, tab: Tab) -> Self {
        Self::of(app, account, tab, None)
    }

    /// The frame of a page about a workspace of the user.
    #[must_use]
    pub fn of_workspace(app: &App, account: &Account, tab: Tab, place: &Membership) -> Self {
        Self::of(app, account, tab, Some(place))
    }

    fn of(app: &App, account: &Account, tab: Tab, place: Option<&Membership>) -> Self {
        let area = tab.area(place);
        let mut areas = vec![Area::Account, Area::Workspace];
        if account.user.is_admin {
            areas.push(Area::Server);
        }
        let tabs = area.tabs(place).into_iter().map(|(of, words, path)| {
            let current = if of == tab { "page" } else { "false" };
            Link { words, path, current }
        });
        Self {
            username: account.user.username.clone(),
            areas: areas.into_iter().map(|other| other.link(area)).collect(),
            tabs: tabs.collect(),
            csrf: account.csrf(app),
            notice: account.is_late.then(|| notice::words(notice::LATE)).flatten(),
            kept: account.kept.clone(),
        }
    }

    /// The same frame, with the notice that the page's address names.
    #[must_use]
    pub fn with_notice_of(mut self, uri: &Uri) -> Self {
        self.notice = query::get(uri, notice::PARAMETER).and_then(|name| notice::words(&name));
        self
    }
}
