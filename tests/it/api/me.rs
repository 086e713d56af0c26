//! `GET /api/v1/me`: whom a credential acts as, whatever its kind and however it travels.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::NewClient,
    config::Environment,
    crypto::secret::with_checksum,
    keys::manage::{KeyOwner, NewKey},
    workspaces::{self, NewWorkspace},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_is_private, key_of_product, request_id};
use crate::support::{
    Acme, Answer, ApiCaller, Tokens, World, expel, new_key, script, service, texts, workspace_named,
};

#[tokio::test]
async fn an_access_token_acts_as_its_user_in_its_workspace() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);

    let answer = ApiCaller::bearer(&world, &tokens.access).me().await;

    let body = json!({
        "principal": {
            "type": "user",
            "id": acme.ada.id,
            "name": "acme/ada@acme.example",
            "username": "acme/ada@acme.example",
        },
        "workspace": { "id": acme.workspace.id, "slug": "acme", "name": "The workspace acme" },
        "product": "default",
        "environment": "live",
        "credential": {
            "type": "access_token",
            "id": answer.json()["credential"]["id"],
            "name": null,
            "clientId": script.id,
            "expiresAt": after(&world, TimeDelta::hours(1)),
        },
        "scopes": ["leads:read", "leads:write"],
        "fullAccess": false,
    });
    assert_eq!((answer.status, answer.json()), (200, body));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_is_private(&answer);
    request_id(&answer);
}

#[tokio::test]
async fn a_key_acts_as_the_user_who_owns_it() {
    let world = World::new().await;
    let acme = world.acme().await;
    let expires_at = world.app.now() + TimeDelta::days(90);
    let new = NewKey {
        name: "zapier-pipeline-sync".to_owned(),
        environment: Environment::Test,
        expires_at: Some(expires_at),
        ..new_key(&acme.workspace, KeyOwner::User(acme.ada.id), "leads:write leads:read")
    };
    let key = world.key_of(new).await;

    let answer = ApiCaller::bearer(&world, &key).me().await;

    let body = json!({
        "principal": {
            "type": "user",
            "id": acme.ada.id,
            "name": "acme/ada@acme.example",
            "username": "acme/ada@acme.example",
        },
        "workspace": { "id": acme.workspace.id, "slug": "acme", "name": "The workspace acme" },
        "product": "default",
        "environment": "test",
        "credential": {
            "type": "api_key",
            "id": answer.json()["credential"]["id"],
            "name": "zapier-pipeline-sync",
            "clientId": null,
            "expiresAt": after(&world, TimeDelta::days(90)),
        },
        "scopes": ["leads:read", "leads:write"],
        "fullAccess": false,
    });
    assert_eq!((answer.status, answer.json()), (200, body));
    assert_is_private(&answer);
}

#[tokio::test]
async fn a_key_acts_as_the_service_account_that_owns_it() {
    let world = World::new().await;
    let acme = world.acme().await;
    let robot = world.service_account(&acme.workspace, "ci").await;
    let owner = KeyOwner::ServiceAccount(robot);
    let key = world.key_of(new_key(&acme.workspace, owner, "leads:read")).await;

    let answer = ApiCaller::key(&world, &key).me().await;

    let body = json!({
        "principal": { "type": "service_account", "id": robot, "name": "ci", "username": null },
        "workspace": { "id": acme.workspace.id, "slug": "acme", "name": "The workspace acme" },
        "product": "default",
        "environment": "live",
        "credential": {
            "type": "api_key",
            "id": answer.json()["credential"]["id"],
            "name": "a key",
            "clientId": null,
            "expiresAt": null,
        },
        "scopes": ["leads:read"],
        "fullAccess": false,
    });
    assert_eq!((answer.status, answer.json()), (200, body));
}

#[tokio::test]
async fn a_clients_own_token_acts_as_the_client() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);

    let answer = ApiCaller::bearer(&world, &tokens.access).me().await;

    let body = json!({
        "principal": {
            "type": "client",
            "id": client.id,
            "name": "Service",
            "username": null,
        },
        "workspace": { "id": acme.workspace.id, "slug": "acme", "name": "The workspace acme" },
        "product": "default",
        "environment": "live",
        "credential": {
            "type": "access_token",
            "id": answer.json()["credential"]["id"],
            "name": null,
            "clientId": client.id,
            "expiresAt": after(&world, TimeDelta::hours(1)),
        },
        "scopes": ["leads:read", "leads:write"],
        "fullAccess": false,
    });
    assert_eq!((answer.status, answer.json()), (200, body));
}

/// FE-3, FE-26, SF-2, SF-3, RQ-18: by its prefix a scanner of source code knows whose key it has
/// found, and by its length and checksum whether it is one.
#[tokio::test]
async fn keys_look_as_their_product_says() {
    let world = World::new().await;
    let joe = world.person("joe@example.com", &[]).await;

    for (product, environment, scope, prefix, length) in [
        ("default", Environment::Live, "leads:read", "lk_live_", 44),
        ("default", Environment::Test, "leads:read", "lk_test_", 44),
        ("flowestate", Environment::Live, "leads:read", "fe_k_", 37),
        ("subscribeflow", Environment::Live, "tags:read", "sf_live_", 44),
        ("subscribeflow", Environment::Test, "tags:read", "sf_test_", 44),
        ("reqflo", Environment::Live, "scans:create", "rf_live_", 44),
        ("reqflo", Environment::Test, "scans:create", "rf_test_", 44),
        ("subworkflow", Environment::Live, "datasets:read", "sw_", 39),
    ] {
        let slug = prefix.trim_end_matches('_').replace('_', "-");
        let home = NewWorkspace { product: product.to_owned(), ..workspace_named(&slug) };
        let home = world.workspace_of(home).await;
        let app = &world.app;
        let added = workspaces::add_member(app, Actor::Operator, home.id, joe.id, Role::Owner);
        added.await.unwrap().unwrap();
        let new = new_key(&home, KeyOwner::User(joe.id), scope);
        let key = world.key_of(NewKey { environment, ..new }).await;

        let me = ApiCaller::bearer(&world, &key).me().await.expect(200).json();

        assert!(key.starts_with(prefix), "{product}");
        assert_eq!(key.len(), length, "{product}");
        let body = &key[prefix.len()..];
        if product == "flowestate" {
            assert!(body.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')), "{key}");
        } else {
            let random = key[..key.len() - 6].to_owned();
            assert_eq!(with_checksum(random), key, "{product}");
        }
        let environment = if environment == Environment::Live { "live" } else { "test" };
        assert_eq!(
            (&me["product"], &me["environment"], &me["workspace"]["slug"]),
            (&json!(product), &json!(environment), &json!(slug))
        );
        assert_eq!(me["scopes"], json!([scope]));
    }
}

/// SF-10, SF-11: without scopes, everything: the whole catalogue, which is this.
#[tokio::test]
async fn a_key_without_scopes_may_do_everything_where_its_product_says_so() {
    let world = World::new().await;
    let (key, _) = key_of_product(&world, "subscribeflow", "").await;

    let me = ApiCaller::bearer(&world, &key).me().await.expect(200).json();

    assert_eq!(me["fullAccess"], true);
    let catalogue = [
        "api-keys:manage",
        "campaigns:read",
        "campaigns:write",
        "emails:send",
        "subscribers:delete",
        "subscribers:read",
        "subscribers:write",
        "tags:read",
        "tags:write",
        "templates:read",
        "templates:write",
        "triggers:read",
        "triggers:write",
        "webhooks:manage",
    ];
    assert_eq!(me["scopes"], json!(catalogue));
}

#[tokio::test]
async fn a_role_narrows_what_a_credential_may_do_at_once() {
    let world = World::new().await;
    let Acme { workspace, ada } = world.acme().await;
    let scope = texts(&["leads:read", "api-keys:manage"]);
    let client = world.client(NewClient { scope, ..script() }).await;
    let tokens = Tokens::of(&client.password(&ada).await);
    let key = world.key(&workspace, &ada, "api-keys:manage leads:read").await;
    let (token, key) = (ApiCaller::bearer(&world, &tokens.access), ApiCaller::key(&world, &key));
    for caller in [&token, &key] {
        assert_eq!(scopes(&caller.me().await), json!(["api-keys:manage", "leads:read"]));
    }

    become_member(&world, workspace.id, ada.id).await;

    for caller in [&token, &key] {
        assert_eq!(scopes(&caller.me().await), json!(["leads:read"]));
    }
}

#[tokio::test]
async fn full_access_is_more_than_a_member_has() {
    let world = World::new().await;
    let (key, owner) = key_of_product(&world, "subscribeflow", "").await;
    let key = ApiCaller::bearer(&world, &key);
    let home = key.me().await.expect(200).json();
    let home = home["workspace"]["id"].as_str().unwrap().parse::<Uuid>().unwrap();

    become_member(&world, home, owner).await;

    let me = key.me().await.expect(200).json();
    assert_eq!(me["fullAccess"], false);
    assert_eq!(me["scopes"].as_array().unwrap().len(), 12);
    let verify = key.get("/api/v1/verify?scope=webhooks:manage").await;
    assert_eq!(verify.status, 403);
}

#[tokio::test]
async fn a_narrowed_token_shows_what_it_may_do() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let narrow = script.password_with(&acme.ada, &[("scope", "leads:read")]).await;

    let me = ApiCaller::bearer(&world, &Tokens::of(&narrow).access).me().await;

    assert_eq!(scopes(&me), json!(["leads:read"]));
}

#[tokio::test]
async fn a_token_for_this_api_is_good_here() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;

    for resource in [world.url(""), world.url("/api"), world.url("/api/v1/me")] {
        let answer = script.password_with(&acme.ada, &[("resource", &resource)]).await;
        let caller = ApiCaller::bearer(&world, &Tokens::of(&answer).access);

        assert_eq!(caller.me().await.status, 200, "{resource}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let world = World::new().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let head = world.http.head(world.url("/api/v1/me")).bearer_auth(&key);
    let answer = Answer::to(head).await;

    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_is_private(&answer);
    assert_eq!(answer.header("x-ratelimit-limit"), Some("1000"));
}

#[tokio::test]
async fn no_parameter_leads_out_of_the_credentials_workspace() {
    let world = World::new().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let caller = ApiCaller::key(&world, &key);

    let first = caller.me().await.expect(200).json();
    let other = Uuid::nil();
    let again = caller.get(&format!("/api/v1/me?organizationId={other}&workspace=other")).await;

    assert_eq!(again.expect(200).json(), first);
}

fn scopes(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["scopes"].clone()
}

/// An instant on the wire.
fn after(world: &World, time: TimeDelta) -> String {
    let at = world.app.now() + time;
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Takes a user's role and gives the lowest.
async fn become_member(world: &World, workspace_id: Uuid, user_id: Uuid) {
    let app = &world.app;
    let removed = expel(app, workspace_id, user_id).await;
    assert!(removed.unwrap());
    let role = Role::Member;
    let added = workspaces::add_member(app, Actor::Operator, workspace_id, user_id, role).await;
    added.unwrap().unwrap();
}
