//! `GET`, `POST /oauth/authorize` (RFC 6749 §4.1.1). The checks, in order:
//!
//! 1. the client exists and is enabled; its redirect URI is there and registered: else an error page
//!    that names the parameter, and never a redirect
//! 2. no parameter is repeated or malformed, and the response mode is one we have
//! 3. request objects are not for us (OpenID Connect Core §6)
//! 4. the client is registered for this flow
//! 5. response type, scope and PKCE (`flow.rs`)
//! 6. the resource is a registered one (RFC 8707)
//!
//! Then: nobody signed in → the sign-in page; all of it allowed before → the code; else consent. The
//! request waits on the server, and the pages carry only its handle.

use std::sync::Arc;

use entity::{client, terms::Terms};
use poem::{Body, Request, Response, Result, handler, web::Data};

use super::{
    flow::{self, Refused},
    params::{Params, is_form},
    redirect::Return,
};
use crate::{
    app::App,
    clients::{authentication, redirect_uri},
    config::RequirePkce,
    fault::Fault,
    tokens::{
        audience,
        code::Yes,
        grants::Remembered,
        requests::{self, NewRequest},
        scopes::Scope,
    },
    web::{body, browser::Browser, links, page::see_other, page_error::PageError},
};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// More than any client needs; what is longer would be kept for every browser that passes by.
const MAX_ECHOED_BYTES: usize = 4096;

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, req: &Request, browser: Browser) -> Result<Response> {
    let params = Params::parse(req.uri().query().unwrap_or_default().as_bytes());
    Ok(browser.respond(answer(app, &browser, &params).await?))
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    req: &Request,
    browser: Browser,
    body: Body,
) -> Result<Response> {
    if !is_form(req.content_type()) {
        return Err(PageError::unsupported_form().into());
    }
    let bytes = body::read(body, MAX_BODY_BYTES).await.map_err(PageError::from)?;
    Ok(browser.respond(answer(app, &browser, &Params::parse(&bytes)).await?))
}

async fn answer(app: &App, browser: &Browser, params: &Params) -> Result<Response, PageError> {
    match check(app, params).await {
        Ok((client, request)) => Ok(proceed(app, browser, &client, request).await?),
        Err(Refusal::Untrusted(page)) => Err(page),
        Err(Refusal::Redirectable(to, code, description)) => {
            Ok(to.error(app, code, description)?)
        }
    }
}

/// Why a request goes no further. Redirecting an untrusted one cannot be written.
enum Refusal {
    Untrusted(PageError),
    Redirectable(Return, &'static str, &'static str),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Untrusted(fault.into())
    }
}

async fn check(app: &App, params: &Params) -> Result<(Arc<client::Model>, NewRequest), Refusal> {
    let (client, redirect_uri) = trusted(app, params).await?;
    let to = Return {
        redirect_uri,
        is_form_post: params.get("response_mode") == Some("form_post"),
        state: params.get("state").filter(|_| !params.is_repeated("state")).map(str::to_owned),
    };
    match sound(app, params, &client) {
        Ok(sound) => {
            let request = NewRequest {
                client_id: client.id.clone(),
                redirect_uri: to.redirect_uri,
                response_mode: if to.is_form_post { "form_post" } else { "query" },
                scope: sound.scope,
                state: to.state,
                nonce: params.get("nonce").map(str::to_owned),
                code_challenge: sound.code_challenge,
                resource: params.get("resource").map(str::to_owned),
                terms: Terms::default(),
            };
            Ok((client, request))
        }
        Err((code, description)) => Err(Refusal::Redirectable(to, code, description)),
    }
}

/// Step 1.
async fn trusted(app: &App, params: &Params) -> Result<(Arc<client::Model>, String), Refusal> {
    let untrusted = |parameter, text| {
        Refusal::Untrusted(PageError::bad_request("invalid_request", parameter, text))
    };
    let once = |name: &'static str| {
        params
            .get(name)
            .filter(|_| !params.is_repeated(name))
            .ok_or_else(|| untrusted(name, "This parameter must be given exactly once."))
    };
    let client = authentication::find_enabled(app, once("client_id")?).await?.ok_or_else(|| {
        untrusted("client_id", "No such app is registered here, or it has been disabled.")
    })?;
    let given = once("redirect_uri")?;
    if !client.redirect_uris.0.iter().any(|uri| redirect_uri::matches(uri, given)) {
        return Err(untrusted(
            "redirect_uri",
            "The app has not registered this address, so your browser is not sent there.",
        ));
    }
    Ok((client, given.to_owned()))
}

type RedirectedError = (&'static str, &'static str);

/// Steps 2 to 6.
fn sound(
    app: &App,
    params: &Params,
    client: &client::Model,
) -> Result<flow::Sound, RedirectedError> {
    if let Some(defect) = params.defect() {
        return Err(("invalid_request", defect));
    }
    if !matches!(params.get("response_mode"), None | Some("query" | "form_post")) {
        return Err(("invalid_request", "response_mode must be query or form_post"));
    }
    let is_too_long = |name| params.get(name).is_some_and(|it| it.len() > MAX_ECHOED_BYTES);
    if is_too_long("state") || is_too_long("nonce") {
        return Err(("invalid_request", "state or nonce is longer than 4096 bytes"));
    }
    if params.get("request").is_some() {
        return Err(("request_not_supported", ""));
    }
    if params.get("request_uri").is_some() {
        return Err(("request_uri_not_supported", ""));
    }
    if !client.grant_types.contains("authorization_code") {
        return Err(("unauthorized_client", "the client is not registered for this flow"));
    }
    if params.get("response_type").is_none() {
        return Err(("invalid_request", "response_type is missing"));
    }
    let is_pkce_required = client.kind == client::Kind::Public
        || client.settings.is_fapi2()
        || client
            .settings
            .require_pkce
            .unwrap_or(app.config.oauth.require_pkce == RequirePkce::All);
    let sound =
        flow::check_authorization(client, params, is_pkce_required).map_err(|it| match it {
            Refused::UnsupportedResponseType => {
                ("unsupported_response_type", "response_type must be code")
            }
            Refused::InvalidScope => {
                ("invalid_scope", "the scope is malformed, or nothing of it can be granted")
            }
            Refused::Pkce(description) => ("invalid_request", description),
            Refused::Unbound => ("invalid_request", "the request cannot be read"),
        })?;
    match params.get("resource") {
        Some(resource) if !audience::is_registered(app, resource) => {
            Err(("invalid_target", "the resource is not registered"))
        }
        _ => Ok(sound),
    }
}

async fn proceed(
    app: &App,
    browser: &Browser,
    client: &client::Model,
    request: NewRequest,
) -> Result<Response, Fault> {
    let Some(signed_in) = &browser.signed_in else {
        let handle = requests::freeze(app, &browser.cookie, request).await?;
        return Ok(see_other(&links::login(Some(handle.reveal()))));
    };
    let wanted = (&request.scope, request.redirect_uri.as_str());
    let user = &signed_in.user;
    if let Some(remembered) = requests::remembered(app, client, user, wanted).await? {
        let to = Return {
            redirect_uri: request.redirect_uri.clone(),
            is_form_post: request.response_mode == "form_post",
            state: request.state.clone(),
        };
        let session = &signed_in.session;
        let Remembered { grant_id, workspace_id, scope } = remembered;
        let declined = Scope::default();
        let yes = Yes { client, user, session, workspace_id, scope, declined };
        let code = requests::approve_at_once(app, request.clone(), grant_id, yes).await?;
        if let Some(code) = code {
            return to.code(app, &code);
        }
    }
    let handle = requests::freeze(app, &browser.cookie, request).await?;
    Ok(see_other(&links::consent(handle.reveal())))
}
