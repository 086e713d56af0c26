//! Credentials that are nobody's: how many a network may show, and that nobody else suffers from it.

use chrono::TimeDelta;
use futures_util::future::join_all;
use latchkey::access::guesses::UNKNOWN_PER_MINUTE;
use serde_json::json;

use super::assert_refused;
use crate::support::{Acme, Answer, ApiCaller, Tokens, World};

const ATTACKER: &str = "203.0.113.9";
const ELSEWHERE: &str = "198.51.100.7";
/// How many ask at once.
const AT_ONCE: u32 = 50;

/// A server that is told where its callers are.
async fn world() -> (World, Acme) {
    let world = World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let acme = world.acme().await;
    // no other node changes anything: what is in memory is true
    world.app.cache.followed(world.app.now());
    (world, acme)
}

/// One with a credential that was somebody's once.
async fn stranger(world: &World, acme: &Acme) -> ApiCaller {
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    script.revoke(&tokens.access).await.expect(200);
    ApiCaller::bearer(world, &tokens.access)
}

async fn me(caller: &ApiCaller, address: &str) -> Answer {
    Answer::to(caller.request("/api/v1/me").header("x-forwarded-for", address)).await
}

/// Shows a credential that is nobody's so many times, and demands that it is refused as such.
async fn guess(caller: &ApiCaller, address: &str, times: u32) {
    for _ in 0..times / AT_ONCE {
        for answer in join_all((0..AT_ONCE).map(|_| me(caller, address))).await {
            assert_eq!(answer.status, 401, "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_network_that_guesses_is_not_heard_for_the_rest_of_the_minute() {
    let (world, acme) = world().await;
    let raw = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let by_heart = ApiCaller::key(&world, &raw);
    let other = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let other = ApiCaller::key(&world, &other);
    me(&by_heart, ATTACKER).await.expect(200);
    let stranger = stranger(&world, &acme).await;
    guess(&stranger, ATTACKER, UNKNOWN_PER_MINUTE).await;

    let refused = me(&stranger, ATTACKER).await;

    let left = 60 - world.clock.unix() % 60;
    assert_refused(&refused, 429, "RATE_LIMITED", "too many requests; wait for the next minute");
    assert_eq!(refused.header("retry-after"), Some(&*left.to_string()));
    // what is known by heart costs nothing, and what is not has to wait there
    me(&by_heart, ATTACKER).await.expect(200);
    me(&other, ATTACKER).await.expect(429);
    for address in [ELSEWHERE, "2001:db8::1"] {
        assert_eq!(me(&stranger, address).await.status, 401);
        me(&other, address).await.expect(200);
    }
    world.clock.advance(TimeDelta::seconds(left));
    assert_eq!(me(&stranger, ATTACKER).await.status, 401);
}

/// Whoever has a credential of their own uses up nothing, however often they show it and whatever it is worth.
#[tokio::test]
async fn what_is_somebodys_is_no_guess() {
    let (world, acme) = world().await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(ApiCaller::key(
            &world,
            &world.key(&acme.workspace, &acme.ada, "leads:read").await,
        ));
    }
    let stranger = stranger(&world, &acme).await;
    guess(&stranger, ATTACKER, UNKNOWN_PER_MINUTE - AT_ONCE).await;

    for key in &keys {
        me(key, ATTACKER).await.expect(200);
    }

    guess(&stranger, ATTACKER, AT_ONCE).await;
    me(&stranger, ATTACKER).await.expect(429);
}

#[tokio::test]
async fn secrets_of_clients_are_guessed_as_slowly() {
    let (world, acme) = world().await;
    let script = world.script().await;
    let secret = script.secret.clone().unwrap();
    let sign_in = async |id: &str, secret: &str, address: &str| {
        let (username, password) = (acme.ada.username.as_str(), acme.ada.password.as_str());
        let form = [("grant_type", "password"), ("username", username), ("password", password)];
        let request = world.http.post(world.url("/oauth/token")).basic_auth(id, Some(secret));
        Answer::to(request.form(&form).header("x-forwarded-for", address)).await
    };
    for number in 0..UNKNOWN_PER_MINUTE / AT_ONCE {
        let guesses = (0..AT_ONCE).map(|_| sign_in("nobody", &secret, ATTACKER));
        for answer in join_all(guesses).await {
            assert_eq!(answer.status, 401, "{number}");
        }
    }

    let refused = sign_in(&script.id, "wrong", ATTACKER).await;

    assert_eq!((refused.status, refused.json()), (429, json!({ "error": "too_many_requests" })));
    assert!(refused.header("retry-after").is_some());
    sign_in(&script.id, &secret, ELSEWHERE).await.expect(200);
    // it is known by heart now
    sign_in(&script.id, &secret, ATTACKER).await.expect(200);
    assert_eq!(sign_in(&script.id, "wrong", ATTACKER).await.status, 429);
}
