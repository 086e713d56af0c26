//! Authorization requests that are pushed (RFC 9126): the client leaves its request here, proved and
//! checked, and the browser brings a name for it.
//!
//! A name is 256 bits, bound to its client, and good for a minute or so. It is spent when the request is
//! decided, together with that: a page that is loaded again before works.

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use entity::{
    client,
    pushed_request::{self, Parameters},
    terms::Terms,
};

use super::flood::{self, Limit};
use crate::{
    app::App,
    crypto::secret::{PushedRequest, Secret},
    fault::Fault,
    store,
};

/// How the name of every request of ours begins (RFC 9126 §2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// What became of a request.
#[derive(Debug)]
pub enum Pushed {
    /// It is kept under this name for so many seconds.
    Kept {
        /// The `request_uri`.
        uri: String,
        /// How long.
        expires_in: i64,
    },
    /// There are too many; until the next minute.
    TooMany {
        /// How long.
        retry_after_secs: u64,
    },
}

/// Keeps the parameters of a sound request that came from this address, within a limit.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    app: &App,
    client: &client::Model,
    parameters: Parameters,
    (limit, address): (Limit, IpAddr),
) -> Result<Pushed, Fault> {
    let now = app.now();
    if let Some(retry_after_secs) = flood::excess(app, limit, client, address) {
        return Ok(Pushed::TooMany { retry_after_secs });
    }
    let name = Secret::<PushedRequest>::random(&*app.random);
    let ttl = app.config.oauth.pushed_request_ttl();
    let row = pushed_request::Model {
        uri_sha256: name.sha256(),
        client_id: client.id.clone(),
        parameters,
        created_at: store::instant(now),
        expires_at: store::instant(now + ttl),
        kept_until: store::instant(now + ttl),
    };
    let txn = app.store.begin().await?;
    store::pushed_requests::insert(&txn, row).await?;
    txn.commit().await?;
    Ok(Pushed::Kept { uri: format!("{URN}{}", name.reveal()), expires_in: ttl.num_seconds() })
}

/// Whether it is written like the name of a pushed request, be there one or not.
#[must_use]
pub fn is_name(request_uri: &str) -> bool {
    request_uri.starts_with(URN)
}

/// What a client has pushed under this name, and what to remember it by; `None` if it has expired, was
/// spent, or is another client's.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    client: &client::Model,
    request_uri: &str,
) -> Result<Option<(Parameters, String)>, Fault> {
    let name = request_uri.strip_prefix(URN).and_then(Secret::<PushedRequest>::parse);
    let Some(digest) = name.map(|name| name.sha256()) else { return Ok(None) };
    let db = app.store.read();
    let found = store::pushed_requests::find(db, digest.clone(), &client.id, app.now()).await?;
    Ok(found.map(|found| (found.parameters, HEXLOWER.encode(&digest))))
}

/// The digest of the pushed request that these terms came from.
pub(super) fn digest_of(terms: &Terms) -> Option<Vec<u8>> {
    let hex = terms.pushed.as_ref()?;
    HEXLOWER.decode(hex.as_bytes()).ok()
}
