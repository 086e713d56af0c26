//! `/admin/outbox`: letters that wait, were sent or were given up; never what they say.

use chrono::TimeDelta;
use latchkey::{mail::LetterKind, outbox, store};

use super::clients::admin;
use crate::support::{Browser, World};

const PAGE: &str = "/admin/outbox";
const SECRET: &str = "https://id.example/reset-password?token=SECRET";

async fn queue(world: &World, to: &str) -> uuid::Uuid {
    world.clock.advance(TimeDelta::milliseconds(1));
    let letter = LetterKind::PasswordReset { link: SECRET.to_owned(), minutes: 30 };
    let txn = world.app.store.begin().await.unwrap();
    let id = outbox::queue(&world.app, &txn, to, &letter).await.unwrap();
    txn.commit().await.unwrap();
    id
}

async fn fail(world: &World, id: uuid::Uuid, error: &str, is_final: bool) {
    let txn = world.app.store.begin().await.unwrap();
    store::outbox::fail(&txn, id, error, is_final).await.unwrap();
    txn.commit().await.unwrap();
}

/// One letter that was sent, one that was given up, one that waits.
async fn three() -> (World, Browser) {
    let (world, _, mut browser) = admin().await;
    assert!(browser.get(PAGE).await.has(".empty"));
    queue(&world, "sent@example.com").await;
    assert_eq!(world.take_mail().await.len(), 1);
    let lost = queue(&world, "lost@example.com").await;
    fail(&world, lost, "550 <b>no</b> such user", true).await;
    queue(&world, "waits@example.com").await;
    (world, browser)
}

#[tokio::test]
async fn letters_are_listed_and_nothing_of_what_they_say() {
    let (_world, mut browser) = three().await;

    let page = browser.get(PAGE).await;

    let to = ["waits@example.com", "lost@example.com", "sent@example.com"];
    assert_eq!(page.texts("tbody strong"), to);
    assert_eq!(page.texts("tbody .badge"), ["Waiting", "Given up", "Sent"]);
    assert!(page.text("tbody tr:nth-child(2)").contains("550 <b>no</b> such user"));
    assert!(!page.body.contains("SECRET") && !page.has("b"));
    assert_eq!(page.texts("nav.tabs a[aria-current=page]"), ["Outbox"]);
}

#[tokio::test]
async fn letters_are_filtered_and_searched() {
    let (_world, mut browser) = three().await;

    for (query, found) in [
        ("state=waiting", vec!["waits@example.com"]),
        ("state=sent", vec!["sent@example.com"]),
        ("state=given-up", vec!["lost@example.com"]),
        ("state=given-up&q=waits", vec![]),
        ("q=LOST", vec!["lost@example.com"]),
        ("q=550", vec!["lost@example.com"]),
        ("state=x&q=%25", vec![]),
    ] {
        let page = browser.get(&format!("{PAGE}?{query}")).await;
        assert_eq!(page.texts("tbody strong"), found, "{query}");
    }
    let page = browser.get(&format!("{PAGE}?state=sent&q=s")).await;
    let form = page.form("#outbox-search");
    assert_eq!((form.get("state"), form.get("q")), (Some("sent"), Some("s")));
}

#[tokio::test]
async fn a_letter_that_waits_is_tried_now() {
    let (world, _, mut browser) = admin().await;
    let id = queue(&world, "joe@example.com").await;
    let store = &world.app.store;
    let row = store::outbox::list_by_ids(store.read(), [id]).await.unwrap().remove(0);
    let txn = store.begin().await.unwrap();
    // as after a first attempt: one that is further away was written down while the clock was ahead, and is due
    let later = world.app.now() + TimeDelta::seconds(30);
    assert!(store::outbox::claim(&txn, &row, later).await.unwrap());
    txn.commit().await.unwrap();
    assert_eq!(world.take_mail_if_any().await, 0);
    let page = browser.get(PAGE).await;

    let answer = browser.submit(&page, "form[action$='/retry']", &[]).await;

    assert_eq!(
        browser.follow(answer).await.text(".flash"),
        "The letter will be tried in a moment."
    );
    assert_eq!(world.take_mail().await.len(), 1);
    assert_eq!(browser.submit(&page, "form[action$='/retry']", &[]).await.status, 404);
    assert_eq!(world.audited("outbox.retry").await, 1);
}

#[tokio::test]
async fn a_letter_that_is_due_already_can_be_tried_too() {
    let (world, _, mut browser) = admin().await;
    queue(&world, "joe@example.com").await;
    let page = browser.get(PAGE).await;

    let answer = browser.submit(&page, "form[action$='/retry']", &[]).await;

    assert_eq!(
        browser.follow(answer).await.text(".flash"),
        "The letter will be tried in a moment."
    );
    assert_eq!(world.take_mail().await.len(), 1);
}

#[tokio::test]
async fn letters_that_were_not_sent_are_discarded() {
    let (world, mut browser) = three().await;
    let page = browser.get(PAGE).await;
    assert_eq!(page.texts("form[action$='/discard']").len(), 2);
    assert_eq!(page.texts("form[action$='/retry']").len(), 1, "what was given up is erased");

    let answer = browser.submit(&page, "form[action$='/discard']", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.texts("tbody strong"), ["lost@example.com", "sent@example.com"]);
    browser.submit(&page, "form[action$='/discard']", &[]).await;
    assert_eq!(browser.get(PAGE).await.texts("tbody strong"), ["sent@example.com"]);
    assert_eq!(world.take_mail_if_any().await, 0);
    assert_eq!(world.audited("outbox.discard").await, 2);
}

#[tokio::test]
async fn a_long_outbox_has_pages() {
    let (world, _, mut browser) = admin().await;
    for number in 0..60 {
        queue(&world, &format!("p{number}@example.com")).await;
    }

    let first = browser.get(&format!("{PAGE}?state=waiting")).await;
    let next = first.attribute("a[rel=next]", "href");

    assert!(next.contains("state=waiting"));
    assert_eq!(first.texts("tbody tr").len(), 50);
    assert_eq!(browser.get(&next).await.texts("tbody tr").len(), 10);
}

#[tokio::test]
async fn to_everybody_else_there_is_nothing() {
    let (world, mut browser) = three().await;
    let ben = world.person("ben@example.com", &[]).await;
    let mut bens = Browser::of(&world, &ben).await;
    assert_eq!(bens.get(PAGE).await.status, 404);
    assert_eq!(Browser::new(&world).get(PAGE).await.status, 303);
    let page = browser.get(PAGE).await;
    let own = bens.get("/settings/security").await.form("form");

    for end in ["retry", "discard"] {
        let form = page.form(&format!("form[action$='/{end}']"));
        world.refuses_forgeries(&mut browser, &page, &form).await;
        world.answers_only_to("POST", &mut browser, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
        let theirs = form.with("csrf", own.get("csrf").unwrap());
        assert_eq!(bens.send_form(&page.url, &theirs).await.status, 404, "{end}");
        for id in ["x", "%00", &uuid::Uuid::nil().to_string()] {
            let mut form = form.clone();
            form.action = format!("{PAGE}/{id}/{end}");
            assert_eq!(browser.send_form(&page.url, &form).await.status, 404, "{id}/{end}");
        }
    }
    assert_eq!(world.audited("outbox.discard").await, 0);
}
