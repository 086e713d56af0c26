//! `/workspaces/{slug}/settings/members/{id}`: another role for a member, and the end of a
//! membership.

use std::sync::Arc;

use askama::Template;
use entity::{member, user};
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{key_view::Choice, room::Room};
use crate::{
    app::App,
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
    workspaces::{
        roles::{self, Outcome, manages},
        roster::{self, Stops},
    },
};

/// What a form says that would leave nobody in charge.
const LAST_OWNER: &str = "The workspace needs an owner who can sign in. Make somebody else an owner \
                          first.";
const NO_ROLE: &str = "Choose one of the roles.";

#[derive(Template)]
#[template(path = "account/member.html")]
struct MemberPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    id: String,
    username: String,
    name: Option<String>,
    roles: Vec<Choice>,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "account/remove_member.html")]
struct RemovePage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    id: String,
    username: String,
    stops: Stops,
    problem: Option<&'static str>,
}

/// Somebody whose membership the reader may change, and where.
struct Found {
    room: Room,
    member: member::Model,
    user: user::Model,
}

impl Found {
    async fn open(
        app: &App,
        account: &Account,
        (slug, id): (&str, &str),
    ) -> Result<Self, PageError> {
        let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
        let room = Room::of_manager(app, account, slug).await?;
        let found = roster::find(app, room.membership.workspace.id, id).await?;
        let (member, user) = found.ok_or_else(PageError::not_found)?;
        if !manages(room.membership.role, member.role) {
            return Err(PageError::not_found());
        }
        Ok(Self { room, member, user })
    }

    fn path(&self) -> String {
        links::workspace_members(&self.room.membership.workspace.slug)
    }

    fn place(&self) -> (Uuid, Uuid) {
        (self.member.workspace_id, self.member.user_id)
    }
}

/// The roles that somebody of role `by` may give, with what each may do.
pub(super) fn role_choices(by: member::Role, chosen: Option<member::Role>) -> Vec<Choice> {
    use member::Role::{Admin, Member, Owner};
    let words = |role| match role {
        Member => "Member: uses the workspace, and makes keys of their own",
        Admin => "Admin: also manages members, keys, apps and sees the audit trail",
        Owner => "Owner: also manages owners",
    };
    let choice = |role| Choice {
        value: roles::words(role).to_owned(),
        words: words(role).to_owned(),
        is_chosen: chosen == Some(role),
    };
    [Member, Admin, Owner].into_iter().filter(|role| manages(by, *role)).map(choice).collect()
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let found = Found::open(app, &account, (&slug, &id)).await?;
    show_form(app, &account, found, None)
}

#[handler]
pub async fn change(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let found = Found::open(app, &account, (&slug, &id)).await?;
    let Some(role) = roles::parse(form.text("role")) else {
        return show_form(app, &account, found, Some(NO_ROLE));
    };
    match roles::change(app, account.user.id, found.place(), role).await? {
        Outcome::Done => Ok(see_other(&notice::on(&found.path(), "role-changed"))),
        Outcome::Unknown => Err(PageError::not_found()),
        Outcome::Forbidden => show_form(app, &account, found, Some(NO_ROLE)),
        Outcome::LastOwner => show_form(app, &account, found, Some(LAST_OWNER)),
    }
}

fn show_form(
    app: &App,
    account: &Account,
    found: Found,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let page = MemberPage {
        brand: Brand::of(app),
        frame: found.room.frame(app, account, Tab::Members),
        workspace: found.room.membership.workspace.name.clone(),
        path: found.path(),
        roles: role_choices(found.room.membership.role, Some(found.member.role)),
        id: found.user.id.to_string(),
        username: found.user.username,
        name: found.user.name,
        problem,
    };
    Ok(html(app, status(problem), &page)?)
}

#[handler]
pub async fn ask_remove(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let found = Found::open(app, &account, (&slug, &id)).await?;
    show_removal(app, &account, found, None).await
}

#[handler]
pub async fn remove(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let found = Found::open(app, &account, (&slug, &id)).await?;
    let is_self = found.user.id == account.user.id;
    match roles::end(app, account.user.id, found.place()).await? {
        Outcome::Done if is_self => Ok(see_other(&notice::on(links::api_keys(), "workspace-left"))),
        Outcome::Done => Ok(see_other(&notice::on(&found.path(), "member-removed"))),
        Outcome::Unknown | Outcome::Forbidden => Err(PageError::not_found()),
        Outcome::LastOwner => show_removal(app, &account, found, Some(LAST_OWNER)).await,
    }
}

async fn show_removal(
    app: &App,
    account: &Account,
    found: Found,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let (workspace_id, user_id) = found.place();
    let page = RemovePage {
        brand: Brand::of(app),
        frame: found.room.frame(app, account, Tab::Members),
        workspace: found.room.membership.workspace.name.clone(),
        path: found.path(),
        stops: roster::stops(app, workspace_id, user_id).await?,
        id: found.user.id.to_string(),
        username: found.user.username,
        problem,
    };
    Ok(html(app, status(problem), &page)?)
}

fn status(problem: Option<&'static str>) -> StatusCode {
    if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}
