//! Sending the browser back to the client (RFC 6749 §4.1.2, RFC 9207, Form Post Response Mode, JARM).

use std::sync::Arc;

use askama::Template;
use chrono::TimeDelta;
use entity::{client, signing_key::Algorithm};
use poem::Response;
use serde_json::{Map, Value};

use crate::{
    app::App,
    clients::{policy::Policy, redirect_uri},
    crypto::secret::{AuthorizationCode, Secret},
    fault::Fault,
    signing,
    web::page::{Brand, Page, see_other},
};

/// How long a signed answer is good; JARM §2.1 recommends ten minutes at most.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// How an answer travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI (RFC 6749 §4.1.2).
    #[default]
    Query,
    /// In a form that the browser sends there (OAuth 2.0 Form Post Response Mode).
    FormPost,
    /// Signed, in the query (JARM §2.3.1).
    QueryJwt,
    /// Signed, in a form (JARM §2.3.3).
    FormPostJwt,
}

impl ResponseMode {
    /// Those that a client can ask for, as metadata names them.
    pub const NAMES: [&'static str; 5] =
        ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"];

    /// The one of this name; `jwt` means what a code needs, the query (JARM §2.3.4).
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "query" => Self::Query,
            "form_post" => Self::FormPost,
            "jwt" | "query.jwt" => Self::QueryJwt,
            "form_post.jwt" => Self::FormPostJwt,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
            Self::QueryJwt => "query.jwt",
            Self::FormPostJwt => "form_post.jwt",
        }
    }

    const fn is_form_post(self) -> bool {
        matches!(self, Self::FormPost | Self::FormPostJwt)
    }

    const fn is_signed(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FormPostJwt)
    }
}

/// Where and how a client wants its answer; only ever made for a redirect URI that is its own.
#[derive(Clone, Debug)]
pub struct Return {
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<String>,
    client_id: String,
    algorithm: Algorithm,
}

#[derive(Template)]
#[template(path = "oauth/form_post.html")]
struct FormPost {
    brand: Brand,
    action: String,
    fields: Vec<(&'static str, String)>,
}

impl Return {
    /// The way back to `client`: the redirect URI exactly as it was received, and the state, which is
    /// given back as it came.
    #[must_use]
    pub fn to(
        app: &App,
        client: &client::Model,
        redirect_uri: &str,
        (mode, state): (ResponseMode, Option<&str>),
    ) -> Self {
        Self {
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: state.map(str::to_owned),
            client_id: client.id.clone(),
            algorithm: Policy::of(app, client).response_algorithm(),
        }
    }

    /// The answer to a request that was allowed (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// When it cannot be signed or the page cannot be rendered.
    pub async fn code(
        self,
        app: &Arc<App>,
        code: &Secret<AuthorizationCode>,
    ) -> Result<Response, Fault> {
        self.send(app, vec![("code", code.reveal().to_owned())]).await
    }

    /// The answer to a request that was refused (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    /// When it cannot be signed or the page cannot be rendered.
    pub async fn error(
        self,
        app: &Arc<App>,
        code: &'static str,
        description: &'static str,
    ) -> Result<Response, Fault> {
        let mut fields = vec![("error", code.to_owned())];
        if !description.is_empty() {
            fields.push(("error_description", description.to_owned()));
        }
        self.send(app, fields).await
    }

    async fn send(
        self,
        app: &Arc<App>,
        mut fields: Vec<(&'static str, String)>,
    ) -> Result<Response, Fault> {
        fields.extend(self.state.clone().map(|state| ("state", state)));
        // RFC 9207 §2, JARM §2.1: every answer names who gives it
        fields.push(("iss", app.config.issuer.clone()));
        if self.mode.is_signed() {
            fields = vec![("response", self.signed(app, fields).await?)];
        }
        if !self.mode.is_form_post() {
            let pairs: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            return Ok(see_other(&redirect_uri::with_parameters(&self.redirect_uri, &pairs)));
        }
        let page = FormPost { brand: Brand::of(app), action: self.redirect_uri, fields };
        let html = Page::new(&page).with_script().with_secret().in_popup();
        html.form_leads_to(&page.action).respond(app)
    }

    /// The same answer as a JWT for this client alone (JARM §2.1).
    async fn signed(
        &self,
        app: &Arc<App>,
        fields: Vec<(&'static str, String)>,
    ) -> Result<String, Fault> {
        let now = app.now();
        let text = |(name, value): (&str, String)| (name.to_owned(), Value::from(value));
        let mut claims: Map<String, Value> = fields.into_iter().map(text).collect();
        claims.insert("aud".to_owned(), self.client_id.as_str().into());
        claims.insert("exp".to_owned(), (now + LIFETIME).timestamp().into());
        signing::keys(app).await?.sign(self.algorithm, ("JWT", &claims), now)
    }
}
