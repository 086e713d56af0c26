//! What a client looks at before it trusts a server with anything, in the order in which it does.

use serde_json::Value;
use url::{Host, Url};

use super::{Report, documents, endpoints, visit::Visitor};

/// Looks at everything; what cannot be looked at because something before it is missing is left out.
pub(super) async fn look(visitor: &Visitor) -> Report {
    let mut report = Report::default();
    report.note("the issuer is an https URL", issuer(&visitor.issuer));
    let Some(server) = documents::server(visitor, &mut report).await else { return report };
    documents::openid(visitor, &mut report, &server).await;
    documents::members(visitor, &mut report, &server);
    documents::keys(visitor, &mut report, &server).await;
    endpoints::look(visitor, &mut report, &server).await;
    endpoints::challenge(visitor, &mut report).await;
    report
}

/// RFC 8414 §2; on this machine http will do.
fn issuer(issuer: &str) -> Result<(), String> {
    let url = Url::parse(issuer).map_err(|_| format!("{issuer} is no URL"))?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || is_local { Ok(()) } else { Err(format!("{issuer} is not")) }
}

/// A text of a document.
pub(super) fn text<'a>(document: &'a Value, member: &str) -> Result<&'a str, String> {
    let value = document.get(member).ok_or_else(|| format!("{member} is missing"))?;
    value.as_str().ok_or_else(|| format!("{member} is no text"))
}

/// Whether a list of a document has an item.
pub(super) fn lists(document: &Value, member: &str, item: &str) -> bool {
    let list = document.get(member).and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|it| it == item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_secure_or_on_this_machine() {
        for good in ["https://id.example", "http://127.0.0.1:8080", "http://[::1]"] {
            assert!(issuer(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example", "http://10.0.0.1", "id.example"] {
            assert!(issuer(bad).is_err(), "{bad}");
        }
    }
}
