//! Keys behind a `jwks_uri`: fetched when they are needed, kept for a while, fetched again when one is
//! missing, and never so often that it hurts their host.

use chrono::TimeDelta;
use entity::client_settings::{AuthMethod, Settings};
use serde_json::json;

use super::{
    private_key_jwt::{claims, client_with, token},
    token_request::assert_challenged,
};
use crate::support::{ClientApp, Host, Reply, Signer, Tokens, World};

async fn hosted() -> (World, ClientApp, Host) {
    let world = World::with(|config| config.http.allow_private_fetches = true).await;
    let acme = world.acme().await;
    let host = Host::new().await;
    let settings = Settings {
        token_endpoint_auth_method: Some(AuthMethod::PrivateKeyJwt),
        jwks_uri: Some(host.url("/jwks")),
        ..Settings::default()
    };
    let client = client_with(&world, &acme, settings).await;
    (world, client, host)
}

fn publish(host: &Host, signers: &[&Signer]) {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    host.says("/jwks", Reply::Json(json!({ "keys": keys }).to_string()));
}

/// CS-R7, CS-T8.
#[tokio::test]
async fn they_are_fetched_when_they_are_needed_and_kept() {
    let (world, client, host) = hosted().await;
    let one = Signer::new("ES256", "one");
    publish(&host, &[&one]);
    assert_eq!(host.asked("/jwks"), 0);

    for jti in ["1", "2", "3"] {
        Tokens::of(&token(&client, &one.sign(&claims(&world, &client, jti))).await);
    }

    assert_eq!(host.asked("/jwks"), 1);
    world.clock.advance(TimeDelta::minutes(5));
    Tokens::of(&token(&client, &one.sign(&claims(&world, &client, "4"))).await);
    assert_eq!(host.asked("/jwks"), 2);
}

/// CS-T8: a client changes its keys whenever it likes.
#[tokio::test]
async fn a_key_that_is_missing_is_looked_for_every_half_minute() {
    let (world, client, host) = hosted().await;
    let (one, two) = (Signer::new("ES256", "one"), Signer::new("EdDSA", "two"));
    publish(&host, &[&one]);
    Tokens::of(&token(&client, &one.sign(&claims(&world, &client, "1"))).await);
    publish(&host, &[&one, &two]);

    let early = token(&client, &two.sign(&claims(&world, &client, "2"))).await;
    assert_challenged(&early, "within half a minute");
    assert_eq!(host.asked("/jwks"), 1);
    world.clock.advance(TimeDelta::seconds(30));
    Tokens::of(&token(&client, &two.sign(&claims(&world, &client, "3"))).await);
    assert_eq!(host.asked("/jwks"), 2);

    // what does not exist is not looked for all the time
    let nobodys = Signer::new("ES256", "nobody's");
    for jti in ["4", "5", "6"] {
        assert_challenged(&token(&client, &nobodys.sign(&claims(&world, &client, jti))).await, jti);
    }
    assert_eq!(host.asked("/jwks"), 2);
}

#[tokio::test]
async fn a_key_that_is_gone_is_no_good_any_more() {
    let (world, client, host) = hosted().await;
    let (one, two) = (Signer::new("ES256", "one"), Signer::new("ES256", "two"));
    publish(&host, &[&one]);
    Tokens::of(&token(&client, &one.sign(&claims(&world, &client, "1"))).await);
    publish(&host, &[&two]);

    world.clock.advance(TimeDelta::minutes(5));

    assert_challenged(&token(&client, &one.sign(&claims(&world, &client, "2"))).await, "gone");
}

#[tokio::test]
async fn hosts_that_misbehave_prove_nobody() {
    let (world, client, host) = hosted().await;
    let one = Signer::new("ES256", "one");
    let set = one.jwks().to_string();
    let mut private = one.jwk();
    private["d"] = "AQAB".into();
    let elsewhere = Host::new().await;
    elsewhere.says("/jwks", Reply::Json(set.clone()));
    let answered = |head: &str, body: &str| {
        let length = body.len();
        Reply::Raw(format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    let redirect = format!("302 Found\r\nlocation: {}", elsewhere.url("/jwks"));

    for (number, reply) in [
        answered("404 Not Found", &set),
        answered("500 Internal Server Error", &set),
        answered(&redirect, &set),
        answered("200 OK", "no JSON"),
        answered("200 OK", "[]"),
        answered("200 OK", &json!({"keys": [private]}).to_string()),
        answered("200 OK", &format!("{set}{}", " ".repeat(70_000))),
        Reply::Raw("garbage".to_owned()),
        Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{".to_owned()),
        Reply::Raw(String::new()),
    ]
    .into_iter()
    .enumerate()
    {
        host.says("/jwks", reply);
        let asked = host.asked("/jwks");

        for twice in ["a", "b"] {
            let jti = format!("{number}{twice}");
            let answer = token(&client, &one.sign(&claims(&world, &client, &jti))).await;
            assert_challenged(&answer, &jti);
        }

        assert_eq!(host.asked("/jwks"), asked + 1, "a failure is remembered for a while");
        world.clock.advance(TimeDelta::minutes(61));
    }
    assert_eq!(elsewhere.asked("/jwks"), 0);
    publish(&host, &[&one]);
    Tokens::of(&token(&client, &one.sign(&claims(&world, &client, "good"))).await);
}

/// A host that never answers costs its own client five seconds, and nobody else anything.
#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    let (world, client, host) = hosted().await;
    let one = Signer::new("ES256", "one");
    host.says("/jwks", Reply::Silence);

    let first = token(&client, &one.sign(&claims(&world, &client, "1"))).await;
    let second = token(&client, &one.sign(&claims(&world, &client, "2"))).await;

    assert_challenged(&first, "silence");
    assert_challenged(&second, "silence");
    assert_eq!(host.asked("/jwks"), 1);
}

/// That many are on their way to a host says nothing about the keys: nothing is remembered.
#[tokio::test]
async fn a_host_that_is_busy_is_asked_again() {
    let (world, client, host) = hosted().await;
    let one = Signer::new("ES256", "one");
    publish(&host, &[&one]);
    let mut crowd = host.crowded_by(&world).await;

    let busy = token(&client, &one.sign(&claims(&world, &client, "1"))).await;

    assert_eq!((busy.status, &busy.json()["error"]), (503, &json!("temporarily_unavailable")));
    assert_eq!((busy.header("retry-after"), host.asked("/jwks")), (Some("1"), 0));
    crowd.shutdown().await;
    Tokens::of(&token(&client, &one.sign(&claims(&world, &client, "2"))).await);
}

#[tokio::test]
async fn a_private_address_is_not_gone_to() {
    let world = World::new().await;
    let acme = world.acme().await;
    for uri in [
        "http://127.0.0.1:9/jwks",
        "https://127.0.0.1/jwks",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/jwks",
        "https://localhost/jwks",
        "https://10.0.0.1/jwks",
        "https://user@client.example/jwks",
        "https://client.example/jwks#a",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ] {
        let settings = Settings {
            token_endpoint_auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks_uri: Some(uri.to_owned()),
            ..Settings::default()
        };
        let new = latchkey::clients::registration::NewClient {
            settings,
            ..crate::support::service(Some(&acme.workspace))
        };
        let made = latchkey::clients::registration::register(
            &world.app,
            latchkey::audit::Actor::Operator,
            new,
        )
        .await
        .unwrap();

        match made {
            latchkey::clients::registration::Registration::Invalid(problems) => {
                assert_eq!(problems[0].field, "jwks_uri", "{uri}");
            }
            latchkey::clients::registration::Registration::Registered { .. } => panic!("{uri}"),
        }
    }
}
