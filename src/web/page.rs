//! The one way a page leaves this server: rendered by askama, with every security header set.

use askama::Template;
use hyper::body::Bytes;
use poem::{
    Body, Response,
    http::{StatusCode, header},
};

use super::{
    assets,
    headers::{Policy, form_source},
};
use crate::{app::App, fault::Fault};

/// How pages present their operator.
#[derive(Clone, Debug, Default)]
pub struct Brand {
    /// What pages call this server.
    pub name: String,
    /// The address of the logo, if there is one.
    pub logo: Option<String>,
    /// The address of the stylesheet.
    pub stylesheet: String,
    /// The address of the accent colours.
    pub accent_stylesheet: String,
}

impl Brand {
    /// The operator's brand, from the configuration.
    #[must_use]
    pub fn of(app: &App) -> Self {
        let brand = &app.config.brand;
        Self {
            name: brand.name.clone(),
            logo: brand.logo.clone(),
            stylesheet: assets::stylesheet(),
            accent_stylesheet: assets::accent_stylesheet(app),
        }
    }
}

/// A page about to be answered.
pub struct Page<'a, T> {
    template: &'a T,
    status: StatusCode,
    policy: Policy,
}

impl<'a, T: Template> Page<'a, T> {
    /// A page with status 200 under the strictest policy.
    #[must_use]
    pub fn new(template: &'a T) -> Self {
        Self { template, status: StatusCode::OK, policy: Policy::default() }
    }

    /// The same page under another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Its form may be answered by a redirect to `uri`: Chromium holds `form-action` against that.
    #[must_use]
    pub fn form_leads_to(mut self, uri: &str) -> Self {
        self.policy.form_targets.extend(form_source(uri));
        self
    }

    /// It shows the page at `uri` in a frame.
    #[must_use]
    pub fn with_frame(mut self, uri: &str) -> Self {
        let source = form_source(uri);
        let is_new = |source: &String| !self.policy.frame_sources.contains(source);
        if let Some(source) = source.filter(is_new) {
            self.policy.frame_sources.push(source);
        }
        self
    }

    /// It shows a client's logo, from wherever the client has it.
    #[must_use]
    pub fn with_client_logo(mut self) -> Self {
        self.policy.image_sources.push("https:".to_owned());
        self
    }

    /// It stands between an app and its user, perhaps in a window that the app has opened: that one
    /// hears how it ended (HTML, cross-origin opener policies).
    #[must_use]
    pub fn in_popup(mut self) -> Self {
        self.policy.may_be_popup = true;
        self
    }

    /// It runs a script of this server.
    #[must_use]
    pub fn with_script(mut self) -> Self {
        self.policy.has_script = true;
        self
    }

    /// It shows a secret, or its address has one: nobody learns where the browser came from.
    #[must_use]
    pub fn with_secret(mut self) -> Self {
        self.policy.carries_secret = true;
        self
    }

    /// The answer.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    pub fn respond(self, app: &App) -> Result<Response, Fault> {
        Ok(respond(app, self.status, self.policy, rendered(self.template)?))
    }
}

/// A page's text.
///
/// # Errors
/// When the template cannot be rendered.
pub fn rendered(template: &impl Template) -> Result<String, Fault> {
    let failed = |error| Fault::internal(format!("a page could not be rendered: {error}"));
    template.render().map_err(failed)
}

/// A page that was rendered before and needs nothing special.
#[must_use]
pub fn ready(app: &App, html: Bytes) -> Response {
    respond(app, StatusCode::OK, Policy::default(), html)
}

fn respond(app: &App, status: StatusCode, mut policy: Policy, html: impl Into<Body>) -> Response {
    if let Some(logo) = app.config.brand.logo.as_deref().and_then(remote_source) {
        policy.image_sources.push(logo);
    }
    policy.is_secure = is_secure(app);
    let html = html.into();
    let mut response =
        Response::builder().status(status).content_type("text/html; charset=utf-8").body(html);
    policy.apply(&mut response);
    response
}

/// A page that needs nothing special.
///
/// # Errors
/// When the template cannot be rendered.
pub fn html(app: &App, status: StatusCode, template: &impl Template) -> Result<Response, Fault> {
    Page::new(template).status(status).respond(app)
}

/// Sends the browser to a path of this server by GET (RFC 9110 §15.4.4).
#[must_use]
pub fn see_other(path: &str) -> Response {
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, path)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .finish()
}

/// Whether browsers reach this server by `https`.
#[must_use]
pub fn is_secure(app: &App) -> bool {
    app.config.issuer.starts_with("https://")
}

fn remote_source(uri: &str) -> Option<String> {
    if uri.starts_with('/') { None } else { form_source(uri) }
}
