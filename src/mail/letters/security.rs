//! Letters about what keeps strangers out of an account.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Action, Words, moment, one_line};

/// What has changed of the ways to sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SecurityChange {
    /// Codes of an authenticator app are asked for.
    TotpOn,
    /// They are not any more.
    TotpOff,
    /// A passkey was added.
    PasskeyAdded {
        /// What the user calls it.
        name: String,
    },
    /// A passkey was removed.
    PasskeyRemoved {
        /// What the user called it.
        name: String,
    },
    /// Somebody signed in with a recovery code.
    RecoveryCodeUsed {
        /// How many are left.
        left: u64,
    },
    /// There are new recovery codes, and the old ones are worth nothing.
    RecoveryCodesRenewed,
    /// An administrator took every second factor away.
    FactorsReset,
}

pub(super) fn change(what: &SecurityChange, at: DateTime<Utc>, issuer: &str) -> Words {
    let (subject, what) = said(what, &moment(at));
    Words {
        subject: subject.into(),
        paragraphs: vec![
            what,
            "If it was not you, change your password and look through what is there.".to_owned(),
        ],
        action: Some(Action {
            words: "See how your account is protected",
            href: format!("{issuer}/settings/security"),
        }),
        closing: "If it was you, there is nothing to do.",
    }
}

fn said(what: &SecurityChange, at: &str) -> (&'static str, String) {
    match what {
        SecurityChange::TotpOn => (
            "An authenticator app was added to your account",
            format!(
                "Since {at} signing in to your account asks for a code of an authenticator app."
            ),
        ),
        SecurityChange::TotpOff => (
            "The authenticator app was removed from your account",
            format!(
                "Since {at} signing in to your account asks for no code of an authenticator app."
            ),
        ),
        SecurityChange::PasskeyAdded { name } => (
            "A passkey was added to your account",
            format!("On {at} the passkey “{}” was added to your account.", one_line(name)),
        ),
        SecurityChange::PasskeyRemoved { name } => (
            "A passkey was removed from your account",
            format!("On {at} the passkey “{}” was removed from your account.", one_line(name)),
        ),
        SecurityChange::RecoveryCodeUsed { left } => (
            "A recovery code was used",
            format!("On {at} a recovery code of your account was used. {}", left_words(*left)),
        ),
        SecurityChange::RecoveryCodesRenewed => (
            "Your recovery codes were replaced",
            format!("On {at} new recovery codes were made. The earlier ones no longer work."),
        ),
        SecurityChange::FactorsReset => (
            "Your second factors were removed",
            format!(
                "On {at} an administrator removed the authenticator app, the passkeys and the \
                 recovery codes of your account. Signing in asks for your password alone."
            ),
        ),
    }
}

fn left_words(left: u64) -> String {
    match left {
        0 => "None is left: make new ones.".to_owned(),
        1 => "One is left: make new ones.".to_owned(),
        left => format!("{left} are left."),
    }
}
