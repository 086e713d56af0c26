//! The way out to hosts that clients have named: whoever waits for a slow one keeps nobody from going
//! elsewhere. The hosts here are real servers; one of them never answers.

use std::time::Duration;

use latchkey::outbound::OutboundError;
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use crate::support::{AT_ONCE, Host, Reply, World};

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
