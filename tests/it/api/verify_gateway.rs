//! `GET /api/v1/verify` (contract §5): what a gateway hears. `GET` needs no scope but those it
//! demands; how credentials are refused is in `errors`.

use latchkey::config::Environment;
use serde_json::json;

use super::{forbidden, refused, unauthorized};
use crate::support::{Answer, ApiCaller, Tokens, World};

const PATH: &str = "/api/v1/verify";

#[tokio::test]
async fn an_access_token_passes_with_what_a_backend_wants_to_know() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);

    let answer = ApiCaller::bearer(&world, &tokens.access).get(PATH).await;

    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let header = |name: &str| answer.header(name).map(str::to_owned);
    assert_eq!(header("x-latchkey-subject"), Some(acme.ada.id.to_string()));
    assert_eq!(header("x-latchkey-workspace"), Some(acme.workspace.id.to_string()));
    assert_eq!(header("x-latchkey-client"), Some(script.id));
    assert_eq!(header("x-latchkey-scopes").as_deref(), Some("leads:read leads:write"));
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("x-ratelimit-remaining").as_deref(), Some("999"));
}

#[tokio::test]
async fn a_key_passes_without_a_client() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let answer = ApiCaller::key(&world, &key).get(PATH).await.expect(204);

    assert_eq!(answer.header("x-latchkey-subject"), Some(&*acme.ada.id.to_string()));
    assert_eq!(answer.header("x-latchkey-client"), None);
    assert_eq!(answer.header("x-latchkey-scopes"), Some("leads:read"));
}

#[tokio::test]
async fn every_scope_that_is_demanded_must_be_there() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read datasets:read").await;
    let caller = ApiCaller::key(&world, &key);

    for query in [
        "scope=leads:read",
        "scope=leads:read+datasets:read",
        "scope=leads:read&scope=datasets:read",
        "scope=",
    ] {
        assert_eq!(caller.get(&format!("{PATH}?{query}")).await.status, 204, "{query}");
    }
    let answer = caller.get(&format!("{PATH}?scope=leads:read%20leads:write")).await;

    assert_eq!(answer.shown(), forbidden("the credential lacks scope: leads:write"));
    let challenge = answer.header("www-authenticate").unwrap();
    let expected = "error=\"insufficient_scope\", scope=\"leads:read leads:write\"";
    assert!(challenge.ends_with(expected), "{challenge}");
}

#[tokio::test]
async fn what_cannot_be_a_scope_is_named() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let answer = ApiCaller::key(&world, &key).get(&format!("{PATH}?scope=%22")).await.expect(400);

    let problem =
        json!([{ "field": "scope", "message": "must be scope tokens separated by spaces" }]);
    assert_eq!(answer.json()["error"]["code"], "VALIDATION_ERROR");
    assert_eq!(answer.json()["error"]["details"], problem);
}

#[tokio::test]
async fn nobody_passes_without_a_credential_or_with_a_dead_one() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let dead = format!("{}a", &key[..key.len() - 1]);

    let nothing = ApiCaller::anonymous(&world).get(PATH).await;
    let unknown = ApiCaller::bearer(&world, &dead).get(PATH).await;

    let message = "a credential is required: Authorization: Bearer, or X-API-Key";
    assert_eq!(nothing.shown(), unauthorized(message));
    assert_eq!(unknown.status, 401);
    assert!(unknown.header("www-authenticate").unwrap().ends_with("error=\"invalid_token\""));
}

#[tokio::test]
async fn a_question_counts_as_a_request_of_whom_it_is_about() {
    let world = World::with(|config| config.api.rate_limit_per_minute = 2).await;
    let acme = world.acme().await;
    let caller = ApiCaller::key(&world, &world.key(&acme.workspace, &acme.ada, "leads:read").await);
    caller.get(PATH).await.expect(204);
    caller.get(PATH).await.expect(204);

    let answer = caller.get(PATH).await;

    let message = "too many requests; wait for the next minute";
    assert_eq!(answer.shown(), refused(429, "RATE_LIMITED", message));
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

/// Envoy's `ext_authz` keeps the method, sends no body, and puts its own path before the request's.
#[tokio::test]
async fn a_gateway_that_keeps_the_method_can_say_that_it_asks() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "GET"] {
        let url = world.url("/api/v1/verify?scope=leads:read&path=/orders/7?page=2");
        let request = world.http.request(method.parse().unwrap(), url);
        let request = request.header("x-api-key", &key).header("x-http-method-override", "GET");

        let answer = Answer::to(request).await;

        assert_eq!(answer.status, 204, "{method}");
        assert_eq!(answer.header("x-latchkey-scopes"), Some("leads:read"));
    }
}

#[tokio::test]
async fn the_method_is_not_to_be_overridden_anywhere_else() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let send = |path: &str, method: &str| {
        let request = world.http.post(world.url(path)).header("x-api-key", &key);
        Answer::to(request.header("x-http-method-override", method))
    };

    assert_eq!(send("/api/v1/me", "GET").await.status, 405);
    assert_eq!(send(PATH, "DELETE").await.status, 415, "it is still a POST");
}

#[tokio::test]
async fn a_key_of_the_test_environment_passes_too() {
    let (world, acme) = World::of_acme().await;
    let key = super::adas_key(&acme);
    let key = latchkey::keys::manage::NewKey { environment: Environment::Test, ..key };
    let key = world.key_of(key).await;

    assert_eq!(ApiCaller::key(&world, &key).get(PATH).await.status, 204);
}
