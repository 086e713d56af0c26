//! `/workspaces/{slug}/settings/members`: who is in a workspace, and leaving it.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{key_view::Place, room::Room};
use crate::{
    app::App,
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
    workspaces::{
        roles::{self, Outcome, manages},
        roster::{self, Listed, Stops},
    },
};

#[derive(Template)]
#[template(path = "account/members.html")]
struct MembersPage {
    brand: Brand,
    frame: Frame,
    places: Vec<Place>,
    path: String,
    invitations: String,
    is_managed: bool,
    members: Vec<Row>,
    list: List,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a question that the template asks")]
struct Row {
    id: String,
    username: String,
    name: Option<String>,
    role: &'static str,
    is_self: bool,
    is_disabled: bool,
    may_change: bool,
    since: Moment,
    last_sign_in: Option<Moment>,
    has_second_factor: bool,
}

impl Row {
    fn of(room: &Room, account: &Account, listed: Listed) -> Self {
        let Listed { member, user, has_second_factor, last_sign_in } = listed;
        Self {
            id: user.id.to_string(),
            role: roles::name(member.role),
            is_self: user.id == account.user.id,
            is_disabled: user.disabled_at.is_some(),
            may_change: manages(room.membership.role, member.role),
            since: Moment::of(member.created_at.0),
            last_sign_in: last_sign_in.map(Moment::of),
            has_second_factor,
            username: user.username,
            name: user.name,
        }
    }
}

#[derive(Template)]
#[template(path = "account/leave_workspace.html")]
struct LeavePage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    stops: Stops,
    is_refused: bool,
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::of_member(app, &account, &slug).await?;
    let wanted = listing::wanted(uri);
    let found = roster::page(app, room.membership.workspace.id, &wanted).await?;
    let row = |listed| Row::of(&room, &account, listed);
    let page = MembersPage {
        brand: Brand::of(app),
        frame: room.frame(app, &account, Tab::Members).with_notice_of(uri),
        places: room.places(links::workspace_members),
        path: links::workspace_members(&slug),
        invitations: links::workspace_invitations(&slug),
        is_managed: room.is_managed(),
        list: List::of(uri, &wanted, found.next.as_deref()),
        members: found.rows.into_iter().map(row).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn ask_leave(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let room = Room::of_member(app, &account, &slug).await?;
    show_leave(app, &account, &room, false).await
}

#[handler]
pub async fn leave(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let room = Room::of_member(app, &account, &slug).await?;
    let place = (room.membership.workspace.id, account.user.id);
    match roles::end(app, account.user.id, place).await? {
        Outcome::Done => Ok(see_other(&notice::on(links::api_keys(), "workspace-left"))),
        Outcome::Unknown | Outcome::Forbidden => Err(PageError::not_found()),
        Outcome::LastOwner => show_leave(app, &account, &room, true).await,
    }
}

async fn show_leave(
    app: &App,
    account: &Account,
    room: &Room,
    is_refused: bool,
) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let page = LeavePage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::Members),
        workspace: workspace.name.clone(),
        path: links::workspace_members(&workspace.slug),
        stops: roster::stops(app, workspace.id, account.user.id).await?,
        is_refused,
    };
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html(app, status, &page)?)
}
