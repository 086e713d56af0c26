//! One grammar of scopes for keys and access tokens: what is confined to something is refused
//! elsewhere, and whoever knows plain scope tokens only is told so.

use serde_json::json;

use crate::support::{ApiCaller, World, script};

const A: &str = "00000000-0000-4000-8000-00000000000a";
const B: &str = "00000000-0000-4000-8000-00000000000b";

/// RQ-15: the limit is in the scope token that `me`, a gateway and introspection see.
#[tokio::test]
async fn a_confined_key_says_what_it_is_confined_to() {
    let (world, acme) = World::of_acme().await;
    let confined = format!("leads:write?serviceId={A}");
    let key = world.key(&acme.workspace, &acme.ada, &format!("leads:read {confined}")).await;
    let caller = ApiCaller::key(&world, &key);

    let me = caller.me().await.expect(200).json();
    let active = world.introspector().await.introspect(&key).await.expect(200).json();

    assert_eq!(me["scopes"], json!(["leads:read", confined]));
    assert_eq!(active["scope"], format!("leads:read {confined}"));
    let permissions =
        json!([{ "permission": "leads:read" }, { "permission": "leads:write", "serviceId": A }]);
    assert_eq!(active["permissions"], permissions);
    assert_eq!(active["full_access"], false);
}

/// RQ-15: every member of a scope is kept and shown as it was given.
#[tokio::test]
async fn every_limit_of_a_scope_is_kept() {
    let (world, acme) = World::of_acme().await;
    let manager = world.key(&acme.workspace, &acme.ada, "api-keys:manage leads:write").await;
    let manager = ApiCaller::bearer(&world, &manager);
    let mut scope = json!({
        "permission": "leads:write", "resourceType": "pipeline", "resourceId": A, "serviceId": B,
        "environmentId": A, "workflowId": B, "resourceConstraints": { "region": ["eu", "us"] },
    });
    let body = json!({ "name": "x", "ownerPrincipalType": "user", "scopes": [scope] });

    let made = manager.post("/api/api-keys", &body).await.expect(201).json();

    let shown = &made["apiKey"]["scopes"][0];
    scope["id"] = shown["id"].clone();
    assert!(scope["id"].is_string());
    assert_eq!(*shown, scope);
    let path = format!("/api/api-keys/{}", made["apiKey"]["id"].as_str().unwrap());
    assert_eq!(manager.get(&path).await.expect(200).json()["apiKey"]["scopes"], json!([scope]));
}

/// A gateway that asks for the whole, or for another part, hears which limit is in the way.
#[tokio::test]
async fn a_confined_key_is_refused_elsewhere_with_the_limit_named() {
    let (world, acme) = World::of_acme().await;
    let scope = format!("leads:read leads:write?serviceId={A}");
    let key = world.key(&acme.workspace, &acme.ada, &scope).await;
    let caller = ApiCaller::key(&world, &key);
    let demand = |scope: String| {
        let caller = caller.clone();
        async move {
            let query: String = url::form_urlencoded::byte_serialize(scope.as_bytes()).collect();
            caller.get(&format!("/api/v1/verify?scope={query}")).await
        }
    };

    demand("leads:read".to_owned()).await.expect(204);
    demand(format!("leads:write?serviceId={A}")).await.expect(204);
    demand(format!("leads:read?serviceId={B}")).await.expect(204);
    for elsewhere in ["leads:write".to_owned(), format!("leads:write?serviceId={B}")] {
        let answer = demand(elsewhere).await.expect(403);
        let message = format!("the credential has leads:write only for serviceId {A}");
        assert_eq!(answer.json()["error"]["message"], message);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
    }
    demand("leads:write?serviceId=1".to_owned()).await.expect(400);
}

/// FE-15: an access token is confined in the same words, within what its client may have.
#[tokio::test]
async fn an_access_token_may_be_confined_too() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(script()).await;
    let confined = format!("leads:read?serviceId={A}");

    let tokens = client.password_with(&acme.ada, &[("scope", &confined)]).await.expect(200).json();

    assert_eq!(tokens["scope"], confined);
    let token = tokens["access_token"].as_str().unwrap();
    let caller = ApiCaller::bearer(&world, token);
    assert_eq!(caller.me().await.expect(200).json()["scopes"], json!([confined]));
    caller.get("/api/v1/verify?scope=leads:read").await.expect(403);
    let active = world.introspector().await.introspect(token).await.json();
    assert_eq!(active["permissions"], json!([{ "permission": "leads:read", "serviceId": A }]));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let wider = client.refresh_with(refresh, &[("scope", "leads:read")]).await;
    assert_eq!(wider.expect(400).json()["error"], "invalid_scope");
    let broken = [("scope", "leads:read?serviceId=1")];
    let broken = client.password_with(&acme.ada, &broken).await.expect(400);
    assert_eq!(broken.json()["error"], "invalid_scope");
}
