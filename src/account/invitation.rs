//! `/invitations/{token}`: the page behind the link of an invitation.
//!
//! Reading it changes nothing, because programs that look at mail open every link. It accepts for
//! the account that is meant; whoever is signed in as somebody else is told which one that is, masked.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use crate::{
    app::App,
    identity::invitations::{self, Answer, Open},
    web::{
        browser::{Account, Browser},
        csrf::CsrfForm,
        links, notice,
        page::{Brand, Page, see_other},
        page_error::PageError,
    },
    workspaces::roles,
};

#[derive(Template)]
#[template(path = "account/invitation.html")]
struct InvitationPage {
    brand: Brand,
    csrf: String,
    path: String,
    workspace: String,
    inviter: String,
    role: &'static str,
    /// Whom it means: in full for who is meant, else masked.
    invited: String,
    reader: Reader,
    sign_in: String,
    sign_up: Option<String>,
}

enum Reader {
    Meant(String),
    Another(String),
    Nobody,
}

#[derive(Template)]
#[template(path = "account/invitation_ended.html")]
struct EndedPage {
    brand: Brand,
    title: &'static str,
    text: &'static str,
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    match invitations::find(app, &token).await? {
        Some(open) => ask(app, &browser, (&token, open), StatusCode::OK),
        None => ended(app, &browser, &Answer::DeadLink),
    }
}

#[handler]
pub async fn accept(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(token): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let answer = invitations::accept(app, &account.user, &token).await?;
    reply(app, &account.into_browser(), &token, answer).await
}

#[handler]
pub async fn decline(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    Path(token): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let answer = invitations::decline(app, browser.user(), &token).await?;
    reply(app, &browser, &token, answer).await
}

async fn reply(
    app: &App,
    browser: &Browser,
    token: &str,
    answer: Answer,
) -> Result<Response, PageError> {
    let to = |slug: &str, name| see_other(&notice::on(&links::workspace_members(slug), name));
    match answer {
        Answer::Joined(slug) => Ok(to(&slug, "invitation-accepted")),
        Answer::WasMember(slug) => Ok(to(&slug, "invitation-known")),
        Answer::Declined | Answer::DeadLink => ended(app, browser, &answer),
        Answer::AnotherAccount => match invitations::find(app, token).await? {
            Some(open) => ask(app, browser, (token, open), StatusCode::UNPROCESSABLE_ENTITY),
            None => ended(app, browser, &Answer::DeadLink),
        },
    }
}

fn ask(
    app: &App,
    browser: &Browser,
    (token, open): (&str, Open),
    status: StatusCode,
) -> Result<Response, PageError> {
    let Open { invitation, workspace, inviter } = open;
    let path = links::invitation(token);
    let reader = match browser.user() {
        None => Reader::Nobody,
        Some(user) if invitations::is_meant(user, &invitation) => {
            Reader::Meant(user.username.clone())
        }
        Some(user) => Reader::Another(user.username.clone()),
    };
    let is_public = !invitation.username.contains('/');
    let may_sign_up = app.config.accounts.sign_up && is_public;
    let page = InvitationPage {
        brand: Brand::of(app),
        csrf: browser.csrf(app),
        workspace: workspace.name,
        inviter: inviter.name.unwrap_or(inviter.username),
        role: roles::words(invitation.role),
        invited: match reader {
            Reader::Meant(_) => invitation.username,
            _ => invitations::masked(&invitation),
        },
        reader,
        sign_in: links::login_then(&path),
        sign_up: may_sign_up.then(|| links::sign_up_then(&path)),
        path,
    };
    // its address is a secret
    Ok(browser.respond(Page::new(&page).status(status).with_secret().respond(app)?))
}

fn ended(app: &App, browser: &Browser, answer: &Answer) -> Result<Response, PageError> {
    let (status, title, text) = match answer {
        Answer::Declined => (
            StatusCode::OK,
            "Invitation declined",
            "You have joined nothing. If you change your mind, ask for another invitation.",
        ),
        _ => (
            StatusCode::NOT_FOUND,
            "This invitation is over",
            "The link has expired, was used or was withdrawn. If you still want to join, ask \
             whoever invited you for another one.",
        ),
    };
    let page = EndedPage { brand: Brand::of(app), title, text };
    Ok(browser.respond(Page::new(&page).status(status).with_secret().respond(app)?))
}
