//! Registering clients, replacing their secrets, switching them off and on.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::{
    client::{Kind, Model},
    client_settings::AuthMethod,
    types::StringList,
};

pub use super::metadata::NewClient;
use super::{
    authentication::is_id,
    binding,
    metadata::{problems, sector_problem},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        digest,
        secret::{ClientSecret, Secret, random_base62},
    },
    fault::{Fault, FieldError},
    forms::{self, Sent, Unfit},
    store::{self, Txn},
};

/// Base62 characters of a `client_id`: 142 bits, so that it cannot be guessed or taken.
const CLIENT_ID_CHARS: usize = 24;
/// How long a replaced secret may go on working.
const MAX_OVERLAP: TimeDelta = TimeDelta::days(30);

/// What became of a registration.
#[expect(clippy::large_enum_variant, reason = "made once per registration and taken apart at once")]
pub enum Registration {
    /// The client exists now.
    Registered {
        /// The client.
        client: Model,
        /// A confidential client's secret, to be shown once.
        secret: Option<Secret<ClientSecret>>,
    },
    /// Every field that breaks a rule; nothing was written.
    Invalid(Vec<FieldError>),
}

/// What became of the replacement of a secret.
pub enum Replacement {
    /// This is the new one, to be shown once.
    Made(Secret<ClientSecret>),
    /// There is no such client, or it has no secret.
    Unknown,
    /// It has another secret than the one that was to be replaced: somebody was quicker.
    Replaced,
    /// Every field that breaks a rule; nothing was written.
    Invalid(Vec<FieldError>),
}

/// Registers a client.
///
/// # Errors
/// When the database fails.
pub async fn register(app: &App, actor: Actor, new: NewClient) -> Result<Registration, Fault> {
    let problems = all_problems(app, &new).await;
    if !problems.is_empty() {
        return Ok(Registration::Invalid(problems));
    }
    let txn = app.store.begin().await?;
    make(app, txn, actor, new).await
}

/// Registers a client by a form that registers one, however often it is sent.
///
/// # Errors
/// When the database fails.
pub async fn register_once(
    app: &App,
    actor: Actor,
    new: NewClient,
    form: Sent<'_>,
) -> Result<Result<Registration, Unfit>, Fault> {
    // what another server is asked is asked before the transaction
    let problems = all_problems(app, &new).await;
    if !problems.is_empty() {
        return Ok(Ok(Registration::Invalid(problems)));
    }
    Ok(match forms::begin(app, form).await? {
        Ok(txn) => Ok(make(app, txn, actor, new).await?),
        Err(unfit) => Err(unfit),
    })
}

async fn make(app: &App, txn: Txn, actor: Actor, new: NewClient) -> Result<Registration, Fault> {
    let secret = has_secret(&new).then(|| Secret::<ClientSecret>::random(&*app.random));
    let bound = new.binding;
    let client = row(app, new, secret.as_ref());
    if let Some(problem) = binding::problem(&txn, bound, client.may_introspect).await? {
        return Ok(Registration::Invalid(vec![problem]));
    }
    store::clients::insert(&txn, client.clone()).await?;
    audit::record(app, &txn, binding::event("client.register", actor, &client.id, bound)).await?;
    txn.commit().await?;
    Ok(Registration::Registered { client, secret })
}

/// Every field that breaks a rule, also those that only another server can judge.
pub(super) async fn all_problems(app: &App, new: &NewClient) -> Vec<FieldError> {
    let mut problems = problems(new, app);
    if problems.is_empty() {
        problems.extend(sector_problem(app, new).await);
    }
    problems
}

/// Whether a client proves itself by a secret.
pub(super) fn has_secret(client: &NewClient) -> bool {
    let method = client.settings.token_endpoint_auth_method;
    !client.is_public && method != Some(AuthMethod::PrivateKeyJwt)
}

pub(super) fn row(app: &App, new: NewClient, secret: Option<&Secret<ClientSecret>>) -> Model {
    let scope: BTreeSet<_> = new.scope.into_iter().collect();
    let (workspace_id, enterprise_id) = new.binding.columns();
    Model {
        id: random_base62(&*app.random, CLIENT_ID_CHARS),
        kind: if new.is_public { Kind::Public } else { Kind::Confidential },
        name: new.name.trim().to_owned(),
        secret_sha256: secret.map(Secret::sha256),
        previous_secret_sha256: None,
        previous_secret_expires_at: None,
        redirect_uris: StringList(new.redirect_uris),
        grant_types: StringList(new.grant_types),
        scope: scope.into_iter().collect::<Vec<_>>().join(" "),
        workspace_id,
        enterprise_id,
        may_introspect: new.may_introspect,
        is_dynamic: new.is_dynamic,
        publisher: new.publisher,
        logo_uri: new.logo_uri,
        policy_uri: new.policy_uri,
        tos_uri: new.tos_uri,
        verified_at: None,
        access_token_ttl_secs: new.access_token_ttl_secs,
        refresh_token_idle_ttl_secs: new.refresh_token_idle_ttl_secs,
        refresh_token_absolute_ttl_secs: new.refresh_token_absolute_ttl_secs,
        settings: new.settings,
        registration_token_sha256: None,
        is_kept: false,
        document_fetched_at: None,
        document_fresh_until: None,
        created_at: store::instant(app.now()),
        disabled_at: None,
    }
}

/// Whether a client is one that has, or could have, a secret.
#[must_use]
pub fn proves_itself_by_secret(client: &Model) -> bool {
    let method = client.settings.token_endpoint_auth_method;
    client.kind == Kind::Confidential && method != Some(AuthMethod::PrivateKeyJwt)
}

/// The version of the secret that a client has now, which a form that replaces it carries.
#[must_use]
pub fn secret_version(client: &Model) -> String {
    digest::version(client.secret_sha256.as_deref().unwrap_or_default())
}

/// Replaces a confidential client's secret with a new one, to be shown once. The old one works for
/// `overlap` more, so that what uses it can be changed one by one; one that an earlier rotation has left
/// stops now. With `of` only if the client still has the secret of this version (`crypto/digest.rs`): so
/// that a form that is sent twice replaces one secret, and not also the one that nobody has seen yet.
///
/// # Errors
/// When the database fails.
pub async fn replace_secret(
    app: &App,
    actor: Actor,
    client_id: &str,
    (overlap, of): (TimeDelta, Option<&str>),
) -> Result<Replacement, Fault> {
    if !(TimeDelta::zero()..=MAX_OVERLAP).contains(&overlap) {
        let problem = FieldError::new("overlap", "must be at most 30 days");
        return Ok(Replacement::Invalid(vec![problem]));
    }
    if !is_id(client_id) {
        return Ok(Replacement::Unknown);
    }
    let secret = Secret::<ClientSecret>::random(&*app.random);
    let ends = (!overlap.is_zero()).then(|| app.now() + overlap);
    let txn = app.store.begin().await?;
    let client = store::clients::find(&txn, client_id).await?;
    let Some(client) = client.filter(proves_itself_by_secret) else {
        return Ok(Replacement::Unknown);
    };
    let new = (secret.sha256(), ends);
    if of.is_some_and(|version| version != secret_version(&client))
        || !store::clients::replace_secret(&txn, &client, new).await?
    {
        return Ok(Replacement::Replaced);
    }
    let event = Event::new("client.rotate_secret", actor, Target::new("client", client_id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Replacement::Made(secret))
}

/// Disables a client, so that it and its tokens are refused from now on, or enables it again.
/// `false` if there is no such client.
///
/// # Errors
/// When the database fails.
pub async fn set_disabled(
    app: &App,
    actor: Actor,
    client_id: &str,
    is_disabled: bool,
) -> Result<bool, Fault> {
    if !is_id(client_id) {
        return Ok(false);
    }
    let at = is_disabled.then(|| app.now());
    let txn = app.store.begin().await?;
    if !store::clients::set_disabled(&txn, client_id, at).await? {
        // what is so already is not done, or recorded, once more
        return Ok(store::clients::find(&txn, client_id).await?.is_some());
    }
    let action = if is_disabled { "client.disable" } else { "client.enable" };
    audit::record(app, &txn, Event::new(action, actor, Target::new("client", client_id))).await?;
    txn.commit().await?;
    Ok(true)
}
