//! `GET`, `POST /settings/profile`: what is known about the user, and what the user says.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use super::login::refused;
use crate::{
    app::App,
    identity::{
        memberships::{self, Membership},
        profile::{self, Profile},
    },
    store::paging::Wanted,
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
};

/// How many of the user's workspaces the page names.
const WORKSPACES: u64 = 20;

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage {
    brand: Brand,
    frame: Frame,
    email: String,
    is_email_verified: bool,
    since: Moment,
    is_verified: bool,
    workspaces: Vec<(String, &'static str)>,
    /// Where all of them are listed, if there are more.
    more_workspaces: Option<&'static str>,
    name: String,
    profile: Profile,
    new_email: String,
    alert: Option<String>,
    problems: Problems,
}

/// What the page shows when one of its forms comes back.
#[derive(Default)]
pub(super) struct Again {
    /// What was typed about the user.
    pub(super) typed: Option<(String, Profile)>,
    /// The new address as it was typed.
    pub(super) email: Option<String>,
    /// What is wrong in all.
    pub(super) alert: Option<String>,
    /// What is wrong with fields.
    pub(super) problems: Problems,
    /// What has just happened.
    pub(super) notice: Option<&'static str>,
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let notice = Frame::new(app, &account, Tab::Profile).with_notice_of(uri).notice;
    show(app, &account, Again { notice, ..Again::default() }).await
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (name, typed) = (form.text("name"), Profile::typed(|field| form.get(field)));
    match profile::save(app, &account.user, name, typed.clone()).await? {
        Ok(()) => Ok(see_other(&notice::on(links::profile(), "profile-saved"))),
        Err(problems) => {
            let again = Again {
                typed: Some((name.to_owned(), typed)),
                problems: problems.into(),
                ..Again::default()
            };
            Ok(refused(show(app, &account, again).await?, None))
        }
    }
}

/// The page, with what was typed into the form that comes back.
pub(super) async fn show(
    app: &App,
    account: &Account,
    again: Again,
) -> Result<Response, PageError> {
    let wanted = Wanted { rows: WORKSPACES, ..Wanted::default() };
    let memberships = memberships::page(app, account.user.id, &wanted).await?;
    let user = &account.user;
    let known = || (user.name.clone().unwrap_or_default(), Profile::of(user));
    let (name, profile) = again.typed.unwrap_or_else(known);
    let page = ProfilePage {
        brand: Brand::of(app),
        frame: Frame { notice: again.notice, ..Frame::new(app, account, Tab::Profile) },
        email: user.email.clone(),
        is_email_verified: user.email_verified_at.is_some(),
        since: Moment::of(user.created_at.0),
        is_verified: user.verified_at.is_some(),
        workspaces: memberships.rows.iter().map(in_words).collect(),
        more_workspaces: memberships.next.map(|_| links::own_workspaces()),
        name,
        profile,
        new_email: again.email.unwrap_or_default(),
        alert: again.alert,
        problems: again.problems,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

fn in_words(membership: &Membership) -> (String, &'static str) {
    (membership.workspace.name.clone(), membership.role_words())
}
