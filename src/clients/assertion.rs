//! Assertions by which clients prove who they are (RFC 7523 §2.2, §3; OpenID Connect Core §9). The
//! checks, in order:
//!
//! 1. `iss` and `sub` are the client's id; `aud` is this server, as the endpoint demands
//! 2. `exp` is there, not past and not far away; `nbf` and `iat` are not to come
//! 3. `jti` is there
//! 4. the algorithm is the client's, and one of its keys has signed it
//! 5. it was not used before

use chrono::{DateTime, TimeDelta, Utc};
use entity::client::Model;
use serde_json::{Map, Value};

use super::{keys, policy::Policy};
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
const AHEAD: TimeDelta = TimeDelta::seconds(60);
/// How long an assertion may live: so long its `jti` is remembered.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// Whom an assertion must be for.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// The issuer or this URL, in a list or alone.
    IssuerOr(&'a str),
    /// The issuer alone, and not in a list: what is made for one server is of no use at another (FAPI
    /// 2.0 Security Profile §5.3.2.1).
    Issuer,
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

    /// Whether it proves `client`. It does so once. Keys may be fetched, so never inside a
    /// transaction.
    ///
    /// # Errors
    /// When the database fails, or too many wait for the keys.
    pub async fn proves(
        &self,
        app: &App,
        client: &Model,
        audience: Audience<'_>,
    ) -> Result<bool, Fault> {
        let now = app.now();
        let claims = self.0.unproved_claims();
        let Some((jti, expires_at)) = fitting(claims, &client.id, now)
            .filter(|_| is_for(claims.get("aud"), audience, &app.config.issuer))
        else {
            return Ok(false);
        };
        if !Policy::of(app, client).takes_assertions_signed_with(self.0.algorithm) {
            return Ok(false);
        }
        let keys = keys::of(app, client, self.0.kid.as_deref()).await?;
        if self.0.claims_proved_by_any(&keys).is_none() {
            return Ok(false);
        }
        let (name, end) = ((client.id.as_str(), jti), expires_at + BEHIND);
        let txn = app.store.begin().await?;
        let is_first = store::spent_ids::spend(&txn, Use::Assertion, name, end).await?;
        txn.commit().await?;
        Ok(is_first)
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
    if now >= expires_at + BEHIND || expires_at > now + LONGEST {
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

fn is_for(aud: Option<&Value>, audience: Audience<'_>, issuer: &str) -> bool {
    match (audience, aud) {
        (Audience::Issuer, Some(Value::String(aud))) => aud == issuer,
        (Audience::IssuerOr(url), Some(Value::String(aud))) => aud == issuer || aud == url,
        // every name in it is one of ours: it is of no use at another server
        (Audience::IssuerOr(url), Some(Value::Array(all))) => {
            !all.is_empty() && all.iter().all(|aud| aud == issuer || aud == url)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example";
    const TOKEN: &str = "https://id.example/oauth/token";

    #[test]
    fn an_audience_is_this_server_and_nobody_else() {
        let own = Audience::IssuerOr(TOKEN);
        for (aud, at_own, at_issuer) in [
            (json!(ISSUER), true, true),
            (json!(TOKEN), true, false),
            (json!([TOKEN]), true, false),
            (json!([ISSUER]), true, false),
            (json!([ISSUER, TOKEN]), true, false),
            (json!([]), false, false),
            (json!([ISSUER, "https://evil.example"]), false, false),
            (json!("https://id.example/"), false, false),
            (json!("https://id.example/oauth/par"), false, false),
            (json!(7), false, false),
        ] {
            assert_eq!(is_for(Some(&aud), own, ISSUER), at_own, "{aud}");
            assert_eq!(is_for(Some(&aud), Audience::Issuer, ISSUER), at_issuer, "{aud}");
        }
        assert!(!is_for(None, own, ISSUER));
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
        assert!(fits("iat", json!(1_000_060)) && fits("nbf", json!(0)));
        for (name, value) in [
            ("iss", json!("d")),
            ("sub", json!("d")),
            ("sub", json!(["c"])),
            ("exp", json!(999_990)),
            ("exp", json!(1_003_601)),
            ("exp", json!("1000060")),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("iat", json!(1_000_061)),
            ("nbf", json!(1_000_061)),
            ("nbf", json!("x")),
            ("jti", json!("")),
            ("jti", json!(7)),
            ("jti", json!("x".repeat(256))),
        ] {
            assert!(!fits(name, value.clone()), "{name}: {value}");
        }
    }
}
