//! Authorization requests that are pushed (RFC 9126): the client leaves its request here, proved and
//! checked, and the browser brings a name for it.
//!
//! A name is 256 bits, bound to its client, and good for a minute or so. It is spent when the request is
//! decided, together with that: a page that is loaded again before works.
//!
//! Where anybody can leave requests in a client's name, none of them is refused for how many of others wait; where too
//! many do, some give way (`flood.rs`).

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use entity::{
    client,
    pushed_request::{self, Parameters},
    terms::Terms,
};

use super::flood::{self, Crowd, Limit};
use crate::{
    app::App,
    crypto::secret::{PushedRequest, Secret},
    fault::Fault,
    store::{self, crowds::PUSHED_REQUESTS},
};

/// How the name of every request of ours begins (RFC 9126 §2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// How many that anybody could have pushed may wait for one client: each may have 32 KiB. A browser begins with its own
/// within moments.
pub const CROWD: Crowd = Crowd { of: PUSHED_REQUESTS, most: 5_000, room: 0 };

/// What a request is kept under.
#[derive(Debug)]
pub struct Pushed {
    /// The `request_uri`.
    pub uri: String,
    /// For how many seconds.
    pub expires_in: i64,
}

/// Keeps the parameters of a sound request that came from this address and is within this limit.
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
    let name = Secret::<PushedRequest>::random(&*app.random);
    let ttl = app.config.oauth.pushed_request_ttl();
    let row = pushed_request::Model {
        uri_sha256: name.sha256(),
        client_id: client.id.clone(),
        network_sha256: limit.is_anybodys(client).then(|| flood::network_of(address)),
        parameters,
        created_at: store::instant(now),
        expires_at: store::instant(now + ttl),
        kept_until: store::instant(now + ttl),
    };
    if row.network_sha256.is_some() {
        flood::look_after(app, CROWD, &client.id, &row.uri_sha256).await;
    }
    let txn = app.store.begin().await?;
    store::pushed_requests::insert(&txn, row).await?;
    txn.commit().await?;
    Ok(Pushed { uri: format!("{URN}{}", name.reveal()), expires_in: ttl.num_seconds() })
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
