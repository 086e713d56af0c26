//! What the letters say.

use super::*;

mod every;
mod people;

use every::every_kind;

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
fn every_change_of_the_ways_to_sign_in_has_a_letter() {
    let name = || "Phone\r\nBcc: all@example.com".to_owned();
    for (what, subject, words) in [
        (
            SecurityChange::TotpOn,
            "An authenticator app was added to your account",
            "asks for a code",
        ),
        (SecurityChange::TotpOff, "The authenticator app was removed from your account", "no code"),
        (
            SecurityChange::PasskeyAdded { name: name() },
            "A passkey was added to your account",
            "“Phone  Bcc: all@example.com”",
        ),
        (
            SecurityChange::PasskeyRemoved { name: name() },
            "A passkey was removed from your account",
            "“Phone  Bcc: all@example.com”",
        ),
        (SecurityChange::RecoveryCodeUsed { left: 0 }, "A recovery code was used", "None is left"),
        (SecurityChange::RecoveryCodeUsed { left: 1 }, "A recovery code was used", "One is left"),
        (SecurityChange::RecoveryCodeUsed { left: 7 }, "A recovery code was used", "7 are left"),
        (
            SecurityChange::RecoveryCodesRenewed,
            "Your recovery codes were replaced",
            "earlier ones no longer work",
        ),
        (SecurityChange::FactorsReset, "Your second factors were removed", "an administrator"),
    ] {
        let kind = LetterKind::SecurityChange { what, at: at() };
        let json = serde_json::to_string(&kind).unwrap();
        assert!(serde_json::from_str::<LetterKind>(&json).unwrap() == kind, "{json}");

        let letter = write(&kind, "Acme", ISSUER).unwrap();

        assert_eq!(letter.subject, subject);
        for body in [&letter.text, letter.html.as_ref().unwrap()] {
            let parts = [words, "15 January 2027 at 08:00 UTC", "https://id.example.com/settings/"];
            assert!(parts.iter().all(|part| body.contains(part)), "{body}");
        }
    }
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
        is_replacement: false,
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

fn new_sign_in(device: &str) -> LetterKind {
    LetterKind::NewSignIn { device: device.into(), address: "203.0.113.9".into(), at: at() }
}

fn key_expiring() -> LetterKind {
    LetterKind::KeyExpiring {
        key_name: "Billing sync".into(),
        shown: "lk_live_abcd…wxyz".into(),
        workspace_name: "Acme Health".into(),
        keys_page: format!("{ISSUER}/workspaces/acme/settings/keys"),
        expires_at: at(),
    }
}

#[test]
fn a_key_that_replaces_another_says_so() {
    let replaced = |previous_expires_at| LetterKind::SubscriptionKey {
        account_name: "Acme Health".into(),
        key: "lk_sk_abc".into(),
        previous_expires_at,
        is_replacement: true,
    };

    let until = "works until 15 January 2027 at 08:00 UTC";
    for (kind, before) in [(replaced(Some(at())), until), (replaced(None), "no longer works")] {
        says(
            &kind,
            "Your new subscription key",
            &["“Acme Health” was replaced", "lk_sk_abc", before],
        );
        let text = write(&kind, "Acme", ISSUER).unwrap().text;
        assert!(!text.contains("enabled"), "{text}");
    }
}

/// A server that is updated finds letters in its outbox that do not say what kind of key it is.
#[test]
fn a_letter_that_was_queued_before_is_still_read() {
    let json =
        r#"{"kind":"subscription_key","account_name":"A","key":"k","previous_expires_at":null}"#;

    let kind: LetterKind = serde_json::from_str(json).unwrap();

    says(&kind, "Your subscription key", &["enabled for API access"]);
}

/// Both forms of a letter say this.
#[track_caller]
fn says(kind: &LetterKind, subject: &str, parts: &[&str]) {
    let letter = write(kind, "Acme", ISSUER).unwrap();
    assert_eq!(letter.subject, subject);
    for body in [&letter.text, letter.html.as_ref().unwrap()] {
        for part in parts {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
    }
}

#[test]
fn letters_about_an_account_say_what_to_do() {
    let link = || format!("{ISSUER}/verify-email?token=SECRET");
    says(
        &LetterKind::ConfirmSignUp { link: link(), hours: 24 },
        "Confirm your email address",
        &["asked for an account at Acme", "once, for 24 hours", &link(), "do nothing"],
    );
    says(
        &LetterKind::AlreadyRegistered { link: link(), minutes: Some(30) },
        "You already have an account",
        &["You already have one", "once, for 30 minutes", "Choose a new password", &link()],
    );
    let login = format!("{ISSUER}/login");
    let kind = LetterKind::AlreadyRegistered { link: login.clone(), minutes: None };
    says(&kind, "You already have an account", &["Sign in", &login]);
    assert!(!write(&kind, "Acme", ISSUER).unwrap().text.contains("minutes"));
    says(
        &LetterKind::VerifyEmail { link: link(), hours: 1 },
        "Confirm your email address",
        &["the address of your account at Acme", "once, for 1 hour.", &link()],
    );
}

#[test]
fn letters_about_another_address_say_what_happens() {
    let link = || format!("{ISSUER}/verify-email?token=SECRET");
    says(
        &LetterKind::ConfirmNewEmail { link: link(), hours: 24 },
        "Confirm your new email address",
        &["for an account at Acme", "for 24 hours", "Use this address", &link()],
    );
    says(
        &LetterKind::NewEmailTaken,
        "This address has an account already",
        &["another account at Acme", "nothing was changed"],
    );
    says(
        &LetterKind::EmailChanged { at: at(), link: link(), days: 7 },
        "Your email address was changed",
        &["15 January 2027 at 08:00 UTC", "for 7 days", "Take the account back", &link()],
    );
}

#[test]
fn letters_that_nobody_asked_for_say_why_they_come() {
    says(
        &new_sign_in("Firefox on Linux"),
        "New sign-in to your account",
        &[
            "Firefox on Linux, from the address 203.0.113.9, on 15 January 2027 at 08:00 UTC.",
            "change your password now",
            "https://id.example.com/settings/sessions",
        ],
    );
    let html = write(&new_sign_in("<b>\n"), "Acme", ISSUER).unwrap().html.unwrap();
    assert!(!html.contains("<b>"), "{html}");
    says(
        &key_expiring(),
        "An API key is about to expire",
        &[
            "“Billing sync” (lk_live_abcd…wxyz)",
            "“Acme Health”",
            "15 January 2027 at 08:00 UTC",
            "https://id.example.com/workspaces/acme/settings/keys",
            "because you own the workspace",
        ],
    );
}

/// Nothing of it is fetched from anywhere, so nobody learns that it was read.
#[test]
fn every_letter_is_complete_in_itself_and_fits_a_dark_screen() {
    for kind in every_kind() {
        let letter = write(&kind, "Acme", ISSUER).unwrap();
        let html = letter.html.unwrap();
        for part in [
            "<html lang=\"en\"",
            "prefers-color-scheme: dark",
            "name=\"color-scheme\" content=\"light dark\"",
            "<h1",
            "Acme",
        ] {
            assert!(html.contains(part), "{kind:?} {part}");
        }
        for remote in ["<img", "<link", "<script", "url(", "src=", "@import"] {
            assert!(!html.contains(remote), "{kind:?} {remote}");
        }
        // what a list of letters shows beside the subject
        let first = letter.text.split("\n\n").next().unwrap();
        let hidden = html.split("display:none").nth(1).unwrap().split("</div>").next().unwrap();
        let text = |text: &str| text.replace("&#38;", "&").replace("&#39;", "'");
        assert!(text(hidden).ends_with(first), "{kind:?} {hidden}");
        assert!(!letter.subject.contains(char::is_control));
        assert!(!format!("{kind:?}").contains("SECRET"));
        let json = serde_json::to_string(&kind).unwrap();
        assert!(serde_json::from_str::<LetterKind>(&json).unwrap() == kind, "{json}");
        let tag = serde_json::to_value(&kind).unwrap()["kind"].as_str().unwrap().len();
        assert!(tag <= 32, "the outbox has room for 32");
    }
}

#[test]
fn kinds_are_stored_as_json_and_debug_hides_the_link() {
    for kind in every_kind() {
        let json = serde_json::to_string(&kind).unwrap();
        assert!(serde_json::from_str::<LetterKind>(&json).unwrap() == kind, "{json}");
        assert!(!format!("{kind:?}").contains("token="));
    }
    assert_eq!(
        serde_json::to_value(LetterKind::PasswordChanged { at: at() }).unwrap(),
        serde_json::json!({ "kind": "password_changed", "at": "2027-01-15T08:00:00Z" })
    );
}
