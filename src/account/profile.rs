//! `GET /settings/profile`: what is known about the user.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, http::StatusCode, web::Data};

use crate::{
    app::App,
    identity::memberships::{self, Membership},
    web::{
        browser::Account,
        frame::{Frame, Tab},
        moment::Moment,
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage {
    brand: Brand,
    frame: Frame,
    name: Option<String>,
    email: String,
    since: Moment,
    is_verified: bool,
    workspaces: Vec<(String, &'static str)>,
}

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, account: Account) -> Result<Response, PageError> {
    let memberships = memberships::list(app, account.user.id).await?;
    let user = &account.user;
    let page = ProfilePage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Profile),
        name: user.name.clone(),
        email: user.email.clone(),
        since: Moment::of(user.created_at.0),
        is_verified: user.verified_at.is_some(),
        workspaces: memberships.iter().map(in_words).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

fn in_words(membership: &Membership) -> (String, &'static str) {
    (membership.workspace.name.clone(), membership.role_words())
}
