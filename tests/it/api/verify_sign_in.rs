//! `GET /api/v1/verify` with demands on the user's sign-in (RFC 9470).

use chrono::TimeDelta;

use super::challenge;
use crate::support::{ApiCaller, Browser, Pkce, Tokens, World, service};

const PATH: &str = "/api/v1/verify";
const PWD: &str = "urn:latchkey:acr:pwd";
const MFA: &str = "urn:latchkey:acr:mfa";

#[tokio::test]
async fn a_sign_in_must_be_fresh_enough() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    let path = format!("{PATH}?max_age=300&scope=leads:read");
    world.clock.advance(TimeDelta::seconds(300));
    assert_eq!(caller.get(&path).await.status, 204);
    world.clock.advance(TimeDelta::seconds(1));

    let answer = caller.get(&path).await;

    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"]["code"], "UNAUTHORIZED");
    let attributes = ", error=\"insufficient_user_authentication\", max_age=\"300\"";
    assert_eq!(answer.header("www-authenticate"), Some(&*challenge(&world, PATH, attributes)));
    assert_eq!(caller.get(PATH).await.status, 204);
    let refreshed = Tokens::of(&script.refresh(&tokens.refresh).await);
    let caller = ApiCaller::bearer(&world, &refreshed.access);
    assert_eq!(caller.get(&path).await.status, 401, "a refresh is no sign-in");
}

#[tokio::test]
async fn a_sign_in_must_be_strong_enough() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    let with = |classes: &str| format!("{PATH}?acr_values={}", classes.replace(' ', "+"));
    assert_eq!(caller.get(&with(PWD)).await.status, 204);
    assert_eq!(caller.get(&with(&format!("{MFA} {PWD}"))).await.status, 204);

    let answer = caller.get(&format!("{}&max_age=60", with(MFA))).await;

    assert_eq!(answer.status, 401);
    let attributes = format!(
        ", error=\"insufficient_user_authentication\", acr_values=\"{MFA}\", max_age=\"60\""
    );
    assert_eq!(answer.header("www-authenticate"), Some(&*challenge(&world, PATH, &attributes)));
}

/// A second factor is stronger than a password, and will do for one.
#[tokio::test]
async fn a_second_factor_is_strong() {
    let (world, acme) = World::of_acme().await;
    let web = world.web().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let (seed, _) = browser.enrol_totp(&world).await;
    world.clock.advance(TimeDelta::minutes(1));
    let mut other = Browser::new(&world);
    let page = other.open(&web.authorization().path()).await;
    let page = other.sign_in_on(&page, &acme.ada).await;
    let code = world.code(&seed);
    let page = other.submit(&page, "input[name=code]", &[("code", &code)]).await;
    let page = other.follow(page).await;
    let callback = other.submit(&page, "#consent-allow", &[]).await.callback();
    let tokens = Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);

    for class in [MFA, PWD] {
        assert_eq!(caller.get(&format!("{PATH}?acr_values={class}")).await.status, 204, "{class}");
    }
    let described = world.introspector().await.introspect(&tokens.access).await.json();
    assert_eq!(described["acr"], MFA);
}

/// There is no user behind a key, nor behind a client's own token.
#[tokio::test]
async fn keys_and_clients_never_satisfy_it() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let own = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);

    for credential in [&key, &own.access] {
        let caller = ApiCaller::bearer(&world, credential);
        for query in ["max_age=100000", "acr_values=urn:latchkey:acr:pwd"] {
            assert_eq!(caller.get(&format!("{PATH}?{query}")).await.status, 401, "{query}");
        }
        assert_eq!(caller.get(PATH).await.status, 204);
    }
}

#[tokio::test]
async fn demands_that_cannot_be_read_are_refused() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);

    for query in ["max_age=x", "max_age=-1", "acr_values=", "acr_values=%22", "acr_values=%C3%A9"] {
        assert_eq!(caller.get(&format!("{PATH}?{query}")).await.status, 400, "{query}");
    }
}
