//! What stops an app in a workspace, each behind a page that says first what will stop: denying it,
//! taking a decision back, disconnecting one person or everybody.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{room::Room, workspace_app::find};
use crate::{
    app::App,
    audit::Actor,
    identity::workspace_apps::{self, Person, WorkspaceApp},
    tokens::{
        approvals::{self, Decider, Decision},
        revoke,
    },
    web::{
        app_view::{Used, tokens},
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

/// A change that stops something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Deny,
    Undecide,
    Revoke,
}

impl Change {
    fn named(name: &str) -> Option<Self> {
        match name {
            "deny" => Some(Self::Deny),
            "undecide" => Some(Self::Undecide),
            "revoke" => Some(Self::Revoke),
            _ => None,
        }
    }

    fn notice(self) -> &'static str {
        match self {
            Self::Deny => "app-denied",
            Self::Undecide => "app-undecided",
            Self::Revoke => "app-everybody-revoked",
        }
    }
}

#[derive(Template)]
#[template(path = "account/workspace_app_change.html")]
struct ChangePage {
    brand: Brand,
    frame: Frame,
    change: Change,
    name: String,
    workspace: String,
    path: String,
    action: String,
    used: Used,
}

#[derive(Template)]
#[template(path = "account/workspace_app_person.html")]
struct PersonPage {
    brand: Brand,
    frame: Frame,
    name: String,
    workspace: String,
    path: String,
    action: String,
    username: String,
    tokens: String,
    last_used: Option<Moment>,
}

#[handler]
pub async fn confirm(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, client, change)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let change = Change::named(&change).ok_or_else(PageError::not_found)?;
    let (room, found) = find(app, &account, (&slug, &client)).await?;
    let path = links::workspace_app(&slug, &client);
    let end = match change {
        Change::Deny => "deny",
        Change::Undecide => "undecide",
        Change::Revoke => "revoke",
    };
    let page = ChangePage {
        brand: Brand::of(app),
        frame: room.frame(app, &account, Tab::WorkspaceApps),
        change,
        name: found.client.name,
        workspace: room.membership.workspace.name.clone(),
        action: format!("{path}/{end}"),
        path,
        used: Used::of(app, Some(&room.membership.workspace.product), &found.counts),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn carry_out(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, client, change)): Path<(String, String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let change = Change::named(&change).ok_or_else(PageError::not_found)?;
    let (room, _) = find(app, &account, (&slug, &client)).await?;
    let workspace = &room.membership.workspace;
    let decider = Decider { user_id: account.user.id, workspace };
    let is_done = match change {
        Change::Deny => approvals::decide(app, decider, &client, Decision::Deny).await?,
        Change::Undecide => approvals::decide(app, decider, &client, Decision::Undecide).await?,
        Change::Revoke => {
            let actor = Actor::User(account.user.id);
            revoke::disconnect_workspace(app, actor, (workspace.id, &client)).await?;
            true
        }
    };
    if !is_done {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(&links::workspace_app(&slug, &client), change.notice())))
}

type Found = (Room, WorkspaceApp, Option<Person>);

/// The person that a path names, unless they are disconnected already.
async fn find_person(
    app: &App,
    account: &Account,
    (slug, client, user): (&str, &str, &str),
) -> Result<Found, PageError> {
    let user = user.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let (room, found) = find(app, account, (slug, client)).await?;
    let place = (&room.membership.workspace, client);
    let person = workspace_apps::find_person(app, place, user).await?;
    Ok((room, found, person))
}

#[handler]
pub async fn confirm_person(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, client, user)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let (room, found, person) = find_person(app, &account, (&slug, &client, &user)).await?;
    let person = person.ok_or_else(PageError::not_found)?;
    let path = links::workspace_app(&slug, &client);
    let page = PersonPage {
        brand: Brand::of(app),
        frame: room.frame(app, &account, Tab::WorkspaceApps),
        name: found.client.name,
        workspace: room.membership.workspace.name.clone(),
        action: format!("{path}/people/{}", person.user.id),
        path,
        username: person.user.username,
        tokens: tokens(person.sessions),
        last_used: person.grant.last_used_at.map(|at| Moment::of(at.0)),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn disconnect_person(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, client, user)): Path<(String, String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (room, _, person) = find_person(app, &account, (&slug, &client, &user)).await?;
    // disconnecting twice ends where disconnecting once does
    if let Some(person) = person {
        let place = (room.membership.workspace.id, client.as_str());
        let actor = Actor::User(account.user.id);
        revoke::disconnect_member(app, actor, place, person.user.id).await?;
    }
    Ok(see_other(&notice::on(&links::workspace_app(&slug, &client), "app-person-revoked")))
}
