//! Tokens of a client for itself (RFC 6749 §4.4). They belong to the workspace the client is bound
//! to, and are never refreshed.

use entity::{client, token_family};

use super::{
    issue::{AccessRow, Issued, Lifetimes, empty_family},
    scopes::Scope,
};
use crate::{app::App, crypto::secret::Secret, fault::Fault, store};

/// Issues an access token under the client's standing family.
///
/// # Errors
/// When the database fails.
pub async fn issue(
    app: &App,
    client: &client::Model,
    scope: Scope,
    resource: Option<String>,
) -> Result<Issued, Fault> {
    let now = app.now();
    let lifetimes = Lifetimes::of(app, client);
    let access_token = Secret::random(&*app.random);
    let txn = app.store.begin().await?;
    let standing = token_family::Model {
        id: app.random.uuid(now),
        client_id: client.id.clone(),
        // what a client asks for unless it says otherwise: its tokens need not repeat it
        scope: Scope::stored(&client.scope).to_string(),
        ..empty_family(now)
    };
    let family = store::token_families::standing(&txn, standing).await?;
    let own = Some(scope.to_string()).filter(|scope| *scope != family.scope);
    let narrowed = Some((own, resource));
    let row = AccessRow { family_id: family.id, generation: 0, narrowed };
    store::access_tokens::insert(&txn, row.issued(&access_token, now, lifetimes.access)).await?;
    txn.commit().await?;
    Ok(Issued {
        access_token,
        expires_in: lifetimes.access.num_seconds(),
        refresh_token: None,
        scope,
    })
}
