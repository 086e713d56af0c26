//! `POST /api/v1/emails/send` (contract §5; SubscribeFlow).

use serde_json::{Value, json};

use super::{invalid, lacks};
use crate::support::{ApiCaller, World};

const PATH: &str = "/api/v1/emails/send";

fn email() -> Value {
    json!({ "to": "ada@x.example", "subject": "Hällo", "text": "One\n\nTwo" })
}

/// SF-12: such a key needs `emails:send` and nothing else.
#[tokio::test]
async fn sf_12_a_live_key_with_emails_send_alone_sends_mail() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "emails:send").await;
    let caller = ApiCaller::key(&world, &key);
    let mut body = email();
    body["subject"] = "Hello".into();
    body["html"] = "<p>One".into();

    let answer = caller.post(PATH, &body).await;

    assert_eq!(answer.shown(), (202, json!({ "id": "<id>", "status": "queued" })));
    let sent = world.take_mail().await;
    assert_eq!(sent.len(), 1);
    assert_eq!((&*sent[0].to, &*sent[0].subject), ("ada@x.example", "Hello"));
    let lines: Vec<_> = sent[0].text.lines().map(str::trim).collect();
    assert_eq!(lines[..3], ["One", "", "Two"]);
    assert_eq!(caller.get("/api/v1/subscribers").await.shown(), lacks("subscribers:read"));
}

/// SF-3: a test key never sends mail.
#[tokio::test]
async fn sf_3_a_test_key_sends_no_mail() {
    let (world, acme) = World::of_acme().await;
    let key = world.test_key(&acme.workspace, &acme.ada, "emails:send").await;

    let answer = ApiCaller::key(&world, &key).post(PATH, &email()).await;

    assert_eq!(answer.shown(), (202, json!({ "id": "<id>", "status": "sandboxed" })));
    assert!(world.take_mail().await.is_empty());
}

#[tokio::test]
async fn without_the_scope_nothing_is_read_or_sent() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let answer = ApiCaller::key(&world, &key).post(PATH, &email()).await;

    assert_eq!(answer.shown(), lacks("emails:send"));
    assert!(world.take_mail().await.is_empty());
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_and_nothing_is_sent() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "emails:send").await;
    let caller = ApiCaller::key(&world, &key);
    let one_address = ("to", "must be an email address");
    let one_line = ("subject", "must be one line without control characters");

    for (field, value, problem) in [
        ("to", json!("a@x.example, b@x.example"), one_address),
        ("to", json!("Ada <a@x.example>"), one_address),
        ("to", json!("a@x.example\r\nBcc: b@x.example"), one_address),
        ("to", json!(["a@x.example"]), ("to", "must be a string")),
        ("subject", json!("Hello\r\nBcc: b@x.example"), one_line),
        ("subject", json!(""), ("subject", "must not be empty")),
        ("subject", json!("s".repeat(201)), ("subject", "must be 1 to 200 characters long")),
        ("text", json!(null), ("text", "must not be null")),
        ("html", json!("\u{0}"), ("html", "must not contain U+0000")),
    ] {
        let mut body = email();
        body[field] = value;
        assert_eq!(caller.post(PATH, &body).await.shown(), invalid(&[problem]), "{body}");
    }
    let nothing = caller.post(PATH, &json!({ "html": "<p>" })).await;
    let all = ["to", "subject", "text"].map(|field| (field, "is required"));
    assert_eq!(nothing.shown(), invalid(&all));
    assert!(world.take_mail().await.is_empty());
}
