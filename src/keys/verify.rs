//! What a presented key is worth right now.

use chrono::{DateTime, Utc};
use entity::member::Role;

use super::{RawKey, scope_list};
use crate::{
    app::App,
    cache::Subject,
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
    Live(Box<LiveKey>),
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

/// A key that may be used.
#[derive(Debug)]
pub struct LiveKey {
    /// The key with all its life depends on.
    pub record: KeyRecord,
    /// Its owner's role in its workspace; a service account has none.
    pub role: Option<Role>,
}

impl LiveKey {
    /// Whether it may do everything its product offers, which is more than a mere member can give.
    #[must_use]
    pub fn has_full_access(&self) -> bool {
        self.record.key.full_access && self.role.is_none_or(|role| role > Role::Member)
    }
}

/// What a key may do now: what it was given ∩ what its owner's role allows. Full access is given as
/// the whole catalogue of the product.
#[must_use]
pub fn scope_of(app: &App, live: &LiveKey) -> Scope {
    let LiveKey { record, role } = live;
    let given: Scope = if record.key.full_access {
        let product = app.config.products.get(&record.workspace.product);
        product.into_iter().flat_map(|product| product.scopes.keys().cloned()).collect()
    } else {
        scope_list::scope_of(&record.key.scopes)
    };
    match role {
        None => given,
        Some(role) => given.for_role(Some(*role)),
    }
}

/// The rows whose change may make a live key another one.
#[must_use]
pub fn subjects_of(record: &KeyRecord) -> Vec<Subject> {
    let mut subjects = vec![Subject::Key(record.key.id), Subject::Workspace(record.workspace.id)];
    subjects.extend(record.user.as_ref().map(|user| Subject::User(user.id)));
    subjects
}

/// When a key with this digest ends by itself: what it was before a rotation may end earlier.
#[must_use]
pub fn end_of(record: &KeyRecord, sha256: &[u8]) -> Option<DateTime<Utc>> {
    let replaced = record.key.previous_expires_at.filter(|_| record.key.key_sha256 != sha256);
    record.key.expires_at.into_iter().chain(replaced).map(|at| at.0).min()
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
    let is_replaced = record.key.key_sha256 != sha256
        && record.key.previous_expires_at.is_none_or(|at| at.0 <= now);
    if record.key.revoked_at.is_some() || is_replaced {
        return Ok(Verdict::Unknown);
    }
    if let Some(bar) = bar(&record, now) {
        return Ok(Verdict::Barred(bar, Box::new(record)));
    }
    let role = match &record.user {
        None => None,
        Some(owner) => match store::members::find(db, record.workspace.id, owner.id).await? {
            Some(member) => Some(member.role),
            None => return Ok(Verdict::Barred(Bar::OwnerNotMember, Box::new(record))),
        },
    };
    Ok(Verdict::Live(Box::new(LiveKey { record, role })))
}

fn bar(record: &KeyRecord, now: DateTime<Utc>) -> Option<Bar> {
    let key = &record.key;
    if !key.is_active {
        Some(Bar::Inactive)
    } else if key.expires_at.is_some_and(|at| at.0 <= now) {
        Some(Bar::Expired)
    } else if record.workspace.disabled_at.is_some() {
        Some(Bar::WorkspaceDisabled)
    } else if record.user.as_ref().is_some_and(|user| user.disabled_at.is_some()) {
        Some(Bar::OwnerDisabled)
    } else if record.user.is_none() && record.service_account.is_none() {
        // a key acts as somebody; without an owner it may do nothing
        Some(Bar::OwnerNotMember)
    } else {
        None
    }
}
