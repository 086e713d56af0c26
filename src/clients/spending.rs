//! What strangers may have written down that they have used: proofs of possession and assertions, each of which works
//! once (RFC 9449 §11.1, RFC 7523 §3).
//!
//! What a client that an administrator knows has proved is its own affair. The name of a public client is anybody's,
//! and where clients register themselves, a client that proves itself is anybody's too: their proofs are counted by
//! network, and what is too much is refused before it is spent. Whether a code or a refresh token with it is good is
//! found out later, in one statement that spends it; so users of such clients are counted as well.

use std::net::IpAddr;

use entity::client::{Kind, Model};

use super::dynamic::TooMany;
use crate::{
    app::App,
    limiter::{Counted, network},
};

/// Proofs and assertions of one network in a minute, in the names of all such clients. A user's app shows one for a
/// sign-in, and then one an hour: ten a second is a house of tens of thousands.
pub const PER_MINUTE: u32 = 600;

/// Whether an administrator knows this client: it did not register itself, or one has looked after it since.
#[must_use]
pub const fn is_known(client: &Model) -> bool {
    !client.is_dynamic || client.is_kept
}

/// Counts what is about to be spent in the name of a client, unless one that an administrator knows has proved to be it.
///
/// # Errors
/// When it is too much: then it must not be spent.
pub fn admit(app: &App, client: &Model, address: IpAddr) -> Result<(), TooMany> {
    if client.kind == Kind::Confidential && is_known(client) {
        return Ok(());
    }
    let now = app.now();
    let counted = Counted::Stranger(format!("spent from {}", network(address)));
    let count = app.limiter.strangers.count(&counted, PER_MINUTE, now);
    if count.is_allowed { Ok(()) } else { Err(TooMany(count.secs_left(now))) }
}
