//! What a presented key is worth right now.

use chrono::{DateTime, Utc};
use entity::member::Role;

use super::{RawKey, scope_list};
use crate::{
    app::App,
    cache::Subject,
    crypto::digest,
    fault::Fault,
    store::{self, api_keys::KeyRecord},
    tokens::scopes::Scope,
};

/// The state of a key.
#[derive(Debug)]
pub enum Verdict {
    /// It was never made, is revoked, or is deleted.
    Unknown,
    /// It is known and must not be used now.
    Barred(Bar, Box<KeyRecord>),
    /// It may be used.
    Live(Box<KeyRecord>),
}

/// Why a known key must not be used now, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// It is switched off.
    Inactive,
    /// Its time is over.
    Expired,
    /// Its workspace is disabled.
    WorkspaceDisabled,
    /// The user who owns it is disabled.
    OwnerDisabled,
    /// Its owner is not, or no longer, in its workspace.
    OwnerNotMember,
}

impl KeyRecord {
    /// Whether it may do everything its product offers, which is more than a mere member can give.
    #[must_use]
    pub fn has_full_access(&self) -> bool {
        // a service account has no role
        self.full_access && self.role.is_none_or(|role| role > Role::Member)
    }
}

/// What a key may do now: what it was given ∩ what its owner's role allows. Full access is given as
/// the whole catalogue of the product.
#[must_use]
pub fn scope_of(app: &App, record: &KeyRecord) -> Scope {
    let given: Scope = if record.full_access {
        let product = app.config.products.get(&record.product);
        product.into_iter().flat_map(|product| product.scopes.keys().cloned()).collect()
    } else {
        scope_list::scope_of(&record.scopes)
    };
    match record.role {
        None => given,
        role => given.for_role(role),
    }
}

/// The rows whose change may make a live key another one.
#[must_use]
pub fn subjects_of(record: &KeyRecord) -> Vec<Subject> {
    let mut subjects = vec![Subject::Key(record.id), Subject::Workspace(record.workspace_id)];
    subjects.extend(record.user_id.map(Subject::User));
    subjects
}

/// When a key with this digest ends by itself: what it was before a rotation may end earlier.
#[must_use]
pub fn end_of(record: &KeyRecord, sha256: &[u8]) -> Option<DateTime<Utc>> {
    let replaced =
        record.previous_expires_at.filter(|_| !digest::equal(&record.key_sha256, sha256));
    record.expires_at.into_iter().chain(replaced).map(|at| at.0).min()
}

/// Looks a key up and at everything its life depends on.
///
/// # Errors
/// When the database fails.
pub async fn verify(app: &App, raw: &RawKey) -> Result<Verdict, Fault> {
    let now = app.now();
    let db = app.store.read();
    let sha256 = raw.sha256();
    let Some(record) = store::api_keys::find_record(db, &sha256).await? else {
        return Ok(Verdict::Unknown);
    };
    // what a key was before it was rotated ends like a key that is revoked
    let is_replaced = !digest::equal(&record.key_sha256, &sha256)
        && record.previous_expires_at.is_none_or(|at| at.0 <= now);
    if record.revoked_at.is_some() || is_replaced {
        return Ok(Verdict::Unknown);
    }
    Ok(match bar(&record, now) {
        Some(bar) => Verdict::Barred(bar, Box::new(record)),
        None => Verdict::Live(Box::new(record)),
    })
}

fn bar(record: &KeyRecord, now: DateTime<Utc>) -> Option<Bar> {
    // a key acts as somebody; without an owner it may do nothing
    let is_owned = match record.user_id {
        Some(_) => record.role.is_some(),
        None => record.service_account_id.is_some(),
    };
    if !record.is_active {
        Some(Bar::Inactive)
    } else if record.expires_at.is_some_and(|at| at.0 <= now) {
        Some(Bar::Expired)
    } else if record.workspace_disabled_at.is_some() {
        Some(Bar::WorkspaceDisabled)
    } else if record.user_disabled_at.is_some() {
        Some(Bar::OwnerDisabled)
    } else if !is_owned {
        Some(Bar::OwnerNotMember)
    } else {
        None
    }
}
