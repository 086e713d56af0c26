//! How much clients may leave here that nobody has proved to want: requests that wait for a user.

use std::net::IpAddr;

use entity::client::{self, Kind};

use crate::{
    app::App,
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
    /// Of a client; none where what is kept for it is bounded in another way.
    of_client: Option<ByKind>,
    /// Of one address, in the name of one client.
    at_address: ByKind,
}

#[derive(Clone, Copy, Debug)]
struct ByKind {
    /// Of a client that has proved itself.
    proved: u32,
    /// Of a public one, whose name anybody can use.
    claimed: u32,
}

/// Requests that are pushed (RFC 9126): one for every sign-in, by servers for all their users; in the name of a public
/// client by its users themselves, of whom no network has more than a tenth of all.
pub const PUSHED: Limit = Limit {
    name: "pushed by",
    of_client: Some(ByKind::new(3_000, 600)),
    at_address: ByKind::new(3_000, 60),
};
/// Requests that wait for a user who signs in or decides: anybody can begin one, with a client's name that is no
/// secret. If a client had a limit, strangers could use it up; how many are kept is bounded by [`make_room`].
pub const ASKED: Limit =
    Limit { name: "asked for", of_client: None, at_address: ByKind::same(300) };
/// Requests that browsers bring and that are too long for an address.
pub const BROUGHT: Limit =
    Limit { name: "brought for", of_client: Some(ByKind::same(600)), at_address: ByKind::same(60) };
/// Devices that begin to wait (RFC 8628): people who set one up, some behind one address. A client has no limit here
/// either.
pub const DEVICES: Limit =
    Limit { name: "awaited by", of_client: None, at_address: ByKind::same(60) };

impl ByKind {
    const fn new(proved: u32, claimed: u32) -> Self {
        Self { proved, claimed }
    }

    const fn same(limit: u32) -> Self {
        Self::new(limit, limit)
    }

    fn of(self, client: &client::Model) -> u32 {
        match client.kind {
            Kind::Confidential => self.proved,
            Kind::Public => self.claimed,
        }
    }
}

/// The seconds to wait if this one is too much.
pub fn excess(app: &App, limit: Limit, client: &client::Model, address: IpAddr) -> Option<u64> {
    let of_client = limit.of_client.map(|limit| limit.of(client));
    let (name, id, network) = (limit.name, &client.id, network(address));
    // the address first: who floods from one place takes nothing from the others
    count(app, format!("{name} {id} at {network}"), limit.at_address.of(client))
        .or_else(|| count(app, format!("{name} {id}"), of_client?))
}

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
    let waiting = crowds::count(app.store.read(), crowd.of, client_id).await?;
    let excess = (waiting + crowd.room).saturating_sub(crowd.most);
    if waiting < crowd.most || excess == 0 {
        return Ok(0);
    }
    let txn = app.store.begin().await?;
    let gone = crowds::thin_out(&txn, crowd.of, client_id, excess).await?;
    txn.commit().await?;
    tracing::warn!(client_id, gone, "too many wait for users of a client");
    Ok(gone)
}

fn count(app: &App, name: String, limit: u32) -> Option<u64> {
    let now = app.now();
    let count = app.limiter.strangers.count(&Counted::Stranger(name), limit, now);
    (!count.is_allowed).then(|| count.secs_left(now))
}
