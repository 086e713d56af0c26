//! Forms: read once, bounded, and only from pages of ours in the same browser.

use std::ops::Deref;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use poem::{
    FromRequest, Request, RequestBody, Result,
    http::{HeaderMap, HeaderName, header},
};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{app, body, page::is_secure, page_error::PageError, session_cookie};
use crate::{
    app::App,
    crypto::secret::{Secret, SessionCookie},
};

/// The field that carries the token.
pub const FIELD: &str = "csrf";
/// Fields that may be given several times: checkboxes.
const LISTS: [&str; 2] = ["scope", "grant_type"];
const MAX_FORM_BYTES: usize = 64 * 1024;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The token that forms carry in a browser with this cookie: a signature, not the cookie and
/// nothing that is stored.
#[must_use]
pub fn token(app: &App, cookie: &Secret<SessionCookie>) -> String {
    URL_SAFE_NO_PAD.encode(app.secrets.csrf.sign(&signed_text(cookie)))
}

/// Whether a token is that of a browser with this cookie.
#[must_use]
pub fn holds(app: &App, cookie: &Secret<SessionCookie>, token: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(token)
        .is_ok_and(|signature| app.secrets.csrf.verify(&signed_text(cookie), &signature))
}

fn signed_text(cookie: &Secret<SessionCookie>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([b"form:", cookie.reveal().as_bytes()].concat())
}

/// A form of ours, sent from the browser that was shown it.
pub struct CsrfForm(Fields);

impl Deref for CsrfForm {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl<'a> FromRequest<'a> for CsrfForm {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let app = app::of(request)?;
        if !comes_from_here(request.headers(), &app.config.issuer) {
            return Err(PageError::stale_form().into());
        }
        if !is_urlencoded(request.content_type()) {
            return Err(PageError::unsupported_form().into());
        }
        let bytes = body::read(body.take()?, MAX_FORM_BYTES).await.map_err(PageError::from)?;
        let bytes = Zeroizing::new(bytes);
        let fields = Fields::parse(&bytes).ok_or_else(PageError::repeated_field)?;
        let form = Self(fields);
        let cookie = session_cookie::read(request.headers(), is_secure(app));
        let is_ours =
            cookie.zip(form.get(FIELD)).is_some_and(|(cookie, token)| holds(app, &cookie, token));
        if is_ours { Ok(form) } else { Err(PageError::stale_form().into()) }
    }
}

/// What a form says, from wherever it came. Erased when dropped: it may hold passwords.
pub struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// Reads the bytes of a form, from wherever they are; `None` when a field that is not a list is given twice.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut pairs: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            let is_list = LISTS.contains(&&*name);
            if !is_list && pairs.iter().any(|(earlier, _)| *earlier == *name) {
                return None;
            }
            pairs.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        Some(Self(pairs))
    }

    /// A field's value; `None` when it is absent or empty.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.pairs().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    /// Every value of a field that is a list of checkboxes.
    pub fn all(&self, field: &'static str) -> impl Iterator<Item = &str> {
        self.pairs().filter(move |(name, _)| *name == field).map(|(_, value)| value)
    }

    /// What follows `start` in the names of the fields that begin with it: boxes that are ticked.
    pub fn named(&self, start: &'static str) -> impl Iterator<Item = &str> {
        self.pairs().filter_map(move |(name, _)| name.strip_prefix(start))
    }

    /// Every field that is not empty, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.filter(|(_, value)| !value.is_empty())
    }

    /// A field's value as it was typed, empty when it is absent.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.get(field).unwrap_or_default()
    }
}

fn is_urlencoded(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// Whether the browser says that a page of ours sent this. Browsers that say nothing, or hide it as
/// `Origin: null` on pages without a referrer, are left to the token.
fn comes_from_here(headers: &HeaderMap, issuer: &str) -> bool {
    let is_ours = |origin: &str| {
        Url::parse(issuer).is_ok_and(|url| url.origin().ascii_serialization() == origin)
    };
    match (only(headers, &SEC_FETCH_SITE), only(headers, &header::ORIGIN)) {
        (Said::Twice, _) | (_, Said::Twice) => false,
        (Said::Once(site), _) => matches!(site, "same-origin" | "none"),
        (Said::Nothing, Said::Once(origin)) => origin == "null" || is_ours(origin),
        (Said::Nothing, Said::Nothing) => true,
    }
}

enum Said<'a> {
    Nothing,
    Once(&'a str),
    Twice,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Said<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Said::Nothing,
        // what is not ASCII is no origin
        (Some(value), None) => Said::Once(value.to_str().unwrap_or("?")),
        (Some(_), Some(_)) => Said::Twice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        comes_from_here(&headers, "https://id.example")
    }

    #[test]
    fn the_browser_says_where_a_form_comes_from() {
        for (pairs, is_accepted) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "")], false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://id.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "https://id.example:444")], false),
            (&[("origin", "http://id.example")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://id.example"), ("origin", "https://id.example")], false),
            (&[("origin", "null"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
        ] {
            assert_eq!(accepted(pairs), is_accepted, "{pairs:?}");
        }
    }

    #[test]
    fn a_field_that_is_no_list_comes_once() {
        assert!(Fields::parse(b"a=1&b=2&scope=x&scope=y").is_some());
        assert!(Fields::parse(b"a=1&a=1").is_none());
        assert!(Fields::parse(b"csrf=1&%63srf=2").is_none());
        let form = Fields::parse(b"a=&b=2+3&scope=x&scope=&scope=y&may.c=on").unwrap();
        assert_eq!(form.named("may.").collect::<Vec<_>>(), ["c"]);
        assert_eq!(form.get("a"), None);
        assert_eq!(form.get("b"), Some("2 3"));
        assert_eq!(form.get("c"), None);
        assert_eq!(form.all("scope").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn only_urlencoded_forms_are_read() {
        for good in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        ] {
            assert!(is_urlencoded(Some(good)), "{good}");
        }
        for bad in ["", "text/plain", "multipart/form-data; boundary=x", "application/json"] {
            assert!(!is_urlencoded(Some(bad)), "{bad}");
        }
        assert!(!is_urlencoded(None));
    }
}
