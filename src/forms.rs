//! Forms that are sent twice: by a second click, a reload, or a browser that tries again.
//!
//! A form that makes something carries an id, which is spent in the transaction that makes it. A form
//! that replaces something carries the version of what it replaces (`crypto/digest.rs`).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::App,
    crypto::jwt::{Link, LinkSigner},
    fault::Fault,
    store::{self, Txn, spent_ids::Use},
};

/// How long a form may be open, in hours.
const HOURS: i64 = 12;

/// A form as somebody has sent it.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Who has.
    pub user_id: Uuid,
    /// The id that it carries.
    pub id: &'a str,
}

/// Why a form makes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It was sent before, and has made something then.
    Repeated,
    /// It was open for too long, or has no id of this user's.
    Stale,
}

#[derive(Serialize, Deserialize)]
struct FormId {
    id: Uuid,
    user_id: Uuid,
    expires_at: DateTime<Utc>,
}

impl Link for FormId {
    const PURPOSE: &'static str = "form";
    const LIFETIME: TimeDelta = TimeDelta::hours(HOURS);

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// The id of a new form for a user.
///
/// # Errors
/// When it cannot be signed.
pub fn mint(app: &App, user_id: Uuid) -> Result<String, Fault> {
    let now = app.now();
    let expires_at = now + FormId::LIFETIME;
    let form = FormId { id: app.random.uuid(now), user_id, expires_at };
    LinkSigner::new(&app.secrets.links).sign(&form)
}

/// Begins the transaction of what a form makes, with the id of the form spent in it: if nothing is made,
/// nothing is spent.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &App, sent: Sent<'_>) -> Result<Result<Txn, Unfit>, Fault> {
    let signer = LinkSigner::new(&app.secrets.links);
    let form = signer.verify::<FormId>(sent.id, app.now());
    let Some(form) = form.filter(|form| form.user_id == sent.user_id) else {
        return Ok(Err(Unfit::Stale));
    };
    let name = (&*form.user_id.to_string(), &*form.id.to_string());
    let txn = app.store.begin().await?;
    let is_first = store::spent_ids::spend(&txn, Use::Form, name, form.expires_at).await?;
    Ok(if is_first { Ok(txn) } else { Err(Unfit::Repeated) })
}
