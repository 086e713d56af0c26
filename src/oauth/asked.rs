//! What a client asks for, however its request comes: as parameters of a browser's request, signed as
//! a request object (RFC 9101), or pushed before (RFC 9126). What follows reads parameters only.
//!
//! 1. a `request_uri` names what this client has pushed, and then nothing beside it counts
//! 2. the client pushes its requests, if it must
//! 3. a `request` is signed by the client, and what is in it wins; the client signs, if it must
//! 4. `authorization_details` are scope tokens in other words (RFC 9396)

use std::collections::BTreeMap;

use entity::{client, pushed_request::Parameters};
use serde_json::Value;

use super::params::Params;
use crate::{
    app::App,
    clients::{policy::Policy, request_object},
    fault::Fault,
    tokens::{authorization_details, pushed, scopes::Scope},
};

/// Parameters by which a client proves itself, and which ask for nothing.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];
/// What is kept of a pushed request is bounded by this.
const MAX_PUSHED_BYTES: usize = 32 * 1024;

/// Which way a request comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// With a browser.
    Browser,
    /// From the client itself, which has proved who it is.
    Pushed,
}

/// A request whose parameters are known to be the client's, as far as anybody can know.
pub struct Asked {
    /// What is asked.
    pub params: Params,
    /// The pushed request that it is: the digest of its name, in hexadecimal.
    pub pushed: Option<String>,
    /// What is asked for in detail.
    pub details: Vec<Value>,
}

/// Why there is nothing to look at.
pub enum Refused {
    /// For the server's own reasons.
    Fault(Fault),
    /// By an error that may go to a redirect URI which is right.
    Error(&'static str, &'static str),
    /// By an error that goes nowhere: nothing beside the name of a pushed request counts.
    Nameless(&'static str, &'static str),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Steps 1 to 4.
///
/// # Errors
/// The first rule that the request breaks.
pub async fn read(
    app: &App,
    client: &client::Model,
    outer: &Params,
    door: Door,
) -> Result<Asked, Refused> {
    if let Some(name) = outer.get("request_uri") {
        return by_name(app, client, outer, (name, door)).await;
    }
    let policy = Policy::of(app, client);
    if policy.must_push() && door == Door::Browser {
        return Err(Refused::Error("invalid_request", "the client must push its requests"));
    }
    let params = match outer.get("request") {
        Some(object) => signed(app, client, outer, object).await?,
        None if policy.must_sign_requests() => {
            return Err(Refused::Error("invalid_request", "the client must sign its requests"));
        }
        None => outer.clone(),
    };
    in_detail(client, params, None)
}

/// Step 1.
async fn by_name(
    app: &App,
    client: &client::Model,
    outer: &Params,
    (name, door): (&str, Door),
) -> Result<Asked, Refused> {
    if door == Door::Pushed {
        // RFC 9126 §2.1
        return Err(Refused::Error("invalid_request", "request_uri cannot be pushed"));
    }
    if !pushed::is_name(name) {
        return Err(Refused::Error("request_uri_not_supported", ""));
    }
    if outer.is_repeated("request_uri") {
        return Err(Refused::Nameless("invalid_request", "This parameter was given twice."));
    }
    let Some((Parameters(values), digest)) = pushed::find(app, client, name).await? else {
        let text = "The app's request has expired or was answered already. \
                    Go back to the app and start again.";
        return Err(Refused::Nameless("invalid_request_uri", text));
    };
    in_detail(client, Params::of(values), Some(digest))
}

/// Step 3.
async fn signed(
    app: &App,
    client: &client::Model,
    outer: &Params,
    object: &str,
) -> Result<Params, Refused> {
    if let Some(defect) = outer.defect() {
        return Err(Refused::Error("invalid_request", defect));
    }
    let inner = match request_object::read(app, client, object).await? {
        Ok(inner) => inner,
        Err(request_object::Refused::NotRegistered) => {
            return Err(Refused::Error("request_not_supported", ""));
        }
        Err(request_object::Refused::Invalid(description)) => {
            return Err(Refused::Error("invalid_request_object", description));
        }
    };
    // OpenID Connect Core §6.1, RFC 9101 §5: those that stand outside too are the same
    for name in ["client_id", "response_type"] {
        let (inside, outside) = (inner.get(name).map(String::as_str), outer.get(name));
        if inside.is_some() && outside.is_some() && inside != outside {
            let description = "client_id or response_type differs from the request object's";
            return Err(Refused::Error("invalid_request_object", description));
        }
    }
    if Policy::of(app, client).ignores_what_is_unsigned() {
        return Ok(Params::of(inner));
    }
    let mut values = outer.values();
    values.remove("request");
    values.extend(inner);
    Ok(Params::of(values))
}

/// Step 4.
fn in_detail(
    client: &client::Model,
    mut params: Params,
    pushed: Option<String>,
) -> Result<Asked, Refused> {
    let Some(text) = params.get("authorization_details") else {
        return Ok(Asked { params, pushed, details: Vec::new() });
    };
    let registered = &client.settings.authorization_details_types;
    let details = authorization_details::parse(text, registered)
        .map_err(|problem| Refused::Error("invalid_authorization_details", problem))?;
    if let Some(scope) = params.get("scope").map_or(Some(Scope::default()), Scope::parse) {
        let scope = scope.union(&details.scope).to_string();
        params.set("scope", scope);
    }
    Ok(Asked { params, pushed, details: details.values })
}

/// What is asked, without what proves who asks.
pub fn without_credentials(mut values: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in CREDENTIALS {
        values.remove(name);
    }
    values
}

impl Asked {
    /// What is kept of a request that is pushed; `None` if that is too much.
    pub fn to_be_kept(&self) -> Option<Parameters> {
        let values = without_credentials(self.params.values());
        let bytes: usize = values.iter().map(|(name, value)| name.len() + value.len()).sum();
        (bytes <= MAX_PUSHED_BYTES).then_some(Parameters(values))
    }
}
