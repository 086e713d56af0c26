//! Tokens of a client for itself (RFC 6749 §4.4). They belong to the workspace the client is bound
//! to, and are never refreshed.

use std::sync::Arc;

use entity::{client, token_family};

use super::{
    dpop::Thumbprint,
    issue::{AccessRow, Issued, Lifetimes, empty_family},
    scopes::Scope,
};
use crate::{
    app::App,
    cache::{Known, Subject},
    crypto::{derive, digest, secret::Secret},
    fault::Fault,
    store,
};

/// The family that a client's own tokens belong to, and what they may do unless they say otherwise.
struct Standing {
    family_id: i64,
    scope: String,
}

/// Issues an access token under the client's standing family, bound to `key` if there is one.
///
/// # Errors
/// When the database fails.
pub async fn issue(
    app: &App,
    client: &client::Model,
    scope: Scope,
    (resource, key): (Option<String>, Option<Thumbprint>),
) -> Result<Issued, Fault> {
    let asked = (scope, resource, key);
    let known = digest::sha256_array(client.id.as_bytes());
    if let Some(standing) = app.cache.find::<Standing>(&known, app.now())
        && let Some(issued) = issue_under(app, client, &standing, &asked).await?
    {
        return Ok(issued);
    }
    // nothing is known, or it is another one by now: a backup was restored, perhaps
    let standing = look_up(app, client, known).await?;
    let issued = issue_under(app, client, &standing, &asked).await?;
    issued.ok_or_else(|| Fault::unavailable("a client went away while it was served"))
}

/// `None` if the family is gone.
async fn issue_under(
    app: &App,
    client: &client::Model,
    standing: &Standing,
    (scope, resource, key): &(Scope, Option<String>, Option<Thumbprint>),
) -> Result<Option<Issued>, Fault> {
    let lifetimes = Lifetimes::of(app, client);
    let access_token = Secret::random(&*app.random);
    let own = Some(scope.to_string()).filter(|scope| *scope != standing.scope);
    let narrowed = Some((own, resource.clone()));
    let key = *key;
    let row = AccessRow { family_id: standing.family_id, generation: 0, narrowed, key };
    let row = row.issued(&access_token, app.now(), lifetimes.access);
    let is_stored = store::retrying(|| store::issuing::issue(&app.store, row.clone())).await?;
    Ok(is_stored.then(|| Issued {
        access_token,
        expires_in: lifetimes.access.num_seconds(),
        refresh_token: None,
        scope: scope.clone(),
        key,
        details: Vec::new(),
        about: None,
    }))
}

async fn look_up(
    app: &App,
    client: &client::Model,
    known: [u8; 32],
) -> Result<Arc<Standing>, Fault> {
    let (now, begun) = (app.now(), app.cache.begin());
    let found = store::token_families::find_standing(app.store.read(), &client.id).await?;
    let family = match found {
        Some(family) => family,
        None => begin(app, client).await?,
    };
    let standing = Arc::new(Standing { family_id: family.id, scope: family.scope });
    let subjects = [Subject::Client(client.id.clone()), Subject::Family(family.id)];
    let life = Known { begun, subjects: &subjects, ends_at: None };
    app.cache.keep(known, Arc::clone(&standing), life, now);
    Ok(standing)
}

async fn begin(app: &App, client: &client::Model) -> Result<token_family::Model, Fault> {
    let now = app.now();
    let family = token_family::Model {
        id: derive::new_family_id(&*app.random),
        client_id: client.id.clone(),
        // what a client asks for unless it says otherwise: its tokens need not repeat it
        scope: Scope::stored(&client.scope).to_string(),
        ..empty_family(now)
    };
    let txn = app.store.begin().await?;
    let family = store::token_families::begin_standing(&txn, family).await?;
    txn.commit().await?;
    Ok(family)
}
