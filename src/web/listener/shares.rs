//! How many connections each network has open, of all that there may be.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use parking_lot::Mutex;

use crate::limiter::holder;

/// What networks have open. It has an entry for each that has something open, and no other.
pub(super) struct Shares {
    most: usize,
    /// Those behind whom there are many: proxies, and this machine.
    of_many: Vec<IpNet>,
    open: Mutex<HashMap<String, usize>>,
    told_at: Mutex<Option<Instant>>,
}

/// It is told so often that networks have their share.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// A connection's place in its network's share, which it gives back.
pub(super) struct Share(Option<(Arc<Shares>, String)>);

impl Shares {
    /// Of which each network but these may have so many.
    pub(super) fn new(most: usize, of_many: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { most, of_many, open: Mutex::default(), told_at: Mutex::default() })
    }

    /// A place for one more connection from there; `None` if its network has its share.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let address = address.to_canonical();
        if self.of_many.iter().any(|network| network.contains(&address)) {
            return Some(Share(None));
        }
        let network = holder(address);
        let mut open = self.open.lock();
        if open.get(&network).is_some_and(|count| *count >= self.most) {
            drop(open);
            self.tell(&network);
            return None;
        }
        *open.entry(network.clone()).or_default() += 1;
        Some(Share(Some((Arc::clone(self), network))))
    }

    /// Says whose connections are closed: they may be everybody's, through a proxy that nobody has named.
    fn tell(&self, network: &str) {
        let mut told_at = self.told_at.lock();
        if told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            *told_at = Some(Instant::now());
            tracing::warn!(
                network,
                "more than {} connections of a network are closed; if it is a proxy, name it in http.trusted_proxies",
                self.most
            );
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, network)) = self.0.take() else { return };
        if let Entry::Occupied(mut count) = shares.open.lock().entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares() -> Arc<Shares> {
        Shares::new(2, vec!["10.0.0.0/8".parse().unwrap()])
    }

    fn taken(shares: &Arc<Shares>, address: &str) -> Option<Share> {
        shares.take(address.parse().unwrap())
    }

    #[test]
    fn a_network_has_its_share_and_gives_back_what_ends() {
        let shares = shares();
        let (first, second) = (taken(&shares, "203.0.113.1"), taken(&shares, "::ffff:203.0.113.1"));
        assert!(first.is_some() && second.is_some());
        assert!(taken(&shares, "203.0.113.1").is_none());
        let another = taken(&shares, "203.0.113.2");
        assert!(another.is_some(), "another network has its own");

        drop(first);

        let again = taken(&shares, "203.0.113.1");
        assert!(again.is_some() && taken(&shares, "203.0.113.1").is_none());
        drop((second, another, again));
        assert!(shares.open.lock().is_empty(), "nothing is remembered of who has left");
    }

    #[test]
    fn who_has_many_addresses_of_ipv6_has_one_share() {
        let shares = shares();
        let kept = ["2001:db8:1:1::1", "2001:db8:1:2::1"].map(|address| taken(&shares, address));
        assert!(kept.iter().all(Option::is_some));
        assert!(taken(&shares, "2001:db8:1:3::1").is_none());
        assert!(taken(&shares, "2001:db8:2:1::1").is_some());
    }

    #[test]
    fn a_proxy_has_as_many_as_there_are() {
        let shares = shares();
        let kept: Vec<_> = (0..100).map(|_| taken(&shares, "10.1.2.3")).collect();
        assert!(kept.iter().all(Option::is_some));
        assert!(shares.open.lock().is_empty());
    }
}
