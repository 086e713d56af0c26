//! `POST /oauth/token` with `grant_type=client_credentials` (RFC 6749 §4.4, contract §3).

use chrono::TimeDelta;
use futures_util::future::join_all;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    workspaces,
};
use serde_json::json;

use crate::support::{Acme, Answer, ApiCaller, ClientApp, Tokens, World, service};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A client for itself, bound to the workspace `acme`.
async fn bound() -> (World, Acme, ClientApp) {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    (world, acme, client)
}

async fn ask(client: &ClientApp) -> Answer {
    client.token(&[GRANT]).await
}

async fn me(world: &World, tokens: &Tokens) -> Answer {
    ApiCaller::bearer(world, &tokens.access).me().await
}

#[tokio::test]
async fn a_client_gets_an_access_token_and_no_refresh_token() {
    let (world, _, client) = bound().await;

    let answer = ask(&client).await;

    let body = json!({
        "access_token": "lk_at_…",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "leads:read leads:write",
    });
    assert_eq!(answer.shown(), (200, body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let me = me(&world, &Tokens::of(&answer)).await.expect(200).json();
    assert_eq!(me["principal"]["type"], "client");
    assert_eq!(me["workspace"]["slug"], "acme");
    assert_eq!(me["scopes"], json!(["leads:read", "leads:write"]));
}

#[tokio::test]
async fn a_client_may_ask_for_less() {
    let (world, _, client) = bound().await;

    for (asked, granted) in [
        ("leads:read", "leads:read"),
        ("leads:write  leads:read", "leads:read leads:write"),
        ("leads:read no:such", "leads:read"),
        ("", "leads:read leads:write"),
    ] {
        let tokens = Tokens::of(&client.token(&[GRANT, ("scope", asked)]).await);

        assert_eq!(tokens.scope, granted, "{asked}");
        let scopes: Vec<_> = granted.split(' ').collect();
        assert_eq!(me(&world, &tokens).await.json()["scopes"], json!(scopes), "{asked}");
    }
}

#[tokio::test]
async fn every_request_makes_a_token_and_the_earlier_ones_live_on() {
    let (world, _, client) = bound().await;
    let first = Tokens::of(&ask(&client).await);
    world.clock.advance(TimeDelta::minutes(30));

    let second = Tokens::of(&ask(&client).await);

    assert_ne!(first.access, second.access);
    assert_eq!(me(&world, &first).await.status, 200);
    world.clock.advance(TimeDelta::minutes(30));
    assert_eq!(me(&world, &first).await.status, 401);
    assert_eq!(me(&world, &second).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_first_requests_all_succeed() {
    let (world, _, client) = bound().await;
    let node = world.another_node().await;
    let other = client.at(&node);

    let answers = join_all((0..16).map(|n| ask(if n % 2 == 0 { &client } else { &other }))).await;

    let tokens: Vec<_> = answers.iter().map(Tokens::of).collect();
    let mut distinct: Vec<_> = tokens.iter().map(|it| it.access.as_str()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 16);
    for tokens in &tokens {
        assert_eq!(me(&world, tokens).await.status, 200);
    }
}

#[tokio::test]
async fn a_clients_own_lifetime_wins() {
    let (world, acme, _) = bound().await;
    let client = NewClient { access_token_ttl_secs: Some(120), ..service(Some(&acme.workspace)) };
    let client = world.client(client).await;

    let answer = ask(&client).await;

    assert_eq!(answer.json()["expires_in"], 120);
    let tokens = Tokens::of(&answer);
    world.clock.advance(TimeDelta::milliseconds(119_999));
    assert_eq!(me(&world, &tokens).await.status, 200);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(me(&world, &tokens).await.status, 401);
}

#[tokio::test]
async fn the_token_of_a_client_that_is_bound_to_no_workspace_is_refused_by_the_api() {
    let (world, _, _) = bound().await;
    let client = world.client(service(None)).await;

    let answer = me(&world, &Tokens::of(&ask(&client).await)).await;

    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"]), (403, &json!("FORBIDDEN")));
}

#[tokio::test]
async fn a_client_must_prove_itself() {
    let (_world, _, client) = bound().await;
    let body = json!({
        "error": "invalid_client",
        "error_description": "client authentication failed",
    });

    let wrong = client.with_secret(Some("lk_cs_0000000000000000000000000000000000000000000000000"));
    for impostor in [wrong, client.with_secret(None), client.with_secret(Some(""))] {
        let answer = ask(&impostor).await;

        assert_eq!(answer.shown(), (401, body.clone()));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
    }
}

#[tokio::test]
async fn a_client_that_is_not_registered_for_it_is_refused() {
    let (world, _, _) = bound().await;

    for client in [world.script().await, world.web().await, world.spa().await] {
        let answer = ask(&client).await;

        let body = json!({
            "error": "unauthorized_client",
            "error_description": "the client is not registered for this grant type",
        });
        assert_eq!(answer.shown(), (400, body));
    }
}

#[tokio::test]
async fn a_scope_that_cannot_be_granted_is_refused() {
    let (_world, _, client) = bound().await;

    for (scope, description) in [
        ("leads:\"read", "the scope is malformed"),
        ("leads:read\tleads:write", "the scope is malformed"),
        ("leads:caf\u{e9}", "the scope is malformed"),
        ("datasets:read", "the client may have nothing of this scope"),
        ("no:such", "the client may have nothing of this scope"),
    ] {
        let answer = client.token(&[GRANT, ("scope", scope)]).await;

        let body = json!({ "error": "invalid_scope", "error_description": description });
        assert_eq!(answer.shown(), (400, body), "{scope}");
    }
}

#[tokio::test]
async fn what_belongs_to_other_grants_is_ignored() {
    let (world, acme, client) = bound().await;

    let params = [
        GRANT,
        ("username", acme.ada.username.as_str()),
        ("password", "wrong"),
        ("workspace", "elsewhere"),
        ("code", "x"),
        ("refresh_token", "x"),
    ];
    let tokens = Tokens::of(&client.token(&params).await);

    assert_eq!(me(&world, &tokens).await.json()["principal"]["type"], "client");
}

#[tokio::test]
async fn a_disabled_client_and_its_tokens_are_refused_at_once() {
    let (world, _, client) = bound().await;
    let tokens = Tokens::of(&ask(&client).await);
    assert_eq!(me(&world, &tokens).await.status, 200);

    let (app, id) = (&world.app, &client.id);
    assert!(registration::set_disabled(app, Actor::Operator, id, true).await.unwrap());

    let answer = ask(&client).await;
    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
    let answer = me(&world, &tokens).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (403, &json!("FORBIDDEN")));
}

#[tokio::test]
async fn the_tokens_of_a_disabled_workspace_are_refused_at_once() {
    let (world, acme, client) = bound().await;
    let tokens = Tokens::of(&ask(&client).await);
    assert_eq!(me(&world, &tokens).await.status, 200);

    let id = acme.workspace.id;
    assert!(workspaces::disable_workspace(&world.app, Actor::Operator, id).await.unwrap());

    assert_eq!(me(&world, &tokens).await.status, 403);
}

#[tokio::test]
async fn a_new_secret_replaces_the_old_one_and_leaves_tokens_alone() {
    let (world, _, client) = bound().await;
    let tokens = Tokens::of(&ask(&client).await);

    let how = (TimeDelta::zero(), None);
    let rotated = registration::replace_secret(&world.app, Actor::Operator, &client.id, how).await;

    let registration::Replacement::Made(secret) = rotated.unwrap() else { panic!("no secret") };
    assert_eq!(ask(&client).await.status, 401);
    Tokens::of(&ask(&client.with_secret(Some(secret.reveal()))).await);
    assert_eq!(me(&world, &tokens).await.status, 200);
}
