//! How an API key ends, and what that means for its place in the plan, at `/api/api-keys`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::api_keys::{KEYS, delete, made, manager, post, wanted};
use crate::support::{ApiCaller, World};

/// Every answer there is about a key, in one text.
async fn everything_said(world: &World, manager: &str, id: &str) -> String {
    let caller = ApiCaller::bearer(world, manager);
    let (list, one) = (caller.get(KEYS).await, caller.get(&format!("{KEYS}/{id}")).await);
    list.body + &one.body
}

/// FE-8: a lost key cannot be had again; it is revoked, and a new one of the same name takes over.
#[tokio::test]
async fn a_lost_key_is_revoked_and_replaced() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let (id, lost) = made(&world, &manager, &json!(["leads:read"])).await;
    assert!(!everything_said(&world, &manager, &id).await.contains(&lost));

    post(&world, &manager, &format!("{KEYS}/{id}/revoke"), &json!({})).await.expect(200);
    let (new_id, new) = made(&world, &manager, &json!(["leads:read"])).await;

    assert!(new_id != id && new != lost);
    ApiCaller::key(&world, &lost).me().await.expect(401);
    let me = ApiCaller::key(&world, &new).me().await.expect(200).json();
    assert_eq!(me["credential"]["name"], "make-lead-ingest");
}

/// FE-11, SW-9, SW-15, SW-19, RQ-14: a key that has expired is disabled, and no more than that: it
/// is listed, and has its place in the plan until it is deleted.
#[tokio::test]
async fn an_expired_key_is_disabled_and_counts_until_it_is_deleted() {
    let world = World::new().await;
    let acme = world.acme_on("free").await;
    let manager = manager(&world, &acme).await;
    let in_a_day = world.app.now() + TimeDelta::days(1);
    let mut body = wanted(&json!(["leads:read"]));
    body["expiresAt"] = in_a_day.to_rfc3339().into();
    let new = post(&world, &manager, KEYS, &body).await.expect(201).json();
    let raw = ApiCaller::key(&world, new["rawKey"].as_str().unwrap());
    let path = format!("{KEYS}/{}", new["apiKey"]["id"].as_str().unwrap());
    assert_eq!(new["apiKey"]["status"], "active");
    raw.me().await.expect(200);

    world.clock.advance(TimeDelta::days(1));

    raw.me().await.expect(403);
    let shown = ApiCaller::bearer(&world, &manager).get(&path).await.expect(200).json();
    assert_eq!(
        (&shown["apiKey"]["status"], &shown["apiKey"]["active"]),
        (&json!("expired"), &json!(true))
    );
    let third = post(&world, &manager, KEYS, &wanted(&json!(["leads:read"]))).await;
    assert_eq!(third.expect(403).json()["error"]["code"], "plan_limit_reached");
    delete(&world, &manager, &path).await.expect(204);
    raw.me().await.expect(401);
    made(&world, &manager, &json!(["leads:read"])).await;
}

/// SW-12, SW-13: at the limit of the plan, or beyond that of a smaller one, a larger plan makes
/// room; keys that are there go on working.
#[tokio::test]
async fn a_larger_plan_makes_room() {
    let world = World::new().await;
    let acme = world.acme_on("free").await;
    let manager = manager(&world, &acme).await;
    made(&world, &manager, &json!(["leads:read"])).await;
    let on =
        |plan: &str| world.admin(&["set-plan", "--workspace", "acme", "--plan", plan]).unwrap();
    let refused = async || {
        let answer = post(&world, &manager, KEYS, &wanted(&json!(["leads:read"]))).await;
        answer.expect(403).json()["error"]["code"] == "plan_limit_reached"
    };

    assert!(refused().await, "the plan is reached");
    on("pro");
    let (_, third) = made(&world, &manager, &json!(["leads:read"])).await;
    on("free");
    assert!(refused().await, "the plan is exceeded");
    ApiCaller::key(&world, &third).me().await.expect(200);
    let listed = ApiCaller::bearer(&world, &manager).get(KEYS).await.expect(200).json();
    assert_eq!(listed["apiKeys"].as_array().map(Vec::len), Some(3));
    assert_eq!(listed["apiKeys"][0]["revokedAt"], Value::Null);
}
