//! How many credentials that are nobody's a network may show: each costs a look into the database.
//!
//! They are long and random, so nobody finds one by guessing; but whoever tries pays for it, and is heard no more for
//! the rest of the minute. What is known by heart is answered all the same.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::{
    app::App,
    limiter::{Counted, network},
};

/// Of one network in a minute: far more than a script comes to that goes on with a key which has ended, and few beside
/// what a database answers. A gateway that says for whom it asks (`trusted_proxies`) is none of them itself.
pub const UNKNOWN_PER_MINUTE: u32 = 3_000;

/// A credential that is about to be looked for, and is counted as nobody's until then.
#[must_use = "what is somebody's is taken back"]
pub struct Guess {
    counted: Counted,
    at: DateTime<Utc>,
}

impl Guess {
    /// Counts it, or answers for how many seconds no more are looked for.
    ///
    /// # Errors
    /// Those seconds.
    pub fn admit(app: &App, address: IpAddr) -> Result<Self, u64> {
        let counted = Counted::Unknown(network(address));
        let at = app.now();
        // whoever guesses from more networks than there is room for shuts nobody out
        let count = app.limiter.strangers.count(&counted, UNKNOWN_PER_MINUTE, at);
        if count.is_allowed { Ok(Self { counted, at }) } else { Err(count.secs_left(at)) }
    }

    /// It is somebody's, or could not be looked for.
    pub fn take_back(self, app: &App) {
        app.limiter.strangers.take_back(&self.counted, self.at);
    }
}
