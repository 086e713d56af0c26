//! One thing of many: a permission for it opens its routes, and nothing tells what else there is.

use entity::member::Role;
use latchkey::{clients::registration::NewClient, keys::manage::KeyOwner};
use serde_json::json;

use super::{NOBODY, assert_confined};
use crate::{
    api::{
        nothing_there,
        place::{PERMISSIONS, Place, kind},
    },
    support::{ApiCaller, Tokens, new_key, script, texts},
};

/// A caller of another workspace.
async fn stranger(place: &Place, scope: &str) -> ApiCaller {
    let elsewhere = place.world.workspace("elsewhere").await;
    let joe = place.world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    ApiCaller::key(&place.world, &place.world.key(&elsewhere, &joe, scope).await)
}

/// That one, and neither another nor the list nor a new one; it is the same refusal whether there is
/// another one, and whose it is.
#[tokio::test]
async fn one_thing_opens_the_routes_of_that_thing() {
    let place = Place::new().await;
    let theirs = stranger(&place, &PERMISSIONS.join(" ")).await;
    let theirs = theirs.post("/v1/datasets", &json!({ "name": "theirs" })).await.expect(201).json();
    let theirs = theirs["id"].as_str().unwrap();

    for about in ["api_key", "dataset", "subscriber"] {
        let [id, other] = place.two(about);
        let limits = |permission: &str| match kind(permission) {
            it if it == about => format!("resourceType={it}&resourceId={id}"),
            it => format!("resourceType={it}"),
        };
        let caller = place.confined(limits).await;
        let limits = format!("resourceType {about}, resourceId {id}");
        let operations = place.operations().await;
        for operation in operations.iter().filter(|it| kind(&it.permission) == about) {
            for refused in [other, theirs, NOBODY, "x"] {
                let answer = operation.done(&caller, refused).await;
                assert_confined(&answer, &operation.permission, &limits, "resourceId");
            }
            if operation.names().is_some() {
                let answer = operation.done(&caller, id).await;
                assert!(answer.status < 300, "{}: {}", operation.id, answer.body);
            }
        }
    }
}

#[tokio::test]
async fn another_workspaces_thing_is_not_there_where_the_permission_is_broad_enough() {
    let place = Place::new().await;
    let [id, other] = place.two("dataset");
    let scope = format!("datasets:read?resourceId={id} datasets:write?resourceType=dataset");
    let stranger = stranger(&place, &scope).await;
    let path = format!("/v1/datasets/{id}");

    assert_eq!(stranger.get(&path).await.shown(), nothing_there());
    assert_eq!(stranger.delete(&path).await.shown(), nothing_there());
    let answer = stranger.get(&format!("/v1/datasets/{other}")).await;
    assert_confined(&answer, "datasets:read", &format!("resourceId {id}"), "resourceId");
}

/// `api-keys:manage` includes `api-keys:read`, for one key too; a machine that manages one key sees
/// all of that one.
#[tokio::test]
async fn who_manages_one_key_reads_that_key() {
    let place = Place::new().await;
    let [id, other] = place.two("api_key");
    let robot = place.world.service_account(&place.acme.workspace, "robot").await;
    let scope = format!("api-keys:manage?resourceId={id}");
    let new = new_key(&place.acme.workspace, KeyOwner::ServiceAccount(robot), &scope);
    let caller = ApiCaller::key(&place.world, &place.world.key_of(new).await);

    let own = caller.get(&format!("/api/api-keys/{id}")).await.expect(200).json();

    assert_eq!(own["apiKey"]["name"], "one");
    for refused in [format!("/api/api-keys/{other}"), "/api/api-keys".to_owned()] {
        let answer = caller.get(&refused).await;
        let limits = format!("resourceId {id}");
        assert_confined(&answer, "api-keys:manage", &limits, "resourceId");
    }
}

/// A scan is found by its own id or by its service's; one that is elsewhere cannot be told from one
/// that is not there.
#[tokio::test]
async fn a_scan_is_read_for_itself_or_for_its_service() {
    let place = Place::new().await;
    let [id, other] = place.two("scan");
    let path = format!("/api/scans/{id}");
    let service = place.caller.get(&path).await.expect(200).json()["serviceId"].clone();
    let service = service.as_str().unwrap();
    let caller = async |limits: String| place.caller(&format!("services:read?{limits}")).await;

    for limits in [
        format!("resourceType=scan&resourceId={id}"),
        format!("resourceType=service&resourceId={service}"),
        format!("resourceType=scan&serviceId={service}"),
        format!("serviceId={service}"),
    ] {
        let caller = caller(limits).await;
        caller.get(&path).await.expect(200);
        let elsewhere = caller.get(&format!("/api/scans/{other}")).await.expect(403).json();
        let nowhere = caller.get(&format!("/api/scans/{NOBODY}")).await.expect(403).json();
        assert_eq!(elsewhere["error"]["message"], nowhere["error"]["message"]);
    }
    let exact = caller(format!("resourceType=scan&resourceId={NOBODY}")).await;
    assert_eq!(exact.get(&format!("/api/scans/{NOBODY}")).await.shown(), nothing_there());
}

/// FE-15: tokens obey the same confinement.
#[tokio::test]
async fn an_access_token_is_confined_as_a_key_is() {
    let place = Place::new().await;
    let [id, other] = place.two("dataset");
    let scope = texts(&["datasets:read", "datasets:write"]);
    let client = place.world.client(NewClient { scope, ..script() }).await;
    let confined = format!("datasets:read?resourceType=dataset&resourceId={id}");
    let answer = client.password_with(&place.acme.ada, &[("scope", &confined)]).await;
    let caller = ApiCaller::bearer(&place.world, &Tokens::of(&answer).access);

    let own = caller.get(&format!("/v1/datasets/{id}")).await;

    assert_eq!(own.expect(200).json()["id"], *id);
    for refused in [format!("/v1/datasets/{other}"), "/v1/datasets".to_owned()] {
        let answer = caller.get(&refused).await;
        let limits = format!("resourceType dataset, resourceId {id}");
        assert_confined(&answer, "datasets:read", &limits, "resourceId");
    }
}

/// A gateway that asks about many credentials hears what a request with one would.
#[tokio::test]
async fn a_limit_is_forbidden_and_not_unknown_to_a_gateway() {
    let place = Place::new().await;
    let scope = "leads:read?resourceType=lead";
    let key = place.world.key(&place.acme.workspace, &place.acme.ada, scope).await;
    let questions = json!({ "credentials": [{ "credential": key, "scope": "leads:read" }] });

    let answer = place.caller.post("/api/v1/verify", &questions).await.expect(200).json();

    let verdict = json!({ "valid": false, "code": "FORBIDDEN",
        "message": "the credential has leads:read only for resourceType lead" });
    assert_eq!(answer["results"][0], verdict);
}
