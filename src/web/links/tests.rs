use super::*;

#[test]
fn only_pages_of_ours_are_gone_on_to() {
    assert_eq!(login_then("/settings/api-keys"), "/login?next=/settings/api-keys");
    assert_eq!(confirm_then("/settings/security"), "/confirm?next=/settings/security");
    assert_eq!(
        login_then(&workspace_app("acme", "https://a.example/c.json")),
        "/login?next=/workspaces/acme/settings/apps/https%253A%252F%252Fa.example%252Fc.json"
    );
    for bad in ["//evil.example", "/settings/%2f%2fevil.example"] {
        assert_eq!(login_then(bad), "/login");
        assert_eq!(confirm_then(bad), "/confirm");
        assert_eq!(sign_up(Some("a&b"), Some(bad)), "/signup?request=a%26b");
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
        ("/device/approval", "/device/approval"),
        ("/device", "/device"),
    ] {
        assert_eq!(logged(path), logged_path);
    }
    assert!(is_return_path(&invitation("lk_iv_x")));
}

#[test]
fn what_goes_into_a_query_is_encoded() {
    assert_eq!(consent("a&b=c"), "/oauth/consent?request=a%26b%3Dc");
    assert_eq!(login(None), "/login");
}
