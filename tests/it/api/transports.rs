//! How a credential travels to the API (contract §2), seen at `GET /api/v1/me`.

use reqwest::Method;
use url::Url;

use super::{assert_is_private, key_of_product};
use crate::support::{Answer, ApiCaller, Browser, Tokens, World};

/// FE-2, SW-3, SF-6: any of the header's names and schemes in capitals or not.
#[tokio::test]
async fn every_credential_kind_travels_by_every_way_it_may_take() {
    let world = World::new().await;
    let acme = world.acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let (open_key, _) = key_of_product(&world, "subworkflow", "datasets:read").await;

    let by_header = |name: &str, value: String| {
        Answer::to(world.http.get(world.url("/api/v1/me")).header(name, value))
    };
    for credential in [&tokens.access, &key, &open_key] {
        let expected = ApiCaller::bearer(&world, credential).me().await.expect(200).json();
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
            let answer = by_header("Authorization", format!("{scheme} {credential}")).await;
            assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{scheme}");
        }
    }
    for credential in [&key, &open_key] {
        let expected = ApiCaller::bearer(&world, credential).me().await.expect(200).json();
        for name in ["X-API-Key", "x-api-key", "X-Api-Key"] {
            let answer = by_header(name, credential.clone()).await;
            assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{name}");
        }
    }
}

/// Header names as they are on the wire; a client library would have lowered them.
#[tokio::test]
async fn header_names_are_compared_without_case() {
    let world = World::new().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for header in ["X-API-KEY: ", "x-ApI-kEy:", "AUTHORIZATION: Bearer ", "authorization:bearer "] {
        let answer = world
            .raw(
                format!(
                    "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                     {header}{key}\r\n\r\n"
                )
                .as_bytes(),
            )
            .await;

        assert!(answer.starts_with("HTTP/1.1 200 "), "{header}: {answer}");
    }
}

/// SW-4, SW-6: no answer to such a request is kept by a cache, and none repeats the key.
#[tokio::test]
async fn a_key_travels_in_the_query_where_its_product_allows_it() {
    let world = World::new().await;
    let (key, _) = key_of_product(&world, "subworkflow", "datasets:read").await;
    let anonymous = ApiCaller::anonymous(&world);
    let expected = ApiCaller::key(&world, &key).me().await.expect(200).json();

    for query in [
        format!("api-key={key}"),
        format!("limit=10&api-key={key}"),
        format!("api%2Dkey={}", key.replace('_', "%5F")),
        format!("api-key={key}&api-key={key}"),
    ] {
        let answer = anonymous.get(&format!("/api/v1/me?{query}")).await;

        assert_eq!((answer.status, answer.json()), (200, expected.clone()));
        assert_is_private(&answer);
        assert!(!format!("{:?}", answer.headers).contains(&key));
    }
    // it is noted in a task of its own
    for _ in 0..100 {
        if world.audited("api_key.expose").await > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(world.audited("api_key.expose").await, 1);
}

#[tokio::test]
async fn the_same_credential_twice_is_one() {
    let world = World::new().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let request = ApiCaller::bearer(&world, &key).request("/api/v1/me").header("x-api-key", &key);

    assert_eq!(Answer::to(request).await.status, 200);
}

/// A page elsewhere can send a cookie along and nothing else: it opens nothing here.
#[tokio::test]
async fn a_cookie_is_no_credential() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    assert_eq!(browser.get("/settings/profile").await.status, 200);

    for (method, path) in [
        (Method::GET, "/api/v1/me"),
        (Method::GET, "/v1/datasets"),
        (Method::POST, "/v1/datasets"),
        (Method::GET, "/oauth/userinfo"),
        (Method::POST, "/oauth/userinfo"),
        (Method::POST, "/oauth/introspect"),
        (Method::POST, "/oauth/revoke"),
        (Method::POST, "/oauth/token"),
        (Method::POST, "/oauth/par"),
    ] {
        let url = Url::parse(&world.url(path)).unwrap();
        let request = || {
            let form = "application/x-www-form-urlencoded";
            world.http.request(method.clone(), url.clone()).header("content-type", form)
        };
        let with_cookie = browser.send(url.clone(), request()).await;
        let without = Answer::to(request()).await;

        assert!(matches!(with_cookie.status, 400 | 401), "{path}: {}", with_cookie.status);
        assert_eq!(with_cookie.shown(), without.shown(), "{method} {path}");
        assert_eq!(with_cookie.header("set-cookie"), None, "{path}");
    }
}
