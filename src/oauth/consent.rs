//! `GET`, `POST /oauth/consent`: the user decides about a waiting authorization request.
//!
//! 1. somebody is signed in, else back to the sign-in page
//! 2. the request waits in this browser, and its client is still enabled
//! 3. GET: allowed before → the code; else the page
//! 4. POST: the form is ours (`web/csrf.rs`); `decision` is `allow` or `deny`; the workspace is one of
//!    the user's; the request is taken out once

use std::sync::Arc;

use askama::Template;
use entity::{authorization_request, client};
use poem::{Request, Response, Result, handler, web::Data};
use uuid::Uuid;

use super::{params::Params, redirect::Return};
use crate::{
    app::App,
    clients::{authentication, redirect_uri},
    fault::Fault,
    identity::session::SignedIn,
    tokens::{
        code::Yes,
        grants::{self, Place},
        requests,
        scope_words::{self, Deed},
        scopes::Scope,
    },
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links,
        page::{Brand, Page, see_other},
        page_error::PageError,
    },
};

/// A workspace the user may choose.
struct Choice {
    id: String,
    name: String,
    is_selected: bool,
}

/// Scope tokens of one kind of doing.
struct Group {
    title: &'static str,
    items: Vec<Item>,
}

struct Item {
    words: String,
    is_new: bool,
}

#[derive(Template)]
#[template(path = "oauth/consent.html")]
struct ConsentPage {
    brand: Brand,
    client_name: String,
    client_logo: Option<String>,
    publisher: Option<String>,
    is_verified: bool,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
    redirect_host: String,
    username: String,
    workspaces: Vec<Choice>,
    groups: Vec<Group>,
    lifetime: String,
    csrf: String,
    request: String,
}

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, req: &Request, browser: Browser) -> Result<Response> {
    let params = Params::parse(req.uri().query().unwrap_or_default().as_bytes());
    let handle = params.get("request").ok_or_else(expired)?.to_owned();
    let Some(signed_in) = &browser.signed_in else {
        return Ok(browser.respond(see_other(&links::login(Some(&handle)))));
    };
    let waiting = Waiting::find(app, &browser, signed_in, &handle).await?;
    let response = waiting.show_or_answer(app, &browser, handle).await?;
    Ok(browser.respond(response))
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response> {
    let handle = form.text("request");
    let Some(signed_in) = &browser.signed_in else {
        return Ok(browser.respond(see_other(&links::login(Some(handle)))));
    };
    let waiting = Waiting::find(app, &browser, signed_in, handle).await?;
    let response = match form.get("decision") {
        Some("allow") => waiting.allow(app, form.get("workspace")).await?,
        Some("deny") => waiting.deny(app).await?,
        _ => {
            let text = "The decision must be allow or deny.";
            return Err(PageError::bad_request("invalid_request", "decision", text).into());
        }
    };
    Ok(browser.respond(response))
}

/// A request, its client and its user.
struct Waiting<'a> {
    request: authorization_request::Model,
    client: Arc<client::Model>,
    signed_in: &'a SignedIn,
}

impl<'a> Waiting<'a> {
    /// Step 2.
    async fn find(
        app: &App,
        browser: &Browser,
        signed_in: &'a SignedIn,
        handle: &str,
    ) -> Result<Self, PageError> {
        let request = requests::find(app, &browser.cookie, handle).await?.ok_or_else(expired)?;
        let client =
            authentication::find_enabled(app, &request.client_id).await?.ok_or_else(|| {
                PageError::bad_request("invalid_request", "client_id", "This app was disabled.")
            })?;
        Ok(Self { request, client, signed_in })
    }

    fn scope(&self) -> Scope {
        Scope::stored(&self.request.scope)
    }

    fn to(&self) -> Return {
        Return {
            redirect_uri: self.request.redirect_uri.clone(),
            is_form_post: self.request.response_mode == "form_post",
            state: self.request.state.clone(),
        }
    }

    /// Step 3.
    async fn show_or_answer(
        self,
        app: &App,
        browser: &Browser,
        handle: String,
    ) -> Result<Response, PageError> {
        let scope = self.scope();
        let wanted = (&scope, self.request.redirect_uri.as_str());
        let user = &self.signed_in.user;
        match requests::remembered(app, &self.client, user, wanted).await? {
            Some(known) => self.answer(app, known.workspace_id, known.scope).await,
            None => Ok(self.show(app, browser, handle).await?),
        }
    }

    async fn show(self, app: &App, browser: &Browser, handle: String) -> Result<Response, Fault> {
        let user = &self.signed_in.user;
        let places = grants::places(app, &self.client, user).await?;
        let known = self.known(app, places.first()).await?;
        let product = places.first().and_then(|place| Some(&place.workspace.as_ref()?.product));
        let client = &self.client;
        let page = ConsentPage {
            brand: Brand::of(app),
            client_name: client.name.clone(),
            client_logo: client.logo_uri.clone(),
            publisher: client.publisher.clone(),
            is_verified: client.verified_at.is_some(),
            policy_uri: client.policy_uri.clone(),
            tos_uri: client.tos_uri.clone(),
            redirect_host: redirect_uri::destination(&self.request.redirect_uri).to_owned(),
            username: user.username.clone(),
            workspaces: choices(&places),
            groups: groups(app, product.map(String::as_str), &self.scope(), known.as_ref()),
            lifetime: lifetime(app, client),
            csrf: browser.csrf(app),
            request: handle,
        };
        let html = Page::new(&page).form_leads_to(&self.request.redirect_uri);
        let html = if page.client_logo.is_some() { html.with_client_logo() } else { html };
        html.respond(app)
    }

    /// What the user has allowed this client before, in the workspace shown first.
    async fn known(&self, app: &App, place: Option<&Place>) -> Result<Option<Scope>, Fault> {
        grants::known(app, &self.client, &self.signed_in.user, place).await
    }

    /// Step 4, yes.
    async fn allow(self, app: &App, workspace: Option<&str>) -> Result<Response, PageError> {
        let user = &self.signed_in.user;
        let places = grants::places(app, &self.client, user).await?;
        let is_named = |place: &Place, id: &str| {
            place.workspace_id().is_some_and(|workspace| workspace.to_string() == id)
        };
        let place = match workspace {
            Some(id) => places.into_iter().find(|place| is_named(place, id)).ok_or_else(|| {
                let text = "The workspace must be one of yours.";
                PageError::bad_request("invalid_request", "workspace", text)
            })?,
            None => places.into_iter().next().unwrap_or(Place::NOWHERE),
        };
        if let Some(scope) = grants::grantable(&self.client, Some(&self.scope()), place.role) {
            return self.answer(app, place.workspace_id(), scope).await;
        }
        requests::deny(app, &self.request).await?;
        let description = "the user's role in the workspace allows nothing of this scope";
        Ok(self.to().error(app, "invalid_scope", description)?)
    }

    async fn answer(
        self,
        app: &App,
        workspace_id: Option<Uuid>,
        scope: Scope,
    ) -> Result<Response, PageError> {
        let to = self.to();
        let yes = Yes {
            client: &self.client,
            user: &self.signed_in.user,
            authenticated_at: self.signed_in.session.authenticated_at.0,
            workspace_id,
            scope,
        };
        let code = requests::approve(app, self.request, yes).await?.ok_or_else(expired)?;
        Ok(to.code(app, &code)?)
    }

    /// Step 4, no.
    async fn deny(self, app: &App) -> Result<Response, PageError> {
        if !requests::deny(app, &self.request).await? {
            return Err(expired());
        }
        Ok(self.to().error(app, "access_denied", "the user did not allow it")?)
    }
}

fn expired() -> PageError {
    PageError::bad_request(
        "invalid_request",
        "request",
        "This request has expired, was already answered, or began in another browser. \
         Go back to the app and start again.",
    )
}

fn choices(places: &[Place]) -> Vec<Choice> {
    let workspaces = places.iter().filter_map(|place| place.workspace.as_ref());
    workspaces
        .enumerate()
        .map(|(index, workspace)| Choice {
            id: workspace.id.to_string(),
            name: workspace.name.clone(),
            is_selected: index == 0,
        })
        .collect()
}

fn groups(app: &App, product: Option<&str>, scope: &Scope, known: Option<&Scope>) -> Vec<Group> {
    let items = |deed| {
        let tokens = scope.iter().filter(move |token| Deed::of(token) == deed);
        tokens
            .map(|token| Item {
                words: scope_words::words(app, product, token),
                is_new: known.is_some_and(|known| !known.contains(token)),
            })
            .collect::<Vec<_>>()
    };
    Deed::ALL
        .into_iter()
        .map(|deed| Group { title: deed.title(), items: items(deed) })
        .filter(|group| !group.items.is_empty())
        .collect()
}

fn lifetime(app: &App, client: &client::Model) -> String {
    let lifetimes = crate::tokens::issue::Lifetimes::of(app, client);
    if client.grant_types.contains("refresh_token") {
        let days = lifetimes.refresh_absolute.num_days().max(1);
        format!("It stays connected for up to {days} days, or until you disconnect it.")
    } else {
        let minutes = lifetimes.access.num_minutes().max(1);
        format!("It is connected for {minutes} minutes, then it has to ask again.")
    }
}
