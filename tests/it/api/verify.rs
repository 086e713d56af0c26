//! `GET /api/v1/verify`: what a gateway asks before it lets a request through.

use latchkey::keys::manage::KeyOwner;
use serde_json::json;

use super::{assert_is_private, assert_refused, challenge, request_id};
use crate::support::{Acme, Answer, ApiCaller, Tokens, World, new_key, service, workspace_named};

async fn world() -> (World, Acme, ApiCaller) {
    let world = World::new().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read leads:write").await;
    let key = ApiCaller::key(&world, &key);
    (world, acme, key)
}

/// Status, body, and what a gateway may pass on.
fn shown(answer: &Answer) -> (u16, &str, [Option<&str>; 4]) {
    let names = ["subject", "workspace", "client", "scopes"];
    let passed_on = names.map(|name| answer.header(&format!("x-latchkey-{name}")));
    (answer.status, &answer.body, passed_on)
}

#[tokio::test]
async fn a_users_token_is_good() {
    let (world, acme, _) = world().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);

    let answer = ApiCaller::bearer(&world, &tokens.access).get("/api/v1/verify").await;

    let (user, workspace) = (acme.ada.id.to_string(), acme.workspace.id.to_string());
    let passed_on =
        [Some(&*user), Some(&*workspace), Some(&*script.id), Some("leads:read leads:write")];
    assert_eq!(shown(&answer), (204, "", passed_on));
    assert_eq!(answer.header("content-type"), None);
    assert_is_private(&answer);
    request_id(&answer);
}

#[tokio::test]
async fn a_key_is_good_and_has_no_client() {
    let (_world, acme, key) = world().await;

    let answer = key.get("/api/v1/verify").await;

    let (user, workspace) = (acme.ada.id.to_string(), acme.workspace.id.to_string());
    let passed_on = [Some(&*user), Some(&*workspace), None, Some("leads:read leads:write")];
    assert_eq!(shown(&answer), (204, "", passed_on));
}

#[tokio::test]
async fn a_service_accounts_key_and_a_clients_own_token_are_good() {
    let (world, acme, _) = world().await;
    let robot = world.service_account(&acme.workspace, "ci").await;
    let new = new_key(&acme.workspace, KeyOwner::ServiceAccount(robot), "leads:read");
    let key = ApiCaller::bearer(&world, &world.key_of(new).await);
    let client = world.client(service(Some(&acme.workspace))).await;
    let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);
    let token = ApiCaller::bearer(&world, &tokens.access);

    let (key, token) = (key.get("/api/v1/verify").await, token.get("/api/v1/verify").await);

    let (robot, workspace) = (robot.to_string(), acme.workspace.id.to_string());
    let of_key = [Some(&*robot), Some(&*workspace), None, Some("leads:read")];
    assert_eq!(shown(&key), (204, "", of_key));
    let id = Some(&*client.id);
    let of_token = [id, Some(&*workspace), id, Some("leads:read leads:write")];
    assert_eq!(shown(&token), (204, "", of_token));
}

#[tokio::test]
async fn a_credential_has_the_scopes_that_are_demanded() {
    let (_world, _, key) = world().await;

    for query in [
        "",
        "?scope=",
        "?scope=leads:read",
        "?scope=leads%3Aread",
        "?scope=leads:read+leads:write",
        "?scope=leads:read%20%20leads:write%20",
        "?scope=leads:read&scope=leads:write",
        "?scope=leads:read&other=datasets:read",
    ] {
        let answer = key.get(&format!("/api/v1/verify{query}")).await;

        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{query}");
    }
}

#[tokio::test]
async fn full_access_has_every_scope() {
    let (world, acme, _) = world().await;
    let home = latchkey::workspaces::NewWorkspace {
        product: "subscribeflow".to_owned(),
        ..workspace_named("flow")
    };
    let home = world.workspace_of(home).await;
    let robot = world.service_account(&home, "ci").await;
    let key = world.key_of(new_key(&home, KeyOwner::ServiceAccount(robot), "")).await;
    let key = ApiCaller::bearer(&world, &key);

    for scope in ["tags:read", "webhooks:manage", "subscribers:delete tags:write"] {
        let answer = key.get(&format!("/api/v1/verify?scope={scope}")).await;

        assert_eq!(answer.status, 204, "{scope}");
        let workspace = home.id.to_string();
        assert_eq!(answer.header("x-latchkey-workspace"), Some(workspace.as_str()));
        assert_ne!(acme.workspace.id, home.id);
    }
}

#[tokio::test]
async fn head_is_answered_alike() {
    let (world, _, _) = world().await;
    let head = world.http.head(world.url("/api/v1/verify?scope=leads:read"));

    let answer = Answer::to(head).await;

    assert_eq!((answer.status, answer.body.as_str()), (401, ""));
    assert_eq!(
        answer.header("www-authenticate"),
        Some(challenge(&world, "/api/v1/verify", "").as_str())
    );
}

/// What nginx's `auth_request` sends on: the caller's headers, on a path of the gateway's choice.
#[tokio::test]
async fn headers_of_a_forwarded_request_change_nothing() {
    let (_world, _, key) = world().await;
    let request = key.request("/api/v1/verify?scope=leads:read");
    let request = request
        .header("x-original-uri", "/admin?scope=all")
        .header("x-forwarded-method", "DELETE")
        .header("x-latchkey-subject", "somebody-else")
        .header("content-type", "application/json")
        .header("accept", "text/html");

    let answer = Answer::to(request).await;

    assert_eq!(answer.status, 204);
    assert_ne!(answer.header("x-latchkey-subject"), Some("somebody-else"));
}

#[tokio::test]
async fn a_scope_that_cannot_be_one_is_400_and_named() {
    let (_world, _, key) = world().await;

    for scope in ["leads%22read", "leads%5Cread", "leads%09read", "%C3%A9", "a%00b", "a%0D%0Ab"] {
        let answer = key.get(&format!("/api/v1/verify?scope={scope}")).await;

        let message = "must be scope tokens separated by spaces";
        let body = json!({ "error": {
            "code": "VALIDATION_ERROR",
            "message": "the request breaks a rule; see details",
            "requestId": request_id(&answer),
            "details": [{ "field": "scope", "message": message }],
        }});
        assert_eq!((answer.status, answer.json()), (400, body), "{scope}");
        assert_is_private(&answer);
    }
}

#[tokio::test]
async fn a_missing_scope_is_403_and_named() {
    let (world, _, key) = world().await;

    for (demanded, required, missing) in [
        ("datasets:read", "datasets:read", "datasets:read"),
        ("leads:read+datasets:read", "datasets:read leads:read", "datasets:read"),
        ("datasets:read&scope=leads:read", "datasets:read leads:read", "datasets:read"),
        ("leads", "leads", "leads"),
        ("leads:READ", "leads:READ", "leads:READ"),
        ("*", "*", "*"),
        ("zz:write+aa:write", "aa:write zz:write", "aa:write zz:write"),
    ] {
        let answer = key.get(&format!("/api/v1/verify?scope={demanded}")).await;

        let message = format!("the credential lacks scope: {missing}");
        assert_refused(&answer, 403, "FORBIDDEN", &message);
        let expected = format!(", error=\"insufficient_scope\", scope=\"{required}\"");
        let expected = challenge(&world, "/api/v1/verify", &expected);
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        assert_eq!(shown(&answer).2, [None; 4]);
    }
}

#[tokio::test]
async fn tokens_and_keys_lack_scopes_alike() {
    let (world, acme, _) = world().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let script = world.script().await;
    let token = script.password_with(&acme.ada, &[("scope", "leads:read")]).await;

    for credential in [key, Tokens::of(&token).access] {
        let caller = ApiCaller::bearer(&world, &credential);

        let answer = caller.get("/api/v1/verify?scope=leads:write").await;

        let message = "the credential lacks scope: leads:write";
        assert_refused(&answer, 403, "FORBIDDEN", message);
        assert_eq!(caller.get("/api/v1/verify?scope=leads:read").await.status, 204);
    }
}

#[tokio::test]
async fn the_credential_is_looked_at_before_the_scope() {
    let (world, _, _) = world().await;

    let answer = ApiCaller::anonymous(&world).get("/api/v1/verify?scope=%22").await;

    assert_eq!(answer.status, 401);
}
