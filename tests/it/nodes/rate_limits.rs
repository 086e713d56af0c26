//! How many requests a credential may make in a minute on all nodes together, with a Redis and
//! without one.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use latchkey::jobs::share;

use crate::support::{Acme, Answer, ApiCaller, Node, Redis, Tokens, World, service};

/// What a request must not wait for a Redis that is gone or hangs.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Two nodes with one limit, and the Redis they share.
struct Scene {
    world: World,
    acme: Acme,
    other: Node,
    redis: Redis,
}

impl Scene {
    async fn new(limit: u32) -> Self {
        let redis = Redis::start();
        let world = World::with(|config| {
            config.redis_url = Some(redis.url());
            config.api.rate_limit_per_minute = limit;
        })
        .await;
        let (acme, other) = (world.acme().await, world.another_node().await);
        Self { world, acme, other, redis }
    }

    /// A key, at each node.
    async fn key(&self) -> [ApiCaller; 2] {
        let key = self.world.key(&self.acme.workspace, &self.acme.ada, "leads:read").await;
        self.at_both(&ApiCaller::key(&self.world, &key))
    }

    fn at_both(&self, caller: &ApiCaller) -> [ApiCaller; 2] {
        [caller.clone(), caller.at(&self.other)]
    }

    /// Both nodes have told and heard everything.
    async fn exchange(&self) {
        exchange(&[&self.world, &self.other]).await;
    }
}

/// The first has told its counts to the others and then hears theirs.
async fn exchange(nodes: &[&Node]) {
    let turns = nodes.iter().chain(nodes);
    for node in turns {
        share::run_once(&node.app).await.unwrap();
        // those without new requests have their turn, too
        for _ in 0..16 {
            share::run_once(&node.app).await.unwrap();
        }
    }
}

/// Status and requests left.
#[track_caller]
fn standing(answer: &Answer) -> (u16, i64) {
    let left = answer.header("x-ratelimit-remaining").expect("x-ratelimit-remaining");
    (answer.status, left.parse().unwrap())
}

async fn spend(caller: &ApiCaller, requests: usize) {
    for _ in 0..requests {
        caller.me().await.expect(200);
    }
}

#[tokio::test]
async fn what_was_used_on_one_node_is_gone_on_the_other() {
    let scene = Scene::new(10).await;
    let [here, there] = scene.key().await;
    spend(&here, 7).await;
    assert_eq!(standing(&there.me().await), (200, 9));

    scene.exchange().await;

    assert_eq!(standing(&there.me().await), (200, 1));
    assert_eq!(standing(&there.me().await), (200, 0));
    let refused = there.me().await.expect(429);
    assert_eq!(standing(&refused), (429, 0));
    assert!(refused.header("retry-after").is_some());
    scene.exchange().await;
    assert_eq!(standing(&here.me().await), (429, 0));
    assert_eq!(standing(&here.get("/api/v1/verify").await), (429, 0));
}

#[tokio::test]
async fn a_node_that_saw_one_request_hears_of_the_others_without_a_second() {
    let scene = Scene::new(5).await;
    let [here, there] = scene.key().await;
    spend(&there, 1).await;
    scene.exchange().await;
    spend(&here, 4).await;

    scene.exchange().await;

    assert_eq!(standing(&there.me().await), (429, 0));
}

#[tokio::test]
async fn three_nodes_share_every_kind_of_limit() {
    let scene = Scene::new(9).await;
    let third = scene.world.another_node().await;
    let script = scene.world.script().await;
    let grant = Tokens::of(&script.password(&scene.acme.ada).await).access;
    let client = scene.world.client(service(Some(&scene.acme.workspace))).await;
    let own = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await).access;
    let key = scene.world.key(&scene.acme.workspace, &scene.acme.ada, "leads:read").await;
    let nodes: [&Node; 3] = [&scene.world, &scene.other, &third];

    for credential in [grant, own, key] {
        let caller = ApiCaller::bearer(&scene.world, &credential);
        for node in nodes {
            spend(&caller.at(node), 3).await;
        }
        exchange(&nodes).await;

        for node in nodes {
            assert_eq!(standing(&caller.at(node).me().await), (429, 0));
        }
    }
}

/// The price of never waiting: what comes before the nodes have heard of each other is let through
/// on each; not a request more.
#[tokio::test]
async fn nodes_go_over_a_limit_by_what_comes_between_two_exchanges() {
    let scene = Scene::new(4).await;
    let [here, there] = scene.key().await;
    for caller in [&here, &there] {
        spend(caller, 4).await;
        caller.me().await.expect(429);
    }

    scene.exchange().await;

    for caller in [&here, &there] {
        assert_eq!(standing(&caller.me().await), (429, 0));
    }
}

#[tokio::test]
async fn the_next_minute_is_fresh_on_all() {
    let scene = Scene::new(3).await;
    let [here, there] = scene.key().await;
    spend(&here, 3).await;
    spend(&there, 1).await;
    scene.exchange().await;
    assert_eq!(standing(&there.me().await), (429, 0));

    scene.world.clock.advance(TimeDelta::seconds(60));

    assert_eq!(standing(&there.me().await), (200, 2));
    assert_eq!(standing(&here.me().await), (200, 2));
    scene.exchange().await;
    assert_eq!(standing(&here.me().await), (200, 0));
}

#[tokio::test]
async fn credentials_are_apart_and_nothing_stays_for_long() {
    let scene = Scene::new(3).await;
    let ([here, there], [_, other]) = (scene.key().await, scene.key().await);
    spend(&here, 3).await;
    spend(&there, 1).await;
    spend(&other, 1).await;

    scene.exchange().await;

    assert_eq!(standing(&other.me().await), (200, 1));
    let keys = scene.redis.keys().await;
    let start = format!("latchkey:rate:{}:key:", scene.world.clock.unix() / 60);
    // notes of use are each node's own
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        assert!(key.starts_with(&start), "{key}");
        let mut redis = scene.redis.connect().await;
        let left: i64 = redis::cmd("TTL").arg(&key).query_async(&mut redis).await.unwrap();
        assert!((60..=180).contains(&left), "{key} lives {left} s");
    }
}

#[tokio::test]
async fn without_redis_every_node_counts_for_itself() {
    let world = World::with(|config| config.api.rate_limit_per_minute = 2).await;
    let (acme, other) = (world.acme().await, world.another_node().await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let key = ApiCaller::key(&world, &key);
    spend(&key, 2).await;

    exchange(&[&world, &other]).await;

    assert_eq!(standing(&key.at(&other).me().await), (200, 1));
    assert_eq!(standing(&key.me().await), (429, 0));
}

#[tokio::test]
async fn nothing_waits_for_a_redis_that_is_gone_and_it_is_found_again() {
    let mut scene = Scene::new(10).await;
    let [here, there] = scene.key().await;
    spend(&here, 2).await;
    spend(&there, 1).await;
    scene.exchange().await;

    scene.redis.kill();

    // what was heard still holds, what is new stays here
    for (node, caller) in [(&*scene.world, &here), (&scene.other, &there)] {
        assert_eq!(standing(&caller.me().await), (200, 6));
        let gone = share::run_once(&node.app).await.unwrap_err();
        assert!(gone.is_transient(), "{gone}");
    }

    // it has lost everything, and hears it again from those who know
    scene.redis.start_again();
    scene.exchange().await;
    assert_eq!(standing(&here.me().await), (200, 4));
    spend(&here, 4).await;
    scene.exchange().await;
    assert_eq!(standing(&there.me().await), (429, 0));
}

#[tokio::test]
async fn nothing_waits_for_a_redis_that_hangs() {
    let scene = Scene::new(10).await;
    let [here, there] = scene.key().await;
    spend(&here, 1).await;
    spend(&there, 1).await;
    scene.exchange().await;
    scene.redis.pause();
    spend(&here, 1).await;

    let requests = async {
        let began = Instant::now();
        spend(&here, 3).await;
        began.elapsed()
    };
    let (outcome, took) = tokio::join!(share::run_once(&scene.world.app), requests);

    assert!(outcome.unwrap_err().is_transient());
    assert!(took < AT_ONCE, "{took:?}");
    scene.redis.resume();
    scene.exchange().await;
    assert_eq!(standing(&there.me().await), (200, 3));
}

/// A Redis may close a connection at which nothing happens: no outage.
#[tokio::test]
async fn a_connection_that_was_closed_is_made_anew() {
    let scene = Scene::new(10).await;
    let [here, there] = scene.key().await;
    spend(&here, 1).await;
    spend(&there, 1).await;
    scene.exchange().await;
    let mut redis = scene.redis.connect().await;
    let kill = redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).to_owned();
    assert_eq!(kill.query_async::<u32>(&mut redis).await.unwrap(), 2);
    spend(&here, 1).await;

    scene.exchange().await;

    assert_eq!(standing(&there.me().await), (200, 6));
}

#[tokio::test]
async fn a_redis_that_does_not_let_us_in_is_gone() {
    let redis = Redis::with(&["--requirepass", "correct horse"]);
    let world = |password: &str| {
        let url = redis.url().replace("redis://", &format!("redis://:{password}@"));
        World::with(move |config| config.redis_url = Some(url))
    };

    let good = world("correct%20horse").await;
    let bad = world("hunter2").await;

    assert_eq!(share::run_once(&good.app).await.unwrap(), 0);
    let refused = share::run_once(&bad.app).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    let told = refused.to_string();
    assert!(told.contains("redis") && !told.contains("hunter2"), "{told}");
}
