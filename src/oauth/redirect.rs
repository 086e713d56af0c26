//! Sending the browser back to the client (RFC 6749 §4.1.2, RFC 9207, Form Post Response Mode).

use askama::Template;
use poem::Response;

use crate::{
    app::App,
    clients::redirect_uri,
    crypto::secret::{AuthorizationCode, Secret},
    fault::Fault,
    web::page::{Brand, Page, see_other},
};

/// Where and how a client wants its answer; only ever made for a redirect URI that is its own.
#[derive(Clone, Debug)]
pub struct Return {
    /// Exactly as it was received.
    pub redirect_uri: String,
    /// Whether the answer travels in a form instead of the query.
    pub is_form_post: bool,
    /// Given back as it came.
    pub state: Option<String>,
}

#[derive(Template)]
#[template(path = "oauth/form_post.html")]
struct FormPost {
    brand: Brand,
    action: String,
    fields: Vec<(&'static str, String)>,
}

impl Return {
    /// The answer to a request that was allowed (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// When the page cannot be rendered.
    pub fn code(self, app: &App, code: &Secret<AuthorizationCode>) -> Result<Response, Fault> {
        self.send(app, vec![("code", code.reveal().to_owned())])
    }

    /// The answer to a request that was refused (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    /// When the page cannot be rendered.
    pub fn error(
        self,
        app: &App,
        code: &'static str,
        description: &'static str,
    ) -> Result<Response, Fault> {
        let mut fields = vec![("error", code.to_owned())];
        if !description.is_empty() {
            fields.push(("error_description", description.to_owned()));
        }
        self.send(app, fields)
    }

    fn send(self, app: &App, mut fields: Vec<(&'static str, String)>) -> Result<Response, Fault> {
        if let Some(state) = self.state {
            fields.push(("state", state));
        }
        // RFC 9207 §2: every answer names who gives it
        fields.push(("iss", app.config.issuer.clone()));
        if !self.is_form_post {
            let pairs: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            return Ok(see_other(&redirect_uri::with_parameters(&self.redirect_uri, &pairs)));
        }
        let page = FormPost { brand: Brand::of(app), action: self.redirect_uri, fields };
        Page::new(&page).with_script().with_secret().form_leads_to(&page.action).respond(app)
    }
}
