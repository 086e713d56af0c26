//! What the letters say, as plain text and as HTML.

mod security;

use std::{borrow::Cow, fmt};

use askama::Template;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::security::SecurityChange;
use self::security::{password_changed, security_change};
use crate::fault::Fault;

/// A letter to be written; the outbox stores it as JSON, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LetterKind {
    /// The answer to "forgot password".
    PasswordReset {
        /// The page that sets a new password; works once. A secret.
        link: String,
        /// How long it works, in minutes.
        minutes: u32,
    },
    /// A refresh token was used twice, and the app was signed out (RFC 9700 §4.14.2).
    TokenReuse {
        /// The client's name.
        client_name: String,
        /// The workspace it was connected to.
        workspace_name: Option<String>,
        /// When it was noticed.
        at: DateTime<Utc>,
    },
    /// Somebody, hopefully the user, set a new password.
    PasswordChanged {
        /// When.
        at: DateTime<Utc>,
    },
    /// The ways to sign in have changed, or one of the last was used.
    SecurityChange {
        /// What has changed.
        what: SecurityChange,
        /// When.
        at: DateTime<Utc>,
    },
    /// An account was enabled for API access, or its subscription key was replaced.
    SubscriptionKey {
        /// The enterprise's name, or the username.
        account_name: String,
        /// The key. A secret.
        key: String,
        /// Until when the key that it replaces works.
        previous_expires_at: Option<DateTime<Utc>>,
    },
    /// A message of the Comms API.
    Comms {
        /// The workspace that sends it.
        workspace_name: String,
        /// The sender's subject.
        subject: Option<String>,
        /// The sender's text, or else the name of the template that it is.
        text: String,
    },
    /// What a workspace sends through the API, word for word.
    Message {
        /// The subject, one line.
        subject: String,
        /// The plain text.
        text: String,
        /// The same as HTML, if it was given.
        html: Option<String>,
    },
}

/// Shows only which letter it is: a link in it is a secret.
impl fmt::Debug for LetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PasswordReset { .. } => "PasswordReset",
            Self::TokenReuse { .. } => "TokenReuse",
            Self::PasswordChanged { .. } => "PasswordChanged",
            Self::SecurityChange { .. } => "SecurityChange",
            Self::SubscriptionKey { .. } => "SubscriptionKey",
            Self::Comms { .. } => "Comms",
            Self::Message { .. } => "Message",
        })
    }
}

/// A letter that is ready to be sent.
pub struct Letter {
    /// One line: a constant, or a sender's own with every line break and control character gone.
    pub subject: Cow<'static, str>,
    /// The letter as plain text.
    pub text: String,
    /// The same letter as an HTML page, if it has one.
    pub html: Option<String>,
}

struct Action {
    words: &'static str,
    href: String,
}

struct Words {
    subject: Cow<'static, str>,
    paragraphs: Vec<String>,
    action: Option<Action>,
    closing: &'static str,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    paragraphs: &'a [String],
    action: Option<&'a Action>,
    closing: &'a str,
    brand: &'a str,
    issuer: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    subject: &'a str,
    paragraphs: &'a [String],
    action: Option<&'a Action>,
    closing: &'a str,
    brand: &'a str,
    issuer: &'a str,
}

/// Writes a letter in the operator's name.
///
/// # Errors
/// When a template does not render.
pub fn write(kind: &LetterKind, brand_name: &str, issuer: &str) -> Result<Letter, Fault> {
    let Words { subject, paragraphs, action, closing } = match kind {
        LetterKind::Message { subject, text, html } => {
            return Ok(Letter {
                subject: one_line(subject).into(),
                text: text.clone(),
                html: html.clone(),
            });
        }
        LetterKind::PasswordReset { link, minutes } => password_reset(link, *minutes),
        LetterKind::TokenReuse { client_name, workspace_name, at } => {
            token_reuse(client_name, workspace_name.as_deref(), *at, issuer)
        }
        LetterKind::PasswordChanged { at } => password_changed(*at, issuer),
        LetterKind::SecurityChange { what, at } => security_change(what, *at, issuer),
        LetterKind::SubscriptionKey { account_name, key, previous_expires_at } => {
            subscription_key(account_name, key, *previous_expires_at, issuer)
        }
        LetterKind::Comms { workspace_name, subject, text } => {
            comms(workspace_name, subject.as_deref(), text)
        }
    };
    let (paragraphs, action, brand) = (&paragraphs[..], action.as_ref(), &*one_line(brand_name));
    let text = Text { paragraphs, action, closing, brand, issuer }.render();
    let html = Html { subject: &subject, paragraphs, action, closing, brand, issuer }.render();
    let broken = |error| Fault::internal(format!("a letter does not render: {error}"));
    Ok(Letter { subject, text: text.map_err(broken)?, html: Some(html.map_err(broken)?) })
}

fn password_reset(link: &str, minutes: u32) -> Words {
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    Words {
        subject: "Reset your password".into(),
        paragraphs: vec![
            "Somebody, probably you, asked for a new password for your account.".to_owned(),
            format!("The link below works once, for {minutes} {unit}."),
        ],
        action: Some(Action { words: "Choose a new password", href: link.to_owned() }),
        closing: "If it was not you, do nothing: your password stays as it is.",
    }
}

fn token_reuse(
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

fn subscription_key(
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

fn comms(workspace_name: &str, subject: Option<&str>, text: &str) -> Words {
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

fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y at %H:%M UTC").to_string()
}

/// A name as one line, so that it cannot begin a paragraph of its own in the plain text.
fn one_line(name: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    name.chars().map(|c| if is_break(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
