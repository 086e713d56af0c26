//! The one credential of a request (contract §2): `Authorization: Bearer` or `DPoP`, `X-API-Key`, or
//! `?api-key=` where the key's product allows it. What it is, its prefix decides by string match,
//! before any lookup.

use std::borrow::Cow;

use url::form_urlencoded;

use super::Refusal;
use crate::{
    config::{Products, TOKEN_PREFIXES},
    crypto::{
        digest,
        secret::{AccessToken, Kind, Secret},
    },
    keys::{self, RawKey},
};

/// The query parameter that may carry a key.
pub const QUERY_PARAMETER: &str = "api-key";
/// Longer than any credential; more is not even compared.
const MAX_BYTES: usize = 512;

const NOT_BEARER: &str = "the Authorization header must be: Bearer, a space, and a credential";
const KEY_BY_DPOP: &str = "API keys are not bound to a key of the caller's: send them as Bearer";
const EMPTY_KEY: &str = "the API key is empty";
const UNKNOWN: &str = "the credential is not valid";
const TOKEN_IN_QUERY: &str = "access tokens are not accepted in a query";
const KEY_IN_QUERY: &str = "keys of this product are not accepted in a query";
const TOKEN_AS_KEY: &str = "X-API-Key takes API keys; access tokens go into Authorization: Bearer";

/// Where a request may carry a credential, as it came.
#[derive(Clone, Copy, Default)]
pub struct Offered<'a> {
    /// Every `Authorization` header.
    pub authorization: &'a [&'a [u8]],
    /// Every `X-API-Key` header.
    pub x_api_key: &'a [&'a [u8]],
    /// The query string.
    pub query: Option<&'a str>,
}

/// A credential by its kind.
#[derive(Clone, Debug)]
pub enum PresentedCredential {
    /// An access token.
    Token(Secret<AccessToken>),
    /// An API key.
    Key(RawKey),
}

/// The one credential of a request; whether it is worth anything is another question.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The credential.
    pub credential: PresentedCredential,
    /// Whether it travelled in the query string, where logs may have seen it.
    pub in_query: bool,
    /// Whether it came by the scheme `DPoP` (RFC 9449 §7.1).
    pub by_dpop: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Bearer,
    Dpop,
    Header,
    Query,
}

impl Presented {
    /// Finds the credential of a request.
    ///
    /// # Errors
    /// When there is none, two different ones, or one that cannot be this server's.
    pub fn read(products: &Products, offered: Offered<'_>) -> Result<Self, Refusal> {
        let found = collect(offered)?;
        let Some((_, first)) = found.first() else {
            return Err(Refusal::Missing);
        };
        if found.iter().any(|(_, other)| other != first) {
            return Err(Refusal::TwoCredentials);
        }
        let came_by = |place| found.iter().any(|(by, _)| *by == place);
        let by_dpop = came_by(Place::Dpop);
        if by_dpop && found.iter().any(|(place, _)| *place != Place::Dpop) {
            return Err(Refusal::TwoCredentials);
        }
        let credential = classify(products, first, came_by)?;
        Ok(Self { credential, in_query: came_by(Place::Query), by_dpop })
    }

    /// The SHA-256 of the credential, under which all that is known of it is kept.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        digest::sha256_array(match &self.credential {
            PresentedCredential::Token(token) => token.reveal().as_bytes(),
            PresentedCredential::Key(raw) => raw.reveal().as_bytes(),
        })
    }

    /// Reads a credential by itself, as if it had come as a bearer.
    ///
    /// # Errors
    /// When it cannot be this server's.
    pub fn parse(products: &Products, text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(unknown());
        }
        let credential = classify(products, text, |place| place == Place::Bearer)?;
        Ok(Self { credential, in_query: false, by_dpop: false })
    }
}

/// The refusal of what may be anything.
pub(super) fn unknown() -> Refusal {
    Refusal::Unknown(UNKNOWN)
}

/// Everything that claims to be a credential, with where it was.
fn collect(offered: Offered<'_>) -> Result<Vec<(Place, Cow<'_, str>)>, Refusal> {
    let mut found = Vec::new();
    for header in offered.authorization {
        let (place, credential) = authorization(header)?;
        found.push((place, Cow::Borrowed(credential)));
    }
    for header in offered.x_api_key {
        let text = str::from_utf8(header).map_err(|_| unknown())?.trim();
        found.push((Place::Header, Cow::Borrowed(text)));
    }
    let query = offered.query.unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes());
    found.extend(
        pairs.filter(|(name, _)| name == QUERY_PARAMETER).map(|(_, text)| (Place::Query, text)),
    );
    if found.iter().any(|(_, text)| text.is_empty()) {
        return Err(Refusal::Malformed(EMPTY_KEY));
    }
    if found.iter().any(|(_, text)| text.len() > MAX_BYTES) {
        return Err(unknown());
    }
    Ok(found)
}

/// RFC 6750 §2.1, RFC 9449 §7.1: the scheme, without regard to case (RFC 9110 §11.1), spaces, and the
/// credential.
fn authorization(header: &[u8]) -> Result<(Place, &str), Refusal> {
    let malformed = Refusal::Malformed(NOT_BEARER);
    let text = str::from_utf8(header).map_err(|_| malformed.clone())?.trim();
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok((Place::Bearer, rest.trim_start()))
        }
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("dpop") => {
            Ok((Place::Dpop, rest.trim_start()))
        }
        _ => Err(malformed),
    }
}

fn classify(
    products: &Products,
    text: &str,
    came_by: impl Fn(Place) -> bool,
) -> Result<PresentedCredential, Refusal> {
    if TOKEN_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return if came_by(Place::Query) {
            Err(Refusal::Unknown(TOKEN_IN_QUERY))
        } else if came_by(Place::Header) && text.starts_with(AccessToken::PREFIX) {
            Err(Refusal::Unknown(TOKEN_AS_KEY))
        } else {
            let token = Secret::parse(text).ok_or_else(unknown)?;
            Ok(PresentedCredential::Token(token))
        };
    }
    let key = keys::format::parse(products, text).ok_or_else(unknown)?;
    if came_by(Place::Dpop) {
        return Err(Refusal::Unknown(KEY_BY_DPOP));
    }
    if came_by(Place::Query) && !key.product.query_keys {
        return Err(Refusal::Unknown(KEY_IN_QUERY));
    }
    Ok(PresentedCredential::Key(key.raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::{RefreshToken, with_checksum};

    fn products() -> Products {
        toml::from_str(
            "[sub]\nquery_keys = true\n\
             key_formats = [{ environment = \"live\", prefix = \"sw_\", body = \"base62c\" }]",
        )
        .unwrap()
    }

    fn key(prefix: &str) -> String {
        with_checksum(format!("{prefix}{}", "a".repeat(30)))
    }

    fn token() -> String {
        Secret::<AccessToken>::from_entropy(&[7; 32]).reveal().to_owned()
    }

    /// Headers and query in, what was found out: `at`, `key`, `?key` for one in the query, or the
    /// refusal.
    fn read(authorization: &[&str], x_api_key: &[&str], query: Option<&str>) -> &'static str {
        let bytes = |headers: &[&str]| -> Vec<Vec<u8>> {
            headers.iter().map(|header| header.as_bytes().to_vec()).collect()
        };
        let (authorization, x_api_key) = (bytes(authorization), bytes(x_api_key));
        let authorization: Vec<_> = authorization.iter().map(Vec::as_slice).collect();
        let x_api_key: Vec<_> = x_api_key.iter().map(Vec::as_slice).collect();
        let offered = Offered { authorization: &authorization, x_api_key: &x_api_key, query };
        match Presented::read(&products(), offered) {
            Ok(Presented { by_dpop: true, .. }) => "dpop",
            Ok(Presented { credential: PresentedCredential::Token(_), .. }) => "token",
            Ok(Presented { in_query: true, .. }) => "?key",
            Ok(_) => "key",
            Err(Refusal::Missing) => "missing",
            Err(Refusal::Malformed(_)) => "malformed",
            Err(Refusal::TwoCredentials) => "two",
            Err(Refusal::Unknown(_)) => "unknown",
            Err(_) => "else",
        }
    }

    #[test]
    fn one_credential_by_any_of_its_ways() {
        let (token, key, open) = (token(), key("lk_live_"), key("sw_"));
        let bearer = |text: &str| format!("Bearer {text}");

        assert_eq!(read(&[&bearer(&token)], &[], None), "token");
        assert_eq!(read(&[&format!("bEARER   {token}")], &[], None), "token");
        assert_eq!(read(&[&format!("dPoP {token}")], &[], None), "dpop");
        assert_eq!(read(&[&format!("DPoP {key}")], &[], None), "unknown");
        assert_eq!(read(&[&bearer(&key)], &[], None), "key");
        assert_eq!(read(&[], &[&key], None), "key");
        assert_eq!(read(&[], &[], Some(&format!("a=b&api-key={open}"))), "?key");
        assert_eq!(read(&[], &[], Some(&format!("api%2Dkey=sw%5F{}", &open[3..]))), "?key");
        assert_eq!(read(&[], &[], None), "missing");
        assert_eq!(read(&[], &[], Some("API-KEY=x&access_token=y")), "missing");
    }

    #[test]
    fn the_same_credential_twice_is_one_and_two_are_refused() {
        let (token, key, open) = (token(), key("lk_live_"), key("sw_"));
        let (bearer, bearer_key) = (format!("Bearer {token}"), format!("Bearer {key}"));
        let query = format!("api-key={open}");

        assert_eq!(read(&[&bearer, &bearer], &[], None), "token");
        assert_eq!(read(&[&bearer_key], &[&key, &key], None), "key");
        assert_eq!(read(&[], &[&open], Some(&query)), "?key");
        assert_eq!(read(&[&bearer], &[&key], None), "two");
        assert_eq!(read(&[&bearer, &format!("DPoP {token}")], &[], None), "two");
        assert_eq!(read(&[&bearer_key], &[&open], None), "two");
        assert_eq!(read(&[], &[&key], Some(&query)), "two");
        assert_eq!(read(&["Bearer x"], &[&key], None), "two");
        assert_eq!(read(&[], &[], Some(&format!("{query}&api-key=x"))), "two");
    }

    #[test]
    fn what_has_not_the_form_is_malformed_and_what_is_nobodys_unknown() {
        let (token, key) = (token(), key("lk_live_"));
        for header in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer\tx", "x", &token, "Bearer, x"]
        {
            assert_eq!(read(&[header], &[], None), "malformed", "{header:?}");
            assert_eq!(read(&[header], &[&key], None), "malformed", "{header:?}");
        }
        assert_eq!(read(&[], &[""], None), "malformed");
        assert_eq!(read(&[], &[], Some("api-key=")), "malformed");
        let refresh = Secret::<RefreshToken>::from_entropy(&[7; 32]);
        for text in [
            "x",
            "lk_at_",
            &token[..token.len() - 1],
            &format!("{token} {token}"),
            refresh.reveal(),
            &key[..key.len() - 1],
            &key.to_uppercase(),
            &"a".repeat(10_000),
        ] {
            assert_eq!(read(&[&format!("Bearer {text}")], &[], None), "unknown", "{text:?}");
        }
    }

    #[test]
    fn tokens_travel_as_bearer_only_and_keys_in_a_query_only_where_allowed() {
        let (token, key) = (token(), key("lk_live_"));

        assert_eq!(read(&[], &[], Some(&format!("api-key={token}"))), "unknown");
        assert_eq!(read(&[], &[&token], None), "unknown");
        assert_eq!(read(&[], &[], Some(&format!("api-key={key}"))), "unknown");
        assert_eq!(read(&[], &[&key], Some(&format!("api-key={key}"))), "unknown");
    }
}
