//! The way out to hosts that clients have named: whoever waits for a slow one keeps nobody from going
//! elsewhere. The hosts here are real servers; one of them never answers.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use latchkey::outbound::OutboundError;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use crate::support::{AT_ONCE, Certificates, Host, Reply, SecureHost, World};

const PATH: &str = "/document.json";
/// Sooner than anybody gives up a host that does not answer.
const SOON: Duration = Duration::from_secs(2);

/// A server, and as many as may be on their way to a host that never answers.
async fn crowded() -> (World, Host, JoinSet<Option<OutboundError>>) {
    let world = World::with(|config| config.http.allow_private_fetches = true).await;
    let slow = Host::new().await;
    let crowd = slow.crowded_by(&world).await;
    (world, slow, crowd)
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.expect("it takes too long")
}

#[tokio::test]
async fn a_slow_host_keeps_nobody_from_another() {
    let (world, slow, mut crowd) = crowded().await;
    let other = Host::new().await;
    other.says(PATH, Reply::Json(json!({}).to_string()));
    // the same machine by another name
    let elsewhere = other.url(PATH).replace("127.0.0.1", "localhost");

    let document = soon(world.app.outbound.get(&elsewhere, "*/*", 1_024)).await.unwrap();
    let posted = soon(world.app.outbound.post_form(&elsewhere, &[("a", "b")])).await;

    assert_eq!(document.body, b"{}");
    assert_eq!(posted, Ok(200));
    assert_eq!(slow.crowd(), AT_ONCE);
    crowd.shutdown().await;
}

/// Another port is no other host: whoever has a name has all of them.
#[tokio::test]
async fn one_more_than_can_wait_is_turned_away_at_once() {
    let (world, slow, mut crowd) = crowded().await;
    let port = Host::new().await;
    port.says(PATH, Reply::Json(json!({}).to_string()));

    for url in [slow.url(PATH), port.url(PATH)] {
        let got = soon(world.app.outbound.get(&url, "*/*", 1_024)).await;
        assert_eq!(got.err(), Some(OutboundError::Busy));
        let posted = soon(world.app.outbound.post_form(&url, &[])).await;
        assert_eq!(posted, Err(OutboundError::Busy));
    }
    assert_eq!((slow.crowd(), port.asked(PATH)), (AT_ONCE, 0));
    // whoever goes makes room
    crowd.shutdown().await;
    soon(world.app.outbound.get(&port.url(PATH), "*/*", 1_024)).await.unwrap();
}

/// Those who wait do not wait for ever, and are told that nobody has gone there.
#[tokio::test]
async fn who_waits_in_vain_hears_that_the_host_is_busy() {
    let (_world, slow, mut crowd) = crowded().await;

    let first = crowd.join_next().await.unwrap().unwrap();

    assert_eq!(first, Some(OutboundError::Busy));
    assert_eq!(slow.crowd(), AT_ONCE);
    crowd.shutdown().await;
}

fn is_of_this_network(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.is_loopback() || it.is_private() || it.is_link_local(),
        IpAddr::V6(it) => it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

/// Names that say nothing about where they lead, and lead to this machine: its own, and `localhost` as
/// the root of all names has it.
async fn names_of_this_machine(world: &World) -> Vec<(String, IpAddr)> {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut names = Vec::new();
    for name in [own.trim(), "localhost."] {
        let found: Vec<_> = match lookup_host((name, 0)).await {
            Ok(found) => found.map(|it| it.ip()).collect(),
            Err(_) => continue,
        };
        let looks_public = world.app.outbound.is_acceptable(&format!("https://{name}/"));
        if looks_public && found.iter().all(|it| is_of_this_network(*it)) {
            names.extend(found.first().map(|address| (name.to_owned(), *address)));
        }
    }
    assert!(
        !names.is_empty(),
        "this test needs a name that leads to this machine and does not look so; neither the \
         hostname ({own:?}) nor 'localhost.' does: put the hostname into /etc/hosts"
    );
    names
}

/// What a name leads to counts, and it is looked at before anything is sent: nobody has even connected.
#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_gone_to() {
    let world = World::with(|config| config.http.allow_private_fetches = false).await;
    for (name, address) in names_of_this_machine(&world).await {
        let listener = TcpListener::bind(SocketAddr::new(address, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let (connected, mut visitors) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            // whoever came is sent away at once
            while let Ok((_, from)) = listener.accept().await {
                let _ = connected.send(from);
            }
        });
        let url = format!("https://{name}:{}{PATH}", at.port());
        assert!(world.app.outbound.is_acceptable(&url), "{url}");

        let got = world.app.outbound.get(&url, "*/*", 1_024).await;
        let posted = world.app.outbound.post_form(&url, &[("a", "b")]).await;

        assert_eq!(got.err(), Some(OutboundError::Unreachable), "{url}");
        assert_eq!(posted, Err(OutboundError::Unreachable), "{url}");
        // whoever had come before this one would be the first
        let own = TcpStream::connect(at).await.unwrap();
        assert_eq!(soon(visitors.recv()).await, Some(own.local_addr().unwrap()), "{url}");
        server.abort();
    }
}

/// A host behind TLS is believed when an authority that is known says who it is.
#[tokio::test]
async fn a_secure_host_is_read_when_its_authority_is_known() {
    let (own, others) = (Certificates::make(), Certificates::make());
    let host = SecureHost::start(&own, r#"{"a":"b"}"#);
    let named = format!("https://localhost:{}{PATH}", host.port);
    let literal = format!("https://127.0.0.1:{}{PATH}", host.port);

    for (authority, is_known) in [(None, false), (Some(&others), false), (Some(&own), true)] {
        let world = World::with(|config| {
            config.http.allow_private_fetches = true;
            config.http.extra_ca_file = authority.map(Certificates::authority);
        })
        .await;
        for url in [&named, &literal] {
            let got = world.app.outbound.get(url, "*/*", 1_024).await;

            let read = got.map(|document| document.body);
            let expected = if is_known {
                Ok(br#"{"a":"b"}"#.to_vec())
            } else {
                Err(OutboundError::Unreachable)
            };
            assert_eq!(read, expected, "{url} {}", authority.is_some());
        }
    }
}
