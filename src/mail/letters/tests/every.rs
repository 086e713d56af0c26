//! One letter of each kind.

use super::{super::*, ISSUER, at, key_expiring, new_sign_in, reset};

/// Names every kind with a letter of it: a kind that is left out does not compile.
macro_rules! samples {
    ($($kind:ident => $sample:expr,)*) => {
        /// One of each kind that has words of ours.
        pub(super) fn every_kind() -> Vec<LetterKind> {
            let all = vec![$($sample),*];
            let named = vec![$(stringify!($kind)),*];
            let kinds: Vec<_> = all.iter().map(|kind| format!("{kind:?}")).collect();
            assert_eq!(kinds, named, "a sample is of another kind");
            all.into_iter().filter(has_words_of_ours).collect()
        }

        /// What a workspace sends word for word has none, and a test of its own.
        fn has_words_of_ours(kind: &LetterKind) -> bool {
            match kind {
                $(LetterKind::$kind { .. })|* => !matches!(kind, LetterKind::Message { .. }),
            }
        }
    };
}

fn link() -> String {
    format!("{ISSUER}/verify-email?token=SECRET")
}

samples! {
    PasswordReset => reset(),
    TokenReuse => LetterKind::TokenReuse {
        client_name: "x".into(),
        workspace_name: None,
        at: at(),
    },
    PasswordChanged => LetterKind::PasswordChanged { at: at() },
    ConfirmSignUp => LetterKind::ConfirmSignUp { link: link(), hours: 24 },
    AlreadyRegistered => LetterKind::AlreadyRegistered { link: link(), minutes: Some(30) },
    VerifyEmail => LetterKind::VerifyEmail { link: link(), hours: 24 },
    ConfirmNewEmail => LetterKind::ConfirmNewEmail { link: link(), hours: 1 },
    NewEmailTaken => LetterKind::NewEmailTaken,
    EmailChanged => LetterKind::EmailChanged { at: at(), link: link(), days: 7 },
    NewSignIn => new_sign_in("Firefox on Linux"),
    KeyExpiring => key_expiring(),
    Leaked => LetterKind::Leaked {
        leaked: LeakedKind::AccessToken,
        name: "Billing sync".into(),
        workspace_name: Some("Acme Health".into()),
        place: Some("https://github.com/acme/site/blob/main/.env".into()),
        is_ended: true,
        at: at(),
    },
    SecurityChange => LetterKind::SecurityChange { what: SecurityChange::TotpOn, at: at() },
    SubscriptionKey => LetterKind::SubscriptionKey {
        account_name: "Acme Health".into(),
        key: "lk_sk_abc".into(),
        previous_expires_at: None,
        is_replacement: true,
    },
    Invitation => LetterKind::Invitation {
        workspace_name: "Acme Health".into(),
        inviter: "Ada".into(),
        username: "ben@example.com".into(),
        role: "Member".into(),
        link: link(),
        days: 7,
    },
    AppApproval => LetterKind::AppApproval {
        client_name: "Billing sync".into(),
        workspace_name: "Acme Health".into(),
        slug: "acme".into(),
        username: "ben@example.com".into(),
        message: Some("For the invoices".into()),
    },
    AppDecided => LetterKind::AppDecided {
        client_name: "Billing sync".into(),
        workspace_name: "Acme Health".into(),
        is_approved: true,
    },
    Comms => LetterKind::Comms {
        workspace_name: "Acme".into(),
        subject: None,
        text: "Hello".into(),
    },
    Message => LetterKind::Message { subject: "x".into(), text: "y".into(), html: None },
}
