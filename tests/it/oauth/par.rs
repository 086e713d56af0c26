//! `POST /oauth/par` (RFC 9126): requests that are pushed, and what becomes of them.

use chrono::TimeDelta;
use entity::{client_settings::Settings, pushed_request};
use futures_util::future::join_all;
use latchkey::clients::registration::NewClient;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use super::{
    at_authorize,
    private_key_jwt::{TYPE, claims, signs_with},
};
use crate::support::{Answer, Browser, ClientApp, Page, Pkce, Signer, Tokens, World, web};

/// A client that pushes its requests only.
async fn pusher(world: &World) -> ClientApp {
    let settings = Settings { require_pushed_authorization_requests: true, ..Settings::default() };
    world.client(NewClient { settings, ..web() }).await
}

#[track_caller]
fn assert_spent(page: &Page) {
    assert_eq!((page.status, page.location()), (400, None), "{}", page.body);
    assert!(page.text("main").contains("request"), "{}", page.body);
}

#[tokio::test]
async fn a_pushed_request_becomes_a_code() {
    let (_world, acme, client, mut browser) = at_authorize().await;

    let pushed = client.push(&client.authorization()).await;

    assert_eq!(pushed.status, 201, "{}", pushed.body);
    assert_eq!(pushed.header("cache-control"), Some("no-store"));
    let body = pushed.json();
    assert_eq!(body["expires_in"], 90);
    let name = body["request_uri"].as_str().unwrap();
    assert!(name.starts_with("urn:ietf:params:oauth:request_uri:lk_pr_"), "{name}");
    assert_eq!(body.as_object().unwrap().len(), 2);
    let callback = browser.authorize(&client.named(&pushed), &acme.ada).await;
    assert_eq!(callback.params["state"], "a state: +&=%");
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
}

/// RFC 9126 §2: the issuer, the token endpoint or this one.
#[tokio::test]
async fn an_assertion_may_be_for_any_of_three() {
    let (world, ..) = at_authorize().await;
    let signer = Signer::new("ES256", "one");
    let client = world.client(NewClient { settings: signs_with(&signer), ..web() }).await;
    for (path, status) in
        [("", 201), ("/oauth/token", 201), ("/oauth/par", 201), ("/oauth/revoke", 401)]
    {
        let mut claims = claims(&world, &client, path);
        claims["jti"] = format!("for {path}").into();
        claims["aud"] = world.url(path).into();
        let assertion = signer.sign(&claims);
        let asked = client.authorization().without("client_id");
        let mut params = asked.pairs();
        params.extend([TYPE, ("client_assertion", &assertion)]);

        let answer = Answer::to(client.request("/oauth/par", &params)).await;

        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
}

/// CS-A20: a page may be loaded again until the user has decided; then the name is spent.
#[tokio::test]
async fn it_is_spent_by_the_decision_and_not_by_a_look() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let named = client.named(&client.push(&client.authorization()).await);

    let page = browser.open(&named.path()).await;
    let page = browser.sign_in_on(&page, &acme.ada).await;
    assert!(page.has("#consent-allow"));
    let again = browser.open(&named.path()).await;
    assert!(again.has("#consent-allow"));
    browser.submit(&again, "#consent-allow", &[]).await.callback().code();

    let late = browser.submit(&page, "#consent-allow", &[]).await;
    assert_eq!((late.status, late.location()), (400, None), "{}", late.body);
    assert_spent(&browser.get(&named.path()).await);
}

#[tokio::test]
async fn a_remembered_yes_spends_it_as_well() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    browser.authorize(&client.authorization(), &acme.ada).await.code();
    let named = client.named(&client.push(&client.authorization()).await);

    browser.get(&named.path()).await.callback().code();

    assert_spent(&browser.get(&named.path()).await);
}

#[tokio::test]
async fn no_is_an_answer_too() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let named = client.named(&client.push(&client.authorization()).await);
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&named.path()).await;

    let denied = browser.submit(&page, "#consent-deny", &[]).await.callback();

    assert_eq!(denied.params["error"], "access_denied");
    assert_spent(&browser.get(&named.path()).await);
}

/// Of those who race with one name, one gets a code.
#[tokio::test]
async fn two_browsers_get_one_code() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.authorize(&client.authorization(), &acme.ada).await.code();
    let named = client.named(&client.push(&client.authorization()).await);
    let mut browsers = Vec::new();
    for _ in 0..6 {
        browsers.push(Browser::of(&world, &acme.ada).await);
    }

    let path = named.path();
    let pages = join_all(browsers.iter_mut().map(|browser| browser.open(&path))).await;

    let codes = pages.iter().filter(|page| page.status == 303).count();
    assert_eq!(codes, 1, "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
}

/// A user may take longer than the name lives, if the browser came in time.
#[tokio::test]
async fn who_came_in_time_may_take_their_time() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let named = client.named(&client.push(&client.authorization()).await);
    let page = browser.open(&named.path()).await;

    world.clock.advance(TimeDelta::minutes(10));

    let page = browser.sign_in_on(&page, &acme.ada).await;
    browser.submit(&page, "#consent-allow", &[]).await.callback().code();
}

/// CS-A20: it expires, and belongs to its client.
#[tokio::test]
async fn it_ends_by_itself_and_is_nobody_elses() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.authorize(&client.authorization(), &acme.ada).await.code();
    let named = client.named(&client.push(&client.authorization()).await);
    let other = world.web().await;

    assert_spent(&browser.get(&named.clone().with("client_id", &other.id).path()).await);
    assert_spent(&browser.get(&named.clone().without("client_id").path()).await);
    let made_up = format!("{}x", named.pairs()[1].1);
    assert_spent(&browser.get(&named.clone().with("request_uri", &made_up).path()).await);
    assert_spent(&browser.get(&named.clone().and("request_uri", "x").path()).await);
    world.clock.advance(TimeDelta::seconds(90));
    assert_spent(&browser.get(&named.path()).await);
}

/// CS-A20: what stands beside the name is ignored.
#[tokio::test]
async fn nothing_beside_the_name_counts() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let named = client.named(&client.push(&client.authorization()).await);
    let stray = named
        .and("state", "another")
        .and("state", "twice")
        .and("redirect_uri", "https://evil.example/")
        .and("response_mode", "nonsense")
        .and("scope", "comms:send");

    let callback = browser.authorize(&stray, &acme.ada).await;

    assert_eq!(callback.params["state"], "a state: +&=%");
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read leads:write");
}

/// CS-A20: who must push cannot do without.
#[tokio::test]
async fn a_client_can_be_made_to_push() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = pusher(&world).await;
    let mut browser = Browser::new(&world);

    let refused = browser.get(&client.authorization().path()).await.callback();
    assert_eq!(
        refused.shown(),
        json!({
            "error": "invalid_request",
            "error_description": "the client must push its requests",
            "state": "a state: +&=%",
            "iss": world.url(""),
        })
    );
    let named = client.named(&client.push(&client.authorization()).await);
    browser.authorize(&named, &acme.ada).await.code();
}

/// What nobody comes for goes.
#[tokio::test]
async fn what_is_pushed_is_swept() {
    let (world, _, client, _) = at_authorize().await;
    client.push(&client.authorization()).await.expect(201);
    let count = async || pushed_request::Entity::find().count(world.app.store.read()).await;

    world.clock.advance(TimeDelta::seconds(91));
    latchkey::jobs::sweep::run_once(&world.app).await.unwrap();

    assert_eq!(count().await.unwrap(), 0);
}
