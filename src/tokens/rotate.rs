//! Rotation that cannot lose a session (contract §3, RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! 1. The token must exist, belong to the client, and everything it depends on must live; a token
//!    that fails here is refused and nothing happens to it.
//! 2. What is asked for must be within what was granted (`invalid_scope`, `invalid_target`).
//! 3. One conditional write spends the token. Who wins it derives the successors, stores their
//!    digests and moves the family to the next generation, in the same transaction.
//! 4. Who loses it, or comes later, is *retrying* if its token is the parent of the present
//!    generation, the window is open and no successor has been used: it derives the same pair.
//! 5. Anything else is reuse: the grant ends, the event is recorded, the user is told by mail.

use chrono::{DateTime, Utc};
use entity::{client, refresh_token, token_family};

use super::{
    audience,
    issue::{AccessRow, Issued, Lifetimes},
    resolve::{self, Resolved},
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        derive::Parent,
        secret::{AccessToken, RefreshToken, Secret},
    },
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, Txn, token_records::TokenRecord},
};

/// What a refresh asks its access token to be restricted to.
#[derive(Clone, Debug, Default)]
pub struct Restriction {
    /// Fewer scope tokens than were granted.
    pub scope: Option<Scope>,
    /// One audience (RFC 8707 §2.2).
    pub resource: Option<String>,
}

/// What became of a presented refresh token.
#[derive(Debug)]
pub enum Rotation {
    /// Its successors: new ones, or the same as before for a retry.
    Issued(Issued),
    /// Unknown, expired, revoked or another client's; nothing was touched.
    Invalid,
    /// It was used before: every token of its grant is dead.
    Replayed,
    /// More scope than was granted; nothing was touched.
    ScopeTooWide,
    /// An audience that is unknown, or not the one that was granted; nothing was touched.
    WrongTarget,
}

/// Uses a refresh token.
///
/// # Errors
/// When the database fails; then the token is as it was.
pub async fn rotate(
    app: &App,
    client: &client::Model,
    token: &Secret<RefreshToken>,
    asked: Restriction,
) -> Result<Rotation, Fault> {
    let now = app.now();
    let found = store::token_records::find_refresh(app.store.read(), &token.sha256()).await?;
    // ownership before destruction: another client's token is not even looked at
    let Some(record) = found.filter(|record| record.client_id == client.id) else {
        return Ok(Rotation::Invalid);
    };
    if record.expires_at.0 <= now || record.family_expires_at.0 <= now {
        return Ok(Rotation::Invalid);
    }
    let Some(record) = living(record) else { return Ok(Rotation::Invalid) };
    let restriction = match restrict(app, &record, asked) {
        Ok(restriction) => restriction,
        Err(refusal) => return Ok(refusal),
    };
    let step = Step { app, client, token, record: &record, restriction, now };
    let txn = app.store.begin().await?;
    if store::refresh_tokens::consume(&txn, &token.sha256(), now).await? {
        return match step.advance(&txn).await? {
            Some(issued) => {
                txn.commit().await?;
                Ok(Rotation::Issued(issued))
            }
            // revoked in this very moment: dropping the transaction leaves the token as it was
            None => Ok(Rotation::Invalid),
        };
    }
    let family = store::token_families::find(&txn, record.family_id).await?;
    let Some(family) = family.filter(|family| family.revoked_at.is_none()) else {
        return Ok(Rotation::Invalid);
    };
    let outcome = if step.is_retry(&family) {
        step.retry(&txn).await?
    } else {
        end_grant(app, &txn, &record, now).await?
    };
    txn.commit().await?;
    Ok(outcome)
}

/// A user in no workspace may refresh; the API refuses the token as long as that is so.
fn living(record: TokenRecord) -> Option<TokenRecord> {
    let is_homeless = record.workspace_id.is_none();
    let copy = is_homeless.then(|| record.clone());
    match resolve::verdict(record) {
        Resolved::Live(record) => Some(*record),
        Resolved::NotBound => copy,
        Resolved::ClientDisabled | Resolved::WorkspaceDisabled | Resolved::Dead => None,
    }
}

/// Step 2: what the new access token may do.
fn restrict(
    app: &App,
    record: &TokenRecord,
    asked: Restriction,
) -> Result<(Scope, Option<String>), Rotation> {
    // what was granted may have become less since: the client's registration, the user's role
    let possible = resolve::scope_of(record);
    let scope = match asked.scope {
        // RFC 6749 §6: must not include any scope not originally granted
        Some(scope) if !scope.is_within(&Scope::stored(&record.family_scope)) => {
            return Err(Rotation::ScopeTooWide);
        }
        Some(scope) => scope.intersection(&possible),
        None => possible,
    };
    let resource = match (asked.resource, &record.family_resource) {
        (None, granted) => granted.clone(),
        (Some(asked), Some(granted)) if asked == *granted => Some(asked),
        (Some(asked), None) if audience::is_registered(app, &asked) => Some(asked),
        (Some(_), _) => return Err(Rotation::WrongTarget),
    };
    Ok((scope, resource))
}

struct Step<'a> {
    app: &'a App,
    client: &'a client::Model,
    token: &'a Secret<RefreshToken>,
    record: &'a TokenRecord,
    restriction: (Scope, Option<String>),
    now: DateTime<Utc>,
}

impl Step<'_> {
    fn parent(&self) -> Parent<'_> {
        Parent {
            token: self.token,
            family_id: self.record.family_id,
            generation: self.record.generation,
        }
    }

    fn refresh_child(&self) -> Secret<RefreshToken> {
        self.app.secrets.deriver.refresh_token(&self.parent())
    }

    fn access_child(&self) -> Secret<AccessToken> {
        let (scope, resource) = &self.restriction;
        let scope = scope.to_string();
        self.app.secrets.deriver.access_token(&self.parent(), &scope, resource.as_deref())
    }

    fn access_row(&self) -> AccessRow {
        let (scope, resource) = &self.restriction;
        let scope = scope.to_string();
        AccessRow {
            family_id: self.record.family_id,
            generation: self.record.generation + 1,
            narrowed: Some((
                (scope != self.record.family_scope).then_some(scope),
                resource.clone().filter(|_| self.record.family_resource.is_none()),
            )),
        }
    }

    /// Step 3. `None` if the family was revoked in between.
    async fn advance(&self, txn: &Txn) -> Result<Option<Issued>, Fault> {
        let (record, now) = (self.record, self.now);
        if !store::token_families::advance(txn, record.family_id, record.generation, now).await? {
            return Ok(None);
        }
        let lifetimes = Lifetimes::of(self.app, self.client);
        let refresh_token = self.refresh_child();
        let idle_end = now + lifetimes.refresh_idle;
        let row = refresh_token::Model {
            token_sha256: refresh_token.sha256(),
            family_id: record.family_id,
            generation: record.generation + 1,
            issued_at: store::instant(now),
            expires_at: store::instant(idle_end.min(record.family_expires_at.0)),
            consumed_at: None,
        };
        store::refresh_tokens::insert(txn, row).await?;
        let access_token = self.access_child();
        let row = self.access_row().issued(&access_token, now, lifetimes.access);
        store::access_tokens::insert(txn, row).await?;
        if let Some(grant_id) = record.grant_id {
            store::grants::touch(txn, grant_id, now).await?;
        }
        Ok(Some(Issued {
            access_token,
            expires_in: lifetimes.access.num_seconds(),
            refresh_token: Some(refresh_token),
            scope: self.restriction.0.clone(),
        }))
    }

    /// Step 4: whether this is the parent of the present generation, in time, its successors unused.
    fn is_retry(&self, family: &token_family::Model) -> bool {
        let window = self.app.config.oauth.refresh_retry_window();
        family.generation == self.record.generation + 1
            && family.successor_used_at.is_none()
            && family.rotated_at.is_some_and(|at| self.now < at.0 + window)
    }

    /// Step 4: the same pair again. A retry that asks for another restriction gets an access token
    /// of its own beside the same refresh token.
    async fn retry(&self, txn: &Txn) -> Result<Rotation, Fault> {
        let refresh_token = self.refresh_child();
        let known = store::refresh_tokens::find(txn, refresh_token.sha256()).await?;
        if known.is_none_or(|row| row.consumed_at.is_some()) {
            // derived under another key (secrets.toml was replaced): not a retry we can answer
            return Ok(Rotation::Invalid);
        }
        let access_token = self.access_child();
        let lifetimes = Lifetimes::of(self.app, self.client);
        let row = self.access_row().issued(&access_token, self.now, lifetimes.access);
        let mut expires_at = row.expires_at.0;
        if store::access_tokens::insert_derived(txn, row).await?.is_err() {
            let stored = store::access_tokens::find(txn, access_token.sha256()).await?;
            expires_at = stored.map_or(expires_at, |row| row.expires_at.0);
        }
        Ok(Rotation::Issued(Issued {
            access_token,
            expires_in: (expires_at - self.now).num_seconds(),
            refresh_token: Some(refresh_token),
            scope: self.restriction.0.clone(),
        }))
    }
}

/// Step 5: a token that was used before came back, so somebody else holds a copy.
async fn end_grant(
    app: &App,
    txn: &Txn,
    record: &TokenRecord,
    now: DateTime<Utc>,
) -> Result<Rotation, Fault> {
    let (Some(grant_id), Some(user_id)) = (record.grant_id, record.user_id) else {
        return Err(Fault::internal("a refresh token without a grant"));
    };
    if store::grants::revoke(txn, grant_id, now).await? {
        let event = Event::new(
            "refresh_token.reuse",
            Actor::Client(record.client_id.clone()),
            Target::new("grant", grant_id),
        )
        .in_workspace(record.workspace_id)
        .because("the grant was revoked");
        audit::record(app, txn, event).await?;
        if let Some(user) = store::users::find(txn, user_id).await? {
            let letter = LetterKind::TokenReuse {
                client_name: record.client_name.clone(),
                workspace_name: record.workspace_name.clone(),
                at: now,
            };
            outbox::queue(app, txn, &user.email, &letter).await?;
        }
    }
    Ok(Rotation::Replayed)
}
