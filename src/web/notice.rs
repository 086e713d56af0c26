//! Sentences about what has just happened, carried by name across a redirect: nobody else's words
//! can be put on a page by a link.

/// The query parameter that names one.
pub const PARAMETER: &str = "notice";

/// `path` with a notice.
#[must_use]
pub fn on(path: &str, name: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{PARAMETER}={name}")
}

/// The sentence of a notice, if there is one of that name.
#[must_use]
pub fn words(name: &str) -> Option<&'static str> {
    Some(match name {
        "app-revoked" => "The app is disconnected. Its tokens no longer work.",
        "apps-revoked" => "All apps are disconnected. Their tokens no longer work.",
        "app-blocked" => "The app is disconnected and blocked. It cannot ask you again.",
        "apps-blocked" => "All apps are disconnected and blocked. They cannot ask you again.",
        "app-unblocked" => "The app may ask you again. It is not connected.",
        "app-approved" => "The app is approved. Those who have asked get a letter.",
        "app-denied" => "The app is denied. Everybody who had connected it is disconnected.",
        "app-undecided" => "The decision is taken back. The workspace's policy is to decide.",
        "app-policy-set" => "The policy is changed. It counts from now on.",
        "app-person-revoked" => "The person is disconnected from the app.",
        "app-everybody-revoked" => "Everybody is disconnected from the app.",
        "key-disabled" => "The key is switched off.",
        "key-enabled" => "The key is switched on.",
        "key-renamed" => "The key has its new name.",
        "key-deleted" => "The key is deleted. Requests with it are refused.",
        "password-changed" => {
            "Your password is changed. Every other browser and app was signed out."
        }
        "password-reset" => "Your password is changed. Sign in with the new one.",
        "sign-in-expired" => "That took too long. Please sign in again.",
        "client-disabled" => "The client is disabled. It and its tokens are refused.",
        "client-enabled" => "The client is enabled.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_travels_by_name() {
        assert_eq!(on("/login", "password-reset"), "/login?notice=password-reset");
        assert_eq!(on("/login?a=b", "x"), "/login?a=b&notice=x");
        assert!(words("app-revoked").is_some());
        assert!(words("<b>").is_none());
    }
}
