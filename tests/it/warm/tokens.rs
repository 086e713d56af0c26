//! Access tokens.

use chrono::TimeDelta;
use latchkey::clients::registration::NewClient;
use sea_orm::ConnectionTrait;

use super::Warm;
use crate::support::{Browser, Pkce, Tokens, World, script};

const APPS: &str = "/settings/connected-apps";

#[tokio::test]
async fn revoked_by_its_client() {
    let warm = Warm::token().await;

    warm.script.revoke(&warm.credential).await.expect(200);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn revoked_with_its_refresh_token() {
    let warm = Warm::token().await;

    let tokens = warm.tokens.as_ref().unwrap();
    warm.script.revoke(&tokens.refresh).await.expect(200);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_the_client_itself_revoked_by_it() {
    let warm = Warm::own_token().await;

    warm.script.revoke(&warm.credential).await.expect(200);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_an_app_that_its_user_disconnected() {
    let warm = Warm::token().await;
    let mut browser = warm.browser().await;
    let page = browser.get(APPS).await;

    browser.confirm(&page, "article form", "#revoke").await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_who_disconnected_every_app() {
    let warm = Warm::token().await;
    let other = warm.world.client(NewClient { name: "Other".to_owned(), ..script() }).await;
    Tokens::of(&other.password(&warm.acme.ada).await);
    let mut browser = warm.browser().await;
    let page = browser.get(APPS).await;

    browser.confirm(&page, "#revoke-all", "#revoke-all").await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_grant_that_was_revoked_by_command() {
    let mut warm = Warm::token().await;
    let grants = warm.world.admin(&["list-grants", "--user", "acme/ada@acme.example"]).unwrap();

    warm.command(&["revoke-grant", "--grant", grants[0]["id"].as_str().unwrap()]).await;

    warm.assert_refused(401).await;
}

/// RFC 9700 §4.14.2.
#[tokio::test]
async fn of_a_refresh_token_that_came_back() {
    let mut warm = Warm::token().await;
    let first = warm.tokens.take().unwrap();
    let second = Tokens::of(&warm.script.refresh(&first.refresh).await);
    warm.credential = second.access;
    warm.heat().await;

    assert_eq!(warm.script.refresh(&first.refresh).await.status, 400);

    warm.assert_refused(401).await;
}

/// RFC 6749 §4.1.2.
#[tokio::test]
async fn of_a_code_that_came_back() {
    let mut warm = Warm::token().await;
    let web = warm.world.web().await;
    let callback = Browser::new(&warm.world).authorize(&web.authorization(), &warm.acme.ada).await;
    let exchange = async || web.exchange(callback.code(), &Pkce::default()).await;
    warm.credential = Tokens::of(&exchange().await).access;
    warm.heat().await;

    assert_eq!(exchange().await.status, 400);

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn at_its_end() {
    let client = NewClient { access_token_ttl_secs: Some(30), ..script() };
    let mut warm = Warm::token_for(client).await;
    warm.advance(TimeDelta::milliseconds(29_999)).await;
    warm.heat().await;

    warm.advance(TimeDelta::milliseconds(1)).await;

    warm.assert_refused(401).await;
}

/// It was issued, and kept in memory, while the clock was ahead.
#[tokio::test]
async fn when_the_clock_is_set_right() {
    for ahead in [TimeDelta::minutes(5), TimeDelta::days(1)] {
        let (world, acme) = World::of_acme().await;
        let script = world.client(script()).await;
        world.clock.advance(ahead);
        let tokens = Tokens::of(&script.password(&acme.ada).await);
        let access = tokens.access.clone();
        let mut warm = Warm::with((world, acme, script), access, Some(tokens)).await;

        warm.advance(-ahead).await;

        warm.assert_refused(401).await;
    }
}

#[tokio::test]
async fn of_a_user_who_changed_the_password() {
    let warm = Warm::token().await;
    let mut browser = warm.browser().await;
    let page = browser.get("/settings/security").await;
    let (old, new) = (warm.acme.ada.password.as_str(), "a new password");
    let fields = [("current_password", old), ("password", new), ("password_repeat", new)];

    browser.submit(&page, "#change-password-submit", &fields).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_who_reset_the_password() {
    let warm = Warm::token().await;
    let mut browser = Browser::new(&warm.world);
    let page = browser.open("/forgot-password").await;
    browser.submit(&page, "#forgot-submit", &[("username", &warm.acme.ada.username)]).await;
    let letter = warm.world.take_mail().await.remove(0);
    let page = browser.open(letter.link()).await;
    let new = [("password", "a new password"), ("password_repeat", "a new password")];

    browser.submit(&page, "#reset-submit", &new).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_who_was_disabled() {
    let mut warm = Warm::token().await;

    warm.command(&["disable-user", "--user", "acme/ada@acme.example"]).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_who_left_the_workspace() {
    let mut warm = Warm::token().await;

    let who = ["--workspace", "acme", "--user", "acme/ada@acme.example"];
    warm.command(&[&["remove-member", "--last-owner"][..], &who].concat()).await;

    warm.assert_refused(403).await;
}

#[tokio::test]
async fn of_a_workspace_that_was_disabled() {
    for mut warm in [Warm::token().await, Warm::own_token().await] {
        warm.command(&["disable-workspace", "--workspace", "acme"]).await;

        warm.assert_refused(403).await;
    }
}

#[tokio::test]
async fn of_a_client_that_was_disabled_and_enabled_again() {
    let warm = Warm::token().await;
    let mut browser = warm.admin_browser().await;
    let page = browser.get(&format!("/admin/clients/{}", warm.script.id)).await;

    let answer = browser.confirm_link(&page, "#disable-client", "#confirm").await;

    warm.assert_refused(403).await;
    let page = browser.follow(answer).await;
    browser.submit(&page, "#enable-client", &[]).await;
    warm.heat().await;
}

#[tokio::test]
async fn of_a_client_that_was_disabled_by_command() {
    for mut warm in [Warm::token().await, Warm::own_token().await] {
        let client = warm.script.id.clone();
        warm.command(&["disable-client", "--client", &client]).await;

        warm.assert_refused(403).await;
    }
}

#[tokio::test]
async fn of_a_client_that_was_unbound() {
    let mut warm = Warm::own_token().await;

    let client = warm.script.id.clone();
    warm.command(&["unbind-client", "--client", &client]).await;

    warm.assert_refused(403).await;
}

/// What is granted is never more than what the client may have now.
#[tokio::test]
async fn of_a_client_that_may_have_less() {
    let warm = Warm::token().await;

    warm.change_client(&warm.script.id, |client| "leads:write".clone_into(&mut client.scope)).await;

    assert_eq!(warm.answers().await, (vec![200, 403, 200], true));
    assert_eq!(warm.me().await["scopes"], serde_json::json!(["leads:write"]));
    let said = warm.introspector.introspect(&warm.credential).await.json();
    assert_eq!(said["scope"], "leads:write");
}

/// A backup that was restored under a running server may lack it.
#[tokio::test]
async fn a_clients_own_family_that_is_gone_is_begun_anew() {
    let warm = Warm::own_token().await;
    let txn = warm.world.app.store.begin().await.unwrap();
    txn.execute_unprepared("delete from token_family").await.unwrap();
    txn.commit().await.unwrap();

    let own = warm.script.token(&[("grant_type", "client_credentials")]).await;

    assert!(warm.introspector.sees_alive(&Tokens::of(&own).access).await);
}
