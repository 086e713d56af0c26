//! Sentences about what has just happened, carried by name across a redirect: nobody else's words
//! can be put on a page by a link.

/// The query parameter that names one.
pub const PARAMETER: &str = "notice";

/// That a form came too late; every page with a frame says it.
pub const LATE: &str = "form-late";

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
        "app-everybody-refused" => {
            "Everybody is disconnected from the app, and it is refused from now on."
        }
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
        LATE => "Your form came too late: nothing was done. Look through it, and send it again.",
        "sign-in-expired" => "That took too long. Sign in again.",
        "totp-on" => "The authenticator app is set up. Signing in asks for its code.",
        "totp-off" => "The authenticator app is turned off.",
        "passkey-added" => "The passkey is added.",
        "passkey-renamed" => "The passkey has its new name.",
        "passkey-removed" => "The passkey is removed. It no longer signs you in.",
        "took-too-long" => "That took too long, or another tab was quicker. Begin again.",
        "client-disabled" => "The client is disabled. It and its tokens are refused.",
        "client-enabled" => "The client is enabled.",
        _ => return people_words(name).or_else(|| server_words(name)),
    })
}

/// What has happened to the people of a workspace.
fn people_words(name: &str) -> Option<&'static str> {
    Some(match name {
        "role-changed" => "The role is changed. It holds from now on.",
        "member-removed" => "The member is removed. Their tokens and keys are refused here.",
        "workspace-left" => "You have left the workspace.",
        "invitation-sent" => "The invitation is on its way.",
        "invitation-resent" => "The letter is on its way again. The link before is dead.",
        "invitation-withdrawn" => "The invitation is withdrawn. Its link is dead.",
        "invitation-accepted" => "You are a member now.",
        "invitation-known" => "You were a member already.",
        "member-added" => "The member is added.",
        "unchanged" => "It was so already. Nothing was changed.",
        _ => return None,
    })
}

/// What an administrator of the server has done.
fn server_words(name: &str) -> Option<&'static str> {
    Some(match name {
        "user-locked" => "The user is locked. Their sessions, tokens and keys are refused.",
        "user-unlocked" => "The user is unlocked.",
        "user-signed-out" => "The user is signed out everywhere.",
        "user-factors-reset" => "The second factors are gone, and the user is told by mail.",
        "user-reset" => "A letter with a link for a new password is on its way.",
        "user-verified" => "The account is verified.",
        "user-unverified" => "The account is no longer verified.",
        "user-promoted" => "The user is an administrator now.",
        "user-demoted" => "The user is no longer an administrator.",
        "comms-allowed" => "The Comms API is allowed.",
        "comms-denied" => "The Comms API is no longer allowed.",
        "enterprise-created" => "The enterprise is created.",
        "enterprise-renamed" => "The enterprise has its new name.",
        "workspace-created" => "The workspace is created.",
        "workspace-disabled" => "The workspace is disabled. Its tokens and keys are refused.",
        "workspace-enabled" => "The workspace is enabled.",
        "plan-changed" => "The plan is changed.",
        "subscription-opened" => "The account is enabled. Its key is on its way by mail.",
        "subscription-rotated" => "The key is replaced. The new one is on its way by mail.",
        "subscription-suspended" => "The subscription key is suspended.",
        "subscription-resumed" => "The subscription key works again.",
        "signing-key-replaced" => "The key is replaced.",
        "letter-due" => "The letter will be tried in a moment.",
        "letter-discarded" => "The letter is discarded.",
        "client-changed" => "The client is changed.",
        "client-verified" => "The publisher is verified.",
        "client-unverified" => "The publisher is no longer verified.",
        "client-bound" => "The client is bound.",
        "client-unbound" => "The client is bound to nothing.",
        "registration-token-revoked" => "The token is revoked. What has registered with it stays.",
        "client-deleted" => "The client is deleted.",
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
