//! `GET`, `POST /oauth/logout`: the plain form. GET asks, POST signs out.

use std::sync::Arc;

use askama::Template;
use poem::{Response, Result, handler, http::StatusCode, web::Data};

use crate::{
    app::App,
    identity::session,
    web::{
        browser::Browser,
        csrf::CsrfForm,
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "oauth/logout.html")]
struct LogoutPage {
    brand: Brand,
    csrf: String,
}

#[derive(Template)]
#[template(path = "oauth/signed_out.html")]
struct SignedOutPage {
    brand: Brand,
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors are handed over by value")]
pub fn get(Data(app): Data<&Arc<App>>, browser: Browser) -> Result<Response> {
    if browser.user().is_none() {
        return Ok(signed_out(app)?);
    }
    let page = LogoutPage { brand: Brand::of(app), csrf: browser.csrf(app) };
    let response = html(app, StatusCode::OK, &page).map_err(PageError::from)?;
    Ok(browser.respond(response))
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    _form: CsrfForm,
) -> Result<Response> {
    session::end(app, &browser.cookie).await.map_err(PageError::from)?;
    let response = signed_out(app)?;
    Ok(browser.forgotten(app).respond(response))
}

fn signed_out(app: &App) -> Result<Response, PageError> {
    Ok(html(app, StatusCode::OK, &SignedOutPage { brand: Brand::of(app) })?)
}
