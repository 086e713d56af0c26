//! `/admin/registration-tokens`: the initial access tokens with which clients register themselves.

use serde_json::json;

use super::clients::{admin, value_of};
use crate::support::{Answer, Browser, CALLBACK, World};

const PATH: &str = "/admin/registration-tokens";

async fn register(world: &World, token: &str) -> u16 {
    let request = world.http.post(world.url("/oauth/register")).bearer_auth(token);
    Answer::to(request.json(&json!({"redirect_uris": [CALLBACK]}))).await.status
}

/// CS-R6.
#[tokio::test]
async fn a_token_is_made_shown_once_and_revoked() {
    let (world, _, mut browser) = admin().await;
    let page = browser.get(PATH).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Tokens for registrations"));

    let made = browser.submit(&page, "#make-registration-token", &[("note", "partners")]).await;

    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(made.header("referrer-policy"), Some("no-referrer"));
    let token = value_of(&made, "registration-token").unwrap();
    assert_eq!(register(&world, &token).await, 201);
    let page = browser.get(PATH).await;
    assert!(page.text("tbody").contains("partners") && !page.body.contains(&token));

    let revoked = browser.submit(&page, "tbody button", &[]).await;

    assert_eq!(revoked.status, 303);
    assert_eq!(register(&world, &token).await, 401);
    let page = browser.follow(revoked).await;
    assert!(page.text("tbody").contains("Revoked") && !page.has("tbody button"));
    let events = format!("{:?}", world.audit_events().await);
    assert!(events.contains("registration_token.revoke") && !events.contains(&token));
}

#[tokio::test]
async fn what_it_is_for_must_be_said() {
    let (_world, _, mut browser) = admin().await;
    let page = browser.get(PATH).await;
    for note in ["", " ", "a\u{202e}b", &"x".repeat(121)] {
        let refused = browser.submit(&page, "#make-registration-token", &[("note", note)]).await;

        assert_eq!(refused.status, 422, "{note:?}");
        assert!(refused.has("#note-problem"), "{}", refused.body);
        assert!(refused.has("#note[aria-invalid=true]"));
    }
    assert!(!browser.get(PATH).await.has("tbody"));
}

#[tokio::test]
async fn only_an_administrator_makes_and_revokes_them() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let page = browser.get(PATH).await;
    let form = page.form("#make-registration-token").with("note", "x");
    let mut adas = Browser::of(&world, &acme.ada).await;
    let token = adas.get("/settings/security").await;
    let token = token.form("form").get("csrf").unwrap().to_owned();

    assert_eq!(adas.get(PATH).await.status, 404);
    assert_eq!(adas.send_form(&page.url, &form.with("csrf", &token)).await.status, 404);
    let anonymous = Browser::new(&world).get(PATH).await;
    assert!(anonymous.location().unwrap().starts_with("/login"), "{:?}", anonymous.location());
    assert_eq!(browser.send_form(&page.url, &form.with("csrf", "x")).await.status, 403);
    let mut revoking = form.clone();
    revoking.action = format!("{PATH}/0123456789abcdef/revoke");
    assert_eq!(browser.send_form(&page.url, &revoking).await.status, 303);
    let got = browser.get(&revoking.action).await;
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
    assert!(!browser.get(PATH).await.has("tbody"));
}
