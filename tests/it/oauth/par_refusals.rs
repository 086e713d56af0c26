//! `POST /oauth/par`: every refusal, in the order of the checks.

use reqwest::Method;
use serde_json::json;

use super::at_authorize;
use crate::support::{Answer, ApiCaller, CALLBACK, Holder};

const PATH: &str = "/oauth/par";

fn refusal(error: &str, description: &str) -> (u16, serde_json::Value) {
    (400, json!({ "error": error, "error_description": description }))
}

#[tokio::test]
async fn it_is_an_endpoint_for_clients() {
    let (world, _, client, _) = at_authorize().await;
    let anybody = ApiCaller::anonymous(&world);

    let get = Answer::to(anybody.with_method(Method::GET, PATH)).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    let json = anybody.post(PATH, &json!({})).await;
    assert_eq!(json.status, 415);
    let huge = "x".repeat(65 * 1024);
    let huge = client.push(&client.authorization().with("state", &huge)).await;
    assert_eq!(huge.status, 413);
    let nobody = Answer::to(
        world
            .http
            .post(world.url(PATH))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(client.authorization().urlencoded()),
    )
    .await;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.json()["error"], "invalid_client");
    assert_eq!(nobody.header("cache-control"), Some("no-store"));
    let wrong = client.with_secret(Some("lk_cs_wrong")).push(&client.authorization()).await;
    assert_eq!(wrong.status, 401);
}

/// RFC 9126 §2.1, §2.3: what the authorization endpoint would refuse is refused here, as JSON.
#[tokio::test]
async fn what_could_not_be_answered_is_not_kept() {
    let (_world, _, client, _) = at_authorize().await;
    let name = "urn:ietf:params:oauth:request_uri:x";
    let (elsewhere, long) = ("https://elsewhere.example", "x".repeat(33 * 1024));
    let callback = format!("{CALLBACK}/");
    let redirect = "redirect_uri must be given once, and be one that the client has registered";
    let scope = "the scope is malformed, or nothing of it can be granted";
    let plain = "code_challenge_method must be S256";
    let (bad, kind) = ("invalid_request", "unsupported_response_type");

    for (parameter, value, error, description) in [
        ("request_uri", name, bad, "request_uri cannot be pushed"),
        ("redirect_uri", "", bad, redirect),
        ("redirect_uri", &callback, bad, redirect),
        ("response_mode", "fragment", bad, "response_mode is not one of this server"),
        ("state", &long[..4097], bad, "state or nonce is longer than 4096 bytes"),
        ("response_type", "", bad, "response_type is missing"),
        ("response_type", "token", kind, "response_type must be code"),
        ("scope", "comms:send", "invalid_scope", scope),
        ("code_challenge", "", bad, "PKCE is required: code_challenge is missing"),
        ("code_challenge_method", "plain", bad, plain),
        ("resource", elsewhere, "invalid_target", "the resource is not registered"),
        ("dpop_jkt", "short", bad, "dpop_jkt is no thumbprint of a key"),
        ("more", &long, bad, "the request is larger than 32 KiB"),
    ] {
        let answer = client.push(&client.authorization().with(parameter, value)).await;

        assert_eq!(answer.shown(), refusal(error, description));
    }
    let twice = client.push(&client.authorization().and("state", "x")).await;
    assert_eq!(twice.shown(), refusal(bad, "a parameter is given more than once"));
}

/// RFC 9449 §10.1: a proof and `dpop_jkt` speak of the same key.
#[tokio::test]
async fn a_proof_is_for_the_key_that_is_named() {
    let (world, _, client, _) = at_authorize().await;
    let (holder, other) = (Holder::new(), Holder::new());
    let push = async |jkt: &str, proof: String| {
        let request = client.authorization().without("client_id").with("dpop_jkt", jkt);
        let request = client.request(PATH, &request.pairs());
        Answer::to(request.header("dpop", proof)).await
    };

    let wrong = push(&other.jkt(), holder.proof(&world, PATH)).await;
    let description = "dpop_jkt is not the key of the proof";
    assert_eq!(wrong.shown(), refusal("invalid_dpop_proof", description));
    let elsewhere = push(&holder.jkt(), holder.proof(&world, "/oauth/token")).await;
    assert_eq!(elsewhere.json()["error"], "invalid_dpop_proof");
    push(&holder.jkt(), holder.proof(&world, PATH)).await.expect(201);
}
