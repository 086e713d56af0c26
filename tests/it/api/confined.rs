//! Permissions that are confined (RQ-15), on every route of the document that needs one: what opens
//! it, and a refusal that names the limit. One thing of many is in `things`.

mod things;

use serde_json::json;

use super::place::{PERMISSIONS, Place, kind};
use crate::support::{Answer, ApiCaller, Subscriber, World};

/// A service, a workflow, or anything else that is not there.
const NOBODY: &str = "00000000-0000-4000-8000-00000000000a";

/// It is refused for its limits alone: `limits` names all of them, `unmet` the one in the way.
#[track_caller]
fn assert_confined(answer: &Answer, permission: &str, limits: &str, unmet: &str) {
    let error = answer.json()["error"].clone();
    let message = format!(
        "the credential has {permission} only for {limits} ({unmet} is another one here, or none)"
    );
    assert_eq!((answer.status, &error["code"]), (403, &json!("FORBIDDEN")), "{error}");
    assert_eq!(error["message"], message);
    let challenge = answer.header("www-authenticate").unwrap();
    let wanted = format!("error=\"insufficient_scope\", scope=\"{permission}\"");
    assert!(challenge.ends_with(&wanted), "{challenge}");
}

#[tokio::test]
async fn a_kind_alone_opens_every_route_about_it() {
    let place = Place::new().await;
    let caller = place.confined(|permission| format!("resourceType={}", kind(permission))).await;

    for operation in place.operations().await {
        let answer = operation.done_in(&place, &caller).await;
        assert!(answer.status < 300, "{}: {} {}", operation.id, answer.status, answer.body);
    }
}

#[tokio::test]
async fn another_kind_opens_nothing() {
    let place = Place::new().await;
    let caller = place.confined(|_| "resourceType=invoice".to_owned()).await;

    for operation in place.operations().await {
        let answer = operation.done_in(&place, &caller).await;
        assert_confined(&answer, &operation.permission, "resourceType invoice", "resourceType");
    }
}

/// Nothing here belongs to an environment or a workflow, and only a scan to a service.
#[tokio::test]
async fn a_limit_on_what_is_not_known_opens_nothing() {
    let place = Place::new().await;
    for (limit, value, shown) in [
        ("serviceId", NOBODY, NOBODY),
        ("environmentId", NOBODY, NOBODY),
        ("workflowId", NOBODY, NOBODY),
        ("resourceConstraints", "%7B%22region%22%3A%22eu%22%7D", "{\"region\":\"eu\"}"),
    ] {
        let limits =
            |permission: &str| format!("resourceType={}&{limit}={value}", kind(permission));
        let caller = place.confined(limits).await;

        for operation in place.operations().await {
            let answer = operation.done_in(&place, &caller).await;
            let permission = &operation.permission;
            let limits = format!("resourceType {}, {limit} {shown}", kind(permission));
            assert_confined(&answer, permission, &limits, limit);
        }
    }
}

/// Contract §4's order: the subscription key before the scope, and the scope before gates and body.
#[tokio::test]
async fn the_limit_is_looked_at_when_the_scope_is() {
    let (world, acme) = World::of_acme().await;
    let scope = "comms:send?resourceType=guest datasets:write?resourceType=lead";
    let key = world.key(&acme.workspace, &acme.ada, scope).await;
    let account = latchkey::workspaces::Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    let caller = Subscriber::new(&world, &key, &world.subscription(account).await);
    let send = "/comms/v1/api/comms/send";

    let without_key = caller.with_keys(&[]).post(send, &json!(7)).await;
    let before_gates = caller.post(send, &json!(7)).await;
    let before_body = caller.post("/v1/datasets", &json!(7)).await;

    assert_eq!(without_key.status, 401);
    assert_confined(&before_gates, "comms:send", "resourceType guest", "resourceType");
    assert_confined(&before_body, "datasets:write", "resourceType lead", "resourceType");
}

/// Who confines a key finds the kinds in the document.
#[tokio::test]
async fn the_kinds_are_documented() {
    let world = World::new().await;
    let document = ApiCaller::anonymous(&world).get("/openapi.json").await.json();

    let member = &document["components"]["schemas"]["ApiKeyScope"]["properties"]["resourceType"];

    let said = member["description"].as_str().unwrap();
    for permission in PERMISSIONS {
        assert!(said.contains(&format!("`{}`", kind(permission))), "{permission}: {said}");
    }
}
