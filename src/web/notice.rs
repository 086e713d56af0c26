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
        "key-disabled" => "The key is switched off.",
        "key-enabled" => "The key is switched on.",
        "key-renamed" => "The key has its new name.",
        "key-deleted" => "The key is deleted. Requests with it are refused.",
        "password-changed" => {
            "Your password is changed. Every other browser and app was signed out."
        }
        "password-reset" => "Your password is changed. Sign in with the new one.",
        "session-ended" => "That browser is signed out.",
        "sessions-ended" => "Every other browser is signed out.",
        "profile-saved" => "Your profile is saved.",
        "email-change-requested" => {
            "A letter is on its way to the new address. Follow its link to move your account there."
        }
        "email-verification-requested" => {
            "A letter is on its way. Follow its link to confirm your address."
        }
        "email-verified" => "Your email address is confirmed.",
        "email-changed" => "Your account has its new email address.",
        "email-restored" => {
            "Your account has its old address again. Sign in with the new password."
        }
        "sign-in-expired" => "That took too long. Sign in again.",
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
