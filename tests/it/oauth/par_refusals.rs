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
    let (world, _, client, _) = at_authorize().await;
    let request = || client.authorization();
    let holder = Holder::new();

    for (request, error, description) in [
        (request().and("state", "x"), "invalid_request", "a parameter is given more than once"),
        (
            request().with("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            "invalid_request",
            "request_uri cannot be pushed",
        ),
        (
            request().without("redirect_uri"),
            "invalid_request",
            "redirect_uri must be given once, and be one that the client has registered",
        ),
        (
            request().with("redirect_uri", &format!("{CALLBACK}/")),
            "invalid_request",
            "redirect_uri must be given once, and be one that the client has registered",
        ),
        (
            request().with("response_mode", "fragment"),
            "invalid_request",
            "response_mode is not one of this server",
        ),
        (
            request().with("state", &"x".repeat(4097)),
            "invalid_request",
            "state or nonce is longer than 4096 bytes",
        ),
        (request().without("response_type"), "invalid_request", "response_type is missing"),
        (
            request().with("response_type", "token"),
            "unsupported_response_type",
            "response_type must be code",
        ),
        (
            request().with("scope", "comms:send"),
            "invalid_scope",
            "the scope is malformed, or nothing of it can be granted",
        ),
        (
            request().without("code_challenge"),
            "invalid_request",
            "PKCE is required: code_challenge is missing",
        ),
        (
            request().with("code_challenge_method", "plain"),
            "invalid_request",
            "code_challenge_method must be S256",
        ),
        (
            request().with("resource", "https://elsewhere.example"),
            "invalid_target",
            "the resource is not registered",
        ),
        (
            request().with("dpop_jkt", "short"),
            "invalid_request",
            "dpop_jkt is no thumbprint of a key",
        ),
        (
            request().with("more", &"x".repeat(33 * 1024)),
            "invalid_request",
            "the request is larger than 32 KiB",
        ),
    ] {
        let answer = client.push(&request).await;

        assert_eq!(answer.shown(), refusal(error, description));
    }
    let request = request().without("client_id").with("dpop_jkt", &Holder::new().jkt());
    let request = client.request(PATH, &request.pairs());
    let answer = Answer::to(request.header("dpop", holder.proof(&world, PATH))).await;
    assert_eq!(
        answer.shown(),
        refusal("invalid_dpop_proof", "dpop_jkt is not the key of the proof")
    );
}

/// A public client's name is anybody's: what is kept for it is bounded.
#[tokio::test]
async fn nobody_can_push_without_end() {
    let (world, _, _, _) = at_authorize().await;
    let spa = world.spa().await;
    let request = spa.authorization();
    for _ in 0..600 {
        spa.push(&request).await.expect(201);
    }

    let answer = spa.push(&request).await;

    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.json(), json!({ "error": "too_many_requests" }));
    world.clock.advance(chrono::TimeDelta::minutes(1));
    spa.push(&request).await.expect(201);
}
