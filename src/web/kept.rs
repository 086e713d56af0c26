//! What somebody had typed into a form that came too late: it goes through the proof that is asked for
//! in a cookie, sealed for its user, and is there to be sent again afterwards, on its own page alone.
//! It is forgotten once a form was sent in time, another came too late, or its user is signed out.
//! Never a password.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderMap, HeaderValue, header},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    app, cookies,
    csrf::{self, CsrfForm},
    listing,
    methods::is_reading,
    once,
    page::is_secure,
};
use crate::app::App;

/// RFC 6265bis §4.1.3.2.
const SECURE_NAME: &str = "__Host-latchkey-form";
/// Only where the issuer is plain HTTP.
const LOOPBACK_NAME: &str = "latchkey-form";
/// Browsers keep 4096 bytes of a cookie; longer forms are typed again.
const MAX_VALUE_BYTES: usize = 3800;
const MINUTES: i64 = 15;
const ATTRIBUTES: &str = "HttpOnly; SameSite=Strict";
/// Rooms whose forms have no secrets and no steps of a ceremony.
const ROOMS: [&str; 2] = ["/admin/", "/workspaces/"];
/// Names that nobody types into: what only the page knows, and which part of a list it shows.
const HIDDEN: [&str; 4] = [once::FORM, once::PRESENT, listing::SEARCH, listing::AFTER];
/// Names that nothing is kept of, wherever they come from.
const SECRETS: [&str; 5] = ["code", "recovery_code", "credential", "state", "token"];

/// A form that came too late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The page that it is a form of.
    page: String,
    /// Where it was sent.
    pub action: String,
    /// What was typed, by the names of the fields.
    pub fields: Vec<(String, String)>,
    until: DateTime<Utc>,
}

impl Kept {
    /// What is kept of a form that a user has sent to a path from a page; `None` if nothing is.
    #[must_use]
    pub fn of(app: &App, (action, page): (&str, String), form: &CsrfForm) -> Option<Self> {
        let is_secret = |name: &str| name.contains("password") || SECRETS.contains(&name);
        if !ROOMS.iter().any(|room| action.starts_with(room))
            || form.pairs().any(|(name, _)| is_secret(name))
        {
            return None;
        }
        let sent = form.pairs().filter(|(name, _)| *name != csrf::FIELD);
        let kept = Self {
            page,
            action: action.to_owned(),
            fields: sent.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            until: app.now() + TimeDelta::minutes(MINUTES),
        };
        // a button alone is pressed again where it says what it does
        let is_typed = !kept.typed().is_empty();
        is_typed.then_some(kept)
    }

    /// The `Set-Cookie` that carries it; `None` if it is too long for one.
    #[must_use]
    pub fn cookie(&self, app: &App, user_id: Uuid, is_secure: bool) -> Option<HeaderValue> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = app.secrets.sealer.seal(&*app.random, &context(user_id), &plain).ok()?;
        let text = URL_SAFE_NO_PAD.encode(sealed);
        if text.len() > MAX_VALUE_BYTES {
            return None;
        }
        let rest = format!("Max-Age={}; {ATTRIBUTES}", MINUTES * 60);
        cookies::set(name_of(is_secure), &text, &rest, is_secure)
    }

    /// What is kept in the browser of a request, for this user and the page that is asked for.
    #[must_use]
    pub fn read(app: &App, request: &Request, user_id: Uuid) -> Option<Self> {
        let text = cookies::values(request.headers(), name_of(is_secure(app))).next()?;
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = app.secrets.sealer.open(&context(user_id), &sealed).ok()?;
        let kept: Self = serde_json::from_slice(&plain).ok()?;
        let is_of_page = kept.page == request.original_uri().path();
        (is_of_page && app.now() < kept.until).then_some(kept)
    }

    /// What was typed, as a page shows it: without what only the page knows.
    #[must_use]
    pub fn typed(&self) -> Vec<(String, &str)> {
        let shown = self.fields.iter().filter(|(name, _)| !HIDDEN.contains(&&**name));
        shown.map(|(name, value)| (name.replace('_', " "), value.as_str())).collect()
    }
}

/// The `Set-Cookie` that forgets whatever is kept.
#[must_use]
pub fn forget(is_secure: bool) -> Option<HeaderValue> {
    cookies::set(name_of(is_secure), "", &format!("Max-Age=0; {ATTRIBUTES}"), is_secure)
}

/// Whether something is kept in the browser of a request.
#[must_use]
pub fn is_in(headers: &HeaderMap, is_secure: bool) -> bool {
    cookies::values(headers, name_of(is_secure)).next().is_some()
}

/// Forgets what is kept once a form was sent that may be that one, whether from its page or again: an
/// answer that keeps one itself is left as it is.
pub struct Forgetting;

impl<E: Endpoint> Middleware<E> for Forgetting {
    type Output = ForgettingEndpoint<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        ForgettingEndpoint(endpoint)
    }
}

/// An endpoint whose forms are sent once; made by [`Forgetting`].
pub struct ForgettingEndpoint<E>(E);

impl<E: Endpoint> Endpoint for ForgettingEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let is_secure = is_secure(app::of(&request)?);
        let path = request.original_uri().path();
        let is_sent = !is_reading(&request)
            && ROOMS.iter().any(|room| path.starts_with(room))
            && is_in(request.headers(), is_secure);
        let mut response = self.0.call(request).await?.into_response();
        if is_sent && !is_set_by(&response, is_secure) {
            let cookie = forget(is_secure);
            response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
        }
        Ok(response)
    }
}

fn is_set_by(response: &Response, is_secure: bool) -> bool {
    let set = response.headers().get_all(header::SET_COOKIE).iter();
    let mut names = set.filter_map(|it| it.to_str().ok()?.split_once('=')).map(|(name, _)| name);
    names.any(|name| name == name_of(is_secure))
}

fn context(user_id: Uuid) -> String {
    format!("form:{user_id}")
}

const fn name_of(is_secure: bool) -> &'static str {
    if is_secure { SECURE_NAME } else { LOOPBACK_NAME }
}
