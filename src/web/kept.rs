//! What somebody had typed into a form that came too late: it goes through the proof that is asked for
//! in a cookie, sealed for its user, and is there to be sent again afterwards. Never a password.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use poem::http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::csrf::{self, CsrfForm};
use crate::app::App;

/// RFC 6265bis §4.1.3.2.
const SECURE_NAME: &str = "__Host-latchkey-form";
/// Only where the issuer is plain HTTP.
const LOOPBACK_NAME: &str = "latchkey-form";
/// Browsers keep 4096 bytes of a cookie; longer forms are typed again.
const MAX_VALUE_BYTES: usize = 3800;
const MINUTES: i64 = 15;
/// Rooms whose forms have no secrets and no steps of a ceremony.
const ROOMS: [&str; 2] = ["/admin/", "/workspaces/"];
/// Names that nothing is kept of, wherever they come from.
const SECRETS: [&str; 5] = ["code", "recovery_code", "credential", "state", "token"];

/// A form that came too late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Where it was sent.
    pub action: String,
    /// What was typed, by the names of the fields.
    pub fields: Vec<(String, String)>,
    until: DateTime<Utc>,
}

impl Kept {
    /// What is kept of a form that a user has sent to a path; `None` if nothing is.
    #[must_use]
    pub fn of(app: &App, action: &str, form: &CsrfForm) -> Option<Self> {
        let is_secret = |name: &str| name.contains("password") || SECRETS.contains(&name);
        if !ROOMS.iter().any(|room| action.starts_with(room))
            || form.pairs().any(|(name, _)| is_secret(name))
        {
            return None;
        }
        let sent = form.pairs().filter(|(name, _)| *name != csrf::FIELD);
        let kept = Self {
            action: action.to_owned(),
            fields: sent.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            until: app.now() + TimeDelta::minutes(MINUTES),
        };
        // a button alone is pressed again where it says what it does
        let is_typed = !kept.typed().is_empty();
        is_typed.then_some(kept)
    }

    /// The `Set-Cookie` that carries it; `None` if it is too long for one.
    #[must_use]
    pub fn cookie(&self, app: &App, user_id: Uuid, is_secure: bool) -> Option<HeaderValue> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = app.secrets.sealer.seal(&*app.random, &context(user_id), &plain).ok()?;
        let text = URL_SAFE_NO_PAD.encode(sealed);
        if text.len() > MAX_VALUE_BYTES {
            return None;
        }
        let (name, secure) = (name_of(is_secure), if is_secure { "; Secure" } else { "" });
        let seconds = MINUTES * 60;
        let cookie =
            format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::try_from(cookie).ok()
    }

    /// What is kept in the browser of a request, for this user.
    #[must_use]
    pub fn read(app: &App, headers: &HeaderMap, user_id: Uuid, is_secure: bool) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        let mut pairs =
            cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
        let (_, text) = pairs.find(|(name, _)| *name == name_of(is_secure))?;
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = app.secrets.sealer.open(&context(user_id), &sealed).ok()?;
        let kept: Self = serde_json::from_slice(&plain).ok()?;
        (app.now() < kept.until).then_some(kept)
    }

    /// What was typed, as a page shows it: without what only the page knows.
    #[must_use]
    pub fn typed(&self) -> Vec<(String, &str)> {
        let hidden = [super::once::FORM, super::once::PRESENT];
        let shown = self.fields.iter().filter(|(name, _)| !hidden.contains(&&**name));
        shown.map(|(name, value)| (name.replace('_', " "), value.as_str())).collect()
    }
}

fn context(user_id: Uuid) -> String {
    format!("form:{user_id}")
}

const fn name_of(is_secure: bool) -> &'static str {
    if is_secure { SECURE_NAME } else { LOOPBACK_NAME }
}
