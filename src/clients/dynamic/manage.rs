//! What a client does with its own registration (RFC 7592 §2): reads it, replaces it, ends it.

use std::collections::BTreeSet;

use entity::{client::Model, types::StringList};
use serde_json::{Map, Value};

use super::reading::{Door, Refusal, read};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::{
        authentication::is_id,
        changes,
        metadata::NewClient,
        registration::{all_problems, has_secret, row},
    },
    crypto::{
        digest,
        secret::{ClientSecret, ManagementToken, Secret},
    },
    fault::Fault,
    store,
};

/// What became of a replacement.
#[expect(clippy::large_enum_variant, reason = "made once per change and taken apart at once")]
pub enum Replacement {
    /// It holds from the next request on.
    Done {
        /// The client as it is now.
        client: Model,
        /// A new secret, if it had none and needs one now.
        secret: Option<Secret<ClientSecret>>,
    },
    /// The metadata break a rule; nothing was written.
    Refused(Refusal),
    /// The client is gone, or disabled, meanwhile.
    Unknown,
}

/// The enabled client whose registration this token manages; `None` for every other token.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, client_id: &str, presented: &str) -> Result<Option<Model>, Fault> {
    let Some(token) = Secret::<ManagementToken>::parse(presented) else { return Ok(None) };
    if !is_id(client_id) {
        return Ok(None);
    }
    let client = store::clients::find(app.store.read(), client_id).await?;
    let is_its = |client: &Model| {
        let stored = client.registration_token_sha256.as_ref();
        stored.is_some_and(|stored| digest::equal(stored, &token.sha256()))
    };
    Ok(client.filter(|client| client.disabled_at.is_none()).filter(is_its))
}

/// Replaces what a client says about itself, all of it: what is left out is as if it had never been
/// said (RFC 7592 §2.2). The secret stays, as long as there is need of one.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    app: &App,
    client: &Model,
    metadata: &Map<String, Value>,
) -> Result<Replacement, Fault> {
    if let Some(refusal) = contradiction(client, metadata) {
        return Ok(Replacement::Refused(refusal));
    }
    let mut edited = match read(app, metadata, Door::Registration) {
        Ok(edited) => edited,
        Err(refusal) => return Ok(Replacement::Refused(refusal)),
    };
    // what an administrator demands is not for the client to take back
    edited.settings.profile = client.settings.profile;
    edited.settings.require_pkce = client.settings.require_pkce;
    if let Some(refusal) = Refusal::of(&all_problems(app, &edited).await) {
        return Ok(Replacement::Refused(refusal));
    }
    let needs_secret = has_secret(&edited);
    let txn = app.store.begin().await?;
    let Some(present) = store::clients::find(&txn, &client.id).await? else {
        return Ok(Replacement::Unknown);
    };
    let secret = (needs_secret && present.secret_sha256.is_none())
        .then(|| Secret::<ClientSecret>::random(&*app.random));
    let mut after = described_anew(app, &present, edited);
    if let Some(secret) = &secret {
        after.secret_sha256 = Some(secret.sha256());
    } else if !needs_secret {
        after.secret_sha256 = None;
        after.previous_secret_sha256 = None;
        after.previous_secret_expires_at = None;
    }
    if !store::registrations::rewrite(&txn, &after).await? {
        return Ok(Replacement::Unknown);
    }
    let actor = Actor::Client(after.id.clone());
    let event = Event::new("client.update", actor, Target::new("client", &after.id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Replacement::Done { client: after, secret })
}

/// RFC 7592 §2.2: the client names itself, and the secret, if it names one, is its own.
fn contradiction(client: &Model, metadata: &Map<String, Value>) -> Option<Refusal> {
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    if text("client_id") != Some(&client.id) {
        return Some(Refusal::Metadata("client_id must be that of the client".to_owned()));
    }
    let is_own = |secret: &Value| {
        let secret = secret.as_str().and_then(Secret::<ClientSecret>::parse);
        secret
            .zip(client.secret_sha256.as_ref())
            .is_some_and(|(secret, stored)| digest::equal(&secret.sha256(), stored))
    };
    let named = metadata.get("client_secret").filter(|secret| !secret.is_null());
    (!named.is_none_or(is_own))
        .then(|| Refusal::Metadata("client_secret must be that of the client".to_owned()))
}

/// A client as it describes itself now, with what others have settled about it: what an administrator
/// has looked after asks for no more than before, and nobody vouches for another name or another place.
pub(in crate::clients) fn described_anew(app: &App, present: &Model, edited: NewClient) -> Model {
    let mut said = row(app, edited, None);
    if present.is_kept {
        let before: BTreeSet<_> = present.scope.split_whitespace().collect();
        let still: Vec<_> =
            said.scope.split_whitespace().filter(|it| before.contains(it)).collect();
        said.scope = still.join(" ");
    }
    let known: BTreeSet<_> = present.redirect_uris.0.iter().collect();
    let is_same = said.name == present.name
        && said.logo_uri == present.logo_uri
        && said.redirect_uris.0.iter().all(|uri| known.contains(uri));
    Model {
        kind: said.kind,
        name: said.name,
        redirect_uris: StringList(said.redirect_uris.0),
        grant_types: said.grant_types,
        scope: said.scope,
        logo_uri: said.logo_uri,
        policy_uri: said.policy_uri,
        tos_uri: said.tos_uri,
        settings: entity::client_settings::Settings {
            // what an administrator demands is not for the client to take back
            profile: present.settings.profile,
            require_pkce: present.settings.require_pkce,
            ..said.settings
        },
        verified_at: present.verified_at.filter(|_| is_same),
        ..present.clone()
    }
}

/// Ends a registration, with every token and every connection that came of it. `false` if it has ended
/// already.
///
/// # Errors
/// When the database fails.
pub async fn remove(app: &App, client_id: &str) -> Result<bool, Fault> {
    changes::delete(app, Actor::Client(client_id.to_owned()), client_id).await
}
