//! Assertions by which clients prove who they are (RFC 7523 §2.2, §3; OpenID Connect Core §9). The
//! checks, in order:
//!
//! 1. `iss` and `sub` are the client's id; `aud` is this server, as the client's policy demands
//! 2. `exp` is there, not past and not far away; `nbf` and `iat` are not to come
//! 3. `jti` is there
//! 4. the algorithm is the client's, and one of its keys has signed it
//! 5. its network has not used too many (`spending.rs`)
//! 6. it was not used before

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::client::Model;
use serde_json::{Map, Value};

use super::{dynamic::TooMany, keys, policy::Policy, spending};
use crate::{
    app::App,
    crypto::signed::SignedJwt,
    fault::Fault,
    store::{self, spent_ids::Use},
};

const MAX_BYTES: usize = 8 * 1024;
const MAX_JTI_BYTES: usize = 255;
/// How far the clocks of clients may be behind ours.
const BEHIND: TimeDelta = TimeDelta::seconds(10);
/// How far they may be ahead.
const AHEAD: TimeDelta = TimeDelta::seconds(15);
/// How long an assertion may live: so long its `jti` is remembered.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// Where an assertion came, and so whom it may be for: the issuer, the token endpoint (OpenID Connect
/// Core §9, RFC 9126 §2) or this one.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// The URL of the endpoint that was asked.
    pub own: &'a str,
    /// The URL of the token endpoint.
    pub token: &'a str,
}

/// Why an assertion proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not what this client signs, for this server, now.
    Wrong,
    /// It proved the client before.
    Used,
    /// Too many came from there, of clients that nobody knows; it was not used.
    TooMany(TooMany),
}

/// An assertion that was taken apart, and not believed yet.
pub struct Assertion(SignedJwt);

impl Assertion {
    /// Takes an assertion apart; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        SignedJwt::parse(text, MAX_BYTES).map(Self)
    }

    /// The client that it says it is of.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.unproved_claims().get("sub").and_then(Value::as_str)
    }

    /// Whether it proves `client`, to which it came from `address`. It does so once. Keys may be fetched, so never
    /// inside a transaction.
    ///
    /// # Errors
    /// When the database fails, or too many wait for the keys.
    pub async fn proves(
        &self,
        app: &App,
        client: &Model,
        (endpoint, address): (Endpoint<'_>, IpAddr),
    ) -> Result<Result<(), Problem>, Fault> {
        let (now, policy) = (app.now(), Policy::of(app, client));
        let claims = self.0.unproved_claims();
        let names = Names {
            issuer: &app.config.issuer,
            endpoint,
            // the certifications of FAPI 2.0 differ in what they send to the token endpoint
            is_issuer_only: policy.names_the_issuer_alone() && endpoint.own != endpoint.token,
        };
        let Some((jti, expires_at)) = fitting(claims, &client.id, now)
            .filter(|_| claims.get("aud").is_some_and(|aud| names.are(aud)))
        else {
            return Ok(Err(Problem::Wrong));
        };
        if !policy.takes_assertions_signed_with(self.0.algorithm) {
            return Ok(Err(Problem::Wrong));
        }
        let keys = keys::of(app, client, self.0.kid.as_deref()).await?;
        if self.0.claims_proved_by_any(&keys).is_none() {
            return Ok(Err(Problem::Wrong));
        }
        if let Err(too_many) = spending::admit(app, client, address) {
            return Ok(Err(Problem::TooMany(too_many)));
        }
        let (name, end) = ((client.id.as_str(), jti), expires_at + BEHIND);
        let txn = app.store.begin().await?;
        let is_first = store::spent_ids::spend(&txn, Use::Assertion, name, end).await?;
        txn.commit().await?;
        Ok(if is_first { Ok(()) } else { Err(Problem::Used) })
    }
}

/// Steps 1 to 3, but for the audience: the name and the end of an assertion that is of this client.
fn fitting<'a>(
    claims: &'a Map<String, Value>,
    client_id: &str,
    now: DateTime<Utc>,
) -> Option<(&'a str, DateTime<Utc>)> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(client_id) || text("sub") != Some(client_id) {
        return None;
    }
    let expires_at = instant(claims.get("exp")?)?;
    // the instant is a stranger's: nothing is added to it
    if expires_at <= now - BEHIND || expires_at > now + LONGEST {
        return None;
    }
    for name in ["nbf", "iat"] {
        match claims.get(name) {
            Some(value) if instant(value)? > now + AHEAD => return None,
            _ => {}
        }
    }
    let jti = text("jti").filter(|jti| (1..=MAX_JTI_BYTES).contains(&jti.len()))?;
    Some((jti, expires_at))
}

/// A `NumericDate` (RFC 7519 §2), which may have a fraction.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    #[expect(clippy::cast_possible_truncation, reason = "it is looked at whether it fits")]
    let secs = value
        .as_i64()
        .or_else(|| value.as_f64().filter(|secs| secs.abs() < 1e15).map(|secs| secs as i64))?;
    DateTime::from_timestamp(secs, 0)
}

/// What this server may be called.
struct Names<'a> {
    issuer: &'a str,
    endpoint: Endpoint<'a>,
    /// Whether by its issuer alone, and not in a list.
    is_issuer_only: bool,
}

impl Names<'_> {
    fn are(&self, aud: &Value) -> bool {
        match aud {
            Value::String(aud) => self.have(aud),
            // every name in it is one of ours: it is of no use at another server
            Value::Array(all) if !self.is_issuer_only => {
                !all.is_empty()
                    && all.iter().all(|aud| aud.as_str().is_some_and(|it| self.have(it)))
            }
            _ => false,
        }
    }

    fn have(&self, aud: &str) -> bool {
        let Endpoint { own, token } = self.endpoint;
        aud == self.issuer || (!self.is_issuer_only && (aud == own || aud == token))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example";
    const TOKEN: &str = "https://id.example/oauth/token";
    const PAR: &str = "https://id.example/oauth/par";

    #[test]
    fn an_audience_is_this_server_and_nobody_else() {
        let names = |own, is_issuer_only| {
            let endpoint = Endpoint { own, token: TOKEN };
            Names { issuer: ISSUER, endpoint, is_issuer_only }
        };
        let (at_token, at_par, alone) = (names(TOKEN, false), names(PAR, false), names(PAR, true));
        for (aud, is_at_token, is_at_par, is_alone) in [
            (json!(ISSUER), true, true, true),
            (json!(TOKEN), true, true, false),
            (json!(PAR), false, true, false),
            (json!([TOKEN]), true, true, false),
            (json!([ISSUER]), true, true, false),
            (json!([ISSUER, TOKEN]), true, true, false),
            (json!([ISSUER, TOKEN, PAR]), false, true, false),
            (json!([]), false, false, false),
            (json!([ISSUER, "https://evil.example"]), false, false, false),
            (json!([ISSUER, 7]), false, false, false),
            (json!("https://id.example/"), false, false, false),
            (json!("https://id.example/oauth/revoke"), false, false, false),
            (json!(7), false, false, false),
        ] {
            assert_eq!(at_token.are(&aud), is_at_token, "{aud}");
            assert_eq!(at_par.are(&aud), is_at_par, "{aud}");
            assert_eq!(alone.are(&aud), is_alone, "{aud}");
        }
    }

    #[test]
    fn an_assertion_is_of_its_client_and_of_now() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let good = json!({"iss": "c", "sub": "c", "exp": 1_000_060, "jti": "1"});
        let fits = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            fitting(claims.as_object().unwrap(), "c", now).is_some()
        };

        assert!(fits("x", json!(1)) && fits("exp", json!(1_000_060.5)));
        assert!(fits("exp", json!(999_991)) && fits("exp", json!(1_003_600)));
        assert!(fits("iat", json!(1_000_015)) && fits("nbf", json!(0)));
        for (name, value) in [
            ("iss", json!("d")),
            ("sub", json!("d")),
            ("sub", json!(["c"])),
            ("exp", json!(999_990)),
            ("exp", json!(1_003_601)),
            ("exp", json!("1000060")),
            ("exp", json!(1e300)),
            // the last instants that there are
            ("exp", json!(8_210_266_876_795_i64)),
            ("exp", json!(-8_334_601_228_800_i64)),
            ("exp", Value::Null),
            ("iat", json!(1_000_016)),
            ("nbf", json!(1_000_016)),
            ("nbf", json!("x")),
            ("jti", json!("")),
            ("jti", json!(7)),
            ("jti", json!("x".repeat(256))),
        ] {
            assert!(!fits(name, value.clone()), "{name}: {value}");
        }
    }
}
