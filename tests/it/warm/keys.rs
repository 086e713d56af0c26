//! API keys.

use chrono::TimeDelta;
use serde_json::json;

use super::Warm;

#[tokio::test]
async fn deleted_through_the_api() {
    let warm = Warm::key().await;

    warm.manager().await.delete(&warm.path("")).await.expect(204);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn revoked_through_the_api() {
    let warm = Warm::key().await;

    warm.manager().await.post(&warm.path("/revoke"), &json!({})).await.expect(200);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn switched_off_through_the_api_and_on_again() {
    let warm = Warm::key().await;
    let manager = warm.manager().await;

    manager.patch(&warm.path(""), &json!({ "active": false })).await.expect(200);

    warm.assert_refused(403).await;
    manager.patch(&warm.path(""), &json!({ "active": true })).await.expect(200);
    warm.heat().await;
}

#[tokio::test]
async fn rotated_through_the_api_without_an_overlap() {
    let warm = Warm::key().await;

    let body = json!({ "overlapSeconds": 0 });
    warm.manager().await.post(&warm.path("/rotate"), &body).await.expect(200);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn at_the_end_of_its_overlap() {
    let mut warm = Warm::key().await;
    let body = json!({ "overlapSeconds": 30 });
    warm.manager().await.post(&warm.path("/rotate"), &body).await.expect(200);
    warm.heat().await;
    warm.advance(TimeDelta::milliseconds(29_999)).await;
    warm.heat().await;

    warm.advance(TimeDelta::milliseconds(1)).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn rotated_twice_within_its_overlap() {
    let warm = Warm::key().await;
    let (manager, body) = (warm.manager().await, json!({ "overlapSeconds": 3600 }));
    manager.post(&warm.path("/rotate"), &body).await.expect(200);
    warm.heat().await;

    manager.post(&warm.path("/rotate"), &body).await.expect(200);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn at_its_end() {
    let mut warm = Warm::key_that_ends_in(TimeDelta::seconds(30)).await;
    warm.advance(TimeDelta::milliseconds(29_999)).await;
    warm.heat().await;

    warm.advance(TimeDelta::milliseconds(1)).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn switched_off_on_its_page() {
    let warm = Warm::key().await;
    let mut browser = warm.browser().await;
    let page = browser.get("/workspaces/acme/settings/keys").await;

    browser.submit(&page, &format!("form[action$='{}/disable']", warm.id), &[]).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn deleted_on_its_page() {
    let warm = Warm::key().await;
    let mut browser = warm.browser().await;
    let page = browser.get(&warm.page("/delete")).await;

    browser.submit(&page, "#delete-key-confirm", &[]).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn rotated_on_its_page_without_an_overlap() {
    let warm = Warm::key().await;
    let mut browser = warm.browser().await;
    let page = browser.get(&warm.page("/rotate")).await;

    let shown = browser.submit(&page, "#rotate-key-confirm", &[("overlap", "0")]).await;

    assert_eq!(shown.status, 201);
    warm.assert_refused(401).await;
}

#[tokio::test]
async fn renamed_on_its_page() {
    let warm = Warm::key().await;
    let mut browser = warm.browser().await;
    let page = browser.get(&warm.page("/rename")).await;

    browser.submit(&page, "#rename-key-submit", &[("name", "another name")]).await;

    assert_eq!(warm.me().await["credential"]["name"], "another name");
}

#[tokio::test]
async fn revoked_by_command() {
    let mut warm = Warm::key().await;

    let id = warm.id.clone();
    warm.command(&["revoke-key", "--workspace", "acme", "--key", &id]).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_who_was_disabled() {
    let mut warm = Warm::key().await;

    warm.command(&["disable-user", "--user", "acme/ada@acme.example"]).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn of_a_user_who_left_the_workspace() {
    let mut warm = Warm::key().await;

    let who = ["--workspace", "acme", "--user", "acme/ada@acme.example"];
    warm.command(&[&["remove-member", "--last-owner"][..], &who].concat()).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn of_a_workspace_that_was_disabled() {
    let mut warm = Warm::key().await;

    warm.command(&["disable-workspace", "--workspace", "acme"]).await;

    warm.assert_refused(403).await;
}

/// SW-13: who creates keys is known by heart, and with them the plan.
#[tokio::test]
async fn of_a_workspace_on_another_plan() {
    let mut warm = Warm::key().await;
    let manager = warm.manager().await;
    let new = json!({ "name": "K", "ownerPrincipalType": "user", "scopes": ["leads:read"] });
    manager.post("/api/api-keys", &new).await.expect(201);

    warm.command(&["set-plan", "--workspace", "acme", "--plan", "free"]).await;

    let refused = manager.post("/api/api-keys", &new).await.expect(403).json();
    assert_eq!(refused["error"]["code"], "plan_limit_reached");
    warm.command(&["set-plan", "--workspace", "acme", "--plan", "pro"]).await;
    manager.post("/api/api-keys", &new).await.expect(201);
}
