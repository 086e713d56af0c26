//! What does not prove a client, in the order in which it is looked at.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use entity::{
    client_settings::{AuthMethod, Profile, Settings},
    signing_key::Algorithm,
};
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
};
use serde_json::{Value, json};

use super::{
    private_key_jwt::{TYPE, claims, client_with, signing, signs_with, token},
    token_request::{assert_challenged, basic},
};
use crate::support::{Answer, Signer, Tokens, World, service};

/// CS-T8.
#[tokio::test]
async fn what_it_says_must_be_right() {
    let (world, acme, client, signer) = signing().await;
    let other = client_with(&world, &acme, signs_with(&signer)).await;
    let now = world.clock.unix();
    let issuer = world.url("");

    for (number, (name, value)) in [
        ("iss", json!(other.id)),
        ("iss", Value::Null),
        ("aud", Value::Null),
        ("aud", json!([])),
        ("aud", json!("https://evil.example/oauth/token")),
        ("aud", json!([issuer, "https://evil.example"])),
        ("aud", json!(format!("{issuer}/"))),
        ("aud", json!({"url": issuer})),
        ("exp", Value::Null),
        ("exp", json!(now - 10)),
        ("exp", json!(now - 300)),
        ("exp", json!(now + 3_602)),
        ("exp", json!("soon")),
        ("iat", json!(now + 17)),
        ("nbf", json!(now + 17)),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!("x".repeat(256))),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = claims(&world, &client, &format!("{number}"));
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }

        let answer = token(&client, &signer.sign(&claims)).await;

        assert_challenged(&answer, &format!("{name}: {value}"));
    }
    // a client that is named in the body is the one that has signed
    let mut others = claims(&world, &client, "x");
    others["sub"] = other.id.as_str().into();
    let answer = token(&client, &signer.sign(&others)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_request")));
}

/// CS-T8, CS-R8: algorithm confusion, `none`, foreign keys.
#[tokio::test]
async fn nobody_else_has_signed_it() {
    let (world, _, client, signer) = signing().await;
    let foreign = Signer::new("ES256", "one");
    let claims = |jti: &str| claims(&world, &client, jti);
    let es256 = |header: Value| signer.sign_under(&header, &claims("x"));
    let unsigned = |header: Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&header), part(&claims("y")))
    };
    let whole = signer.sign(&claims("z"));
    let (message, _) = whole.rsplit_once('.').unwrap();

    for assertion in [
        foreign.sign(&claims("1")),
        Signer::new("EdDSA", "one").sign(&claims("2")),
        unsigned(json!({"alg": "none"})),
        unsigned(json!({"alg": "HS256", "kid": "one"})),
        es256(json!({"alg": "HS256", "kid": "one"})),
        es256(json!({"alg": "RS256", "kid": "one"})),
        es256(json!({"alg": "ES256", "kid": "two"})),
        es256(json!({"alg": "ES256", "kid": "one", "crit": ["exp"]})),
        es256(json!({"alg": "ES256", "kid": "one", "b64": false})),
        es256(json!({"alg": "ES256", "kid": ["one"]})),
        format!("{message}."),
        format!("{message}.AAAA"),
        format!("{whole}.{whole}"),
        "x".repeat(9_000),
        "...".to_owned(),
    ] {
        assert_challenged(&token(&client, &assertion).await, &assertion);
    }
    // a key that came along is nobody's
    let header = json!({"alg": "ES256", "jwk": foreign.jwk()});
    let brought = foreign.sign_under(&header, &claims("3"));
    assert_challenged(&token(&client, &brought).await, "a key of its own");
}

/// CS-T8: the algorithm is the client's.
#[tokio::test]
async fn it_is_signed_as_the_client_signs() {
    let (world, acme) = World::of_acme().await;
    let (rs256, ps256) = (Signer::new("RS256", "a"), Signer::new("PS256", "a"));
    let ps =
        Settings { token_endpoint_auth_signing_alg: Some(Algorithm::Ps256), ..signs_with(&ps256) };
    let fapi2 = Settings {
        profile: Some(Profile::Fapi2),
        dpop_bound_access_tokens: true,
        require_pkce: Some(true),
        id_token_signed_response_alg: Some(Algorithm::Ps256),
        ..signs_with(&ps256)
    };

    for settings in [ps, fapi2] {
        let client = client_with(&world, &acme, settings).await;

        let wrong = token(&client, &rs256.sign(&claims(&world, &client, "1"))).await;
        assert_challenged(&wrong, "RS256");
        let right = token(&client, &ps256.sign(&claims(&world, &client, "2"))).await;
        assert_ne!(right.status, 401, "{}", right.body);
    }
}

/// CS-T2: what a client is registered for is the only way.
#[tokio::test]
async fn another_method_than_the_clients_is_refused() {
    let (world, acme) = World::of_acme().await;
    let signer = Signer::new("ES256", "one");
    let made = async |method| {
        let settings = Settings { token_endpoint_auth_method: Some(method), ..Settings::default() };
        client_with(&world, &acme, settings).await
    };
    let by_header = made(AuthMethod::ClientSecretBasic).await;
    let by_body = made(AuthMethod::ClientSecretPost).await;
    let by_key = client_with(&world, &acme, signs_with(&signer)).await;
    let grant = ("grant_type", "client_credentials");
    let secret = |of: &str| ("client_secret".to_owned(), of.to_owned());

    // in the header
    Tokens::of(&by_header.token(&[grant]).await);
    assert_challenged(&by_body.token(&[grant]).await, "the header of a client that uses the body");
    // in the body
    for (client, works) in [(&by_header, false), (&by_body, true)] {
        let (name, value) = secret(client.secret.as_deref().unwrap());
        let answer =
            client.with_secret(None).token(&[grant, (name.as_str(), value.as_str())]).await;
        assert_eq!(answer.status == 200, works, "{}", answer.body);
    }
    // by a key
    for client in [&by_header, &by_body] {
        let assertion = signer.sign(&claims(&world, client, "1"));
        let answer = token(&client.with_secret(None), &assertion).await;
        assert_challenged(&answer, "a key of a client that has a secret");
    }
    // by nothing, or by somebody's secret
    assert_challenged(&by_key.token(&[grant]).await, "nothing");
    let others = by_header.secret.as_deref().unwrap();
    let answer = Answer::to(
        world
            .http
            .post(world.url("/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", basic(&by_key.id, others))
            .body("grant_type=client_credentials"),
    )
    .await;
    assert_challenged(&answer, "another client's secret");
}

#[tokio::test]
async fn one_method_at_a_time() {
    let (world, _, client, signer) = signing().await;
    let assertion = signer.sign(&claims(&world, &client, "1"));
    let grant = ("grant_type", "client_credentials");
    let assertion = ("client_assertion", assertion.as_str());

    let both = client.token(&[grant, TYPE, assertion, ("client_secret", "x")]).await;
    let header = client.with_secret(Some("x")).token(&[grant, TYPE, assertion]).await;
    let untyped = client.token(&[grant, assertion]).await;
    let saml =
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    let other_type = client.token(&[grant, saml, assertion]).await;
    let type_alone = client.token(&[grant, TYPE]).await;

    for (answer, status, error) in [
        (both, 400, "invalid_request"),
        (header, 400, "invalid_request"),
        (untyped, 400, "invalid_request"),
        (other_type, 401, "invalid_client"),
        (type_alone, 401, "invalid_client"),
    ] {
        assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)));
    }
    // nothing of that has spent it
    Tokens::of(&client.token(&[grant, TYPE, assertion]).await);
}

#[tokio::test]
async fn a_disabled_client_has_no_proof() {
    let (world, _, client, signer) = signing().await;
    let disabled = registration::set_disabled(&world.app, Actor::Operator, &client.id, true);
    assert!(disabled.await.unwrap());

    let answer = token(&client, &signer.sign(&claims(&world, &client, "1"))).await;

    assert_challenged(&answer, "disabled");
}

#[tokio::test]
async fn a_client_that_signs_has_no_secret_to_rotate() {
    let (world, acme, client, _) = signing().await;

    let how = (TimeDelta::zero(), None);
    let rotated = registration::replace_secret(&world.app, Actor::Operator, &client.id, how).await;

    assert!(matches!(rotated.unwrap(), registration::Replacement::Unknown));
    let without_keys = Settings {
        token_endpoint_auth_method: Some(AuthMethod::PrivateKeyJwt),
        ..Settings::default()
    };
    let new = NewClient { settings: without_keys, ..service(Some(&acme.workspace)) };
    let refused = registration::register(&world.app, Actor::Operator, new).await.unwrap();
    assert!(matches!(refused, registration::Registration::Invalid(_)));
}
