//! Rotation that cannot lose a session (contract §3, RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! 1. The token says which family it belongs to (`crypto/refresh.rs`). The family must belong to the
//!    client, and everything it depends on must live; a token that fails here is refused and nothing
//!    happens to it.
//! 2. What is asked for must be within what was granted (`invalid_scope`, `invalid_target`), and whoever
//!    asks for tokens that are bound must prove the key: a retry as well as a first use.
//! 3. One conditional write spends the present token and puts its successor, derived from it, in its
//!    place, in the same transaction as the access token that comes with it.
//! 4. Who comes later is *retrying* if its token is the parent of the present one, the window is open
//!    and no successor has been used: it derives the same pair. So does who loses the write of step 3,
//!    even if the winner's answer has been used meanwhile: it came before the token was spent.
//! 5. Anything else that was minted for the family is reuse: the grant ends, the event is recorded,
//!    the user is told by mail.

mod asked;

use chrono::{DateTime, Utc};
use entity::client;

use self::asked::{Excess, is_proved, restrict};
use super::{
    dpop::Thumbprint,
    grants,
    issue::{About, AccessRow, Issued, Lifetimes},
    resolve::{self, Resolved},
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        derive::{Deriver, Parent},
        digest,
        secret::{AccessToken, RefreshToken, Secret},
    },
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{
        self, Desk, Txn,
        issuing::Rotated,
        token_records::{RefreshRecord, TokenRecord},
    },
};

/// How many access tokens retries of one refresh may have beside the first one, each restricted in another way. Who
/// wants more uses the new refresh token.
const RETRIES: i64 = 16;

/// What a refresh asks its access token to be restricted to.
#[derive(Clone, Debug, Default)]
pub struct Restriction {
    /// Fewer scope tokens than were granted.
    pub scope: Option<Scope>,
    /// One audience (RFC 8707 §2.2).
    pub resource: Option<String>,
    /// The key that was proved to be at hand (RFC 9449 §5).
    pub key: Option<Thumbprint>,
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
    /// The tokens are bound to a key that was not proved; nothing was touched.
    WrongKey,
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
    store::retrying(|| rotate_once(app, client, token, &asked)).await
}

async fn rotate_once(
    app: &App,
    client: &client::Model,
    token: &Secret<RefreshToken>,
    asked: &Restriction,
) -> Result<Rotation, Fault> {
    let now = app.now();
    let Some(family_id) = app.secrets.deriver.family_of(token) else {
        return Ok(Rotation::Invalid);
    };
    let desk = app.store.desk().await?;
    let found = store::token_records::find_refresh(&desk, family_id).await?;
    let Some(record) = found.and_then(|found| usable(found, client, now)) else {
        return Ok(Rotation::Invalid);
    };
    if !is_proved(client, &record.token, asked.key) {
        return Ok(Rotation::WrongKey);
    }
    let restriction = match restrict(app, &record.token, asked) {
        Ok(restriction) => restriction,
        Err(Excess::Scope) => return Ok(Rotation::ScopeTooWide),
        Err(Excess::Target) => return Ok(Rotation::WrongTarget),
    };
    let step = Step { app, client, token, family_id, restriction, key: asked.key, now };
    let is_present = Place::of(token, &record) == Place::Present;
    // who comes late begins anew, once others may write
    let desk = is_present.then_some(desk);
    if let Some(desk) = desk
        && let Some(issued) = step.advance(desk, &record).await?
    {
        return Ok(Rotation::Issued(issued));
    }
    step.come_late(is_present).await
}

/// Where a token that was minted for a family stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It lives.
    Present,
    /// The present one replaced it.
    Parent,
    /// It was spent before that.
    Older,
}

impl Place {
    fn of(token: &Secret<RefreshToken>, record: &RefreshRecord) -> Self {
        let digest = token.sha256();
        if digest::equal(&digest, &record.refresh_sha256) {
            Self::Present
        } else if record.parent_sha256.as_ref().is_some_and(|it| digest::equal(&digest, it)) {
            Self::Parent
        } else {
            Self::Older
        }
    }
}

/// Step 1. Ownership before destruction: another client's token is not even looked at. Nor is one of a family that was
/// refreshed while the clock was ahead: nobody can tell then what came first, so nothing is reuse.
fn usable(
    mut record: RefreshRecord,
    client: &client::Model,
    now: DateTime<Utc>,
) -> Option<RefreshRecord> {
    let token = record.token;
    if token.client_id != client.id
        || !resolve::lives(&token, now)
        || token.family_expires_at.0 <= now
    {
        return None;
    }
    record.token = living(token)?;
    Some(record)
}

/// A user in no workspace may refresh; the API refuses the token as long as that is so.
fn living(record: TokenRecord) -> Option<TokenRecord> {
    match resolve::verdict(record) {
        Resolved::Live(record) => Some(*record),
        Resolved::NotBound(record) => Some(*record).filter(|it| it.workspace_id.is_none()),
        Resolved::ClientDisabled(_) | Resolved::WorkspaceDisabled(_) | Resolved::Dead => None,
    }
}

struct Step<'a> {
    app: &'a App,
    client: &'a client::Model,
    token: &'a Secret<RefreshToken>,
    family_id: i64,
    restriction: (Scope, Option<String>),
    key: Option<Thumbprint>,
    now: DateTime<Utc>,
}

/// What the presented token becomes when it is, or was, the one of `generation`.
struct Successors {
    access_token: Secret<AccessToken>,
    refresh_token: Secret<RefreshToken>,
    access_row: AccessRow,
}

impl Step<'_> {
    fn successors(&self, deriver: &Deriver, record: &TokenRecord, generation: i64) -> Successors {
        let parent = Parent { token: self.token, family_id: record.family_id, generation };
        let (key, (scope, resource)) = (self.key.map(|key| key.to_string()), &self.restriction);
        let (scope, bounds) = (scope.to_string(), (resource.as_deref(), key.as_deref()));
        Successors {
            access_token: deriver.access_token(&parent, &scope, bounds),
            refresh_token: deriver.refresh_token(&parent),
            access_row: AccessRow {
                family_id: record.family_id,
                generation: generation + 1,
                key: self.key,
                narrowed: Some((
                    (scope != record.family_scope).then_some(scope),
                    resource.clone().filter(|_| *resource != record.family_resource),
                )),
            },
        }
    }

    fn issued(
        &self,
        record: &TokenRecord,
        successors: Successors,
        expires_at: DateTime<Utc>,
    ) -> Issued {
        Issued {
            access_token: successors.access_token,
            expires_in: (expires_at - self.now).num_seconds(),
            refresh_token: Some(successors.refresh_token),
            scope: self.restriction.0.clone(),
            key: self.key,
            details: record
                .terms
                .as_ref()
                .map(|terms| terms.authorization_details.clone())
                .unwrap_or_default(),
            about: about(record),
        }
    }

    /// Step 3. `None` if somebody was faster, or the family was revoked in between.
    async fn advance(&self, desk: Desk, record: &RefreshRecord) -> Result<Option<Issued>, Fault> {
        let (token, now) = (&record.token, self.now);
        let lifetimes = Lifetimes::of(self.app, self.client);
        let deriver = self.app.secrets.deriver.present();
        let successors = self.successors(deriver, token, token.generation);
        let refresh_end = (now + lifetimes.refresh_idle).min(token.family_expires_at.0);
        let is_noted =
            record.grant_last_used_at.is_some_and(|at| now < at.0 + grants::USE_NOTED_EVERY);
        let rotated = Rotated {
            family_id: self.family_id,
            generation: token.generation,
            spent_sha256: self.token.sha256(),
            refresh_sha256: successors.refresh_token.sha256(),
            now: store::instant(now),
            refresh_expires_at: store::instant(refresh_end),
            ends_at: store::instant(
                lifetimes.end_of_all(self.app, now, Some(refresh_end)).max(record.ends_at.0),
            ),
            access_token: successors.access_row.issued(
                &successors.access_token,
                now,
                lifetimes.access,
            ),
            used_grant: token.grant_id.filter(|_| !is_noted),
        };
        let is_first = store::issuing::rotate(desk, rotated).await?;
        Ok(is_first.then(|| self.issued(token, successors, now + lifetimes.access)))
    }

    /// Steps 4 and 5, of a token that is not the present one. `is_racing` says that it was a moment
    /// ago.
    async fn come_late(&self, is_racing: bool) -> Result<Rotation, Fault> {
        let txn = self.app.store.begin().await?;
        // who was faster may be in the same batch: only a transaction sees it
        let found = store::token_records::find_refresh(&txn, self.family_id).await?;
        let Some(record) = found.and_then(|found| usable(found, self.client, self.now)) else {
            return Ok(Rotation::Invalid);
        };
        let place = Place::of(self.token, &record);
        let is_retry = place == Place::Parent && self.holds_window(&txn, &record.token).await?;
        let outcome = match place {
            Place::Parent if is_retry || is_racing => self.retry(&txn, &record, is_retry).await?,
            Place::Older if is_racing => Rotation::Invalid,
            Place::Parent | Place::Older => {
                end_grant(self.app, &txn, &record.token, self.now).await?
            }
            // it was not spent after all
            Place::Present => return Err(Fault::conflict("a refresh token was not spent")),
        };
        txn.commit().await?;
        Ok(outcome)
    }

    /// Step 4: whether a parent of the present token comes in time, its successors unused; nobody
    /// uses or revokes one until the transaction ends.
    async fn holds_window(&self, txn: &Txn, record: &TokenRecord) -> Result<bool, Fault> {
        Ok(resolve::is_retry_window_open(self.app, record, self.now)
            && store::token_families::hold_retry_window(txn, record.family_id, record.generation)
                .await?)
    }

    /// Step 4: the same pair again. A retry that asks for another restriction gets an access token
    /// of its own beside the same refresh token, up to [`RETRIES`] of them; who only raced gets what is
    /// there.
    async fn retry(
        &self,
        txn: &Txn,
        record: &RefreshRecord,
        may_insert: bool,
    ) -> Result<Rotation, Fault> {
        let token = &record.token;
        // the keys may have been replaced since, or be others on the node that was faster
        let derivers = self.app.secrets.deriver.each();
        let mut possible = derivers.map(|it| self.successors(it, token, token.generation - 1));
        let is_there =
            |it: &Successors| digest::equal(&it.refresh_token.sha256(), &record.refresh_sha256);
        let Some(successors) = possible.find(is_there) else {
            // derived under a key that is known no longer: not a retry we can answer
            return Ok(Rotation::Invalid);
        };
        let lifetimes = Lifetimes::of(self.app, self.client);
        let (access_row, access_token) = (&successors.access_row, &successors.access_token);
        let ends =
            if let Some(stored) = store::access_tokens::find(txn, access_token.sha256()).await? {
                stored.expires_at
            } else if may_insert
                && store::token_families::count_retry(txn, self.family_id, RETRIES).await?
            {
                // who holds the window is alone
                let row = access_row.issued(access_token, self.now, lifetimes.access);
                let ends = row.expires_at;
                store::access_tokens::insert(txn, row).await?;
                ends
            } else {
                return Ok(Rotation::Invalid);
            };
        Ok(Rotation::Issued(self.issued(token, successors, ends.0)))
    }
}

/// Whom the successors speak of: as the first tokens did, but for what was said once only (OpenID
/// Connect Core §12.2).
fn about(record: &TokenRecord) -> Option<Box<About>> {
    Some(Box::new(About {
        user_id: record.user_id?,
        authenticated_at: record.authenticated_at?.0,
        nonce: None,
        terms: record.terms.clone().unwrap_or_default(),
    }))
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
