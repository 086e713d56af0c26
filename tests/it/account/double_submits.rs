//! Forms about keys that are sent twice: by a second click, a reload, or two at once.

use chrono::TimeDelta;
use entity::api_key::Entity as Key;
use futures_util::future::join_all;
use sea_orm::{EntityTrait, PaginatorTrait};

use super::api_keys::{KEYS, ada};
use crate::support::{ApiCaller, Browser, Form, Page, World};

async fn count(world: &World) -> u64 {
    Key::find().count(world.app.store.read()).await.unwrap()
}

fn raw_key(page: &Page) -> Option<String> {
    page.has("#raw-key").then(|| page.attribute("#raw-key", "value"))
}

async fn new_key(browser: &mut Browser) -> (Page, Form) {
    let page = browser.get(&format!("{KEYS}/new")).await;
    let mut form = page.form("#create-key-submit").with("name", "billing");
    form.tick("scope", "leads:read");
    (page, form)
}

/// The page that rotates the only key.
async fn rotation(browser: &mut Browser) -> Page {
    let list = browser.get(KEYS).await;
    browser.get(&list.link("a[href$='/rotate']")).await
}

#[tokio::test]
async fn a_form_for_a_key_makes_one() {
    let (world, _, mut browser) = ada().await;
    let (page, form) = new_key(&mut browser).await;
    let made = browser.send_form(&page.url, &form).await;
    assert_eq!(made.status, 201, "{}", made.text("main"));

    let again = browser.send_form(&page.url, &form).await;

    assert_eq!((again.status, raw_key(&again)), (409, None));
    assert!(again.text("#form-unfit").contains("was sent before, and has made a key then"));
    assert_eq!(again.form("#create-key-submit").get("name"), Some("billing"));
    assert_eq!(count(&world).await, 1);
    ApiCaller::key(&world, &raw_key(&made).unwrap()).me().await.expect(200);
    // who means another one gets it
    let another = browser.submit(&again, "#create-key-submit", &[]).await;
    assert_eq!((another.status, count(&world).await), (201, 2), "{}", another.text("main"));
}

#[tokio::test]
async fn of_forms_for_a_key_that_race_one_makes_it() {
    let (world, _, mut browser) = ada().await;
    let (page, form) = new_key(&mut browser).await;

    let answers = join_all((0..6).map(|_| {
        let (mut browser, page, form) = (browser.copy(), page.clone(), form.clone());
        async move { browser.send_form(&page.url, &form).await.status }
    }))
    .await;

    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 5, "{answers:?}");
    assert_eq!(count(&world).await, 1);
}

/// What is refused is not spent: the same form, filled in better, makes the key.
#[tokio::test]
async fn a_form_that_was_refused_may_be_sent_again() {
    let (world, acme, mut browser) = ada().await;
    let (page, form) = new_key(&mut browser).await;
    let refused = browser.send_form(&page.url, &form.with("name", " ")).await;
    assert_eq!(refused.status, 422);
    assert_eq!(browser.send_form(&page.url, &form).await.status, 201);

    // an id that is nobody's, an old one, and somebody else's make nothing
    let (page, form) = new_key(&mut browser).await;
    for id in ["", "x", "eyJhbGciOiJub25lIn0.e30."] {
        let answer = browser.send_form(&page.url, &form.with("form", id)).await;
        assert_eq!((answer.status, answer.has("#form-unfit")), (422, true), "{id}");
    }
    let mut other = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::hours(12));
    let stale = other.get(&format!("{KEYS}/new")).await;
    let page = other.follow(stale).await;
    other.confirm_on(&page, &acme.ada).await;
    let (page, fresh) = new_key(&mut other).await;
    let old = fresh.with("form", form.get("form").unwrap());
    let answer = other.send_form(&page.url, &old).await;
    assert!(answer.text("#form-unfit").contains("open for too long"), "{}", answer.text("main"));
    assert_eq!(count(&world).await, 1);
}

/// The secret that is in use outlives every repetition, and so does the new one.
#[tokio::test]
async fn a_rotation_that_is_sent_twice_rotates_once() {
    let (world, acme, mut browser) = ada().await;
    let old = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let page = rotation(&mut browser).await;
    let form = page.form("#rotate-key-confirm").with("overlap", "3600");
    let shown = browser.send_form(&page.url, &form).await;
    let new = raw_key(&shown).unwrap();

    let again = browser.send_form(&page.url, &form).await;

    assert_eq!((again.status, raw_key(&again)), (409, None));
    let words = again.text("#refused");
    for part in ["replaced already by acme/ada@acme.example,", "The secret before works until "] {
        assert!(words.contains(part), "{part}: {words}");
    }
    for key in [&old, &new] {
        ApiCaller::key(&world, key).me().await.expect(200);
    }
    assert_eq!(world.audited("api_key.rotate").await, 1);
    world.clock.advance(TimeDelta::hours(1));
    ApiCaller::key(&world, &old).me().await.expect(401);
    ApiCaller::key(&world, &new).me().await.expect(200);
}

#[tokio::test]
async fn of_rotations_that_race_one_counts() {
    let (world, acme, mut browser) = ada().await;
    let old = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let page = rotation(&mut browser).await;
    let form = page.form("#rotate-key-confirm").with("overlap", "3600");

    let answers = join_all((0..6).map(|_| {
        let (mut browser, page, form) = (browser.copy(), page.clone(), form.clone());
        async move { browser.send_form(&page.url, &form).await }
    }))
    .await;

    let new: Vec<_> = answers.iter().filter_map(raw_key).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 5);
    for key in [&old, &new[0]] {
        ApiCaller::key(&world, key).me().await.expect(200);
    }
    // without the field nothing is replaced
    let page = rotation(&mut browser).await;
    let form = page.form("#rotate-key-confirm").without("present");
    assert_eq!(browser.send_form(&page.url, &form).await.status, 409);
    ApiCaller::key(&world, &old).me().await.expect(200);
}
