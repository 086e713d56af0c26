//! The devices that a user has been seen at, and the letter about one that is new.
//!
//! A device is a browser's family, its system's, and the network that it is in: no version, which
//! changes every month, and no single address, which a provider changes every day.

use std::net::IpAddr;

use chrono::TimeDelta;
use entity::{known_device, user};

use super::{device::Described, session::Device};
use crate::{
    app::App,
    crypto::digest,
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, Txn},
};

/// A device that was not seen for so long is new again.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// Remembers the device of a sign-in; with `is_told` the user gets a letter if it is new, but for
/// the first that the user ever had.
pub(super) async fn meet(
    app: &App,
    txn: &Txn,
    user: &user::Model,
    device: &Device,
    is_told: bool,
) -> Result<(), Fault> {
    let now = app.now();
    let described = Described::of(device.user_agent.as_deref());
    let device_sha256 = digest::sha256(
        format!("device:{}:{}:{}", user.id, described.words(), network(device.address)).as_bytes(),
    );
    if store::known_devices::touch(txn, &device_sha256, now - REMEMBERED, now).await? {
        return Ok(());
    }
    if is_told && store::known_devices::count(txn, user.id).await? > 0 {
        let letter = LetterKind::NewSignIn {
            device: described.words_for_letters(),
            address: device.address.to_string(),
            at: now,
        };
        outbox::queue(app, txn, &user.email, &letter).await?;
    }
    let row = known_device::Model {
        device_sha256,
        user_id: user.id,
        first_seen_at: store::instant(now),
        last_seen_at: store::instant(now),
    };
    store::known_devices::remember(txn, row).await
}

/// About what one provider has: the first half of an IPv4 address, the first fourth of an IPv6 one.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            format!("{a}.{b}.0.0/16")
        }
        IpAddr::V6(address) => {
            let [a, b, ..] = address.segments();
            format!("{a:x}:{b:x}::/32")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_in_one_network() {
        let of = |text: &str| network(text.parse().unwrap());

        assert_eq!(of("203.0.113.9"), of("203.0.1.1"));
        assert_ne!(of("203.0.113.9"), of("203.1.113.9"));
        assert_eq!(of("::ffff:203.0.113.9"), of("203.0.113.10"));
        assert_eq!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        assert_ne!(of("2001:db8::1"), of("2001:db9::1"));
    }
}
