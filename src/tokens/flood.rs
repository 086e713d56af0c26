//! How much clients may leave here that nobody has proved to want: requests that wait for a user.

use std::net::IpAddr;

use entity::client::{self, Kind};

use crate::{
    app::App,
    clients::spending,
    crypto::digest,
    fault::Fault,
    limiter::{Counted, holder, network},
    store::crowds,
};

/// What is left here, and how much of it in a minute.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Under what it is counted.
    name: &'static str,
    /// Of a client that proves itself with each; none where anybody can leave it in every client's name. Nor is there a
    /// limit of a client then: strangers could use it up. How many are kept is bounded by [`make_room`].
    of_proved: Option<u32>,
    /// Of one network in the name of one client, where it does not prove itself.
    of_network: u32,
}

/// Requests that are pushed (RFC 9126): one for every sign-in, by servers for all their users; in the name of a public
/// client by its users themselves.
pub const PUSHED: Limit = Limit { name: "pushed", of_proved: Some(3_000), of_network: 60 };
/// Requests that wait for a user who signs in or decides: anybody can begin one, with a client's name that is no
/// secret.
pub const ASKED: Limit = Limit { name: "asked", of_proved: None, of_network: 300 };
/// Requests that browsers bring and that are too long for an address.
pub const BROUGHT: Limit = Limit { name: "brought", of_proved: None, of_network: 60 };
/// Devices that begin to wait (RFC 8628): people who set one up, some behind one address.
pub const DEVICES: Limit = Limit { name: "devices", of_proved: None, of_network: 60 };

/// In how many clients' names a network may leave as much as in one: people behind one address use a few apps at the
/// same time, most of them each now and then. Without such a bound, whoever has clients register, or knows the names of
/// many, would leave as many times more.
const NAMES: u32 = 4;

impl Limit {
    /// Whether anybody can leave this in the name of the client: it does not prove itself.
    #[must_use]
    pub fn is_anybodys(self, client: &client::Model) -> bool {
        self.proved(client).is_none()
    }

    fn proved(self, client: &client::Model) -> Option<u32> {
        self.of_proved.filter(|_| client.kind == Kind::Confidential)
    }
}

/// The seconds to wait if this one is too much.
pub fn excess(app: &App, limit: Limit, client: &client::Model, address: IpAddr) -> Option<u64> {
    let (name, id, network) = (limit.name, &client.id, network(address));
    if let Some(most) = limit.proved(client) {
        if spending::is_known(client) {
            return count(app, format!("{name} by {id}"), most);
        }
        // clients that nobody knows have together, on one network, what one of them has
        return count(app, format!("{name} by registered clients at {network}"), most)
            .or_else(|| count(app, format!("{name} by {id}"), most));
    }
    // in one name first: who floods in that leaves the network something in the others
    count(app, format!("{name} for {id} at {network}"), limit.of_network)
        .or_else(|| count(app, format!("{name} at {network}"), NAMES * limit.of_network))
}

/// How many of 256 that come look whether too many wait.
const LOOKS_OF_256: u8 = 4;

/// What waits for the users of a client, and how much of it may.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Of what.
    pub of: crowds::Rows,
    /// How many may wait.
    pub most: u64,
    /// How many more give way than must, where each that comes looks.
    pub room: u64,
}

/// Under what it is remembered whose network something came from.
#[must_use]
pub fn network_of(address: IpAddr) -> Vec<u8> {
    digest::sha256(format!("asking:{}", holder(address)).as_bytes())
}

/// Takes away what waits for a client beyond its limit, and answers how many those were.
///
/// Anybody can begin to wait in the name of a public client, from as many networks as they have, so a limit of the
/// client would let strangers use it up and shut its users out. Instead everybody may begin, and where too many wait,
/// those give way of whom most wait, the oldest first: they have expired a little early.
///
/// # Errors
/// When the database fails.
pub async fn make_room(app: &App, crowd: Crowd, client_id: &str) -> Result<u64, Fault> {
    let Crowd { of, most, room } = crowd;
    if crowds::count(app.store.read(), of, client_id).await? < most {
        return Ok(0);
    }
    let txn = app.store.begin().await?;
    let gone = crowds::thin_out(&txn, of, Some(client_id), [most, room]).await?;
    txn.commit().await?;
    if gone > 0 {
        tracing::warn!(client_id, gone, "too many wait for users of a client");
    }
    Ok(gone)
}

/// The same by one of 64 that come, each before it is kept under this digest, which nobody chooses: where very many come,
/// about a hundred more wait between two looks.
pub async fn look_after(app: &App, crowd: Crowd, client_id: &str, digest: &[u8]) {
    let looks = digest.first().is_some_and(|byte| *byte < LOOKS_OF_256);
    if looks && let Err(fault) = make_room(app, crowd, client_id).await {
        // the next one looks again
        tracing::warn!(%fault, "no room was made for what waits");
    }
}

fn count(app: &App, name: String, limit: u32) -> Option<u64> {
    let now = app.now();
    let count = app.limiter.strangers.count(&Counted::Stranger(name), limit, now);
    (!count.is_allowed).then(|| count.secs_left(now))
}
