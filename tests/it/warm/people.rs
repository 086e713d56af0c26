//! What people lose on the pages of their workspace, or of the server.

use entity::member::Role;

use super::Warm;
use crate::support::{Browser, Person};

async fn owner(warm: &Warm) -> Person {
    let place = [(&warm.acme.workspace, Role::Owner)];
    warm.world.person("acme/olga@acme.example", &place).await
}

#[tokio::test]
async fn a_role_that_was_made_smaller() {
    let warm = Warm::key().await;
    let manager = warm.manager().await;
    for _ in 0..2 {
        manager.get("/api/api-keys").await.expect(200);
    }
    let mut browser = Browser::of(&warm.world, &owner(&warm).await).await;
    let path = format!("/workspaces/acme/settings/members/{}", warm.acme.ada.id);
    let page = browser.get(&path).await;

    browser.submit(&page, "#change-role-submit", &[("role", "member")]).await;

    manager.get("/api/api-keys").await.expect(403);
}

#[tokio::test]
async fn a_membership_that_was_ended_by_somebody_else() {
    for warm in [Warm::key().await, Warm::token().await] {
        let mut browser = Browser::of(&warm.world, &owner(&warm).await).await;
        let path = format!("/workspaces/acme/settings/members/{}/remove", warm.acme.ada.id);
        let page = browser.get(&path).await;

        browser.submit(&page, "#remove-member-confirm", &[]).await;

        warm.assert_refused(403).await;
    }
}

#[tokio::test]
async fn a_workspace_that_they_left() {
    let warm = Warm::key().await;
    owner(&warm).await;
    let mut browser = warm.browser().await;
    let page = browser.get("/workspaces/acme/settings/members/leave").await;

    browser.submit(&page, "#leave-confirm", &[]).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn an_account_that_was_locked() {
    let warm = Warm::key().await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get(&format!("/admin/users/{}/lock", warm.acme.ada.id)).await;

    browser.submit(&page, "#confirm", &[]).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn tokens_of_somebody_who_was_signed_out_everywhere() {
    let warm = Warm::token().await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get(&format!("/admin/users/{}/sign-out", warm.acme.ada.id)).await;

    browser.submit(&page, "#confirm", &[]).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn a_workspace_that_was_disabled() {
    let warm = Warm::key().await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get("/admin/workspaces/acme/disable").await;

    browser.submit(&page, "#confirm", &[]).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn a_client_that_was_deleted() {
    let warm = Warm::token().await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get(&format!("/admin/clients/{}/delete", warm.script.id)).await;

    browser.submit(&page, "#confirm", &[]).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn a_scope_that_the_client_may_have_no_longer() {
    let warm = Warm::token().await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get(&format!("/admin/clients/{}/edit", warm.script.id)).await;
    let form = page.form("#edit-client-submit").without("scope");

    browser.send_form(&page.url, &form).await;

    assert_eq!(warm.me().await["scopes"], serde_json::json!([]));
}

#[tokio::test]
async fn a_workspace_that_the_client_was_bound_to() {
    let warm = Warm::own_token().await;
    warm.world.workspace("other").await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get(&format!("/admin/clients/{}", warm.script.id)).await;

    browser.submit(&page, "#bind-client", &[("workspace", "other")]).await;

    assert_eq!(warm.me().await["workspace"]["slug"], "other");
}
