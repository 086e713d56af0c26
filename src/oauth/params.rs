//! Request parameters, read strictly (RFC 6749 §3.1, §3.2): an empty one counts as absent, a repeated
//! one is an error, an unknown one is ignored.

use std::collections::{BTreeMap, HashMap};

/// The parameters of one request.
#[derive(Clone, Default)]
pub struct Params {
    values: HashMap<String, String>,
    repeated: Vec<String>,
    is_malformed: bool,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    #[must_use]
    pub fn parse(urlencoded: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in url::form_urlencoded::parse(urlencoded) {
            // what is no UTF-8 decodes to U+FFFD; NUL is text to nobody
            let is_bad = |text: &str| text.contains(['\u{fffd}', '\0']);
            params.is_malformed |= is_bad(&name) || is_bad(&value);
            if params.values.insert(name.to_string(), value.into_owned()).is_some() {
                params.repeated.push(name.into_owned());
            }
        }
        params.values.retain(|_, value| !value.is_empty());
        params
    }

    /// Parameters that were read before, or signed.
    #[must_use]
    pub fn of(values: BTreeMap<String, String>) -> Self {
        let values = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self { values, ..Self::default() }
    }

    /// All of them by name.
    #[must_use]
    pub fn values(&self) -> BTreeMap<String, String> {
        self.values.clone().into_iter().collect()
    }

    /// Gives a parameter another value.
    pub fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    /// The value of a parameter that was sent and is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether this parameter was sent more than once.
    #[must_use]
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.iter().any(|repeated| repeated == name)
    }

    /// What is wrong with the whole request, if anything is.
    #[must_use]
    pub fn defect(&self) -> Option<&'static str> {
        if self.is_malformed {
            Some("a parameter is not valid text")
        } else if self.repeated.is_empty() {
            None
        } else {
            Some("a parameter is given more than once")
        }
    }
}

/// Whether a `Content-Type` is that of a form (RFC 6749 §4.1.3, appendix B).
#[must_use]
pub fn is_form(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_absent_and_repeated_is_a_defect() {
        let params = Params::parse(b"scope=&state=x&a=1+2%26");
        assert_eq!(
            (params.get("scope"), params.get("state"), params.get("a"), params.defect()),
            (None, Some("x"), Some("1 2&"), None)
        );
        let params = Params::parse(b"code=1&code=");
        assert!(params.defect().is_some() && params.is_repeated("code"));
    }

    #[test]
    fn what_is_not_text_is_a_defect() {
        for bad in [&b"a=%ff"[..], b"a=%00", b"%c3=1", b"a=\xff"] {
            assert!(Params::parse(bad).defect().is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_form_is_recognised_by_its_media_type() {
        for (value, is) in [
            (Some("application/x-www-form-urlencoded"), true),
            (Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"), true),
            (Some("application/json"), false),
            (Some("application/x-www-form-urlencodedx"), false),
            (None, false),
        ] {
            assert_eq!(is_form(value), is, "{value:?}");
        }
    }
}
