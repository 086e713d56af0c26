//! Where a request comes from. Headers are believed only through proxies the operator named.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use poem::Request;

use crate::app::App;

/// The address of the client: the peer's, or behind trusted proxies (`http.trusted_proxies`) the
/// first untrusted one of `X-Forwarded-For`, read from right to left.
#[must_use]
pub fn client_ip(request: &Request, app: &App) -> IpAddr {
    let forwarded: Vec<_> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .flat_map(|value| value.split(','))
        .collect();
    resolve(peer(request), &forwarded, &app.config.http.trusted_proxies)
}

/// The address of whoever is connected to this server: a client, or a proxy.
#[must_use]
pub fn peer(request: &Request) -> IpAddr {
    let address = request.remote_addr().as_socket_addr();
    // no listener of ours leaves it out; such requests would share one throttle
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.ip().to_canonical())
}

/// Whether a proxy that the operator has not named has forwarded this request: whoever is connected
/// is not who asks.
#[must_use]
pub fn is_forwarded(request: &Request, app: &App) -> bool {
    let names = ["x-forwarded-for", "forwarded", "via", "x-real-ip"];
    let peer = peer(request);
    let is_trusted = app.config.http.trusted_proxies.iter().any(|net| net.contains(&peer));
    !is_trusted && names.iter().any(|name| request.headers().contains_key(*name))
}

/// Walks from the peer towards the client as long as each hop is a trusted proxy. What cannot be
/// read ends the walk at the last hop that could.
#[must_use]
pub fn resolve(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut address = peer.to_canonical();
    for hop in forwarded.iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        match parse(hop) {
            Some(next) => address = next,
            None => break,
        }
    }
    address
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare
        .parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        resolve(peer.parse().unwrap(), forwarded, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(seen("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn trusted_proxies_are_walked_from_the_right() {
        for (forwarded, client) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["6.6.6.6", " 203.0.113.9 "], "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9", "10.1.1.1"], "203.0.113.9"),
            (&["203.0.113.9:4711"], "203.0.113.9"),
            (&["[2001:db8::7]:443"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            (&["10.2.2.2", "10.1.1.1"], "10.2.2.2"),
            (&[], "10.0.0.1"),
            (&["unknown"], "10.0.0.1"),
            (&["203.0.113.9", "garbage", "10.1.1.1"], "10.1.1.1"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(seen("10.0.0.1", forwarded), client, "{forwarded:?}");
        }
        assert_eq!(seen("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(seen("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    }
}
