//! `/admin/registration-tokens`: the initial access tokens with which clients register themselves.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use latchkey::{audit::Actor, clients::initial_tokens, jobs::sweep, store::paging::Wanted};
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

#[tokio::test]
async fn tokens_are_searched_and_gone_through() {
    let (world, _, mut browser) = admin().await;
    for number in 0..105 {
        // some at the same instant
        if number % 7 == 0 {
            world.clock.advance(TimeDelta::seconds(1));
        }
        let note = format!("Partner {number:03}");
        initial_tokens::create(&world.app, Actor::Operator, &note).await.unwrap().unwrap();
    }

    let mut page = browser.get(PATH).await;
    let found = browser.submit(&page, "form.search", &[("q", "PARTNER 07")]).await;
    let none = browser.submit(&page, "form.search", &[("q", "nobody")]).await;

    assert_eq!(found.texts("td.title").len(), 10);
    assert_eq!(none.text(".empty h2"), "No token found");
    assert!(page.texts("td.title")[0].as_str() >= "Partner 098", "the newest first");
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    loop {
        seen.extend(page.texts("td.title"));
        pages += 1;
        if !page.has("a[rel=next]") {
            break;
        }
        page = browser.get(&page.link("a[rel=next]")).await;
    }
    assert_eq!((pages, seen.len()), (3, 105));
    // one that is on no first page is revoked like any other
    let oldest = page.form("tbody tr:last-child button");
    let revoked = browser.send_form(&page.url, &oldest).await;
    assert!(browser.follow(revoked).await.has(".flash"));
    assert_eq!(world.audited("registration_token.revoke").await, 1);
}

/// What was revoked can be looked at for a while, and does not stay for ever.
#[tokio::test]
async fn a_revoked_token_is_gone_after_ninety_days() {
    let (world, _, mut browser) = admin().await;
    for note in ["kept", "ended"] {
        initial_tokens::create(&world.app, Actor::Operator, note).await.unwrap().unwrap();
        world.clock.advance(TimeDelta::minutes(1));
    }
    let page = browser.get(PATH).await;
    browser.submit(&page, "tbody button", &[]).await;

    for (days, notes) in [(89, vec!["ended", "kept"]), (2, vec!["kept"])] {
        world.clock.advance(TimeDelta::days(days));
        sweep::run_once(&world.app).await.unwrap();

        let all = initial_tokens::page(&world.app, &Wanted::default()).await.unwrap().rows;
        assert_eq!(all.iter().map(|it| it.note.as_str()).collect::<Vec<_>>(), notes);
    }
}
