//! Cookies, as requests carry them and answers set them.

use poem::http::{HeaderMap, HeaderValue, header};

/// The values of every cookie of a name, in order.
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` for every path of this server, which no script reads and no log shows; `rest` are
/// the attributes that differ. `None` if a part is no text of a header.
#[must_use]
pub fn set(name: &str, value: &str, rest: &str, is_secure: bool) -> Option<HeaderValue> {
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; {rest}{secure}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
