//! What the letters say.

use super::*;

const ISSUER: &str = "https://id.example.com";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn reset() -> LetterKind {
    LetterKind::PasswordReset {
        link: format!("{ISSUER}/reset-password?token=a.b-c_d&x=1"),
        minutes: 30,
    }
}

#[test]
fn a_reset_letter_carries_its_link_in_both_forms() {
    let letter = write(&reset(), "Acme", ISSUER).unwrap();

    assert_eq!(
        letter.text,
        "Somebody, probably you, asked for a new password for your account.\n\n\
         The link below works once, for 30 minutes.\n\n\
         Choose a new password:\n\
         https://id.example.com/reset-password?token=a.b-c_d&x=1\n\n\
         If it was not you, do nothing: your password stays as it is.\n\n\
         -- \nAcme\nhttps://id.example.com"
    );
    let href = "href=\"https://id.example.com/reset-password?token=a.b-c_d&#38;x=1\"";
    let html = letter.html.unwrap();
    assert!(html.contains(href), "{html}");
    assert_eq!(letter.subject, "Reset your password");
}

#[test]
fn a_reuse_letter_names_app_workspace_and_time() {
    let kind = LetterKind::TokenReuse {
        client_name: "Billing sync".into(),
        workspace_name: Some("Acme Health".into()),
        at: at(),
    };

    let letter = write(&kind, "Acme", ISSUER).unwrap();

    for body in [&letter.text, letter.html.as_ref().unwrap()] {
        for part in [
            "“Billing sync”",
            "“Acme Health”",
            "15 January 2027 at 08:00 UTC",
            "https://id.example.com/settings/connected-apps",
        ] {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
    }
}

#[test]
fn a_changed_password_letter_names_the_time_and_a_way_out() {
    let letter = write(&LetterKind::PasswordChanged { at: at() }, "Acme", ISSUER).unwrap();

    assert!(letter.text.contains("changed on 15 January 2027 at 08:00 UTC."));
    assert!(letter.html.unwrap().contains("https://id.example.com/forgot-password"));
}

#[test]
fn names_can_add_neither_markup_nor_lines_nor_headers() {
    let kind = LetterKind::TokenReuse {
        client_name: "<b>x</b>\r\n\r\nBcc: all@example.com".into(),
        workspace_name: Some("a\u{2028}b".into()),
        at: at(),
    };

    let letter = write(&kind, "A\nB", ISSUER).unwrap();

    let html = letter.html.unwrap();
    assert!(!html.contains("<b>"), "{html}");
    assert!(!letter.text.contains("\nBcc"), "{}", letter.text);
    assert!(letter.text.contains("“a b”") && letter.text.contains("-- \nA B\n"));
    assert!(!letter.subject.contains(char::is_control));
}

#[test]
fn a_message_is_sent_word_for_word_but_its_subject_is_one_line() {
    let kind = LetterKind::Message {
        subject: "Hello\r\nBcc: all@example.com".into(),
        text: "One <b>\n\ntwo".into(),
        html: None,
    };

    let letter = write(&kind, "Acme", ISSUER).unwrap();

    assert_eq!(letter.subject, "Hello  Bcc: all@example.com");
    assert_eq!(letter.text, "One <b>\n\ntwo");
    assert_eq!(letter.html, None);
}

#[test]
fn a_subscription_letter_names_the_header_and_carries_the_key() {
    let kind = LetterKind::SubscriptionKey {
        account_name: "Acme Health".into(),
        key: "lk_sk_abc".into(),
        previous_expires_at: Some(at()),
    };

    let letter = write(&kind, "Acme", ISSUER).unwrap();

    for body in [&letter.text, letter.html.as_ref().unwrap()] {
        for part in [
            "“Acme Health”",
            "lk_sk_abc",
            "Ocp-Apim-Subscription-Key",
            "15 January 2027 at 08:00 UTC",
        ] {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
    }
    assert_eq!(format!("{kind:?}"), "SubscriptionKey");
}

#[test]
fn a_message_is_its_senders_text_and_nothing_of_it_is_markup_or_a_header() {
    let kind = LetterKind::Comms {
        workspace_name: "Acme Health".into(),
        subject: Some("Your table\r\nBcc: all@example.com".into()),
        text: "Dear guest,\n\n<b>see you</b> at 8.\u{2028}Bye".into(),
    };

    let letter = write(&kind, "Acme", ISSUER).unwrap();

    assert_eq!(letter.subject, "Your table  Bcc: all@example.com");
    assert!(
        letter
            .text
            .starts_with("Dear guest,\n\n<b>see you</b> at 8. Bye\n\nSent by Acme Health.\n\n"),
        "{}",
        letter.text
    );
    let html = letter.html.unwrap();
    assert!(!html.contains("<b>"), "{html}");
    let plain =
        LetterKind::Comms { workspace_name: "Acme".into(), subject: None, text: "Hello".into() };
    assert_eq!(write(&plain, "Acme", ISSUER).unwrap().subject, "A message from Acme");
}

#[test]
fn kinds_are_stored_as_json_and_debug_hides_the_link() {
    let kinds = [
        reset(),
        LetterKind::TokenReuse { client_name: "x".into(), workspace_name: None, at: at() },
        LetterKind::PasswordChanged { at: at() },
    ];
    for kind in kinds {
        let json = serde_json::to_string(&kind).unwrap();
        assert!(serde_json::from_str::<LetterKind>(&json).unwrap() == kind, "{json}");
        assert!(!format!("{kind:?}").contains("token="));
    }
    assert_eq!(
        serde_json::to_value(LetterKind::PasswordChanged { at: at() }).unwrap(),
        serde_json::json!({ "kind": "password_changed", "at": "2027-01-15T08:00:00Z" })
    );
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
