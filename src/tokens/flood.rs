//! How much clients may leave here that nobody has proved to want: requests that wait for a user.

use std::net::IpAddr;

use entity::client::{self, Kind};

use crate::{
    app::App,
    limiter::{Counted, network},
};

/// What is left here, and how much of it in a minute.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Under what it is counted.
    name: &'static str,
    /// Of a client; none where what is kept for it is bounded in another way.
    of_client: Option<OfClient>,
    /// Of one address, in the name of one client.
    at_address: u32,
}

#[derive(Clone, Copy, Debug)]
struct OfClient {
    /// Of one that has proved itself.
    proved: u32,
    /// Of a public one, whose name anybody can use: what is kept of them is bounded by this.
    claimed: u32,
}

/// Requests that are pushed (RFC 9126): one for every sign-in, by servers for all their users.
pub const PUSHED: Limit =
    Limit { name: "pushed by", of_client: Some(OfClient::new(3_000, 600)), at_address: 3_000 };
/// Requests that wait for a user who signs in or decides: anybody can begin one, with a client's name that is no
/// secret. If a client had a limit, strangers could use it up; how many are kept is bounded by
/// [`make_room`](super::requests::make_room).
pub const ASKED: Limit = Limit { name: "asked for", of_client: None, at_address: 300 };
/// Requests that browsers bring and that are too long for an address.
pub const BROUGHT: Limit =
    Limit { name: "brought for", of_client: Some(OfClient::new(600, 600)), at_address: 60 };
/// Devices that begin to wait (RFC 8628): people who set one up, some behind one address. A client has no limit here
/// either.
pub const DEVICES: Limit = Limit { name: "awaited by", of_client: None, at_address: 60 };

impl OfClient {
    const fn new(proved: u32, claimed: u32) -> Self {
        Self { proved, claimed }
    }
}

/// The seconds to wait if this one is too much.
pub fn excess(app: &App, limit: Limit, client: &client::Model, address: IpAddr) -> Option<u64> {
    let of_client = limit.of_client.map(|of_client| match client.kind {
        Kind::Confidential => of_client.proved,
        Kind::Public => of_client.claimed,
    });
    let (name, id, network) = (limit.name, &client.id, network(address));
    // the address first: who floods from one place takes nothing from the others
    count(app, format!("{name} {id} at {network}"), limit.at_address)
        .or_else(|| count(app, format!("{name} {id}"), of_client?))
}

fn count(app: &App, name: String, limit: u32) -> Option<u64> {
    let now = app.now();
    let count = app.limiter.strangers.count(&Counted::Stranger(name), limit, now);
    (!count.is_allowed).then(|| count.secs_left(now))
}
