//! `GET /oauth/jwks.json` (RFC 7517).

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, ApiCaller, World};

const PATH: &str = "/oauth/jwks.json";

async fn keys(world: &World) -> Vec<Value> {
    let answer = ApiCaller::anonymous(world).get(PATH).await.expect(200);
    let document = answer.json();
    assert_eq!(document.as_object().unwrap().len(), 1);
    document["keys"].as_array().unwrap().clone()
}

/// CS-J1, CS-J2: public halves only, each named, for one use and one algorithm.
#[tokio::test]
async fn it_has_one_public_key_for_each_algorithm() {
    let world = World::new().await;

    let keys = keys(&world).await;

    let algorithms: Vec<_> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    let kinds: BTreeSet<_> = algorithms.iter().copied().collect();
    assert_eq!(
        (kinds, algorithms.len()),
        (BTreeSet::from(["ES256", "EdDSA", "PS256", "RS256"]), 4)
    );
    let names: BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(names.len(), keys.len());
    for key in &keys {
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(key.get(private), None, "{key}");
        }
        match key["alg"].as_str().unwrap() {
            "ES256" => assert_eq!((&key["kty"], &key["crv"]), (&json!("EC"), &json!("P-256"))),
            "EdDSA" => assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519"))),
            _ => {
                assert_eq!(key["kty"], "RSA");
                let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
                assert!(modulus.len() >= 256, "{} bytes", modulus.len());
            }
        }
    }
}

/// CS-J6: kept for minutes, not longer, and readable from pages of other sites.
#[tokio::test]
async fn it_may_be_kept_for_a_while_by_everybody() {
    let world = World::new().await;

    let request = ApiCaller::anonymous(&world).request(PATH).header("origin", "https://a.b");
    let answer = Answer::to(request).await.expect(200);

    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn every_node_has_the_same() {
    let world = World::new().await;
    let other = world.another_node().await;

    let here = keys(&world).await;
    let there = ApiCaller::anonymous(&world).at(&other).get(PATH).await.json();

    assert_eq!(json!({ "keys": here }), there);
}

#[tokio::test]
async fn it_is_only_read() {
    let world = World::new().await;

    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = Answer::to(world.http.request(method, world.url(PATH))).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    }
}
