//! The security headers of every page, in one place.

use poem::{
    Response,
    http::{HeaderName, HeaderValue, header},
};
use url::{Host, Url};

/// What one page needs beyond the strictest rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "that many needs are yes or no")]
pub struct Policy {
    /// Where its forms may lead besides this server: CSP sources. Chromium holds `form-action`
    /// against the redirect that answers a form, too.
    pub form_targets: Vec<String>,
    /// Where its pictures come from besides this server: CSP sources.
    pub image_sources: Vec<String>,
    /// Whose pages it shows in frames: CSP sources.
    pub frame_sources: Vec<String>,
    /// Whether it runs a script of this server.
    pub has_script: bool,
    /// Whether it shows a secret or has one in its address: no `Referer` at all.
    pub carries_secret: bool,
    /// Whether it may stand in a window that an app has opened and waits for: the window keeps its
    /// opener on the way back.
    pub may_be_popup: bool,
    /// Whether the issuer is `https`.
    pub is_secure: bool,
}

impl Policy {
    /// Sets every security header on an answer.
    pub fn apply(&self, response: &mut Response) {
        let headers = response.headers_mut();
        for (name, value) in self.fixed() {
            headers.insert(name, HeaderValue::from_static(value));
        }
        // sources are made by `form_source` and configuration, both ASCII
        if let Ok(value) = HeaderValue::try_from(self.content_security_policy()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, value);
        }
    }

    fn fixed(&self) -> Vec<(HeaderName, &'static str)> {
        let referrer = if self.carries_secret { "no-referrer" } else { "same-origin" };
        let opener = if self.may_be_popup { "unsafe-none" } else { "same-origin" };
        let mut headers = vec![
            (header::CACHE_CONTROL, "no-store"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, referrer),
            (HeaderName::from_static("cross-origin-opener-policy"), opener),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
        ];
        if self.is_secure {
            headers.push((header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"));
        }
        headers
    }

    fn content_security_policy(&self) -> String {
        let mut policy = "default-src 'none'; style-src 'self'; img-src 'self' data:".to_owned();
        let add = |policy: &mut String, sources: &[String]| {
            for source in sources {
                policy.push(' ');
                policy.push_str(source);
            }
        };
        add(&mut policy, &self.image_sources);
        policy.push_str("; form-action 'self'");
        add(&mut policy, &self.form_targets);
        if self.has_script {
            policy.push_str("; script-src 'self'");
        }
        if !self.frame_sources.is_empty() {
            policy.push_str("; frame-src");
            add(&mut policy, &self.frame_sources);
        }
        policy.push_str("; frame-ancestors 'none'; base-uri 'none'");
        policy
    }
}

/// The CSP source (CSP 3 §2.3.1) that lets a form lead to `uri`: its origin, or its scheme where an
/// origin cannot be written.
#[must_use]
pub fn form_source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match url.host() {
        // the grammar of host sources has no IPv6 literals
        Some(Host::Domain(_) | Host::Ipv4(_)) if matches!(url.scheme(), "http" | "https") => {
            Some(url.origin().ascii_serialization())
        }
        _ => Some(format!("{}:", url.scheme())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(policy: &Policy, name: &str) -> Option<String> {
        let mut response = Response::default();
        policy.apply(&mut response);
        response.header(name).map(str::to_owned)
    }

    #[test]
    fn the_strictest_rules_are_the_default() {
        let policy = Policy::default();

        assert_eq!(
            of(&policy, "content-security-policy").unwrap(),
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(of(&policy, name).as_deref(), Some(value), "{name}");
        }
        assert!(of(&policy, "permissions-policy").is_some());
        assert_eq!(of(&policy, "strict-transport-security"), None);
    }

    #[test]
    fn a_page_gets_what_it_asks_for_and_no_more() {
        let policy = Policy {
            form_targets: vec!["https://app.example".to_owned()],
            image_sources: vec!["https:".to_owned()],
            frame_sources: vec!["https://told.example".to_owned()],
            has_script: true,
            carries_secret: true,
            may_be_popup: true,
            is_secure: true,
        };

        assert_eq!(
            of(&policy, "content-security-policy").unwrap(),
            "default-src 'none'; style-src 'self'; img-src 'self' data: https:; form-action 'self' \
             https://app.example; script-src 'self'; frame-src https://told.example; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(of(&policy, "referrer-policy").unwrap(), "no-referrer");
        assert_eq!(of(&policy, "cross-origin-opener-policy").unwrap(), "unsafe-none");
        assert!(of(&policy, "strict-transport-security").is_some());
    }

    #[test]
    fn a_form_may_lead_to_an_origin_or_a_private_scheme() {
        for (uri, source) in [
            ("https://app.example/cb?x=1", "https://app.example"),
            ("https://app.example:8443/cb", "https://app.example:8443"),
            ("http://127.0.0.1:9999/callback", "http://127.0.0.1:9999"),
            ("http://localhost/cb", "http://localhost"),
            ("http://[::1]:9999/callback", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
            ("com.example.app://host/cb", "com.example.app:"),
        ] {
            assert_eq!(form_source(uri).as_deref(), Some(source), "{uri}");
        }
        assert_eq!(form_source("not a uri"), None);
    }
}
