//! What a presented token is worth right now. Nothing about its life is copied into it: one join
//! looks at the token, its family, grant, client, user, membership and workspace.

use chrono::{DateTime, Utc};

use super::{
    admission::{self, Barred},
    scopes::Scope,
};
use crate::{
    app::App,
    cache::Subject,
    clock,
    crypto::{
        digest,
        secret::{AccessToken, RefreshToken, Secret},
    },
    fault::Fault,
    store::{
        self,
        token_records::{RefreshRecord, TokenRecord},
    },
};

/// The state of a token.
#[derive(Debug)]
pub enum Resolved {
    /// It may be used.
    Live(Box<TokenRecord>),
    /// Its client is disabled.
    ClientDisabled(Box<TokenRecord>),
    /// Its client or its user is not, or no longer, bound to its workspace: the client perhaps to another
    /// one, or to another enterprise.
    NotBound(Box<TokenRecord>),
    /// Its workspace is disabled.
    WorkspaceDisabled(Box<TokenRecord>),
    /// It is unknown, expired, spent or revoked, its user is disabled or has a new password, or the
    /// workspace or the user has barred its client.
    Dead,
}

impl Resolved {
    /// The record of a live token.
    #[must_use]
    pub fn live(self) -> Option<TokenRecord> {
        match self {
            Self::Live(record) => Some(*record),
            _ => None,
        }
    }
}

/// Looks an access token up. The first use of a rotation's access token closes the retry window of
/// its parent.
///
/// # Errors
/// When the database fails.
pub async fn access_token(app: &App, token: &Secret<AccessToken>) -> Result<Resolved, Fault> {
    let now = app.now();
    let found = store::token_records::find_access(app.store.read(), &token.sha256()).await?;
    let Some(record) = found.filter(|record| lives(record, now)) else {
        return Ok(Resolved::Dead);
    };
    let resolved = verdict(record);
    if let Resolved::Live(record) = &resolved
        && record.generation == record.family_generation
        && is_retry_window_open(app, record, now)
    {
        let txn = app.store.begin().await?;
        store::token_families::close_retry_window(&txn, record.family_id, record.generation, now)
            .await?;
        txn.commit().await?;
    }
    Ok(resolved)
}

/// Looks up an access token that speaks of a user, be that user in a workspace or in none: who somebody
/// is does not depend on where they belong. `None` if it is not live, or was issued for a workspace
/// that the user has left.
///
/// # Errors
/// When the database fails.
pub async fn token_of_somebody(
    app: &App,
    token: &Secret<AccessToken>,
) -> Result<Option<TokenRecord>, Fault> {
    let is_homeless = |it: &TokenRecord| it.workspace_id.is_none() && it.user_id.is_some();
    Ok(match access_token(app, token).await? {
        Resolved::Live(record) => Some(*record),
        Resolved::NotBound(record) => Some(*record).filter(is_homeless),
        _ => None,
    })
}

/// Looks a refresh token up without using it (RFC 7662).
///
/// # Errors
/// When the database fails.
pub async fn refresh_token(app: &App, token: &Secret<RefreshToken>) -> Result<Resolved, Fault> {
    let Some(family_id) = app.secrets.deriver.family_of(token) else { return Ok(Resolved::Dead) };
    let found = store::token_records::find_refresh(app.store.read(), family_id).await?;
    let is_present = |found: &RefreshRecord| {
        lives(&found.token, app.now()) && digest::equal(&token.sha256(), &found.refresh_sha256)
    };
    Ok(found.filter(is_present).map_or(Resolved::Dead, |found| verdict(found.token)))
}

/// What a token may do now: what it was granted ∩ what its client may have, and the client of the token
/// that it was exchanged from ∩ what its user still allows ∩ what the role allows ∩ what the workspace
/// has approved.
#[must_use]
pub fn scope_of(record: &TokenRecord) -> Scope {
    let granted = record.narrowed_scope.as_deref().unwrap_or(&record.family_scope);
    let mut granted = Scope::stored(granted).intersection(&Scope::stored(&record.client_scope));
    if record.parent_family_id.is_some() {
        granted = granted.intersection(&Scope::stored(&record.origin_client_scope));
    }
    let Some(allowed) = &record.grant_scope else { return granted };
    let allowed = granted.intersection(&Scope::stored(allowed)).for_role(record.role);
    admission::of_token(record).map_or_else(|_| Scope::default(), |ceiling| ceiling.limit(&allowed))
}

/// The rows whose change may make a live token another one.
#[must_use]
pub fn subjects_of(record: &TokenRecord) -> Vec<Subject> {
    let mut subjects =
        vec![Subject::Family(record.family_id), Subject::Client(record.client_id.clone())];
    if let Some(id) = record.parent_family_id {
        subjects.push(Subject::Family(id));
        subjects.push(Subject::Client(record.origin_client_id.clone()));
    }
    subjects.extend(record.grant_id.map(Subject::Grant));
    subjects.extend(record.user_id.map(Subject::User));
    subjects.extend(record.workspace_id.map(Subject::Workspace));
    subjects
}

/// The audience of a token, if it was restricted to one (RFC 8707).
#[must_use]
pub fn audience_of(record: &TokenRecord) -> Option<&str> {
    record.narrowed_resource.as_deref().or(record.family_resource.as_deref())
}

/// Whether a token, whatever it depends on, is in its time.
pub(super) fn lives(token: &TokenRecord, now: DateTime<Utc>) -> bool {
    clock::lives(now, token.issued_at.0, token.expires_at.0)
}

/// Whether everything a token depends on still lives; the token's own clock is looked at elsewhere.
pub(super) fn verdict(record: TokenRecord) -> Resolved {
    let is_person_gone = record.user_id.is_some()
        && (record.user_disabled_at.is_some()
            || record.user_epoch != Some(record.family_user_epoch));
    let is_superseded =
        record.family_generation - record.generation >= store::access_tokens::GENERATIONS_KEPT;
    let barred = admission::of_token(&record).err();
    let is_elsewhere = barred == Some(Barred::Elsewhere);
    if record.family_revoked_at.is_some()
        || record.grant_revoked_at.is_some()
        || is_person_gone
        || is_superseded
        || (barred.is_some() && !is_elsewhere)
    {
        return Resolved::Dead;
    }
    let record = Box::new(record);
    if record.client_disabled_at.is_some() {
        return Resolved::ClientDisabled(record);
    }
    let is_bound = record.workspace_id.is_some()
        && (record.user_id.is_none() || record.role.is_some())
        && !is_elsewhere;
    if !is_bound {
        return Resolved::NotBound(record);
    }
    if record.workspace_disabled_at.is_some() {
        return Resolved::WorkspaceDisabled(record);
    }
    Resolved::Live(record)
}

/// Whether the parent of the family's present tokens may still be retried.
pub(super) fn is_retry_window_open(app: &App, record: &TokenRecord, now: DateTime<Utc>) -> bool {
    record.successor_used_at.is_none()
        && record.rotated_at.is_some_and(|at| now < at.0 + app.config.oauth.refresh_retry_window())
}
