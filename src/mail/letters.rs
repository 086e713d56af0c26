//! What the letters say, as plain text and as HTML.

mod account;
mod apps;
mod leaked;
mod security;
mod workspace;

use std::{borrow::Cow, fmt};

use askama::Template;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{leaked::LeakedKind, security::SecurityChange};
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
    /// Somebody would like an account: does the mail arrive?
    ConfirmSignUp {
        /// The page that makes the account; works once. A secret.
        link: String,
        /// How long it works, in hours.
        hours: u32,
    },
    /// The same, for an address that has an account already.
    AlreadyRegistered {
        /// The page that sets a new password, or else the sign-in page. A secret.
        link: String,
        /// How long it works, in minutes; `None` if it is the sign-in page.
        minutes: Option<u32>,
    },
    /// Does the mail of an account arrive?
    VerifyEmail {
        /// The page that says so; works once. A secret.
        link: String,
        /// How long it works, in hours.
        hours: u32,
    },
    /// To the address that an account is to move to.
    ConfirmNewEmail {
        /// The page that moves it; works once. A secret.
        link: String,
        /// How long it works, in hours.
        hours: u32,
    },
    /// To the address that an account was to move to, when another account has it.
    NewEmailTaken,
    /// To the address that an account has moved away from.
    EmailChanged {
        /// When.
        at: DateTime<Utc>,
        /// The page that moves it back; works once. A secret.
        link: String,
        /// How long it works, in days.
        days: u32,
    },
    /// Somebody signed in from a device that the user has not been seen at.
    NewSignIn {
        /// The browser and its system, in words.
        device: String,
        /// The address that it came from.
        address: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// An API key is about to expire.
    KeyExpiring {
        /// Its name.
        key_name: String,
        /// Its displayable start and end.
        shown: String,
        /// The workspace that it is of.
        workspace_name: String,
        /// The page that lists it.
        keys_page: String,
        /// When it expires.
        expires_at: DateTime<Utc>,
    },
    /// A credential was found where none may be.
    Leaked {
        /// What it is.
        leaked: LeakedKind,
        /// What it is called, or the app or account that it is of.
        name: String,
        /// The workspace that it is of.
        workspace_name: Option<String>,
        /// Where it was found.
        place: Option<String>,
        /// Whether it works no more.
        is_ended: bool,
        /// When it was reported.
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
        /// Whether it replaces one; letters that were queued before this was asked do not say.
        #[serde(default)]
        is_replacement: bool,
    },
    /// Somebody is asked to join a workspace.
    Invitation {
        /// The workspace's name.
        workspace_name: String,
        /// Who asks, by name.
        inviter: String,
        /// The username of the account that is meant.
        username: String,
        /// What they will be.
        role: String,
        /// The page that accepts or declines; works once. A secret.
        link: String,
        /// How long it works, in days.
        days: u32,
    },
    /// A member of a workspace asks for an app to be approved.
    AppApproval {
        /// The client's name.
        client_name: String,
        /// The workspace's name.
        workspace_name: String,
        /// The workspace's slug.
        slug: String,
        /// Who asks.
        username: String,
        /// What they say about it.
        message: Option<String>,
    },
    /// The answer to whoever asked for that.
    AppDecided {
        /// The client's name.
        client_name: String,
        /// The workspace's name.
        workspace_name: String,
        /// Whether the app may be connected now.
        is_approved: bool,
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
            Self::ConfirmSignUp { .. } => "ConfirmSignUp",
            Self::AlreadyRegistered { .. } => "AlreadyRegistered",
            Self::VerifyEmail { .. } => "VerifyEmail",
            Self::ConfirmNewEmail { .. } => "ConfirmNewEmail",
            Self::NewEmailTaken => "NewEmailTaken",
            Self::EmailChanged { .. } => "EmailChanged",
            Self::NewSignIn { .. } => "NewSignIn",
            Self::KeyExpiring { .. } => "KeyExpiring",
            Self::Leaked { .. } => "Leaked",
            Self::SecurityChange { .. } => "SecurityChange",
            Self::SubscriptionKey { .. } => "SubscriptionKey",
            Self::Invitation { .. } => "Invitation",
            Self::AppApproval { .. } => "AppApproval",
            Self::AppDecided { .. } => "AppDecided",
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
    let brand = &*one_line(brand_name);
    let Words { subject, paragraphs, action, closing } = match words(kind, brand, issuer) {
        Ok(words) => words,
        Err(written) => return Ok(written),
    };
    let (paragraphs, action) = (&paragraphs[..], action.as_ref());
    let text = Text { paragraphs, action, closing, brand, issuer }.render();
    let html = Html { subject: &subject, paragraphs, action, closing, brand, issuer }.render();
    let broken = |error| Fault::internal(format!("a letter does not render: {error}"));
    Ok(Letter { subject, text: text.map_err(broken)?, html: Some(html.map_err(broken)?) })
}

/// The words of a letter, unless somebody else has written all of it.
fn words(kind: &LetterKind, brand: &str, issuer: &str) -> Result<Words, Letter> {
    Ok(match kind {
        LetterKind::PasswordReset { link, minutes } => account::password_reset(link, *minutes),
        LetterKind::PasswordChanged { at } => account::password_changed(*at, issuer),
        LetterKind::ConfirmSignUp { link, hours } => account::confirm_sign_up(link, *hours, brand),
        LetterKind::AlreadyRegistered { link, minutes } => {
            account::already_registered(link, *minutes, brand)
        }
        LetterKind::VerifyEmail { link, hours } => account::verify_email(link, *hours, brand),
        LetterKind::ConfirmNewEmail { link, hours } => {
            account::confirm_new_email(link, *hours, brand)
        }
        LetterKind::NewEmailTaken => account::new_email_taken(brand),
        LetterKind::EmailChanged { at, link, days } => {
            account::email_changed(*at, link, *days, brand)
        }
        LetterKind::NewSignIn { device, address, at } => {
            account::new_sign_in((device, address), *at, issuer)
        }
        LetterKind::SecurityChange { what, at } => security::change(what, *at, issuer),
        LetterKind::TokenReuse { client_name, workspace_name, at } => {
            workspace::token_reuse(client_name, workspace_name.as_deref(), *at, issuer)
        }
        LetterKind::KeyExpiring { key_name, shown, workspace_name, keys_page, expires_at } => {
            workspace::key_expiring((key_name, shown), workspace_name, keys_page, *expires_at)
        }
        LetterKind::Leaked { leaked: kind, name, workspace_name, place, is_ended, at } => {
            let about = (workspace_name.as_deref(), place.as_deref());
            leaked::leaked((kind, name), about, (*is_ended, *at), issuer)
        }
        LetterKind::SubscriptionKey { account_name, key, previous_expires_at, is_replacement } => {
            if *is_replacement {
                workspace::replaced_key(account_name, key, *previous_expires_at, issuer)
            } else {
                workspace::subscription_key(account_name, key, *previous_expires_at, issuer)
            }
        }
        LetterKind::Invitation { workspace_name, inviter, username, role, link, days } => {
            workspace::invitation((workspace_name, inviter), (username, role), link, *days)
        }
        LetterKind::AppApproval { client_name, workspace_name, slug, username, message } => {
            let page = format!("{issuer}/workspaces/{slug}/settings/apps");
            apps::approval((client_name, workspace_name, username), message.as_deref(), page)
        }
        LetterKind::AppDecided { client_name, workspace_name, is_approved } => {
            apps::decided(client_name, workspace_name, *is_approved)
        }
        LetterKind::Comms { workspace_name, subject, text } => {
            workspace::comms(workspace_name, subject.as_deref(), text)
        }
        LetterKind::Message { subject, text, html } => {
            let subject = one_line(subject).into();
            return Err(Letter { subject, text: text.clone(), html: html.clone() });
        }
    })
}

fn hours(count: u32) -> String {
    format!("{count} {}", if count == 1 { "hour" } else { "hours" })
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
