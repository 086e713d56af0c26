//! The parameters of an authorization request that OpenID Connect adds (Core §3.1.2.1, §5.5). The
//! checks, in order:
//!
//! 1. `prompt` has values that exist, and `none` stands alone
//! 2. `max_age` is a number of seconds
//! 3. `claims` has its form; only where `openid` is asked for, as ID tokens and userinfo are
//! 4. a strength of sign-in that is demanded is one that there is
//! 5. `id_token_hint` is an ID token of ours, for this client
//!
//! `display`, `ui_locales` and `claims_locales` change nothing here: pages fit every window and are in
//! one language.

use std::{sync::Arc, time::Duration};

use entity::{client, terms::Terms};

use super::params::Params;
use crate::{
    app::App,
    fault::Fault,
    openid::{
        OPENID,
        claims_request::{self, AskedAcr},
        demands, hint,
    },
    tokens::{acr, scopes::Scope},
};

/// As long as the field of the sign-in page takes.
const MAX_LOGIN_HINT_CHARS: usize = 400;

/// What is asked for besides.
pub(super) struct Asked {
    /// What is kept with the request.
    pub(super) terms: Terms,
    /// Whether no page may be shown (`prompt=none`).
    pub(super) is_silent: bool,
}

/// The error code and its description.
type Refused = (&'static str, &'static str);

/// Reads the parameters of a request of this client, whose scope is this.
///
/// # Errors
/// When the keys cannot be had.
pub(super) async fn read(
    app: &Arc<App>,
    client: &client::Model,
    params: &Params,
    scope: &Scope,
) -> Result<Result<Asked, Refused>, Fault> {
    let (prompt, mut terms) = match sound(app, client, params, scope) {
        Ok(sound) => sound,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(token) = params.get("id_token_hint") {
        let hint = hint::read(app, token).await?.filter(|hint| hint.client_id == client.id);
        let Some(hint) = hint else {
            let text = "id_token_hint is not an ID token of this server for this client";
            return Ok(Err(("invalid_request", text)));
        };
        terms.hinted_sub = Some(hint.sub);
    }
    Ok(Ok(Asked { terms, is_silent: prompt.is_none }))
}

/// Steps 1 to 4.
fn sound(
    app: &App,
    client: &client::Model,
    params: &Params,
    scope: &Scope,
) -> Result<(Prompt, Terms), Refused> {
    let prompt = Prompt::read(params.get("prompt"))?;
    let max_age = max_age(client, params)?;
    let claims = match params.get("claims").filter(|_| scope.contains(OPENID)) {
        Some(text) => claims_request::parse(text, &Scope::stored(&client.scope))
            .map_err(|_| ("invalid_request", "claims is malformed or longer than 8192 bytes"))?,
        None => claims_request::Asked::default(),
    };
    let acr = claims
        .acr
        .unwrap_or_else(|| AskedAcr { values: wanted_acr(client, params), is_essential: false });
    let terms = Terms {
        wants_auth_time: claims.wants_auth_time
            || client.settings.require_auth_time
            || max_age.is_some(),
        claims: claims.claims,
        acr_values: acr.values,
        is_acr_essential: acr.is_essential,
        login_hint: login_hint(params),
        proved_since: demands::proved_since(app, prompt.is_login, max_age),
        must_consent: prompt.is_consent,
        must_select: prompt.is_select,
        ..Terms::default()
    };
    if demands::asks_for_the_impossible(&terms) {
        return Err(UNMET);
    }
    Ok((prompt, terms))
}

/// OpenID Connect Core Unmet Authentication Requirements §2.
pub(super) const UNMET: Refused = (
    "unmet_authentication_requirements",
    "the user cannot sign in as strongly as is demanded here",
);

/// What the pages shall do.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a value of the parameter")]
struct Prompt {
    is_none: bool,
    is_login: bool,
    is_consent: bool,
    is_select: bool,
}

impl Prompt {
    fn read(prompt: Option<&str>) -> Result<Self, Refused> {
        let mut read = Self::default();
        let values = prompt.unwrap_or_default().split(' ').filter(|value| !value.is_empty());
        for value in values {
            match value {
                "none" => read.is_none = true,
                "login" => read.is_login = true,
                "consent" => read.is_consent = true,
                "select_account" => read.is_select = true,
                _ => return Err(("invalid_request", "prompt has a value that does not exist")),
            }
        }
        if read.is_none && (read.is_login || read.is_consent || read.is_select) {
            return Err(("invalid_request", "prompt=none cannot stand with other values"));
        }
        Ok(read)
    }
}

/// How old a sign-in may be: as the request says, else as the client has registered.
fn max_age(client: &client::Model, params: &Params) -> Result<Option<Duration>, Refused> {
    let Some(text) = params.get("max_age") else {
        return Ok(client.settings.default_max_age.map(|secs| Duration::from_secs(secs.into())));
    };
    let is_number = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    let secs = is_number.then(|| text.parse().ok()).flatten();
    let secs = secs.ok_or(("invalid_request", "max_age must be a number of seconds"))?;
    Ok(Some(Duration::from_secs(secs)))
}

/// How strong a sign-in is wanted, by those names that there are.
fn wanted_acr(client: &client::Model, params: &Params) -> Vec<String> {
    match params.get("acr_values") {
        Some(values) => acr::supported(values.split(' ')),
        None => acr::supported(client.settings.default_acr_values.iter().map(String::as_str)),
    }
}

/// What could be typed into the field; anything else is no help.
fn login_hint(params: &Params) -> Option<String> {
    let is_typed = |text: &&str| {
        text.chars().count() <= MAX_LOGIN_HINT_CHARS && !text.chars().any(char::is_control)
    };
    params.get("login_hint").filter(is_typed).map(str::to_owned)
}
