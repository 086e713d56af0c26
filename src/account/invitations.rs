//! `/workspaces/{slug}/settings/invitations`: inviting people, and what nobody has answered yet.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};
use uuid::Uuid;

use super::{
    key_view::Choice,
    login::{refused, too_soon},
    member::role_choices,
    room::Room,
};
use crate::{
    app::App,
    fault::FieldError,
    identity::invitations::{self, Invite, MAX_PENDING, Pending, Sending},
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
    workspaces::roles::{self, manages},
};

#[derive(Template)]
#[template(path = "account/invitations.html")]
struct InvitationsPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    members: String,
    path: String,
    username: String,
    roles: Vec<Choice>,
    most: u64,
    pending: Vec<Row>,
    problem: Option<String>,
    problems: Problems,
}

struct Row {
    id: String,
    username: String,
    role: &'static str,
    invited_by: String,
    sent: Moment,
    expires: Moment,
    is_expired: bool,
    may_change: bool,
}

impl Row {
    fn of(room: &Room, pending: Pending) -> Self {
        let Pending { invitation, invited_by, is_expired } = pending;
        Self {
            id: invitation.id.to_string(),
            role: roles::name(invitation.role),
            invited_by: invited_by.unwrap_or_else(|| "somebody".to_owned()),
            sent: Moment::of(invitation.created_at.0),
            expires: Moment::of(invitation.expires_at.0),
            is_expired,
            may_change: manages(room.membership.role, invitation.role),
            username: invitation.username,
        }
    }
}

/// What the form shows when it comes back.
#[derive(Default)]
struct Draft {
    username: String,
    role: Option<entity::member::Role>,
    problem: Option<String>,
    problems: Vec<FieldError>,
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::of_manager(app, &account, &slug).await?;
    let frame = room.frame(app, &account, Tab::Members).with_notice_of(uri);
    show(app, frame, &room, Draft::default()).await
}

#[handler]
pub async fn invite(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let room = Room::of_manager(app, &account, &slug).await?;
    let role = roles::parse(form.text("role")).filter(|role| manages(room.membership.role, *role));
    let username = form.text("username").to_owned();
    let mut draft = Draft { username, role, ..Draft::default() };
    let Some(role) = role else {
        draft.problems = vec![FieldError::new("role", "must be one of these")];
        return show(app, room.frame(app, &account, Tab::Members), &room, draft).await;
    };
    let invite = Invite {
        workspace_id: room.membership.workspace.id,
        by: &account.user,
        invitee: &draft.username,
        role,
        page: links::invitation,
    };
    let sending = invitations::send(app, invite).await?;
    answer(app, &account, (&room, draft), (sending, "invitation-sent")).await
}

#[handler]
pub async fn resend(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (room, place) = place(app, &account, (&slug, &id)).await?;
    let sending = invitations::resend(app, &account.user, place, links::invitation).await?;
    answer(app, &account, (&room, Draft::default()), (sending, "invitation-resent")).await
}

#[handler]
pub async fn withdraw(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (_, place) = place(app, &account, (&slug, &id)).await?;
    if !invitations::withdraw(app, account.user.id, place).await? {
        return Err(PageError::not_found());
    }
    let path = links::workspace_invitations(&slug);
    Ok(see_other(&notice::on(&path, "invitation-withdrawn")))
}

async fn place(
    app: &App,
    account: &Account,
    (slug, id): (&str, &str),
) -> Result<(Room, (Uuid, Uuid)), PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let room = Room::of_manager(app, account, slug).await?;
    let place = (room.membership.workspace.id, id);
    Ok((room, place))
}

/// The answer to a form that sends a letter.
async fn answer(
    app: &App,
    account: &Account,
    (room, mut draft): (&Room, Draft),
    (sending, name): (Sending, &str),
) -> Result<Response, PageError> {
    let frame = room.frame(app, account, Tab::Members);
    match sending {
        Sending::Sent => {
            let path = links::workspace_invitations(&room.membership.workspace.slug);
            Ok(see_other(&notice::on(&path, name)))
        }
        Sending::Unknown => Err(PageError::not_found()),
        Sending::Invalid(problems) => {
            draft.problems = problems;
            show(app, frame, room, draft).await
        }
        Sending::TooSoon { retry_after_secs } => {
            draft.problem = Some(too_soon(retry_after_secs));
            Ok(refused(show(app, frame, room, draft).await?, Some(retry_after_secs)))
        }
    }
}

async fn show(app: &App, frame: Frame, room: &Room, draft: Draft) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let pending = invitations::list(app, workspace.id).await?;
    let is_refused = !draft.problems.is_empty();
    let chosen = draft.role.unwrap_or(entity::member::Role::Member);
    let page = InvitationsPage {
        brand: Brand::of(app),
        frame,
        workspace: workspace.name.clone(),
        members: links::workspace_members(&workspace.slug),
        path: links::workspace_invitations(&workspace.slug),
        username: draft.username,
        roles: role_choices(room.membership.role, Some(chosen)),
        most: MAX_PENDING,
        pending: pending.into_iter().map(|pending| Row::of(room, pending)).collect(),
        problem: draft.problem,
        problems: draft.problems.into(),
    };
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html(app, status, &page)?)
}
