use super::*;

#[test]
fn a_sign_in_returns_only_to_pages_of_ours() {
    for good in ["/settings/api-keys", "/workspaces/acme-1/settings/keys", "/admin/clients"] {
        assert!(is_return_path(good), "{good}");
        assert_eq!(login_then(good), format!("/login?next={good}"));
    }
    for bad in [
        "",
        "/",
        "/login",
        "//evil.example",
        "/settings//evil.example",
        "/settings/../x",
        "/settings/\\evil",
        "/settings/%2f",
        "https://evil.example/settings/",
        "/settings/x?y=z",
    ] {
        assert!(!is_return_path(bad), "{bad}");
        assert_eq!(login_then(bad), "/login");
    }
}

#[test]
fn logs_have_no_invitation() {
    for (path, logged_path) in [
        ("/invitations/lk_iv_x", "/invitations/…"),
        ("/invitations/lk_iv_x/accept", "/invitations/…/accept"),
        ("/settings/profile", "/settings/profile"),
        ("/device/WDJB-MJHT", "/device/…"),
        ("/device/decision", "/device/decision"),
        ("/device", "/device"),
    ] {
        assert_eq!(logged(path), logged_path);
    }
    assert!(is_return_path(&invitation("lk_iv_x")));
}

#[test]
fn a_late_form_leads_back_to_the_page_around_it() {
    for (path, page) in [
        ("/settings/security/passkeys/1/remove", "/settings/security"),
        ("/settings/security", "/settings/security"),
        ("/workspaces/acme/settings/keys/1/rotate", "/workspaces/acme/settings/keys"),
        ("/workspaces/acme/settings/keys", "/workspaces/acme/settings/keys"),
        ("/admin/clients/1/disable", "/admin/clients"),
        ("/admin/clients", "/admin/clients"),
        ("/", "/"),
    ] {
        assert_eq!(page_around(path), page, "{path}");
    }
    assert_eq!(confirm_then("/settings/security"), "/confirm?next=/settings/security");
    assert_eq!(confirm_then("//evil.example"), "/confirm");
}

#[test]
fn what_goes_into_a_query_is_encoded() {
    assert_eq!(consent("a&b=c"), "/oauth/consent?request=a%26b%3Dc");
    assert_eq!(login(None), "/login");
}
