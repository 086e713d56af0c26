//! How often userinfo may be asked: as often as the API, and the two count together (contract §4).

use chrono::TimeDelta;
use entity::client_settings::Settings;
use serde_json::{Value, json};

use crate::support::{Answer, ApiCaller, Browser, ClientApp, Holder, Person, Pkce, Tokens, World};

const PATH: &str = "/oauth/userinfo";
const LIMIT: u32 = 3;

/// A server with a low limit, and a client that signs people in.
async fn world() -> (World, Person, ClientApp) {
    let world = World::with(|config| config.api.rate_limit_per_minute = LIMIT).await;
    let acme = world.acme().await;
    let client = world.relying_party(Settings::default()).await;
    (world, acme.ada, client)
}

async fn token(world: &World, person: &Person, client: &ClientApp, scope: &str) -> String {
    let request = client.authorization().with("scope", scope);
    let callback = Browser::new(world).authorize(&request, person).await;
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await).access
}

fn standing(answer: &Answer) -> (u16, Option<String>, Option<String>) {
    let header = |name| answer.header(name).map(str::to_owned);
    (answer.status, header("x-ratelimit-limit"), header("x-ratelimit-remaining"))
}

fn at(status: u16, remaining: u32) -> (u16, Option<String>, Option<String>) {
    (status, Some(LIMIT.to_string()), Some(remaining.to_string()))
}

#[tokio::test]
async fn a_token_is_told_so_many_times_a_minute() {
    let (world, ada, client) = world().await;
    let token = token(&world, &ada, &client, "openid").await;
    let caller = ApiCaller::bearer(&world, &token);
    // by header and by form
    assert_eq!(standing(&caller.get(PATH).await), at(200, 2));
    let form = world.http.post(world.url(PATH)).form(&[("access_token", &token)]);
    assert_eq!(standing(&Answer::to(form).await), at(200, 1));
    assert_eq!(standing(&caller.get(PATH).await), at(200, 0));

    let answer = caller.get(PATH).await;

    assert_eq!(standing(&answer), at(429, 0));
    assert_eq!(answer.json(), json!({ "error": "too_many_requests" }));
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    let reset: i64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert_eq!(reset % 60, 0);
    assert_eq!(wait, reset - world.clock.unix());
    // pages of other sites read when they may come back
    let shown = answer.header("access-control-expose-headers").unwrap();
    assert!(shown.contains("Retry-After") && shown.contains("X-RateLimit-Reset"), "{shown}");
    world.clock.advance(TimeDelta::seconds(wait));
    assert_eq!(standing(&caller.get(PATH).await), at(200, 2));
}

/// One limit for what a user has allowed, wherever its tokens are shown.
#[tokio::test]
async fn it_is_the_limit_of_the_api() {
    let (world, ada, client) = world().await;
    let first = ApiCaller::bearer(&world, &token(&world, &ada, &client, "openid").await);
    let second = ApiCaller::bearer(&world, &token(&world, &ada, &client, "openid").await);
    first.me().await.expect(200);
    first.get(PATH).await.expect(200);
    second.get(PATH).await.expect(200);

    for caller in [&first, &second] {
        assert_eq!(caller.get(PATH).await.status, 429);
        assert_eq!(caller.me().await.status, 429);
    }
    // somebody else's is another
    let ben = world.person("ben@example.com", &[]).await;
    let bens = token(&world, &ben, &client, "openid").await;
    assert_eq!(standing(&ApiCaller::bearer(&world, &bens).get(PATH).await), at(200, 2));
}

/// Contract §4: the limit comes before the scope.
#[tokio::test]
async fn a_token_without_openid_is_counted_too() {
    let (world, ada, client) = world().await;
    let token = token(&world, &ada, &client, "leads:read").await;
    let caller = ApiCaller::bearer(&world, &token);

    for remaining in (0..LIMIT).rev() {
        assert_eq!(standing(&caller.get(PATH).await), at(403, remaining));
    }
    assert_eq!(caller.get(PATH).await.status, 429);
}

/// What is nobody's is counted for nobody: no one is locked out by somebody who guesses.
#[tokio::test]
async fn what_is_refused_counts_for_nobody() {
    let (world, ada, client) = world().await;
    let good = token(&world, &ada, &client, "openid").await;
    let dead = token(&world, &ada, &client, "openid").await;
    client.revoke(&dead).await.expect(200);

    for credential in ["x", &dead, "lk_at_0000000000000000000000000000000000000000000000000"] {
        for _ in 0..=LIMIT {
            let answer = ApiCaller::bearer(&world, credential).get(PATH).await;
            assert_eq!(standing(&answer), (401, None, None), "{credential}");
        }
    }
    for _ in 0..=LIMIT {
        let nothing = ApiCaller::anonymous(&world).get(PATH).await;
        assert_eq!(standing(&nothing), (401, None, None));
    }
    assert_eq!(standing(&ApiCaller::bearer(&world, &good).get(PATH).await), at(200, 2));
}

/// Whoever only has the token of another's key uses nothing up.
#[tokio::test]
async fn a_bound_token_is_counted_for_who_proves_the_key() {
    let (world, ada, client) = world().await;
    let holder = Holder::new();
    let request = client.authorization().with("scope", "openid");
    let callback = Browser::new(&world).authorize(&request, &ada).await;
    let pkce = Pkce::default();
    let params = [
        ("grant_type", "authorization_code"),
        ("code", callback.code()),
        ("redirect_uri", client.redirect_uri.as_str()),
        ("code_verifier", pkce.verifier.as_str()),
    ];
    let request = client.request("/oauth/token", &params);
    let request = request.header("dpop", holder.proof(&world, "/oauth/token"));
    let token = Tokens::of(&Answer::to(request).await).access;
    for _ in 0..=LIMIT {
        assert_eq!(ApiCaller::bearer(&world, &token).get(PATH).await.status, 401);
    }

    let request = ApiCaller::anonymous(&world).request(PATH);
    let request = request.header("authorization", format!("DPoP {token}"));
    let told = Answer::to(request.header("dpop", holder.proof_at(&world, PATH, &token))).await;

    assert_eq!(standing(&told), at(200, 2));
    assert_ne!(told.json()["sub"], Value::Null);
}
