//! The audit trail of what the API serves (security rule 30): one record for each thing that
//! happened, by whom and to what, and none of what was refused.

use entity::audit_event;
use latchkey::{
    audit::Actor,
    clients::registration::NewClient,
    workspaces::{self, Account},
};
use serde_json::{Value, json};

use super::{gates, scans};
use crate::support::{Acme, Answer, ApiCaller, Subscriber, Tokens, World, script, service, texts};

const SCOPES: &str = "checkin:write comms:send datasets:read datasets:write emails:send \
    endpoints:write leads:read leads:write scans:create services:create services:read \
    services:update subscribers:delete subscribers:read subscribers:write";
const GUEST: &str = "gus@guest.example";

/// What was not there `before`, without when and its own id.
async fn since(world: &World, before: &[audit_event::Model]) -> Vec<Value> {
    let shown = |event: audit_event::Model| {
        json!({
            "action": event.action,
            "actor": [event.actor_kind, event.actor_id],
            "workspace": event.workspace_id,
            "target": [event.target_kind, event.target_id],
            "detail": event.detail,
        })
    };
    let events = world.audit_events().await.into_iter();
    events.filter(|event| !before.contains(event)).map(shown).collect()
}

/// Acme, allow-listed, enabled and verified, and a caller who may do everything here.
async fn of_acme() -> (World, Acme, Subscriber) {
    let (world, acme, caller) = gates::of_acme().await;
    workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
    let key = world.key(&acme.workspace, &acme.ada, SCOPES).await;
    let caller = caller.with_bearer(&key);
    (world, acme, caller)
}

async fn id_of(caller: &Subscriber) -> Value {
    caller.get("/api/v1/me").await.expect(200).json()["credential"]["id"].clone()
}

async fn send(caller: &Subscriber, method: &str, path: &str, body: &Value) -> Answer {
    let request = caller.request(method.parse().unwrap(), path);
    Answer::to(if method == "DELETE" { request } else { request.json(body) }).await
}

fn subscriber() -> Value {
    json!({ "email": GUEST, "firstName": "Gus" })
}

fn message() -> Value {
    json!({ "to": GUEST, "text": "See you at 8.", "subject": "Your table" })
}

fn email() -> Value {
    json!({ "to": GUEST, "subject": "Your table", "text": "See you at 8." })
}

#[tokio::test]
async fn what_a_key_does_is_written_down_once_by_its_id() {
    let (world, acme, caller) = of_acme().await;
    let key = id_of(&caller).await;
    let scan = scans::documented();
    let guest = json!({ "name": "Gus Guest", "email": GUEST });

    for (action, method, path, body, id) in [
        ("dataset.create", "POST", "/v1/datasets", json!({ "name": "Prices" }), "id"),
        ("dataset.delete", "DELETE", "/v1/datasets", Value::Null, "id"),
        ("subscriber.create", "POST", "/api/v1/subscribers", subscriber(), "id"),
        ("subscriber.update", "PATCH", "/api/v1/subscribers", json!({ "tags": [] }), "id"),
        ("subscriber.delete", "DELETE", "/api/v1/subscribers", Value::Null, "id"),
        ("lead.create", "POST", "/api/v1/leads", json!({ "name": "Gus", "email": GUEST }), "id"),
        ("scan.ingest", "POST", "/api/scans/ingest", scan, "scanId"),
        ("email.send", "POST", "/api/v1/emails/send", email(), "id"),
        ("message.send", "POST", "/comms/v1/api/comms/send", message(), "id"),
        ("guest.check_in", "POST", "/checkin/v1/api/guest", guest, "id"),
    ] {
        let before = world.audit_events().await;
        let path = match method {
            "POST" => path.to_owned(),
            _ => format!("{path}/{}", newest(&caller, path).await),
        };

        let answer = send(&caller, method, &path, &body).await;

        assert!(answer.status < 300, "{action}: {} {}", answer.status, answer.body);
        let target = match answer.status {
            204 => path.rsplit('/').next().unwrap().into(),
            _ => answer.json()[id].clone(),
        };
        let kind = action.split('.').next().unwrap();
        let mut events = since(&world, &before).await;
        let detail = events.iter_mut().map(|event| event["detail"].take()).collect::<Vec<_>>();
        let event = json!({ "action": action, "actor": ["api_key", key],
            "workspace": acme.workspace.id, "target": [kind, target], "detail": null });
        assert_eq!(events, [event]);
        let words = json!(detail).to_string();
        assert!(!words.contains("gus") && !words.contains("Gus") && !words.contains("table"));
    }
}

/// The newest thing in a list.
async fn newest(caller: &Subscriber, list: &str) -> String {
    let list = caller.get(list).await.expect(200).json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}

/// The same actors as of everything else that is written down.
#[tokio::test]
async fn a_token_acts_for_its_user_or_for_its_client() {
    let (world, acme) = World::of_acme().await;
    let scope = texts(&["leads:write"]);
    let by_user = world.client(NewClient { scope: scope.clone(), ..script() }).await;
    let by_itself = NewClient { scope, ..service(Some(&acme.workspace)) };
    let by_itself = world.client(by_itself).await;
    let users = Tokens::of(&by_user.password(&acme.ada).await).access;
    let clients = Tokens::of(
        &Answer::to(by_itself.request("/oauth/token", &[("grant_type", "client_credentials")]))
            .await,
    )
    .access;

    for (token, actor) in
        [(users, json!(["user", acme.ada.id])), (clients, json!(["client", by_itself.id]))]
    {
        let before = world.audit_events().await;

        let caller = ApiCaller::bearer(&world, &token);
        caller.post("/api/v1/leads", &json!({ "name": "x" })).await.expect(201);

        let events = since(&world, &before).await;
        assert_eq!((events.len(), &events[0]["action"]), (1, &json!("lead.create")));
        assert_eq!(events[0]["actor"], actor);
    }
}

/// What is done in the sandbox is told from the rest.
#[tokio::test]
async fn the_environment_is_written_down() {
    let (world, acme) = World::of_acme().await;
    let live = world.key(&acme.workspace, &acme.ada, "leads:write").await;
    let test = world.test_key(&acme.workspace, &acme.ada, "leads:write").await;

    for (key, environment) in [(live, "live"), (test, "test")] {
        let before = world.audit_events().await;

        let caller = ApiCaller::key(&world, &key);
        caller.post("/api/v1/leads", &json!({ "name": "x" })).await.expect(201);

        assert_eq!(since(&world, &before).await[0]["detail"], environment);
    }
}

/// Two things happened: a guest is there, and a message is on its way.
#[tokio::test]
async fn a_message_on_arrival_is_written_down_too() {
    let (world, _, caller) = of_acme().await;
    let before = world.audit_events().await;
    let guest = json!({ "name": "Gus", "email": GUEST, "commsTemplateId": "welcome" });

    let answer = caller.post("/checkin/v1/api/guest", &guest).await.expect(201).json();

    let events = since(&world, &before).await;
    let targets: Vec<_> = events.iter().map(|event| &event["target"]).collect();
    let (guest, message) =
        (json!(["guest", answer["id"]]), json!(["message", answer["messageId"]]));
    assert!(targets.len() == 2 && targets.contains(&&guest) && targets.contains(&&message));
}

#[tokio::test]
async fn what_is_refused_or_changes_nothing_leaves_no_record() {
    let (world, acme, caller) = of_acme().await;
    caller.post("/api/v1/subscribers", &subscriber()).await.expect(201);
    scans::ingest(
        &world,
        &world.key(&acme.workspace, &acme.ada, SCOPES).await,
        &scans::documented(),
    )
    .await
    .expect(201);
    let path = format!("/api/v1/subscribers/{}", newest(&caller, "/api/v1/subscribers").await);
    let other = json!({ "email": "other@guest.example" });
    caller.post("/api/v1/subscribers", &other).await.expect(201);
    let powerless = caller.with_bearer(&world.key(&acme.workspace, &acme.ada, "leads:read").await);
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let before = world.audit_events().await;

    for (status, caller, method, path, body) in [
        (403, &powerless, "POST", "/v1/datasets", json!({ "name": "x" })),
        (400, &caller, "POST", "/v1/datasets", json!({ "name": "" })),
        (404, &caller, "DELETE", &format!("/v1/datasets/{nowhere}"), Value::Null),
        (409, &caller, "POST", "/api/v1/subscribers", subscriber()),
        (409, &caller, "PATCH", &path, other),
        (404, &caller, "PATCH", &format!("/api/v1/subscribers/{nowhere}"), json!({ "tags": [] })),
        (200, &caller, "PATCH", &path, json!({})),
        (404, &caller, "DELETE", &format!("/api/v1/subscribers/{nowhere}"), Value::Null),
        (403, &powerless, "POST", "/api/v1/leads", json!({ "name": "x" })),
        (201, &caller, "POST", "/api/scans/ingest", scans::documented()),
        (403, &powerless, "POST", "/api/scans/ingest", scans::documented()),
        (400, &caller, "POST", "/api/v1/emails/send", json!({ "to": GUEST })),
        (400, &caller, "POST", "/comms/v1/api/comms/send", json!({ "to": GUEST })),
        (401, &caller.with_keys(&[]), "POST", "/comms/v1/api/comms/send", message()),
        (400, &caller, "POST", "/checkin/v1/api/guest", json!({ "email": GUEST })),
    ] {
        let answer = send(caller, method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }

    assert_eq!(since(&world, &before).await, Vec::<Value>::new());
}

/// A scan that may not be kept leaves neither itself nor its service.
#[tokio::test]
async fn a_refused_ingestion_leaves_nothing() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "scans:create services:read").await;
    let before = world.audit_events().await;

    scans::ingest(&world, &key, &scans::documented()).await.expect(403);

    assert_eq!(since(&world, &before).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_gate_that_does_not_open_leaves_no_record() {
    let (world, acme) = World::of_acme().await;
    let account = Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    let key = world.key(&acme.workspace, &acme.ada, SCOPES).await;
    let caller = Subscriber::new(&world, &key, &world.subscription(account).await);
    let before = world.audit_events().await;

    let closed = caller.post("/comms/v1/api/comms/send", &message()).await;

    assert_eq!(closed.json()["error"]["code"], "comms_api_not_enabled");
    assert_eq!(since(&world, &before).await, Vec::<Value>::new());
}
