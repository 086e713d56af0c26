//! Request objects: authorization requests that a client has signed (RFC 9101, OpenID Connect Core §6).
//!
//! 1. a JWT signed by the client, with an algorithm that it may use for this
//! 2. of the client, for this server, and good now; no other JWT of the client's passes for one
//! 3. its claims are the parameters of the request; none of them leads to a further request object

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::client::Model;
use serde_json::{Map, Value};

use super::{keys, policy::Policy};
use crate::{app::App, crypto::signed::SignedJwt, fault::Fault};

const MAX_BYTES: usize = 48 * 1024;
/// How far the client's clock may be ahead.
const SKEW: TimeDelta = TimeDelta::seconds(15);
/// How old a dated request may be, and how long it may be good (FAPI 2.0 Message Signing §5.3.1).
const DATED: TimeDelta = TimeDelta::minutes(60);
/// What is about the object, and no parameter of the request.
const ABOUT: [&str; 8] = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub", "typ"];

/// Why a request object is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The client has no keys with which it could sign one (`request_not_supported`).
    NotRegistered,
    /// It breaks a rule; the text goes to the client (`invalid_request_object`).
    Invalid(&'static str),
}

/// The parameters that a client has signed, by name.
///
/// # Errors
/// When the client's keys cannot be looked up.
pub async fn read(
    app: &App,
    client: &Model,
    object: &str,
) -> Result<Result<BTreeMap<String, String>, Refused>, Fault> {
    let settings = &client.settings;
    if settings.jwks.is_none() && settings.jwks_uri.is_none() {
        return Ok(Err(Refused::NotRegistered));
    }
    let Some(jwt) = SignedJwt::parse(object, MAX_BYTES) else {
        return Ok(Err(Refused::Invalid("the request object is no signed JWT")));
    };
    let policy = Policy::of(app, client);
    if !policy.takes_requests_signed_with(jwt.algorithm) {
        return Ok(Err(Refused::Invalid("the request object is signed with another algorithm")));
    }
    // RFC 9101 §10.8; OpenID Connect says nothing about the type
    if jwt.kind.as_deref().is_some_and(|kind| !matches!(kind, "jwt" | "oauth-authz-req+jwt")) {
        return Ok(Err(Refused::Invalid("the JWT is of another type than a request object")));
    }
    let keys = keys::of(app, client, jwt.kid.as_deref()).await?;
    let Some(claims) = jwt.claims_proved_by_any(&keys) else {
        return Ok(Err(Refused::Invalid("no key of the client has signed the request object")));
    };
    let object = Object { claims, client, policy, now: app.now() };
    let checked = object.check(&app.config.issuer).and_then(|()| parameters(claims));
    Ok(checked.map_err(Refused::Invalid))
}

struct Object<'a> {
    claims: &'a Map<String, Value>,
    client: &'a Model,
    policy: Policy<'a>,
    now: DateTime<Utc>,
}

impl Object<'_> {
    /// Step 2.
    fn check(&self, issuer: &str) -> Result<(), &'static str> {
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let id = Some(self.client.id.as_str());
        if text("iss") != id {
            return Err("iss of the request object is not the client");
        }
        if text("client_id") != id {
            return Err("client_id of the request object is not the client");
        }
        // RFC 9101 §10.8: what would do as a client assertion is none
        if text("sub") == id {
            return Err("the request object speaks of the client itself");
        }
        let is_for_us = match self.claims.get("aud") {
            Some(Value::String(one)) => one == issuer,
            Some(Value::Array(many)) => many.iter().any(|one| one == issuer),
            _ => false,
        };
        if !is_for_us {
            return Err("aud of the request object is not this server");
        }
        self.check_time()
    }

    fn check_time(&self) -> Result<(), &'static str> {
        let [expires, begins, made] = [self.time("exp")?, self.time("nbf")?, self.time("iat")?];
        if expires.is_some_and(|at| at <= self.now) {
            return Err("the request object has expired");
        }
        if begins.max(made).is_some_and(|at| at > self.now + SKEW) {
            return Err("the request object is not good yet");
        }
        if self.policy.wants_dated_requests() {
            let (Some(expires), Some(begins)) = (expires, begins) else {
                return Err("the request object needs exp and nbf");
            };
            if begins < self.now - DATED || expires > begins + DATED {
                return Err("exp and nbf of the request object are more than an hour away");
            }
        }
        Ok(())
    }

    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, &'static str> {
        let Some(value) = self.claims.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| seconds.abs() < 1e12);
        #[expect(clippy::cast_possible_truncation, reason = "it fits, as has been looked at")]
        let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds as i64, 0));
        at.map(Some).ok_or("a time of the request object is no number of seconds")
    }
}

/// Step 3. What is no text is written as JSON, as the same parameter of a query would be.
fn parameters(claims: &Map<String, Value>) -> Result<BTreeMap<String, String>, &'static str> {
    let mut parameters = BTreeMap::new();
    for (name, value) in claims {
        if matches!(name.as_str(), "request" | "request_uri") {
            return Err("the request object leads to another one");
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if name.contains('\0') || text.contains('\0') {
            return Err("a parameter is not valid text");
        }
        if !ABOUT.contains(&name.as_str()) {
            parameters.insert(name.clone(), text);
        }
    }
    Ok(parameters)
}
