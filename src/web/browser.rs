//! Which browser is speaking, and who is signed in to it.

use std::{net::IpAddr, ops::Deref};

use entity::user;
use poem::{Error, FromRequest, Request, RequestBody, Response, Result, http::header};

use super::{
    app,
    client_ip::client_ip,
    csrf,
    kept::{self, Kept},
    links,
    methods::is_reading,
    notice,
    page::{is_secure, see_other},
    page_error::PageError,
    query,
    return_path::form_page,
    session_cookie,
};
use crate::{
    app::App,
    crypto::secret::{Secret, SessionCookie},
    identity::session::{self, Device, SignedIn},
};

/// How much of `User-Agent` is kept, in characters.
const MAX_USER_AGENT_CHARS: usize = 200;

/// A browser, anonymous or signed in. An anonymous one has a random cookie and no row anywhere.
pub struct Browser {
    /// The cookie it has, or is about to get.
    pub cookie: Secret<SessionCookie>,
    /// Who is signed in, if anybody.
    pub signed_in: Option<SignedIn>,
    /// Where it is.
    pub address: IpAddr,
    user_agent: Option<String>,
    is_new: bool,
    left: Left,
    is_secure: bool,
}

/// What a form that came too late has left here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Typed,
    /// The next answer takes it away.
    Unwanted,
}

impl Left {
    const fn of(is_kept: bool) -> Self {
        if is_kept { Self::Typed } else { Self::Nothing }
    }

    /// Its user is signed out: nobody else is to see it.
    fn forget(&mut self) {
        if *self == Self::Typed {
            *self = Self::Unwanted;
        }
    }
}

impl Browser {
    /// The token that this browser's forms carry in the field `csrf`.
    #[must_use]
    pub fn csrf(&self, app: &App) -> String {
        csrf::token(app, &self.cookie)
    }

    /// The same browser with another cookie, after signing in or out.
    #[must_use]
    pub fn renewed(mut self, cookie: Secret<SessionCookie>) -> Self {
        self.cookie = cookie;
        self.is_new = true;
        self
    }

    /// The same browser, anonymous again under a fresh cookie.
    #[must_use]
    pub fn forgotten(self, app: &App) -> Self {
        self.anonymous(Secret::random(&*app.random))
    }

    /// The same browser, anonymous under another cookie.
    #[must_use]
    pub fn anonymous(mut self, cookie: Secret<SessionCookie>) -> Self {
        self.signed_in = None;
        self.left.forget();
        self.renewed(cookie)
    }

    /// What a session remembers about this browser.
    #[must_use]
    pub fn device(&self) -> Device {
        Device { user_agent: self.user_agent.clone(), address: self.address }
    }

    /// The user, if somebody is signed in.
    #[must_use]
    pub fn user(&self) -> Option<&user::Model> {
        self.signed_in.as_ref().map(|signed_in| &signed_in.user)
    }

    /// Hands the browser its cookie with this answer, if it does not have it yet.
    #[must_use]
    pub fn respond(&self, mut response: Response) -> Response {
        if self.is_new
            && let Some(cookie) = session_cookie::set(&self.cookie, self.is_secure)
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        if self.left == Left::Unwanted
            && let Some(cookie) = kept::forget(self.is_secure)
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<'a> FromRequest<'a> for Browser {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let app = app::of(request)?;
        let is_secure = is_secure(app);
        let found = session_cookie::read(request.headers(), is_secure);
        let signed_in = match &found {
            Some(cookie) => session::find(app, cookie).await.map_err(PageError::from)?,
            None => None,
        };
        Ok(Self {
            is_new: found.is_none(),
            left: Left::of(kept::is_in(request.headers(), is_secure)),
            cookie: found.unwrap_or_else(|| Secret::random(&*app.random)),
            signed_in,
            address: client_ip(request, app),
            user_agent: request.header(header::USER_AGENT).map(readable),
            is_secure,
        })
    }
}

/// A browser that somebody is signed in to; any other is sent to the sign-in page.
pub struct Account {
    browser: Browser,
    /// Who is signed in.
    pub user: user::Model,
    /// Whether the page is shown because its form came too late.
    pub is_late: bool,
    /// What was typed into that form.
    pub kept: Option<Kept>,
}

impl Account {
    /// The browser.
    #[must_use]
    pub fn into_browser(self) -> Browser {
        self.browser
    }
}

impl Deref for Account {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl<'a> FromRequest<'a> for Account {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let mut browser = Browser::from_request(request, body).await?;
        let Some(user) = browser.user().cloned() else {
            // what was typed belongs to a session that has ended
            browser.left.forget();
            return Err(Error::from_response(browser.respond(see_other(&sign_in_for(request)))));
        };
        let (app, is_late) = (app::of(request)?, is_late(request));
        let read = || Kept::read(app, request, user.id);
        let kept = is_late.then(read).flatten();
        Ok(Self { browser, user, is_late, kept })
    }
}

/// The sign-in page, which returns to the page that was asked for, or to the one whose form was sent.
fn sign_in_for(request: &Request) -> String {
    let page = form_page(request);
    if is_reading(request) { links::login_then(&page) } else { links::login_late(&page) }
}

fn is_late(request: &Request) -> bool {
    is_reading(request)
        && query::get(request.original_uri(), notice::PARAMETER).as_deref() == Some(notice::LATE)
}

fn readable(user_agent: &str) -> String {
    user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS).collect()
}
