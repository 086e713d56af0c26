//! Letters about what is done with a workspace: its apps, keys and messages.

use chrono::{DateTime, Utc};

use super::{Action, Words, moment, one_line};

pub(super) fn token_reuse(
    client_name: &str,
    workspace_name: Option<&str>,
    at: DateTime<Utc>,
    issuer: &str,
) -> Words {
    let client = one_line(client_name);
    let workspace = workspace_name
        .map(|name| format!(" of the workspace “{}”", one_line(name)))
        .unwrap_or_default();
    Words {
        subject: "An app was signed out of your account".into(),
        paragraphs: vec![
            format!(
                "On {} a refresh token{workspace} that was issued to the app “{client}” was used \
                 a second time. That can mean that somebody copied it.",
                moment(at)
            ),
            "To be safe, the app was signed out. If you still use it, connect it again.".to_owned(),
        ],
        action: Some(Action {
            words: "See your connected apps",
            href: format!("{issuer}/settings/connected-apps"),
        }),
        closing: "If this happens again, disconnect the app and tell those who make it.",
    }
}

pub(super) fn key_expiring(
    (key_name, shown): (&str, &str),
    workspace_name: &str,
    keys_page: &str,
    expires_at: DateTime<Utc>,
) -> Words {
    let (key, workspace) = (one_line(key_name), one_line(workspace_name));
    Words {
        subject: "An API key is about to expire".into(),
        paragraphs: vec![
            format!(
                "The API key “{key}” ({shown}) of the workspace “{workspace}” expires on {}. \
                 Requests with it are refused from then on.",
                moment(expires_at)
            ),
            "If a program still uses it, create another key and give it to the program before \
             that. A key that nothing uses can be left to expire."
                .to_owned(),
        ],
        action: Some(Action { words: "See the keys", href: keys_page.to_owned() }),
        closing: "You get this letter because the key is yours, or because you own the workspace.",
    }
}

pub(super) fn subscription_key(
    account_name: &str,
    key: &str,
    previous_expires_at: Option<DateTime<Utc>>,
    issuer: &str,
) -> Words {
    let account = one_line(account_name);
    let mut paragraphs = vec![
        format!("The account “{account}” is enabled for API access. Its subscription key is:"),
        key.to_owned(),
        "Send it as the header Ocp-Apim-Subscription-Key, beside your bearer token. This letter is \
         the only place where it is shown: keep it as you keep a password."
            .to_owned(),
    ];
    if let Some(at) = previous_expires_at {
        paragraphs.push(format!("The key that it replaces works until {}.", moment(at)));
    }
    Words {
        subject: "Your subscription key".into(),
        paragraphs,
        action: Some(Action { words: "Read how to use it", href: format!("{issuer}/docs") }),
        closing: "If you did not expect this letter, tell whoever runs this service.",
    }
}

/// The account has a key already: this one takes its place.
pub(super) fn replaced_key(
    account_name: &str,
    key: &str,
    previous_expires_at: Option<DateTime<Utc>>,
    issuer: &str,
) -> Words {
    let account = one_line(account_name);
    let before = match previous_expires_at {
        Some(at) => format!(
            "The key before it works until {}: by then, change it wherever you use it.",
            moment(at)
        ),
        None => "The key before it no longer works: change it wherever you use it.".to_owned(),
    };
    Words {
        subject: "Your new subscription key".into(),
        paragraphs: vec![
            format!(
                "The subscription key of the account “{account}” was replaced. The new one is:"
            ),
            key.to_owned(),
            before,
            "Send it as the header Ocp-Apim-Subscription-Key, as you did. This letter is the only \
             place where it is shown: keep it as you keep a password."
                .to_owned(),
        ],
        action: Some(Action { words: "Read how to use it", href: format!("{issuer}/docs") }),
        closing: "If you did not expect this letter, tell whoever runs this service.",
    }
}

pub(super) fn comms(workspace_name: &str, subject: Option<&str>, text: &str) -> Words {
    let subject = match subject {
        Some(subject) => one_line(subject),
        None => format!("A message from {}", one_line(workspace_name)),
    };
    let lines = text.lines().map(one_line).filter(|line| !line.trim().is_empty());
    let mut paragraphs: Vec<_> = lines.collect();
    paragraphs.push(format!("Sent by {}.", one_line(workspace_name)));
    Words {
        subject: subject.into(),
        paragraphs,
        action: None,
        closing: "If you did not expect this message, you can ignore it.",
    }
}

/// Somebody is asked to join a workspace.
pub(super) fn invitation(
    (workspace, inviter): (&str, &str),
    (username, role): (&str, &str),
    link: &str,
    days: u32,
) -> Words {
    let (workspace, inviter) = (one_line(workspace), one_line(inviter));
    Words {
        subject: format!("Join the workspace “{workspace}”").into(),
        paragraphs: vec![
            format!("{inviter} invites you to the workspace “{workspace}”, as {role}."),
            format!(
                "The invitation is for the account {username}. If you have none of that name \
                 yet, the page behind the link says what to do."
            ),
            format!("The link below works once, for {days} days."),
        ],
        action: Some(Action { words: "Accept or decline", href: link.to_owned() }),
        closing: "If you do not know who this is, do nothing: you join nothing by reading this.",
    }
}
