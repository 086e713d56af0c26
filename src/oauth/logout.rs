//! `GET`, `POST /oauth/logout` (OpenID Connect RP-Initiated Logout 1.0).
//!
//! - without parameters the plain form: GET asks, POST signs out
//! - a client's request, by GET: at once if its hint is of this very session, else after a question, whose
//!   form carries what was asked signed, so that nobody changes it in between
//! - a client's request, by POST, comes from another site and so without the cookie: it is sent on by GET
//! - afterwards the browser tells the clients that want to hear it in frames (Front-Channel Logout), and
//!   goes back to the client if it has proved who it is or the user has agreed

use std::sync::Arc;

use askama::Template;
use poem::{
    Body, FromRequest, Request, RequestBody, Response, Result, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use super::params::{Params, is_form};
use crate::{
    app::App,
    clients::redirect_uri,
    fault::Fault,
    identity::session,
    openid::logout_request::{self, Asked, LogoutRequest},
    tokens::logout::Frame,
    web::{
        body,
        browser::Browser,
        csrf::{self, CsrfForm},
        page::{Brand, Page, see_other},
        page_error::PageError,
    },
};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// The field and parameter that carries a request that was looked at.
const REQUEST: &str = "request";
const PARAMETERS: [&str; 6] = [
    "id_token_hint",
    "client_id",
    "post_logout_redirect_uri",
    "state",
    "logout_hint",
    "ui_locales",
];

#[derive(Template)]
#[template(path = "oauth/logout.html")]
struct LogoutPage {
    brand: Brand,
    client_name: Option<String>,
    problem: Option<&'static str>,
    request: Option<String>,
    csrf: String,
}

#[derive(Template)]
#[template(path = "oauth/signed_out.html")]
struct SignedOutPage {
    brand: Brand,
    client_name: Option<String>,
    problem: Option<&'static str>,
    frames: Vec<String>,
    onward: Option<String>,
    is_automatic: bool,
}

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, uri: &Uri, browser: Browser) -> Result<Response> {
    let params = Params::parse(uri.query().unwrap_or_default().as_bytes());
    let request = read(app, &params).await?;
    let Some(signed_in) = &browser.signed_in else {
        let response = done(app, &request, request.is_proved(), &[])?;
        return Ok(browser.respond(response));
    };
    if request.is_about(signed_in) {
        return sign_out(app, browser, &request).await;
    }
    let response = ask(app, &browser, &request)?;
    Ok(browser.respond(response))
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    req: &Request,
    body: Body,
    browser: Browser,
) -> Result<Response> {
    let bytes = body::read(body, MAX_BODY_BYTES).await.map_err(PageError::from)?;
    let params = Params::parse(&bytes);
    let is_asked = is_form(req.content_type())
        && params.get(csrf::FIELD).is_none()
        && PARAMETERS.iter().any(|name| params.get(name).is_some());
    if is_asked {
        let frozen = read(app, &params).await?.frozen(app).map_err(PageError::from)?;
        return Ok(see_other(&format!("/oauth/logout?{REQUEST}={frozen}")));
    }
    let form = CsrfForm::from_request(req, &mut RequestBody::new(bytes.into())).await?;
    let request = LogoutRequest::thawed(app, form.text(REQUEST));
    sign_out(app, browser, &request).await
}

/// The request that the parameters are, or that one of them carries.
async fn read(app: &Arc<App>, params: &Params) -> Result<LogoutRequest, PageError> {
    if let Some(frozen) = params.get(REQUEST) {
        return Ok(LogoutRequest::thawed(app, frozen));
    }
    if params.defect().is_some() {
        let text = "A parameter is given more than once, or is not text. You are not signed out.";
        return Err(PageError::refused("This request cannot be answered", text));
    }
    let asked = Asked {
        id_token_hint: params.get("id_token_hint"),
        client_id: params.get("client_id"),
        post_logout_redirect_uri: params.get("post_logout_redirect_uri"),
        state: params.get("state"),
    };
    Ok(logout_request::read(app, asked).await?)
}

fn ask(app: &App, browser: &Browser, request: &LogoutRequest) -> Result<Response, PageError> {
    let carries = *request != LogoutRequest::default();
    let page = LogoutPage {
        brand: Brand::of(app),
        client_name: request.client_name.clone(),
        problem: request.problem.map(logout_request::Problem::words),
        request: carries.then(|| request.frozen(app)).transpose()?,
        csrf: browser.csrf(app),
    };
    let mut html = Page::new(&page);
    if let Some(uri) = &request.leads_to {
        html = html.form_leads_to(uri);
    }
    Ok(html.respond(app)?)
}

async fn sign_out(app: &App, browser: Browser, request: &LogoutRequest) -> Result<Response> {
    let frames = session::end(app, &browser.cookie).await.map_err(PageError::from)?;
    let response = done(app, request, true, &frames)?;
    Ok(browser.forgotten(app).respond(response))
}

/// What is shown when nobody is signed in any more. `may_lead` says that the browser may be sent on
/// without a further question.
fn done(
    app: &App,
    request: &LogoutRequest,
    may_lead: bool,
    frames: &[Frame],
) -> Result<Response, PageError> {
    if let Some(uri) = request.leads_to.as_deref().filter(|_| may_lead && frames.is_empty()) {
        return Ok(see_other(uri));
    }
    let page = SignedOutPage {
        brand: Brand::of(app),
        client_name: request.client_name.clone(),
        problem: request.problem.map(logout_request::Problem::words),
        frames: frames.iter().map(|frame| address_of(app, frame)).collect(),
        onward: request.leads_to.clone(),
        is_automatic: may_lead && request.leads_to.is_some(),
    };
    Ok(show(app, &page)?)
}

fn show(app: &App, page: &SignedOutPage) -> Result<Response, Fault> {
    let mut html = Page::new(page).status(StatusCode::OK);
    for frame in &page.frames {
        html = html.with_frame(frame);
    }
    if page.is_automatic {
        html = html.with_script();
    }
    html.respond(app)
}

/// Front-Channel Logout §2: who says it, and of which session.
fn address_of(app: &App, frame: &Frame) -> String {
    let sid = frame.session_id.to_string();
    let parameters = [("iss", app.config.issuer.as_str()), ("sid", sid.as_str())];
    redirect_uri::with_parameters(&frame.uri, &parameters)
}
