//! Token exchange (RFC 8693): a service that was called with a user's token gets one of its own for the
//! call behind it, with less scope or for another audience.
//!
//! The new token belongs to a family of the service's under the *same grant*, which names the family that
//! it came from: so the join that judges every token (`store/token_records.rs`) judges this one by its
//! user, membership, workspace, grant, both clients and both families, and it dies with any of them. It
//! is never refreshed, ends with the token that it came from at the latest, and is not exchanged again.

use chrono::{DateTime, Utc};
use entity::{client, terms::Terms, token_family};
use serde_json::Value;

use super::{
    dpop::Thumbprint,
    issue::{AccessRow, Issued, Lifetimes, empty_family},
    resolve,
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        derive,
        secret::{AccessToken, Secret},
    },
    fault::Fault,
    store::{self, token_records::TokenRecord},
};

/// What is asked.
#[derive(Debug)]
pub struct Asked {
    /// The user's token.
    pub subject: Secret<AccessToken>,
    /// The service's own, if it wants to be seen to act for the user (§4.1).
    pub actor: Option<Secret<AccessToken>>,
    /// Less than the subject token may; all of it, if nothing is said.
    pub scope: Option<Scope>,
    /// What of it was asked for in detail (RFC 9396); as the subject token, if nothing is said.
    pub details: Option<Vec<Value>>,
    /// The audience; the subject token's, if nothing is said.
    pub resource: Option<String>,
    /// The key that the client has proved to hold, and that the token is bound to then (RFC 9449).
    pub key: Option<Thumbprint>,
}

/// What became of it.
#[derive(Debug)]
pub enum Exchanged {
    /// The token.
    Issued(Issued),
    /// The subject token does not live, is not a user's, is of another workspace than the client's, or
    /// came of an exchange itself.
    BadSubject,
    /// The actor token does not live, or is not the client's own.
    BadActor,
    /// More than the subject token may, or than the client may have.
    ScopeTooWide,
}

/// Exchanges a token, for a client that is confidential and bound to a workspace.
///
/// # Errors
/// When the database fails.
pub async fn exchange(app: &App, client: &client::Model, asked: Asked) -> Result<Exchanged, Fault> {
    let subject = resolve::access_token(app, &asked.subject).await?.live();
    let fits = |record: &TokenRecord| {
        record.user_id.is_some()
            && record.parent_family_id.is_none()
            && record.workspace_id.is_some()
            && record.workspace_id == client.workspace_id
            // what works with a key only does not become what works without
            && (record.jkt.is_none() || asked.key.is_some())
    };
    let Some(subject) = subject.filter(fits) else { return Ok(Exchanged::BadSubject) };
    if let Some(actor) = &asked.actor {
        let actor = resolve::access_token(app, actor).await?.live();
        let is_own = |it: &TokenRecord| it.user_id.is_none() && it.client_id == client.id;
        if !actor.as_ref().is_some_and(is_own) {
            return Ok(Exchanged::BadActor);
        }
    }
    let possible = resolve::scope_of(&subject).intersection(&Scope::stored(&client.scope));
    let scope = match &asked.scope {
        Some(scope) if !scope.is_within(&possible) => return Ok(Exchanged::ScopeTooWide),
        Some(scope) => scope.clone(),
        None => possible,
    };
    let issued = issue(app, client, &subject, (scope, &asked)).await?;
    Ok(Exchanged::Issued(issued))
}

async fn issue(
    app: &App,
    client: &client::Model,
    subject: &TokenRecord,
    (scope, asked): (Scope, &Asked),
) -> Result<Issued, Fault> {
    let now = app.now();
    let lifetime = Lifetimes::of(app, client).access.min(subject.expires_at.0 - now);
    let family = family(app, client, subject, (&scope, asked), now + lifetime);
    let access_token = Secret::random(&*app.random);
    let row = AccessRow { family_id: family.id, generation: 0, narrowed: None, key: asked.key };
    let row = row.issued(&access_token, now, lifetime);
    let event = Event::new(
        "token.exchange",
        Actor::Client(client.id.clone()),
        Target::new("client", &subject.client_id),
    );
    let event = event.in_workspace(subject.workspace_id).because(format!("scope {scope}"));
    let txn = app.store.begin().await?;
    store::issuing::begin(&txn, (family, row)).await?;
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Issued {
        access_token,
        expires_in: lifetime.num_seconds(),
        refresh_token: None,
        scope,
        key: asked.key,
        details: details_of(subject, asked),
        about: None,
    })
}

/// What is asked for in detail; what of it is within the scope is told (RFC 9396 §7).
fn details_of(subject: &TokenRecord, asked: &Asked) -> Vec<Value> {
    let subjects = || Some(subject.terms.as_ref()?.authorization_details.clone());
    asked.details.clone().or_else(subjects).unwrap_or_default()
}

fn family(
    app: &App,
    client: &client::Model,
    subject: &TokenRecord,
    (scope, asked): (&Scope, &Asked),
    ends_at: DateTime<Utc>,
) -> token_family::Model {
    let audience = || resolve::audience_of(subject).map(str::to_owned);
    let terms = Terms {
        amr: subject.terms.as_ref().and_then(|terms| terms.amr.clone()),
        actor: asked.actor.as_ref().map(|_| client.id.clone()),
        authorization_details: details_of(subject, asked),
        ..Terms::default()
    };
    token_family::Model {
        id: derive::new_family_id(&*app.random),
        client_id: client.id.clone(),
        grant_id: subject.grant_id,
        scope: scope.to_string(),
        resource: asked.resource.clone().or_else(audience),
        user_epoch: subject.family_user_epoch,
        authenticated_at: subject.authenticated_at,
        terms: terms.stored(),
        expires_at: store::instant(ends_at),
        ends_at: store::instant(ends_at),
        parent_family_id: Some(subject.family_id),
        ..empty_family(app.now())
    }
}
