//! How many requests a credential may make in a minute, and what every answer says about it.

use chrono::TimeDelta;
use futures_util::future::join_all;
use latchkey::{
    audit::Actor,
    keys::manage::{self, KeyOwner},
    workspaces::NewWorkspace,
};

use super::{ROUTES, assert_refused, key_of_product};
use crate::support::{Acme, Answer, ApiCaller, Tokens, World, new_key, service, workspace_named};

/// A server with a limit that a test can reach.
async fn world(limit: u32) -> (World, Acme, ApiCaller) {
    let world = World::with(|config| config.api.rate_limit_per_minute = limit).await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let key = ApiCaller::key(&world, &key);
    (world, acme, key)
}

/// Limit, requests left, and when the next minute begins.
#[track_caller]
fn standing(answer: &Answer) -> (i64, i64, i64) {
    let number = |name: &str| -> i64 {
        let value = answer.header(name).unwrap_or_else(|| panic!("no {name}: {}", answer.body));
        value.parse().unwrap()
    };
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"))
}

/// When the present minute of Unix time ends.
fn next_minute(world: &World) -> i64 {
    (world.clock.unix() / 60 + 1) * 60
}

/// FE-28, SF-15: the three headers, on answers of every kind.
#[tokio::test]
async fn every_answer_says_where_the_credential_stands() {
    let world = World::new().await;
    let acme = world.acme().await;
    let raw = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let key = ApiCaller::key(&world, &raw);
    let reset = next_minute(&world);
    // the clock stands in the middle of a minute
    assert!(0 < reset - world.clock.unix() && reset - world.clock.unix() < 60);

    let mut left = 1000;
    for (path, status) in [
        ("/api/v1/me", 200),
        ("/api/v1/verify", 204),
        ("/api/v1/verify?scope=datasets:read", 403),
        ("/api/v1/verify?scope=%22", 400),
        ("/api/v1/nothing", 404),
    ] {
        let answer = key.get(path).await;

        left -= 1;
        assert_eq!((answer.status, standing(&answer)), (status, (1000, left, reset)), "{path}");
    }
    let post = world.http.post(world.url("/api/v1/me")).bearer_auth(raw);
    assert_eq!(standing(&Answer::to(post).await.expect(405)), (1000, left - 1, reset));
}

/// SF-13, SF-15: of a thousand and one requests in a minute the last is refused; and what the
/// headers say after the second is the example of the documentation.
#[tokio::test]
async fn a_key_has_a_thousand_requests_a_minute() {
    let world = World::new().await;
    let (key, _) = key_of_product(&world, "subscribeflow", "subscribers:read").await;
    let key = ApiCaller::key(&world, &key);
    let path = "/api/v1/subscribers?limit=10";
    let reset = next_minute(&world);
    assert_eq!((reset % 60, 1_710_000_060 % 60), (0, 0));
    key.get(path).await.expect(200);
    assert_eq!(standing(&key.get(path).await.expect(200)), (1000, 998, reset));

    for _ in 0..998 / 2 {
        let (one, two) = tokio::join!(key.get(path), key.get(path));
        assert_eq!((one.status, two.status), (200, 200));
    }

    assert_eq!(standing(&key.get(path).await.expect(429)), (1000, 0, reset));
    world.clock.advance(TimeDelta::seconds(60));
    assert_eq!(standing(&key.get(path).await.expect(200)), (1000, 999, reset + 60));
}

#[tokio::test]
async fn a_minute_is_one_of_unix_time() {
    let (world, _, key) = world(5).await;
    let reset = next_minute(&world);
    key.me().await;
    world.clock.advance(TimeDelta::seconds(reset - world.clock.unix() - 1));
    assert_eq!(standing(&key.me().await), (5, 3, reset));

    world.clock.advance(TimeDelta::seconds(1));

    assert_eq!(standing(&key.me().await), (5, 4, reset + 60));
}

/// SF-14, SF-16: status, code and `Retry-After`, from which an SDK makes its error.
#[tokio::test]
async fn one_request_too_many_is_429_until_the_minute_is_over() {
    let (world, _, key) = world(2).await;
    let reset = next_minute(&world);
    key.me().await.expect(200);
    key.me().await.expect(200);

    for path in ROUTES {
        let answer = key.get(path).await;

        let message = "too many requests; wait for the next minute";
        assert_refused(&answer, 429, "RATE_LIMITED", message);
        assert_eq!(standing(&answer), (2, 0, reset));
        let wait = (reset - world.clock.unix()).to_string();
        assert_eq!(answer.header("retry-after"), Some(wait.as_str()));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    world.clock.advance(TimeDelta::seconds(reset - world.clock.unix()));
    assert_eq!(key.me().await.status, 200);
}

#[tokio::test]
async fn whoever_waits_as_told_is_let_in() {
    let (world, _, key) = world(1).await;
    key.me().await.expect(200);
    world.clock.advance(TimeDelta::milliseconds(700));
    let answer = key.me().await.expect(429);

    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    world.clock.advance(TimeDelta::seconds(wait));

    assert_eq!(key.me().await.status, 200);
}

#[tokio::test]
async fn refused_requests_do_not_make_the_wait_longer() {
    let (world, _, key) = world(1).await;
    key.me().await.expect(200);
    for _ in 0..10 {
        key.me().await.expect(429);
    }

    world.clock.advance(TimeDelta::seconds(60));

    assert_eq!(standing(&key.me().await.expect(200)).1, 0);
}

#[tokio::test]
async fn the_limit_is_looked_at_before_the_scope_and_after_the_path() {
    let (_world, _, key) = world(1).await;
    key.me().await.expect(200);

    for (path, status) in [
        ("/api/v1/verify?scope=datasets:read", 429),
        ("/api/v1/verify?scope=%22", 429),
        ("/api/v1/nothing", 404),
    ] {
        assert_eq!(key.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn keys_do_not_share_a_count() {
    let (world, acme, key) = world(2).await;
    let other = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let other = ApiCaller::key(&world, &other);

    key.me().await;
    key.me().await;

    assert_eq!(key.me().await.status, 429);
    assert_eq!(standing(&other.me().await).1, 1);
}

#[tokio::test]
async fn a_key_has_one_count_however_it_travels() {
    let (world, acme, _) = world(2).await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    ApiCaller::key(&world, &key).me().await.expect(200);
    ApiCaller::bearer(&world, &key).get("/api/v1/verify").await.expect(204);

    assert_eq!(ApiCaller::bearer(&world, &key).me().await.status, 429);
}

#[tokio::test]
async fn the_tokens_of_a_grant_share_a_count() {
    let (world, acme, _) = world(3).await;
    let script = world.script().await;
    let phone = Tokens::of(&script.password(&acme.ada).await);
    let laptop = Tokens::of(&script.password(&acme.ada).await);
    let later = Tokens::of(&script.refresh(&laptop.refresh).await);
    let other = Tokens::of(&world.script().await.password(&acme.ada).await);

    let mut left = Vec::new();
    for token in [&phone, &laptop, &later] {
        left.push(standing(&ApiCaller::bearer(&world, &token.access).me().await.expect(200)).1);
    }

    assert_eq!(left, [2, 1, 0]);
    assert_eq!(ApiCaller::bearer(&world, &phone.access).me().await.status, 429);
    // another client is another grant
    assert_eq!(ApiCaller::bearer(&world, &other.access).me().await.status, 200);
}

#[tokio::test]
async fn a_clients_own_tokens_share_a_count() {
    let (world, acme, _) = world(2).await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let mut left = Vec::new();
    for _ in 0..2 {
        let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);
        left.push(standing(&ApiCaller::bearer(&world, &tokens.access).me().await).1);
    }

    assert_eq!(left, [1, 0]);
}

#[tokio::test]
async fn a_products_own_limit_wins() {
    let (world, _, key) = world(2).await;
    let home = NewWorkspace { product: "subscribeflow".to_owned(), ..workspace_named("flow") };
    let home = world.workspace_of(home).await;
    let robot = world.service_account(&home, "ci").await;
    let new = new_key(&home, KeyOwner::ServiceAccount(robot), "tags:read");
    let flow = ApiCaller::key(&world, &world.key_of(new).await);

    assert_eq!(standing(&flow.me().await).0, 1000);
    assert_eq!(standing(&key.me().await).0, 2);
}

#[tokio::test]
async fn what_is_forbidden_is_counted_and_what_is_unknown_is_not() {
    let (world, acme, key) = world(5).await;
    let me = key.me().await.expect(200).json();
    let id = me["credential"]["id"].as_str().unwrap().parse().unwrap();
    let workspace = acme.workspace.id;
    let off = manage::set_active(&world.app, Actor::Operator, workspace, id, false).await;
    assert!(off.unwrap());

    assert_eq!(standing(&key.me().await.expect(403)).1, 3);
    assert_eq!(standing(&key.get("/api/v1/verify").await.expect(403)).1, 2);
    // there is nobody to count for
    for caller in [ApiCaller::anonymous(&world), ApiCaller::bearer(&world, "x")] {
        let answer = caller.me().await.expect(401);
        for name in ["limit", "remaining", "reset"] {
            assert_eq!(answer.header(&format!("x-ratelimit-{name}")), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_lets_exactly_the_limit_through() {
    let (world, _, key) = world(20).await;

    let answers = join_all((0..64).map(|_| key.me())).await;

    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(200), count(429)), (20, 44));
    let mut left: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| standing(answer).1)
        .collect();
    left.sort_unstable();
    assert_eq!(left, (0..20).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| standing(answer).2 == next_minute(&world)));
}

#[tokio::test]
async fn documents_need_no_credential_and_have_no_limit() {
    let (_world, _, key) = world(1).await;
    key.me().await;

    for path in ["/openapi.json", "/docs", "/llms.txt"] {
        let answer = key.get(path).await;

        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-ratelimit-limit"), None);
    }
}
