//! `GET /api/v1/me` (contract §2, §5): whom each kind of credential acts as. How credentials are
//! refused is in `errors`.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entity::member::Role;
use latchkey::{
    audit::Actor,
    config::Environment,
    keys::manage::NewKey,
    workspaces::{self, NewWorkspace},
};
use serde_json::json;

use super::{get_with, new_key, unauthorized};
use crate::support::{ApiCaller, Tokens, World, service, workspace_named};

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[tokio::test]
async fn an_access_token_acts_as_its_user() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let ends = rfc3339(world.app.now() + TimeDelta::hours(1));

    let answer = ApiCaller::bearer(&world, &tokens.access).me().await;

    let body = json!({
        "principal": {
            "type": "user",
            "id": "<id>",
            "name": "acme/ada@acme.example",
            "username": "acme/ada@acme.example",
        },
        "workspace": { "id": "<id>", "slug": "acme", "name": "The workspace acme" },
        "product": "default",
        "environment": "live",
        "credential": {
            "type": "access_token",
            "id": "<id>",
            "name": null,
            "clientId": script.id,
            "expiresAt": ends,
        },
        "scopes": ["leads:read", "leads:write"],
        "fullAccess": false,
    });
    assert_eq!(answer.shown(), (200, body));
    assert_eq!(answer.json()["principal"]["id"], acme.ada.id.to_string());
    assert_eq!(answer.json()["workspace"]["id"], acme.workspace.id.to_string());
}

#[tokio::test]
async fn a_key_acts_as_its_owner() {
    let (world, acme) = World::of_acme().await;
    let ends = world.app.now() + TimeDelta::days(1);
    let environment = Environment::Test;
    let key = NewKey { expires_at: Some(ends), environment, ..new_key(&acme) };
    let key = world.key_of(key).await;
    assert!(key.starts_with("lk_test_"), "{key}");

    let body = json!({
        "principal": {
            "type": "user",
            "id": "<id>",
            "name": "acme/ada@acme.example",
            "username": "acme/ada@acme.example",
        },
        "workspace": { "id": "<id>", "slug": "acme", "name": "The workspace acme" },
        "product": "default",
        "environment": "test",
        "credential": {
            "type": "api_key",
            "id": "<id>",
            "name": "a key",
            "clientId": null,
            "expiresAt": rfc3339(ends),
        },
        "scopes": ["leads:read"],
        "fullAccess": false,
    });
    for caller in [ApiCaller::key(&world, &key), ApiCaller::bearer(&world, &key)] {
        assert_eq!(caller.me().await.shown(), (200, body.clone()));
    }
}

#[tokio::test]
async fn a_clients_own_token_acts_as_the_client() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);

    let answer = ApiCaller::bearer(&world, &tokens.access).me().await;

    let principal = json!({
        "type": "client",
        "id": client.id,
        "name": "Service",
        "username": null,
    });
    assert_eq!((answer.status, &answer.json()["principal"]), (200, &principal));
    assert_eq!(answer.json()["credential"]["clientId"], client.id);
    assert_eq!(answer.json()["workspace"]["slug"], "acme");
}

#[tokio::test]
async fn keys_of_every_product_are_told_by_their_prefix() {
    let (world, acme) = World::of_acme().await;
    for (product, prefix, environment) in [
        ("flowestate", "fe_k_", Environment::Live),
        ("subscribeflow", "sf_live_", Environment::Live),
        ("subscribeflow", "sf_test_", Environment::Test),
        ("reqflo", "rf_live_", Environment::Live),
        ("subworkflow", "sw_", Environment::Live),
    ] {
        let slug = format!("{product}-{}", environment.as_str());
        let new = NewWorkspace { product: product.to_owned(), ..workspace_named(&slug) };
        let workspace = world.workspace_of(new).await;
        let ada = (acme.ada.id, Role::Owner);
        let added = workspaces::add_member(&world.app, Actor::Operator, workspace.id, ada.0, ada.1);
        added.await.unwrap().unwrap();
        let scope = world.app.config.products.get(product).unwrap().scopes.keys().next().cloned();
        let key = NewKey {
            workspace_id: workspace.id,
            environment,
            scopes: scope.into_iter().collect(),
            ..new_key(&acme)
        };

        let key = world.key_of(key).await;

        assert!(key.starts_with(prefix), "{key}");
        let me = ApiCaller::key(&world, &key).me().await.expect(200).json();
        assert_eq!(me["product"], product);
        assert_eq!(me["environment"], environment.as_str());
    }
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let first = ApiCaller::key(&world, &key).me().await;
    let second = ApiCaller::key(&world, &key).me().await;

    let now = world.clock.unix();
    let reset = (now - now % 60 + 60).to_string();
    for (answer, remaining) in [(&first, "999"), (&second, "998")] {
        assert_eq!(answer.header("x-ratelimit-limit"), Some("1000"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
        assert_eq!(answer.header("x-ratelimit-reset"), Some(reset.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    assert_ne!(first.header("x-request-id").unwrap(), second.header("x-request-id").unwrap());
}

#[tokio::test]
async fn header_names_and_the_scheme_have_no_case() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for header in [
        format!("x-api-key: {key}"),
        format!("X-API-Key: {key}"),
        format!("X-Api-Key:{key}"),
        format!("authorization: bearer {key}"),
        format!("AUTHORIZATION: BEARER {key}"),
        format!("Authorization: Bearer   {key}"),
        // the same credential twice is one credential
        format!("Authorization: Bearer {key}\r\nX-API-Key: {key}"),
    ] {
        let answer = get_with(&world, &header).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{header}: {answer}");
    }
}

#[tokio::test]
async fn where_the_product_allows_it_a_key_may_travel_in_the_query() {
    let (world, acme) = World::of_acme().await;
    let product = "subworkflow".to_owned();
    let workspace = world.workspace_of(NewWorkspace { product, ..workspace_named("sub") }).await;
    let sam = world.person("sam@example.com", &[(&workspace, Role::Owner)]).await;
    let theirs = world.key(&workspace, &sam, "datasets:read").await;
    let ours = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let anybody = ApiCaller::anonymous(&world);

    let allowed = anybody.get(&format!("/api/v1/me?api-key={theirs}")).await;
    let other = anybody.get(&format!("/api/v1/me?api-key={ours}")).await;

    assert_eq!((allowed.status, allowed.header("cache-control")), (200, Some("no-store")));
    assert_eq!(other.shown(), unauthorized("keys of this product are not accepted in a query"));
}
