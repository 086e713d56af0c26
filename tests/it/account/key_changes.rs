//! Rotating and renaming a key on its settings page.

use chrono::TimeDelta;
use entity::member::Role;

use crate::support::{ApiCaller, Browser, World};

const PAGE: &str = "/workspaces/acme/settings/keys";

/// The address of the first link with this text at its end.
async fn link(browser: &mut Browser, end: &str) -> String {
    let body = browser.get(PAGE).await.expect_page(200);
    let at = body.find(&format!("/{end}\"")).unwrap_or_else(|| panic!("no {end} in {body}"));
    let start = body[..at].rfind('"').unwrap() + 1;
    format!("{}/{end}", &body[start..at])
}

trait ExpectPage {
    fn expect_page(&self, status: u16) -> String;
}

impl ExpectPage for crate::support::Page {
    fn expect_page(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        self.body.clone()
    }
}

/// FE-25: a new secret shown once; the present one is accepted as long as was chosen.
#[tokio::test]
async fn a_key_is_rotated_with_the_overlap_that_was_chosen() {
    let (world, acme) = World::of_acme().await;
    let old = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;
    let rotate = link(&mut browser, "rotate").await;
    let page = browser.get(&rotate).await;

    let shown = browser.submit(&page, "#rotate-key-confirm", &[("overlap", "3600")]).await;

    assert_eq!(shown.status, 201, "{}", shown.body);
    assert_eq!(shown.text("h1"), "Key rotated");
    let form = scraper::Html::parse_document(&shown.body);
    let input = form.select(&scraper::Selector::parse("#raw-key").unwrap()).next().unwrap();
    let new = input.attr("value").unwrap();
    ApiCaller::key(&world, new).me().await.expect(200);
    ApiCaller::key(&world, &old).me().await.expect(200);
    let listed = browser.get(PAGE).await.expect_page(200);
    assert!(listed.contains("the secret before is accepted until") && !listed.contains(new));
    world.clock.advance(TimeDelta::hours(1));
    ApiCaller::key(&world, &old).me().await.expect(401);
    ApiCaller::key(&world, new).me().await.expect(200);
}

/// FE-23: keys are named after what uses them, also later.
#[tokio::test]
async fn a_key_is_renamed() {
    let (world, acme) = World::of_acme().await;
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;
    let rename = link(&mut browser, "rename").await;
    let page = browser.get(&rename).await;

    let wrong = browser.submit(&page, "#rename-key-submit", &[("name", " ")]).await;
    let right = browser.submit(&wrong, "#rename-key-submit", &[("name", "make-lead-ingest")]).await;

    assert_eq!((wrong.status, right.status), (422, 303));
    let list = browser.follow(right).await.expect_page(200);
    assert!(list.contains("make-lead-ingest") && list.contains("The key has its new name."));
}

/// SW-11: another member's key can neither be rotated nor renamed.
#[tokio::test]
async fn keys_of_others_are_not_there_to_change() {
    let (world, acme) = World::of_acme().await;
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let mut adas = Browser::new(&world);
    adas.sign_in(&acme.ada).await;
    let (rotate, rename) = (link(&mut adas, "rotate").await, link(&mut adas, "rename").await);
    let mut browser = Browser::new(&world);
    browser.sign_in(&ben).await;

    for path in [rotate, rename] {
        browser.get(&path).await.expect_page(404);
    }
}
