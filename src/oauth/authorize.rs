//! `GET /oauth/authorize` (RFC 6749 §4.1.1); `POST` is in `authorize_post.rs`. The checks, in order:
//!
//! 1. the client exists and is enabled: else an error page that names the parameter
//! 2. what it asks for is found, and is its own: pushed, signed, or in the request itself (`asked.rs`)
//! 3. the redirect URI is there and registered: else an error page, and never a redirect
//! 4. no parameter is repeated or malformed, and the response mode is one we have
//! 5. the client is registered for this flow
//! 6. response type, scope and PKCE (`flow.rs`)
//! 7. the resource is a registered one (RFC 8707), and `dpop_jkt` a thumbprint (RFC 9449 §10)
//! 8. what OpenID Connect adds (`openid_params.rs`)
//!
//! Then: nobody signed in, or not as it is demanded (`prompt.rs`) → the sign-in page; all of it allowed
//! before → the code; else consent. The request waits on the server, and the pages carry only its
//! handle. Where no page may be shown, an error goes back instead.

use std::{net::IpAddr, sync::Arc};

use entity::{client, terms::Terms};
use poem::{Request, Response, Result, handler, web::Data};

use super::{
    asked::{self, Asked, Door},
    flow::{self, Refused},
    openid_params,
    params::Params,
    prompt::{self, CONSENT_REQUIRED, Next},
    redirect::{ResponseMode, Return},
};
use crate::{
    app::App,
    clients::{authentication, dynamic::TooMany, policy::Policy, redirect_uri},
    crypto::secret::{AuthorizationCode, Secret},
    fault::Fault,
    identity::session::SignedIn,
    openid::demands,
    tokens::{
        audience,
        code::Yes,
        dpop::Thumbprint,
        flood,
        grants::Remembered,
        requests::{self, NewRequest},
        scopes::Scope,
    },
    web::{browser::Browser, links, page::see_other, page_error::PageError},
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/authorize";

/// More than any client needs; what is longer would be kept for every browser that passes by.
const MAX_ECHOED_BYTES: usize = 4096;

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, req: &Request, browser: Browser) -> Result<Response> {
    let params = Params::parse(req.uri().query().unwrap_or_default().as_bytes());
    let response = match look(app, &params, browser.address).await {
        Ok((sound, _)) => sound.proceed(app, &browser).await,
        Err(refusal) => refuse(app, refusal).await,
    };
    Ok(browser.respond(response?))
}

/// Steps 1 to 8, for what a browser brings.
///
/// # Errors
/// The first rule that the request breaks.
pub async fn look(
    app: &Arc<App>,
    params: &Params,
    stranger: IpAddr,
) -> Result<(Sound, Asked), Refusal> {
    let client = known(app, params, stranger).await?;
    let asked = read(app, &client, params).await?;
    Ok((check(app, client, &asked).await?, asked))
}

/// The answer to a request that goes no further.
///
/// # Errors
/// The page of the error, where it goes nowhere.
pub async fn refuse(app: &Arc<App>, refusal: Refusal) -> Result<Response, PageError> {
    match refusal {
        Refusal::Untrusted(wrong) => {
            Err(PageError::bad_request(wrong.code, wrong.parameter, wrong.text))
        }
        Refusal::Redirectable(to, (code, description)) => {
            Ok(to.error(app, code, description).await?)
        }
        Refusal::TooMany(secs) => Err(PageError::too_soon(secs)),
        Refusal::Fault(fault) => Err(fault.into()),
    }
}

/// Why a request goes no further. Redirecting an untrusted one cannot be written.
pub enum Refusal {
    /// Nobody can be trusted with an answer.
    Untrusted(Untrusted),
    /// The answer goes to the client.
    Redirectable(Return, RedirectedError),
    /// Too many clients that nobody has known come from there; again after so many seconds.
    TooMany(u64),
    /// For the server's own reasons.
    Fault(Fault),
}

/// A parameter that must be right before a browser is sent anywhere.
pub struct Untrusted {
    code: &'static str,
    parameter: &'static str,
    /// What a person reads.
    text: &'static str,
    /// What the client itself reads.
    pub description: &'static str,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

const ONCE: &str = "This parameter must be given exactly once.";

/// A parameter that is given once.
fn once<'a>(
    params: &'a Params,
    parameter: &'static str,
    description: &'static str,
) -> Result<&'a str, Refusal> {
    let untrusted = Untrusted { code: "invalid_request", parameter, text: ONCE, description };
    let given = params.get(parameter).filter(|_| !params.is_repeated(parameter));
    given.ok_or(Refusal::Untrusted(untrusted))
}

/// Step 1.
async fn known(
    app: &App,
    params: &Params,
    stranger: IpAddr,
) -> Result<Arc<client::Model>, Refusal> {
    let description = "client_id must be given once, and be registered";
    let id = once(params, "client_id", description)?;
    let met = authentication::meet(app, id, stranger).await?;
    met.map_err(|TooMany(secs)| Refusal::TooMany(secs))?.ok_or(Refusal::Untrusted(Untrusted {
        code: "invalid_request",
        parameter: "client_id",
        text: "No such app is registered here, or it has been disabled.",
        description,
    }))
}

/// Step 2. What is wrong with it goes to the redirect URI beside it, if that is the client's.
async fn read(app: &App, client: &client::Model, params: &Params) -> Result<Asked, Refusal> {
    match asked::read(app, client, params, Door::Browser).await {
        Ok(asked) => Ok(asked),
        Err(asked::Refused::Fault(fault)) => Err(fault.into()),
        Err(asked::Refused::Nameless(code, text)) => Err(Refusal::Untrusted(Untrusted {
            code,
            parameter: "request_uri",
            text,
            description: "",
        })),
        Err(asked::Refused::Error(code, description)) => {
            let redirect_uri = trusted(client, params)?;
            let to = way_back(app, client, params, redirect_uri);
            Err(Refusal::Redirectable(to, (code, description)))
        }
    }
}

/// A request of a client that may go on.
pub struct Sound {
    /// Who asks.
    pub client: Arc<client::Model>,
    /// Where the answer goes.
    pub to: Return,
    request: NewRequest,
    is_silent: bool,
}

/// Steps 3 to 8, for requests that come with a browser as for those that are pushed.
///
/// # Errors
/// The first rule that the request breaks.
pub async fn check(
    app: &Arc<App>,
    client: Arc<client::Model>,
    asked: &Asked,
) -> Result<Sound, Refusal> {
    let params = &asked.params;
    let redirect_uri = trusted(&client, params)?;
    let to = way_back(app, &client, params, redirect_uri);
    let checked = match sound(app, params, &client) {
        Ok((sound, mode)) => {
            let openid = openid_params::read(app, &client, params, &sound.scope).await?;
            openid.map(|openid| (sound, mode, openid))
        }
        Err(refused) => Err(refused),
    };
    match checked {
        Ok((sound, mode, openid)) => {
            let request = NewRequest {
                client_id: client.id.clone(),
                redirect_uri: redirect_uri.to_owned(),
                response_mode: mode.name(),
                scope: sound.scope,
                state: params.get("state").map(str::to_owned),
                nonce: params.get("nonce").map(str::to_owned),
                code_challenge: sound.code_challenge,
                resource: params.get("resource").map(str::to_owned),
                terms: Terms {
                    dpop_jkt: params.get("dpop_jkt").map(str::to_owned),
                    authorization_details: asked.details.clone(),
                    pushed: asked.pushed.clone(),
                    ..openid.terms
                },
            };
            Ok(Sound { client, request, to, is_silent: openid.is_silent })
        }
        Err((code, description)) => Err(Refusal::Redirectable(to, (code, description))),
    }
}

/// Step 3.
fn trusted<'a>(client: &client::Model, params: &'a Params) -> Result<&'a str, Refusal> {
    let description = "redirect_uri must be given once, and be one that the client has registered";
    let given = once(params, "redirect_uri", description)?;
    if client.redirect_uris.0.iter().any(|uri| redirect_uri::matches(uri, given)) {
        return Ok(given);
    }
    Err(Refusal::Untrusted(Untrusted {
        code: "invalid_request",
        parameter: "redirect_uri",
        text: "The app has not registered this address, so your browser is not sent there.",
        description,
    }))
}

/// Where the answer goes, be the rest of the request right or not.
fn way_back(app: &App, client: &client::Model, params: &Params, redirect_uri: &str) -> Return {
    let mode = params.get("response_mode").and_then(ResponseMode::named).unwrap_or_default();
    let state = params.get("state").filter(|_| !params.is_repeated("state"));
    Return::to(app, client, redirect_uri, (mode, state))
}

type RedirectedError = (&'static str, &'static str);

/// Steps 4 to 7.
fn sound(
    app: &App,
    params: &Params,
    client: &client::Model,
) -> Result<(flow::Sound, ResponseMode), RedirectedError> {
    if let Some(defect) = params.defect() {
        return Err(("invalid_request", defect));
    }
    let mode = match params.get("response_mode") {
        None => ResponseMode::default(),
        Some(name) => ResponseMode::named(name)
            .ok_or(("invalid_request", "response_mode is not one of this server"))?,
    };
    let is_too_long = |name| params.get(name).is_some_and(|it| it.len() > MAX_ECHOED_BYTES);
    if is_too_long("state") || is_too_long("nonce") {
        return Err(("invalid_request", "state or nonce is longer than 4096 bytes"));
    }
    if !client.grant_types.contains("authorization_code") {
        return Err(("unauthorized_client", "the client is not registered for this flow"));
    }
    if params.get("response_type").is_none() {
        return Err(("invalid_request", "response_type is missing"));
    }
    let is_pkce_required = Policy::of(app, client).must_use_pkce();
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
    if params.get("resource").is_some_and(|resource| !audience::is_registered(app, resource)) {
        return Err(("invalid_target", "the resource is not registered"));
    }
    if params.get("dpop_jkt").is_some_and(|jkt| Thumbprint::parse(jkt).is_none()) {
        return Err(("invalid_request", "dpop_jkt is no thumbprint of a key"));
    }
    Ok((sound, mode))
}

impl Sound {
    /// The answer, or the page that is next.
    async fn proceed(self, app: &Arc<App>, browser: &Browser) -> Result<Response, PageError> {
        let (is_silent, to) = (self.is_silent, self.to.clone());
        match self.answer(app, browser).await {
            // whoever may show no page gets no error page either
            Err(fault) if is_silent => {
                let code =
                    if fault.is_transient() { "temporarily_unavailable" } else { "server_error" };
                tracing::warn!(error = %fault, "a silent authorization request failed");
                Ok(to.error(app, code, "the server could not answer").await?)
            }
            answer => Ok(answer?),
        }
    }

    async fn answer(self, app: &Arc<App>, browser: &Browser) -> Result<Response, Fault> {
        match prompt::next(app, browser, &self.request.terms, self.is_silent).await? {
            Next::Error((code, description)) => {
                return self.to.error(app, code, description).await;
            }
            Next::SignIn => {
                return self.wait(app, browser, |handle| links::login(Some(handle))).await;
            }
            Next::Answer(signed_in) => {
                if let Some(code) = self.at_once(app, signed_in).await? {
                    return self.to.code(app, &code).await;
                }
            }
        }
        if self.is_silent {
            let (code, description) = CONSENT_REQUIRED;
            return self.to.error(app, code, description).await;
        }
        self.wait(app, browser, links::consent).await
    }

    /// Freezes the request and sends the browser to where it goes on. How many one network begins has a limit: anybody
    /// can make them.
    async fn wait(
        self,
        app: &Arc<App>,
        browser: &Browser,
        page: impl FnOnce(&str) -> String,
    ) -> Result<Response, Fault> {
        if flood::excess(app, flood::ASKED, &self.client, browser.address).is_some() {
            // RFC 6749 §4.1.2.1: a redirect cannot say 503 or 429
            let error = "temporarily_unavailable";
            return self.to.error(app, error, "too many requests wait for their users").await;
        }
        let handle =
            requests::freeze(app, (&browser.cookie, browser.address), self.request).await?;
        Ok(see_other(&page(handle.reveal())))
    }

    /// The code, if the user has allowed all of it before and need not be asked again.
    async fn at_once(
        &self,
        app: &App,
        SignedIn { session, user }: &SignedIn,
    ) -> Result<Option<Secret<AuthorizationCode>>, Fault> {
        let (client, request) = (&*self.client, &self.request);
        if demands::must_ask(&request.terms, &request.scope) {
            return Ok(None);
        }
        let wanted = (&request.scope, request.redirect_uri.as_str());
        let Some(remembered) = requests::remembered(app, client, user, wanted).await? else {
            return Ok(None);
        };
        let Remembered { grant_id, workspace_id, scope } = remembered;
        let declined = Scope::default();
        let yes = Yes { client, user, session, workspace_id, scope, declined };
        requests::approve_at_once(app, request.clone(), grant_id, yes).await
    }
}
