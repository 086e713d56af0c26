use super::*;

#[test]
fn an_approval_letter_says_who_asks_for_which_app_and_where_to_decide() {
    let kind = |message: Option<&str>| LetterKind::AppApproval {
        client_name: "Billing <sync>\r\nBcc: x".into(),
        workspace_name: "Acme Health".into(),
        slug: "acme".into(),
        username: "acme/ben@acme.example".into(),
        message: message.map(str::to_owned),
    };

    let letter = write(&kind(Some("For the team.\n\nSoon")), "Acme", ISSUER).unwrap();

    assert_eq!(letter.subject, "An app waits for your approval");
    for part in [
        "acme/ben@acme.example asks you to approve the app “Billing <sync>  Bcc: x”",
        "“Acme Health”",
        "They say: “For the team.  Soon”",
        "https://id.example.com/workspaces/acme/settings/apps",
    ] {
        assert!(letter.text.contains(part), "{part} is missing: {}", letter.text);
    }
    let html = letter.html.unwrap();
    assert!(html.contains("https://id.example.com/workspaces/acme/settings/apps"), "{html}");
    assert!(!html.contains("<sync>"), "{html}");
    assert!(!write(&kind(None), "Acme", ISSUER).unwrap().text.contains("They say"));
}

#[test]
fn a_decision_letter_says_what_was_decided() {
    for (is_approved, subject, part) in [
        (true, "The app that you asked for is approved", "connect it"),
        (false, "The app that you asked for is not approved", "may not be connected"),
    ] {
        let kind = LetterKind::AppDecided {
            client_name: "Sync".into(),
            workspace_name: "Acme Health".into(),
            is_approved,
        };

        let letter = write(&kind, "Acme", ISSUER).unwrap();

        assert_eq!(letter.subject, subject);
        for body in [&letter.text, letter.html.as_ref().unwrap()] {
            for part in ["“Sync”", "“Acme Health”", part] {
                assert!(body.contains(part), "{part} is missing: {body}");
            }
        }
    }
}

#[test]
fn an_invitation_says_who_asks_and_for_which_account() {
    let kind = LetterKind::Invitation {
        workspace_name: "Acme\nHealth".into(),
        inviter: "Ada <b>".into(),
        username: "acme/ben@acme.example".into(),
        role: "admin".into(),
        link: format!("{ISSUER}/invitations/lk_iv_SECRET"),
        days: 7,
    };

    let letter = write(&kind, "Acme", ISSUER).unwrap();

    assert_eq!(letter.subject, "Join the workspace “Acme Health”");
    assert!(letter.text.contains("Ada <b> invites you to the workspace “Acme Health”, as admin."));
    assert!(letter.text.contains("acme/ben@acme.example"));
    let html = letter.html.unwrap();
    assert!(html.contains("Ada &#60;b&#62;") && html.contains("/invitations/lk_iv_SECRET"));
    assert_eq!(format!("{kind:?}"), "Invitation");
}
