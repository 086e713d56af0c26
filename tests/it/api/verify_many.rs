//! `POST /api/v1/verify` (contract §5): many credentials at once, one answer for all kinds.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration,
    crypto::secret::with_checksum,
    keys::manage::{self, NewKey},
};
use serde_json::{Value, json};

use super::{adas_key, unauthorized};
use crate::support::{Answer, ApiCaller, Tokens, World, masked, service};

const PATH: &str = "/api/v1/verify";
const UNKNOWN: &str = "the credential is not valid";

/// Asks about these with a key.
async fn ask(world: &World, key: &str, credentials: Value) -> Answer {
    send(world, key, &json!({ "credentials": credentials }).to_string()).await
}

async fn send(world: &World, key: &str, body: &str) -> Answer {
    let request = world.http.post(world.url(PATH)).header("x-api-key", key);
    Answer::to(request.header("content-type", "application/json").body(body.to_owned())).await
}

/// The answers about these.
async fn results(world: &World, key: &str, credentials: Value) -> Vec<Value> {
    let answer = ask(world, key, credentials).await.expect(200);
    answer.json()["results"].as_array().unwrap().clone()
}

fn not_valid(code: &str, message: &str) -> Value {
    json!({ "valid": false, "code": code, "message": message })
}

/// What `GET /api/v1/me` says of a credential, as a valid answer.
async fn as_me(world: &World, credential: &str) -> Value {
    let mut me = ApiCaller::bearer(world, credential).me().await.expect(200).json();
    me["valid"] = true.into();
    me["code"] = "VALID".into();
    me
}

#[tokio::test]
async fn every_kind_of_credential_is_described_as_me_describes_it() {
    let (world, acme) = World::of_acme().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let token = Tokens::of(&world.script().await.password(&acme.ada).await).access;
    let client = world.client(service(Some(&acme.workspace))).await;
    let own = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await).access;
    let ends = world.app.now() + TimeDelta::days(1);
    let key = world.key_of(NewKey { expires_at: Some(ends), ..adas_key(&acme) }).await;
    let all = [&token, &own, &key, &caller];

    let asked: Vec<_> = all.iter().map(|text| json!({ "credential": text })).collect();
    let found = results(&world, &caller, asked.into()).await;

    assert_eq!(found.len(), all.len());
    for (credential, found) in all.into_iter().zip(found) {
        assert_eq!(found, as_me(&world, credential).await);
    }
}

#[tokio::test]
async fn the_same_credentials_are_good_for_introspection() {
    let (world, acme) = World::of_acme().await;
    let introspector = world.introspector().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let live = Tokens::of(&world.script().await.password(&acme.ada).await).access;
    let revoked = world.key_of(adas_key(&acme)).await;
    let me = ApiCaller::key(&world, &revoked).me().await.json();
    let id = me["credential"]["id"].as_str().unwrap().parse().unwrap();
    manage::revoke(&world.app, Actor::Operator, acme.workspace.id, id).await.unwrap();

    for credential in [&live, &caller, &revoked] {
        let found = results(&world, &caller, json!([{ "credential": credential }])).await;
        assert_eq!(found[0]["valid"], introspector.sees_alive(credential).await, "{credential}");
    }
}

#[tokio::test]
async fn answers_keep_the_order_and_junk_spoils_nothing() {
    let (world, acme) = World::of_acme().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let made_up = with_checksum(format!("lk_live_{}", "a".repeat(30)));

    let asked = json!([
        { "credential": "" },
        { "credential": "é".repeat(4_096) },
        { "credential": made_up },
        { "credential": caller, "scope": null },
        { "credential": tokens.refresh },
        { "credential": format!("Bearer {caller}") },
        { "credential": "sw_0", "unknown": "member" },
    ]);
    let found = results(&world, &caller, asked).await;

    for (index, found) in found.iter().enumerate() {
        if index == 3 {
            assert_eq!(*found, as_me(&world, &caller).await);
        } else {
            assert_eq!(*found, not_valid("UNAUTHORIZED", UNKNOWN), "{index}");
        }
    }
    assert_eq!(found.len(), 7);
}

#[tokio::test]
async fn credentials_of_other_workspaces_are_as_good_as_made_up() {
    let (world, acme) = World::of_acme().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let elsewhere = world.workspace("elsewhere").await;
    let sam = world.person("sam@example.com", &[(&elsewhere, Role::Owner)]).await;
    let script = world.script().await;
    let token = Tokens::of(&script.password(&sam).await).access;
    let key = world.key(&elsewhere, &sam, "leads:read").await;
    let ends = world.app.now() + TimeDelta::seconds(1);
    let expired = NewKey { workspace_id: elsewhere.id, expires_at: Some(ends), ..adas_key(&acme) };
    let owner = manage::KeyOwner::User(sam.id);
    let expired = world.key_of(NewKey { owner, ..expired }).await;
    let unbound = world.client(service(None)).await;
    let unbound = Tokens::of(&unbound.token(&[("grant_type", "client_credentials")]).await).access;
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(ApiCaller::key(&world, &expired).me().await.status, 403);

    let all = [&token, &key, &expired, &unbound];
    let asked: Vec<_> =
        all.iter().map(|text| json!({ "credential": text, "scope": "x" })).collect();
    let found = results(&world, &caller, asked.into()).await;

    assert_eq!(found, vec![not_valid("UNAUTHORIZED", UNKNOWN); all.len()]);
}

#[tokio::test]
async fn a_credential_of_the_workspace_that_must_not_be_used_says_why() {
    let (world, acme) = World::of_acme().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let ends = world.app.now() + TimeDelta::seconds(1);
    let expired = world.key_of(NewKey { expires_at: Some(ends), ..adas_key(&acme) }).await;
    let script = world.script().await;
    let token = Tokens::of(&script.password(&acme.ada).await).access;
    registration::set_disabled(&world.app, Actor::Operator, &script.id, true).await.unwrap();
    world.clock.advance(TimeDelta::seconds(1));

    let asked = json!([{ "credential": expired }, { "credential": token }]);
    let found = results(&world, &caller, asked).await;

    assert_eq!(
        found,
        [
            not_valid("FORBIDDEN", "the API key has expired"),
            not_valid("FORBIDDEN", "the client is disabled"),
        ]
    );
}

#[tokio::test]
async fn each_question_may_demand_scopes_of_its_own() {
    let (world, acme) = World::of_acme().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let asked = json!([
        { "credential": caller, "scope": "leads:read" },
        { "credential": caller, "scope": "leads:read leads:write" },
        { "credential": caller, "scope": "" },
    ]);
    let found = results(&world, &caller, asked).await;

    assert_eq!(found[0]["valid"], true);
    let lacks = "the credential lacks scope: leads:write";
    assert_eq!(found[1], not_valid("FORBIDDEN", lacks));
    assert_eq!(found[2]["valid"], true);
}

#[tokio::test]
async fn to_ask_is_one_request_of_the_callers_and_none_of_theirs() {
    let (world, acme) = World::of_acme().await;
    let caller = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let other = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let asked: Vec<_> = (0..100).map(|_| json!({ "credential": other })).collect();

    let answer = ask(&world, &caller, asked.into()).await.expect(200);

    assert_eq!(answer.header("x-ratelimit-remaining"), Some("999"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 100);
    let me = ApiCaller::key(&world, &other).me().await;
    assert_eq!(me.header("x-ratelimit-remaining"), Some("999"));
}

#[tokio::test]
async fn nobody_asks_without_a_credential() {
    let (world, _) = World::of_acme().await;

    let answer = Answer::to(world.http.post(world.url(PATH)).body("no JSON")).await;

    let message = "a credential is required: Authorization: Bearer, or X-API-Key";
    assert_eq!(answer.shown(), unauthorized(message));
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let one = json!({ "credential": "x" });

    for (body, fields) in [
        (json!({}), vec!["credentials"]),
        (json!([]), vec!["body"]),
        (json!({ "credentials": null }), vec!["credentials"]),
        (json!({ "credentials": {} }), vec!["credentials"]),
        (json!({ "credentials": vec![one.clone(); 101] }), vec!["credentials"]),
        (
            json!({ "credentials": [{}, { "credential": 7, "scope": [] }, "x", null] }),
            vec![
                "credentials[0].credential",
                "credentials[1].credential",
                "credentials[1].scope",
                "credentials[2]",
                "credentials[3]",
            ],
        ),
        (
            json!({ "credentials": [{ "credential": "x", "scope": "\"" }, one, { "credential": "x", "scope": "é" }] }),
            vec!["credentials[0].scope", "credentials[2].scope"],
        ),
        (
            json!({ "credentials": [{ "credential": "x".repeat(4_097) }] }),
            vec!["credentials[0].credential"],
        ),
    ] {
        let answer = send(&world, &key, &body.to_string()).await.expect(400);

        let error = &answer.json()["error"];
        assert_eq!(error["code"], "VALIDATION_ERROR", "{body}");
        let details = error["details"].as_array().unwrap();
        let mut named: Vec<_> = details.iter().map(|it| it["field"].as_str().unwrap()).collect();
        named.sort_unstable();
        assert_eq!(named, fields, "{body}");
    }
}

#[tokio::test]
async fn a_body_of_another_kind_or_size_is_refused() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let form = world.http.post(world.url(PATH)).header("x-api-key", &key).body("a=b");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let twice = r#"{"credentials":[],"credentials":[]}"#;

    assert_eq!(Answer::to(form).await.status, 415);
    assert_eq!(send(&world, &key, &" ".repeat(262_145)).await.status, 413);
    assert_eq!(send(&world, &key, "{").await.json()["error"]["code"], "INVALID_REQUEST");
    assert_eq!(send(&world, &key, twice).await.status, 400);
}

#[tokio::test]
async fn an_answer_never_repeats_a_credential() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let answer = ask(&world, &key, json!([{ "credential": key }])).await.expect(200);

    assert!(!answer.body.contains(&key));
    assert_eq!(masked(answer.json())["results"][0]["principal"]["id"], "<id>");
    assert_eq!(ask(&world, &key, json!([])).await.json(), json!({ "results": [] }));
}
