//! Those who introspect, and prove with a secret who they are.

use chrono::TimeDelta;

use super::Warm;

#[tokio::test]
async fn whose_secret_was_replaced_on_its_page() {
    let warm = Warm::key().await;
    let mut browser = warm.admin_browser().await;
    let path = format!("/admin/clients/{}/rotate-secret", warm.introspector.id);
    let page = browser.get(&path).await;

    browser.submit(&page, "#rotate-secret-confirm", &[]).await;

    warm.introspector.introspect(&warm.credential).await.expect(401);
}

/// The secret before works as long as was chosen, and no longer, though the client is known by heart.
#[tokio::test]
async fn whose_secret_was_replaced_with_an_overlap() {
    let mut warm = Warm::key().await;
    let mut browser = warm.admin_browser().await;
    let path = format!("/admin/clients/{}/rotate-secret", warm.introspector.id);
    let page = browser.get(&path).await;

    browser.submit(&page, "#rotate-secret-confirm", &[("overlap", "3600")]).await;

    for minutes in [0, 59] {
        warm.advance(TimeDelta::minutes(minutes)).await;
        for _ in 0..2 {
            warm.introspector.introspect(&warm.credential).await.expect(200);
        }
    }
    warm.advance(TimeDelta::seconds(59)).await;
    warm.introspector.introspect(&warm.credential).await.expect(200);
    warm.advance(TimeDelta::seconds(1)).await;
    warm.introspector.introspect(&warm.credential).await.expect(401);
}

#[tokio::test]
async fn whose_secret_was_replaced_by_command() {
    let mut warm = Warm::key().await;

    let client = warm.introspector.id.clone();
    warm.command(&["rotate-client-secret", "--client", &client]).await;

    warm.introspector.introspect(&warm.credential).await.expect(401);
}

#[tokio::test]
async fn who_were_disabled() {
    let mut warm = Warm::key().await;

    let client = warm.introspector.id.clone();
    warm.command(&["disable-client", "--client", &client]).await;

    warm.introspector.introspect(&warm.credential).await.expect(401);
}

#[tokio::test]
async fn who_may_not_any_more() {
    let warm = Warm::key().await;

    warm.change_client(&warm.introspector.id, |client| client.may_introspect = false).await;

    let answer = warm.introspector.introspect(&warm.credential).await.expect(400);
    assert_eq!(answer.json()["error"], "unauthorized_client");
}

/// A client of a workspace sees what is the workspace's.
#[tokio::test]
async fn who_were_bound_elsewhere() {
    let warm = Warm::key().await;
    let other = warm.world.workspace("other").await.id;

    warm.change_client(&warm.introspector.id, |client| client.workspace_id = Some(other)).await;

    assert!(!warm.introspector.sees_alive(&warm.credential).await);
}
