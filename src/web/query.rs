//! One value of a page's query string.

use poem::http::Uri;
use url::form_urlencoded;

/// The value of `name`; `None` when it is absent, empty or given twice.
#[must_use]
pub fn get(uri: &Uri, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut values = pairs.filter(|(key, _)| key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) if !value.is_empty() => Some(value.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_once() {
        let uri = Uri::from_static("/x?a=1&b=&c=1&c=2&d=x%20y");
        let value = |name| get(&uri, name);

        assert_eq!(value("a").as_deref(), Some("1"));
        assert_eq!(value("d").as_deref(), Some("x y"));
        for absent in ["b", "c", "e"] {
            assert_eq!(value(absent), None, "{absent}");
        }
    }
}
