//! `POST /checkin/v1/api/guest` (contract §5, Qflow): a subscription key always, both gates with
//! `commsTemplateId` (QF-15).

use entity::guest;
use latchkey::{audit::Actor, config::Environment, keys::manage::NewKey, workspaces};
use reqwest::Method;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{
    adas_key,
    comms::trust_required,
    forbidden,
    gates::{not_enabled, of_acme},
    unauthorized,
};
use crate::support::{Answer, Subscriber, World};

const GUEST: &str = "/checkin/v1/api/guest";
const WITH_QUERY: &str = "/checkin/v1/api/guest?commsTemplateId=welcome";

fn gus() -> Value {
    json!({ "name": "Gus Guest", "email": "gus@example.com" })
}

fn welcomed() -> Value {
    json!({ "name": "Gus Guest", "email": "gus@example.com", "commsTemplateId": "welcome" })
}

async fn guests(world: &World) -> Vec<guest::Model> {
    guest::Entity::find().all(world.app.store.read()).await.unwrap()
}

/// Acme with a subscription key, but neither allow-listed nor verified.
async fn of_nobody() -> (World, Subscriber) {
    let (world, acme) = World::of_acme().await;
    let account = workspaces::Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    let key = world.subscription(account).await;
    let bearer = world.key(&acme.workspace, &acme.ada, "checkin:write").await;
    let caller = Subscriber::new(&world, &bearer, &key);
    world.take_mail().await;
    (world, caller)
}

#[tokio::test]
async fn a_guest_is_checked_in_and_needs_no_gate_without_a_message() {
    let (world, caller) = of_nobody().await;

    let answer = caller.post(GUEST, &gus()).await;

    let (status, mut shown) = answer.shown();
    let at = shown["checkedInAt"].take();
    let body = json!({ "id": "<id>", "name": "Gus Guest", "checkedInAt": null, "messageId": null });
    assert_eq!((status, shown), (201, body));
    assert!(at.as_str().unwrap().ends_with('Z'));
    let stored = guests(&world).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].id.to_string(), answer.json()["id"].as_str().unwrap());
    assert_eq!(stored[0].email.as_deref(), Some("gus@example.com"));
    assert!(world.take_mail().await.is_empty());
    let nameless = caller.post(GUEST, &json!({ "name": "Gus", "commsTemplateId": null })).await;
    assert_eq!(nameless.status, 201);
}

#[tokio::test]
async fn with_a_template_the_guest_is_sent_a_message() {
    let (world, acme, caller) = of_acme().await;
    workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
    world.take_mail().await;

    for (path, body) in [(GUEST, welcomed()), (WITH_QUERY, gus()), (WITH_QUERY, welcomed())] {
        let answer = caller.post(path, &body).await.expect(201);
        let mail = world.take_mail().await;
        assert_eq!(mail.len(), 1);
        assert_eq!(mail[0].to, "gus@example.com");
        assert!(mail[0].text.contains("welcome"), "{}", mail[0].text);
        let messages = caller.get("/comms/v1/api/comms/messages?limit=100").await.json();
        let ids: Vec<_> =
            messages["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert!(ids.contains(&&answer.json()["messageId"]), "{messages}");
    }
}

#[tokio::test]
async fn with_a_test_key_nothing_is_mailed() {
    let (world, acme, caller) = of_acme().await;
    workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
    world.take_mail().await;
    let scopes = ["checkin:write".to_owned()].into_iter().collect();
    let key = NewKey { environment: Environment::Test, scopes, ..adas_key(&acme) };
    let test = caller.with_bearer(&world.key_of(key).await);

    let answer = test.post(GUEST, &welcomed()).await.expect(201);

    assert!(answer.json()["messageId"].is_string());
    assert!(world.take_mail().await.is_empty());
    assert_eq!(guests(&world).await[0].environment, "test");
    assert_eq!(caller.get("/comms/v1/api/comms/messages").await.json()["items"], json!([]));
}

#[tokio::test]
async fn the_subscription_key_is_needed_first_then_the_scope() {
    let (world, acme, caller) = of_acme().await;
    let reader = caller.with_bearer(&world.key(&acme.workspace, &acme.ada, "comms:read").await);
    let message = "a subscription key is required beside the credential, in the header \
        Ocp-Apim-Subscription-Key";

    let answer = reader.with_keys(&[]).post(GUEST, &gus()).await;
    assert_eq!(answer.shown(), unauthorized(message));
    let answer = reader.post(GUEST, &gus()).await;
    assert_eq!(answer.shown(), forbidden("the credential lacks scope: checkin:write"));
    assert!(guests(&world).await.is_empty());
}

/// QF-15: the parameter is gated, in the body and in the query, whatever else is wrong.
#[tokio::test]
async fn with_a_template_the_allow_list_is_asked_before_the_body() {
    let (world, caller) = of_nobody().await;

    for (path, body) in [
        (GUEST, welcomed()),
        (GUEST, json!({ "commsTemplateId": "welcome" })),
        (GUEST, json!({ "commsTemplateId": 7 })),
        (WITH_QUERY, gus()),
        (WITH_QUERY, json!({})),
        ("/checkin/v1/api/guest?commsTemplateId=", gus()),
    ] {
        assert_eq!(caller.post(path, &body).await.shown(), not_enabled(), "{path} {body}");
    }
    let text = caller.request(Method::POST, WITH_QUERY).body("no JSON");
    assert_eq!(Answer::to(text).await.shown(), not_enabled());
    assert!(guests(&world).await.is_empty());
}

/// QF-20, QF-21.
#[tokio::test]
async fn with_a_template_trust_is_asked_next() {
    let (world, _, caller) = of_acme().await;

    for (path, body) in [(GUEST, welcomed()), (WITH_QUERY, gus()), (WITH_QUERY, json!([]))] {
        assert_eq!(caller.post(path, &body).await.shown(), trust_required(&world), "{path}");
    }
    assert_eq!(caller.post(GUEST, &gus()).await.status, 201);
    assert_eq!(guests(&world).await.len(), 1);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_and_nobody_is_checked_in() {
    let (world, acme, caller) = of_acme().await;
    workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
    let long = "x".repeat(201);
    let other = "/checkin/v1/api/guest?commsTemplateId=other";
    let longer = format!("{GUEST}?commsTemplateId={}", "x".repeat(101));
    world.take_mail().await;

    for (path, body, fields) in [
        (GUEST, json!({}), &["name"][..]),
        (GUEST, json!({ "name": long, "email": "x" }), &["email", "name"]),
        (GUEST, json!({ "name": "a\nb", "commsTemplateId": 7 }), &["commsTemplateId", "name"]),
        (GUEST, json!({ "name": "Gus", "commsTemplateId": "welcome" }), &["email"]),
        (other, welcomed(), &["commsTemplateId"]),
        (&*longer, gus(), &["commsTemplateId"]),
        ("/checkin/v1/api/guest?commsTemplateId=a%00b", gus(), &["commsTemplateId"]),
        (GUEST, json!("x"), &["body"]),
    ] {
        let answer = caller.post(path, &body).await.expect(400);
        let details = answer.json()["error"]["details"].clone();
        let mut names: Vec<_> =
            details.as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, fields, "{path} {body}");
    }
    assert!(guests(&world).await.is_empty());
    assert!(world.take_mail().await.is_empty());
}
