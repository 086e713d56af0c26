//! Tokens that a service got for a user's (RFC 8693): what ends the user's, or what that depends on, ends
//! them too, wherever they are known by heart.

use chrono::TimeDelta;
use latchkey::{
    access::Principal, clients::registration::NewClient, crypto::digest, jobs::follow,
    store::invalidations::Position,
};

use super::{SCOPE, Warm};
use crate::support::{ApiCaller, Browser, ClientApp, Pkce, Tokens, World, exchanging, script};

const ADA: &str = "acme/ada@acme.example";

/// A service's token that is known by heart, and what it came from.
struct Exchanged {
    /// Its client is the service.
    warm: Warm,
    /// The client whose token was exchanged.
    origin: ClientApp,
    /// What was exchanged.
    subject: Tokens,
}

impl Exchanged {
    async fn new() -> Self {
        let (world, acme) = World::of_acme().await;
        let origin = world.client(script()).await;
        let subject = Tokens::of(&origin.password(&acme.ada).await);
        let service = world.client(exchanging(&acme.workspace)).await;
        let child = exchanged(&service, &subject).await;
        let warm = Warm::with((world, acme, service), child, None).await;
        Self { warm, origin, subject }
    }

    async fn subject_status(&self) -> u16 {
        ApiCaller::bearer(&self.warm.world, &self.subject.access).me().await.status
    }
}

async fn exchanged(service: &ClientApp, subject: &Tokens) -> String {
    Tokens::of(&service.exchange_token(&subject.access, &[]).await).access
}

#[tokio::test]
async fn of_a_family_that_its_client_revoked() {
    let it = Exchanged::new().await;

    it.origin.revoke(&it.subject.refresh).await.expect(200);

    it.warm.assert_refused(401).await;
}

/// RFC 9700 §4.14.2.
#[tokio::test]
async fn of_a_refresh_token_that_came_back() {
    let it = Exchanged::new().await;
    let second = Tokens::of(&it.origin.refresh(&it.subject.refresh).await);
    ApiCaller::bearer(&it.warm.world, &second.access).me().await.expect(200);
    it.warm.heat().await;

    assert_eq!(it.origin.refresh(&it.subject.refresh).await.status, 400);

    it.warm.assert_refused(401).await;
}

/// RFC 6749 §4.1.2.
#[tokio::test]
async fn of_a_code_that_came_back() {
    let mut it = Exchanged::new().await;
    let web = it.warm.world.web().await;
    let mut browser = Browser::new(&it.warm.world);
    let callback = browser.authorize(&web.authorization(), &it.warm.acme.ada).await;
    let subject = Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);
    it.warm.credential = exchanged(&it.warm.script, &subject).await;
    it.warm.heat().await;

    assert_eq!(web.exchange(callback.code(), &Pkce::default()).await.status, 400);

    it.warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_an_app_that_its_user_disconnected() {
    let it = Exchanged::new().await;
    let mut browser = it.warm.browser().await;
    let page = browser.get("/settings/connected-apps").await;

    browser.confirm(&page, "article form", "#revoke").await;

    it.warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_grant_that_was_revoked_by_command() {
    let mut it = Exchanged::new().await;
    let grants = it.warm.world.admin(&["list-grants", "--user", ADA]).unwrap();

    it.warm.command(&["revoke-grant", "--grant", grants[0]["id"].as_str().unwrap()]).await;

    it.warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_who_changed_the_password() {
    let it = Exchanged::new().await;
    let mut browser = it.warm.browser().await;
    let page = browser.get("/settings/security").await;
    let (old, new) = (it.warm.acme.ada.password.as_str(), "a new password");
    let fields = [("current_password", old), ("password", new), ("password_repeat", new)];

    browser.submit(&page, "#change-password-submit", &fields).await;

    it.warm.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_or_a_workspace_that_is_no_more() {
    for (words, status) in [
        (vec!["disable-user", "--user", ADA], 401),
        (vec!["remove-member", "--last-owner", "--workspace", "acme", "--user", ADA], 403),
        (vec!["disable-workspace", "--workspace", "acme"], 403),
    ] {
        let mut it = Exchanged::new().await;

        it.warm.command(&words).await;

        it.warm.assert_refused(status).await;
    }
}

/// Of either side: of the client whose token it was, and of the one whose it is.
#[tokio::test]
async fn of_a_client_that_was_disabled_and_enabled_again() {
    for is_origin in [true, false] {
        let it = Exchanged::new().await;
        let client = if is_origin { &it.origin } else { &it.warm.script };
        let mut browser = it.warm.admin_browser().await;
        let page = browser.get(&format!("/admin/clients/{}/disable", client.id)).await;

        let answer = browser.submit(&page, "#confirm", &[]).await;

        it.warm.assert_refused(403).await;
        let own = if is_origin { 403 } else { 200 };
        assert_eq!(it.subject_status().await, own, "{is_origin}");
        let page = browser.follow(answer).await;
        browser.submit(&page, "#enable-client", &[]).await;
        it.warm.heat().await;
    }
}

#[tokio::test]
async fn of_a_client_that_was_disabled_by_command() {
    for is_origin in [true, false] {
        let mut it = Exchanged::new().await;
        let client = if is_origin { it.origin.id.clone() } else { it.warm.script.id.clone() };

        it.warm.command(&["disable-client", "--client", &client]).await;

        it.warm.assert_refused(403).await;
    }
}

#[tokio::test]
async fn of_a_client_that_was_deleted() {
    for is_origin in [true, false] {
        let it = Exchanged::new().await;
        let client = if is_origin { &it.origin } else { &it.warm.script };
        let mut browser = it.warm.admin_browser().await;
        let page = browser.get(&format!("/admin/clients/{}/delete", client.id)).await;

        browser.submit(&page, "#confirm", &[]).await;

        it.warm.assert_refused(401).await;
    }
}

/// What is granted is never more than what either client may have now.
#[tokio::test]
async fn of_a_client_that_may_have_less() {
    for is_origin in [true, false] {
        let it = Exchanged::new().await;
        let client = if is_origin { &it.origin } else { &it.warm.script };

        it.warm.change_client(&client.id, |row| "datasets:read".clone_into(&mut row.scope)).await;

        assert_eq!(it.warm.answers().await, (vec![200, 403, 200], true), "{is_origin}");
        assert_eq!(it.warm.me().await["scopes"], serde_json::json!([]), "{is_origin}");
    }
}

/// The other way round nothing is ended: the user's token is not the service's.
#[tokio::test]
async fn revoked_by_the_service_alone() {
    let it = Exchanged::new().await;

    it.warm.script.revoke(&it.warm.credential).await.expect(200);

    it.warm.assert_refused(401).await;
    assert_eq!(it.subject_status().await, 200);
}

#[tokio::test]
async fn at_the_end_of_what_it_came_from() {
    let (world, acme) = World::of_acme().await;
    let short = NewClient { access_token_ttl_secs: Some(30), ..script() };
    let origin = world.client(short).await;
    let subject = Tokens::of(&origin.password(&acme.ada).await);
    world.clock.advance(TimeDelta::seconds(10));
    let service = world.client(exchanging(&acme.workspace)).await;
    let child = exchanged(&service, &subject).await;
    let mut warm = Warm::with((world, acme, service), child, None).await;
    warm.advance(TimeDelta::milliseconds(19_999)).await;
    warm.heat().await;

    warm.advance(TimeDelta::milliseconds(1)).await;

    warm.assert_refused(401).await;
}

/// Another node knows it by heart, and hears what ends what it came from.
#[tokio::test]
async fn on_another_node() {
    let it = Exchanged::new().await;
    let world = &it.warm.world;
    let node = world.another_node().await;
    let caller = ApiCaller::bearer(world, &it.warm.credential).at(&node);
    let mut position = Position::default();
    follow::run_once(&node.app, &mut position).await.unwrap();
    for _ in 0..2 {
        caller.get(&format!("/api/v1/verify?scope={SCOPE}")).await.expect(204);
    }
    let digest = digest::sha256_array(it.warm.credential.as_bytes());
    assert!(node.app.cache.find::<Principal>(&digest, node.app.now()).is_some());

    it.origin.revoke(&it.subject.refresh).await.expect(200);
    follow::run_once(&node.app, &mut position).await.unwrap();

    assert_eq!(caller.me().await.status, 401);
}
