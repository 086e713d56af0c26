//! What an administrator changes about a client that exists: what it says about itself, who vouches
//! for it, and whether it is there at all.

use std::collections::BTreeSet;

use entity::{
    client::{Kind, Model},
    types::StringList,
};

use super::{
    authentication::is_id,
    binding::Binding,
    metadata::{NewClient, problems, sector_problem},
    registration::proves_itself_by_secret,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store,
};

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It holds from the next request on.
    Done,
    /// There is no such client.
    Unknown,
    /// Every field that breaks a rule; nothing was written.
    Invalid(Vec<FieldError>),
}

/// What stops with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stops {
    /// People's connections: in how many workspaces of how many people it is connected.
    pub grants: u64,
    /// Sets of tokens that are refreshed, or that are its own.
    pub families: u64,
}

/// A client as a form about it shows it.
#[must_use]
pub fn editable(client: &Model) -> NewClient {
    NewClient {
        name: client.name.clone(),
        redirect_uris: client.redirect_uris.0.clone(),
        grant_types: client.grant_types.0.clone(),
        scope: client.scope.split_whitespace().map(str::to_owned).collect(),
        is_public: client.kind == Kind::Public,
        binding: Binding::of(client),
        may_introspect: client.may_introspect,
        is_dynamic: client.is_dynamic,
        publisher: client.publisher.clone(),
        logo_uri: client.logo_uri.clone(),
        policy_uri: client.policy_uri.clone(),
        tos_uri: client.tos_uri.clone(),
        access_token_ttl_secs: client.access_token_ttl_secs,
        refresh_token_idle_ttl_secs: client.refresh_token_idle_ttl_secs,
        refresh_token_absolute_ttl_secs: client.refresh_token_absolute_ttl_secs,
        settings: client.settings.clone(),
    }
}

/// Writes what a client says about itself and may ask for: name, publisher, addresses, scopes,
/// lifetimes, keys. How it gets tokens stays as it was registered; a client that proves itself by keys
/// from now on has no secret any more.
///
/// # Errors
/// When the database fails.
pub async fn update(
    app: &App,
    actor: Actor,
    client_id: &str,
    edited: NewClient,
) -> Result<Change, Fault> {
    if !is_id(client_id) {
        return Ok(Change::Unknown);
    }
    // what other servers are asked is asked before the transaction
    let sector = sector_problem(app, &edited).await;
    let txn = app.store.begin().await?;
    let Some(client) = store::clients::find(&txn, client_id).await? else {
        return Ok(Change::Unknown);
    };
    let present = editable(&client);
    let edited = NewClient {
        grant_types: present.grant_types,
        is_public: present.is_public,
        binding: present.binding,
        may_introspect: present.may_introspect,
        is_dynamic: present.is_dynamic,
        ..edited
    };
    let mut problems = problems(&edited, app);
    problems.extend(sector);
    if !problems.is_empty() {
        return Ok(Change::Invalid(problems));
    }
    let client = with(client, edited);
    if !store::clients::update_metadata(&txn, &client).await? {
        return Ok(Change::Unknown);
    }
    if !proves_itself_by_secret(&client) && client.secret_sha256.is_some() {
        store::clients::forget_secrets(&txn, client_id).await?;
    }
    let event = Event::new("client.update", actor, Target::new("client", client_id));
    audit::record(app, &txn, event.in_workspace(client.workspace_id)).await?;
    txn.commit().await?;
    Ok(Change::Done)
}

fn with(client: Model, edited: NewClient) -> Model {
    let scope: BTreeSet<_> = edited.scope.into_iter().collect();
    Model {
        name: edited.name.trim().to_owned(),
        publisher: edited.publisher,
        redirect_uris: StringList(edited.redirect_uris),
        scope: scope.into_iter().collect::<Vec<_>>().join(" "),
        logo_uri: edited.logo_uri,
        policy_uri: edited.policy_uri,
        tos_uri: edited.tos_uri,
        access_token_ttl_secs: edited.access_token_ttl_secs,
        refresh_token_idle_ttl_secs: edited.refresh_token_idle_ttl_secs,
        refresh_token_absolute_ttl_secs: edited.refresh_token_absolute_ttl_secs,
        settings: edited.settings,
        ..client
    }
}

/// Vouches for a client's publisher, or no longer. `false` if there is no such client, or it is so
/// already.
///
/// # Errors
/// When the database fails.
pub async fn set_verified(
    app: &App,
    actor: Actor,
    client_id: &str,
    is_verified: bool,
) -> Result<bool, Fault> {
    if !is_id(client_id) {
        return Ok(false);
    }
    let at = is_verified.then(|| app.now());
    let txn = app.store.begin().await?;
    if !store::clients::set_verified(&txn, client_id, at).await? {
        return Ok(false);
    }
    let action = if is_verified { "client.verify" } else { "client.unverify" };
    audit::record(app, &txn, Event::new(action, actor, Target::new("client", client_id))).await?;
    txn.commit().await?;
    Ok(true)
}

/// What stops when a client is deleted.
///
/// # Errors
/// When the database fails.
pub async fn stops(app: &App, client_id: &str) -> Result<Stops, Fault> {
    let db = app.store.read();
    Ok(Stops {
        grants: store::grants::count_of_client(db, client_id).await?,
        families: store::token_families::count_live_of_client(db, client_id, app.now()).await?,
    })
}

/// Deletes a client for good, with its tokens and what people have allowed it. `false` if there is
/// no such client.
///
/// # Errors
/// When the database fails.
pub async fn delete(app: &App, actor: Actor, client_id: &str) -> Result<bool, Fault> {
    if !is_id(client_id) {
        return Ok(false);
    }
    store::retrying(|| delete_once(app, actor.clone(), client_id)).await
}

async fn delete_once(app: &App, actor: Actor, client_id: &str) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let Some(client) = store::clients::find(&txn, client_id).await? else { return Ok(false) };
    if !store::clients::delete(&txn, client_id).await? {
        return Ok(false);
    }
    // its name goes with it; the trail keeps it
    let event = Event::new("client.delete", actor, Target::new("client", client_id))
        .in_workspace(client.workspace_id)
        .because(client.name);
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}
