//! `POST /comms/v1/api/comms/send`, `GET /comms/v1/api/comms/messages` (contract §5, Qflow). The
//! gates before the trust gate are in `gates`.

use chrono::TimeDelta;
use latchkey::{
    audit::Actor,
    config::Environment,
    keys::manage::{KeyOwner, NewKey},
    workspaces,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    adas_key, forbidden,
    gates::{not_enabled, of_acme},
    refused,
};
use crate::support::{Acme, Answer, Subscriber, World};

const SEND: &str = "/comms/v1/api/comms/send";
const MESSAGES: &str = "/comms/v1/api/comms/messages";

/// Acme, whose Ada is verified.
async fn of_verified() -> (World, Acme, Subscriber) {
    let (world, acme, caller) = of_acme().await;
    workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
    (world, acme, caller)
}

async fn test_key(world: &World, acme: &Acme) -> String {
    let scopes = ["comms:read", "comms:send"].map(str::to_owned);
    let environment = Environment::Test;
    let scopes = scopes.into_iter().collect();
    world.key_of(NewKey { environment, scopes, ..adas_key(acme) }).await
}

fn hello() -> Value {
    json!({ "to": "guest@example.com", "text": "See you at 8.", "subject": "Your table" })
}

pub fn trust_required(world: &World) -> (u16, Value) {
    let message = format!(
        "sending needs the credential of a verified user; complete the verification of the \
         account at {}/settings/profile",
        world.app.config.issuer
    );
    refused(403, "trust_required", &message)
}

#[tokio::test]
async fn a_message_is_mailed_and_can_be_read_back() {
    let (world, _, caller) = of_verified().await;
    world.take_mail().await;

    let sent = caller.post(SEND, &hello()).await;

    assert_eq!(sent.shown(), (202, json!({ "id": "<id>", "status": "queued" })));
    let id = sent.json()["id"].clone();
    assert_eq!(caller.get(MESSAGES).await.json()["items"][0]["status"], "queued");
    let mail = world.take_mail().await;
    assert_eq!(mail.len(), 1);
    assert_eq!((&*mail[0].to, &*mail[0].subject), ("guest@example.com", "Your table"));
    assert!(mail[0].text.starts_with("See you at 8."), "{}", mail[0].text);
    let message = json!({
        "id": id, "to": "guest@example.com", "templateId": null, "text": "See you at 8.",
        "subject": "Your table", "status": "sent", "createdAt": "2027-03-05T10:20:27.250Z",
    });
    let page = caller.get(MESSAGES).await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(without_time(&page["items"][0]), without_time(&message));
    assert_eq!(page["nextCursor"], Value::Null);
}

fn without_time(message: &Value) -> Value {
    let mut message = message.clone();
    assert!(message["createdAt"].as_str().unwrap().ends_with('Z'));
    message["createdAt"] = Value::Null;
    message
}

#[tokio::test]
async fn a_template_is_sent_by_its_name() {
    let (world, _, caller) = of_verified().await;
    world.take_mail().await;

    let body = json!({ "to": "guest@example.com", "templateId": "welcome", "subject": null });
    let sent = caller.post(SEND, &body).await;

    assert_eq!(sent.status, 202);
    let mail = world.take_mail().await;
    assert_eq!(mail[0].subject, "A message from The workspace acme");
    assert!(mail[0].text.contains("welcome"), "{}", mail[0].text);
    assert_eq!(caller.get(MESSAGES).await.json()["items"][0]["templateId"], "welcome");
}

/// Contract §5: a test key sees sandbox data only and sends no mail; and the reverse.
#[tokio::test]
async fn a_test_key_sends_nothing_and_sees_nothing_of_live_messages() {
    let (world, acme, caller) = of_verified().await;
    world.take_mail().await;
    let test = caller.with_bearer(&test_key(&world, &acme).await);

    let sent = test.post(SEND, &hello()).await;

    assert_eq!(sent.shown(), (202, json!({ "id": "<id>", "status": "sandboxed" })));
    assert!(world.take_mail().await.is_empty());
    assert_eq!(caller.get(MESSAGES).await.json()["items"], json!([]));
    assert_eq!(test.get(MESSAGES).await.json()["items"][0]["status"], "sandboxed");
    assert_eq!(test.get(MESSAGES).await.json()["items"][0]["id"], sent.json()["id"]);
}

#[tokio::test]
async fn messages_come_in_pages_newest_first_of_ones_own_workspace() {
    let (world, acme, caller) = of_verified().await;
    let other = world.workspace("other").await;
    let add = workspaces::add_member(
        &world.app,
        Actor::Operator,
        other.id,
        acme.ada.id,
        entity::member::Role::Owner,
    );
    add.await.unwrap().unwrap();
    let elsewhere = world.key(&other, &acme.ada, "comms:read comms:send").await;
    let elsewhere = caller.with_bearer(&elsewhere);
    for number in 0..5 {
        let body = json!({ "to": "guest@example.com", "text": format!("{number}") });
        caller.post(SEND, &body).await.expect(202);
        world.clock.advance(TimeDelta::milliseconds(1));
    }
    elsewhere.post(SEND, &hello()).await.expect(202);

    let (mut texts, mut path) = (Vec::new(), format!("{MESSAGES}?limit=2"));
    let mut cursor = Value::Null;
    for _ in 0..3 {
        let page = caller.get(&path).await.expect(200).json();
        texts.extend(page["items"].as_array().unwrap().iter().map(|it| it["text"].clone()));
        cursor = page["nextCursor"].clone();
        path = format!("{MESSAGES}?limit=2&cursor={}", cursor.as_str().unwrap_or_default());
    }

    assert_eq!(texts, ["4", "3", "2", "1", "0"]);
    assert_eq!(cursor, Value::Null);
    let first = caller.get(&format!("{MESSAGES}?limit=2")).await.json();
    let cursor = first["nextCursor"].as_str().unwrap();
    let stolen = elsewhere.get(&format!("{MESSAGES}?cursor={cursor}")).await;
    assert_eq!(
        (stolen.status, &stolen.json()["error"]["details"][0]["field"]),
        (400, &json!("cursor"))
    );
    assert_eq!(elsewhere.get(MESSAGES).await.json()["items"].as_array().unwrap().len(), 1);
    for limit in ["0", "101", "x", "-1", ""] {
        let answer = caller.get(&format!("{MESSAGES}?limit={limit}")).await;
        assert_eq!(answer.json()["error"]["details"][0]["field"], "limit", "{limit}");
    }
}

#[tokio::test]
async fn sending_needs_its_own_scope() {
    let (world, acme, caller) = of_verified().await;
    let reader = caller.with_bearer(&world.key(&acme.workspace, &acme.ada, "comms:read").await);
    let sender = caller.with_bearer(&world.key(&acme.workspace, &acme.ada, "comms:send").await);

    let lacks = |scope: &str| forbidden(&format!("the credential lacks scope: {scope}"));
    assert_eq!(reader.post(SEND, &hello()).await.shown(), lacks("comms:send"));
    assert_eq!(sender.get(MESSAGES).await.shown(), lacks("comms:read"));
}

/// QF-20, QF-21, QF-22; QF-23: before the body is looked at.
#[tokio::test]
async fn an_unverified_user_is_told_where_to_be_verified() {
    let (world, acme, caller) = of_acme().await;
    world.take_mail().await;

    for body in [hello(), json!({}), json!([])] {
        assert_eq!(caller.post(SEND, &body).await.shown(), trust_required(&world));
    }

    // reading is not sending
    assert_eq!(
        caller.get(MESSAGES).await.shown(),
        (200, json!({ "items": [], "nextCursor": null }))
    );
    assert!(world.take_mail().await.is_empty());
    let test = caller.with_bearer(&test_key(&world, &acme).await);
    assert_eq!(test.post(SEND, &hello()).await.shown(), trust_required(&world));
}

/// Ada is verified, and the service account is not Ada.
#[tokio::test]
async fn nobody_in_particular_is_never_verified() {
    let (world, acme, caller) = of_verified().await;
    let robot = workspaces::service_account(&world.app, Actor::Operator, acme.workspace.id, "ci");
    let owner = KeyOwner::ServiceAccount(robot.await.unwrap().unwrap().id);
    let scopes = ["comms:send".to_owned()].into_iter().collect();
    let key = world.key_of(NewKey { owner, scopes, ..adas_key(&acme) }).await;

    let answer = caller.with_bearer(&key).post(SEND, &hello()).await;

    assert_eq!(answer.shown(), trust_required(&world));
}

/// QF-23: who is neither allow-listed nor verified hears of the allow-list first.
#[tokio::test]
async fn the_allow_list_comes_before_trust() {
    let (world, acme) = World::of_acme().await;
    let account = workspaces::Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    let key = world.subscription(account).await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:send").await;

    let answer = Subscriber::new(&world, &bearer, &key).post(SEND, &hello()).await;

    assert_eq!(answer.shown(), not_enabled());
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_and_nothing_is_stored() {
    let (world, _, caller) = of_verified().await;
    world.take_mail().await;
    let long = "x".repeat(201);

    for (body, fields) in [
        (json!({}), &["to"][..]),
        (json!({ "to": "guest@example.com" }), &["text"]),
        (json!({ "to": "guest@example.com", "text": "a", "templateId": "b" }), &["templateId"]),
        (
            json!({ "to": "x", "text": "", "subject": long, "templateId": 7 }),
            &["subject", "templateId", "text", "to"],
        ),
        (json!({ "to": "a@b.example\r\nBcc: c@d.example", "text": "a" }), &["to"]),
        (json!({ "to": "a@b.example", "text": "a", "subject": "a\nb" }), &["subject"]),
        (json!({ "to": null, "text": "a\u{0}" }), &["text", "to"]),
        (json!([]), &["body"]),
    ] {
        let answer = caller.post(SEND, &body).await;
        assert_eq!(
            (answer.status, named(&answer)),
            (400, fields.iter().map(|it| (*it).to_owned()).collect()),
            "{body}"
        );
        assert_eq!(answer.json()["error"]["code"], "VALIDATION_ERROR");
    }

    let request = || caller.request(Method::POST, SEND);
    let json = "application/json";
    let twice = r#"{"to":"a@b.example","text":"a","text":"b"}"#;
    let twice = Answer::to(request().header("content-type", json).body(twice)).await;
    assert_eq!((twice.status, named(&twice)), (400, vec!["text".to_owned()]));
    let form = Answer::to(request().header("content-type", "text/plain").body("to=a")).await;
    assert_eq!(form.status, 415);
    let large = format!("\"{}\"", "x".repeat(256 * 1024));
    let large = Answer::to(request().header("content-type", json).body(large)).await;
    assert_eq!(large.status, 413);
    assert_eq!(caller.get(MESSAGES).await.json()["items"], json!([]));
    assert!(world.take_mail().await.is_empty());
}

fn named(answer: &Answer) -> Vec<String> {
    let details = answer.json()["error"]["details"].clone();
    let details = details.as_array().cloned().unwrap_or_default();
    let mut names: Vec<_> =
        details.iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
