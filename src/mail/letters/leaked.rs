//! Letters about credentials that were found where none may be.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Action, Words, moment, one_line};

/// What was found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum LeakedKind {
    /// An API key.
    Key {
        /// The slug of its workspace.
        slug: String,
    },
    /// An access token of an app.
    AccessToken,
    /// A refresh token of an app.
    RefreshToken,
    /// The secret of a client.
    ClientSecret,
    /// The subscription key of an account.
    SubscriptionKey {
        /// Whether it is the present one, so that another one is on its way if it was ended.
        is_replaced: bool,
    },
    /// A token that clients register with.
    RegistrationToken,
    /// A token that manages the registration of a client.
    ManagementToken,
    /// The cookie of a browser in which somebody is signed in.
    Session,
}

pub(super) fn leaked(
    (leaked, name): (&LeakedKind, &str),
    (workspace_name, place): (Option<&str>, Option<&str>),
    (is_ended, at): (bool, DateTime<Utc>),
    issuer: &str,
) -> Words {
    let name = one_line(name);
    let what = match leaked {
        LeakedKind::Key { .. } => format!("The API key “{name}”"),
        LeakedKind::AccessToken => format!("An access token of the app “{name}”"),
        LeakedKind::RefreshToken => format!("A refresh token of the app “{name}”"),
        LeakedKind::ClientSecret => format!("The client secret of the app “{name}”"),
        LeakedKind::SubscriptionKey { .. } => {
            format!("The subscription key of the account “{name}”")
        }
        LeakedKind::RegistrationToken => format!("The registration token “{name}”"),
        LeakedKind::ManagementToken => {
            format!("The token that manages the registration of the app “{name}”")
        }
        LeakedKind::Session => format!("The cookie of a browser in which “{name}” is signed in"),
    };
    let workspace = workspace_name
        .map(|name| format!(" of the workspace “{}”", one_line(name)))
        .unwrap_or_default();
    let mut paragraphs = vec![format!(
        "{what}{workspace} was reported as leaked on {}: somebody has found it where others can \
         read it.",
        moment(at)
    )];
    if let Some(place) = place {
        paragraphs.push(format!("It was found at {}.", one_line(place)));
    }
    paragraphs.push(next(leaked, is_ended).to_owned());
    Words {
        subject: if is_ended { "A leaked credential was ended" } else { "A credential has leaked" }
            .into(),
        paragraphs,
        action: action(leaked, issuer),
        closing: "Look also at what was done with it since it could be read.",
    }
}

/// What has happened to it, and what is to be done now.
fn next(leaked: &LeakedKind, is_ended: bool) -> &'static str {
    match (leaked, is_ended) {
        (LeakedKind::Key { .. }, true) => {
            "It was revoked, and requests with it are refused. Make another key for the programs \
             that used it, and remove it from where it was found."
        }
        (LeakedKind::Key { .. }, false) => {
            "It still works. Rotate it now, give the new secret to the programs that use it, and \
             remove it from where it was found."
        }
        (LeakedKind::AccessToken, _) => {
            "It was revoked. The app gets another one by itself, or asks you to sign in again."
        }
        (LeakedKind::RefreshToken, _) => {
            "It was revoked, and the app was signed out with it. If you still use the app, connect \
             it again."
        }
        (LeakedKind::ClientSecret, true) => {
            "It was revoked: the app gets no tokens until an administrator of this service gives it \
             a new secret."
        }
        (LeakedKind::ClientSecret, false) => {
            "It still works. An administrator of this service can replace it; the app needs the new \
             one."
        }
        (LeakedKind::SubscriptionKey { is_replaced: true }, true) => {
            "It was replaced, and requests with it are refused. The new key comes with another \
             letter: change it wherever you use it."
        }
        (LeakedKind::SubscriptionKey { .. }, true) => {
            "It is the key from before the last replacement, and was ended at once. The present \
             key goes on."
        }
        (LeakedKind::SubscriptionKey { .. }, false) => {
            "It still works. Ask whoever runs this service to replace it."
        }
        (LeakedKind::ManagementToken, true) => {
            "It was revoked: the app goes on, and can change its registration no more. An \
             administrator of this service can."
        }
        (LeakedKind::ManagementToken, false) => {
            "It still works: who has it can change where the app sends its users. Register the app \
             anew, and delete this one."
        }
        (LeakedKind::Session, _) => {
            "That browser was signed out. Sign in again, and look at what your account says of \
             other sessions."
        }
        (LeakedKind::RegistrationToken, true) => {
            "It was revoked: clients that register need another one."
        }
        (LeakedKind::RegistrationToken, false) => {
            "It still works. Revoke it, and make another one."
        }
    }
}

fn action(leaked: &LeakedKind, issuer: &str) -> Option<Action> {
    let (words, path) = match leaked {
        LeakedKind::Key { slug } => ("See the keys", format!("/workspaces/{slug}/settings/keys")),
        LeakedKind::AccessToken | LeakedKind::RefreshToken => {
            ("See your connected apps", "/settings/connected-apps".to_owned())
        }
        LeakedKind::RegistrationToken => {
            ("See the tokens", "/admin/registration-tokens".to_owned())
        }
        LeakedKind::Session => ("See your account", "/settings".to_owned()),
        LeakedKind::ClientSecret
        | LeakedKind::ManagementToken
        | LeakedKind::SubscriptionKey { .. } => return None,
    };
    Some(Action { words, href: format!("{issuer}{path}") })
}
