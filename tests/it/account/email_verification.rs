//! `/settings/profile/verify-email`, and the link that says that mail arrives.

use chrono::TimeDelta;
use entity::user;
use latchkey::{audit::Actor, identity::users};
use sea_orm::EntityTrait;

use crate::support::{Acme, Browser, World};

const PATH: &str = "/settings/profile";

async fn ada() -> (World, Acme, Browser) {
    let (world, acme) = World::of_acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

async fn link(world: &World, browser: &mut Browser) -> String {
    let page = browser.open(PATH).await;
    let answer = browser.submit(&page, "#verify-email-submit", &[]).await;
    let place = "/settings/profile?notice=email-verification-requested";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let letter = world.take_mail().await.remove(0);
    assert_eq!((&*letter.to, &*letter.subject), ("ada@acme.example", "Confirm your email address"));
    letter.link().to_owned()
}

async fn is_verified(world: &World, acme: &Acme) -> bool {
    let user = user::Entity::find_by_id(acme.ada.id).one(world.app.store.read()).await.unwrap();
    user.unwrap().email_verified_at.is_some()
}

#[tokio::test]
async fn an_address_is_confirmed() {
    let (world, acme, mut browser) = ada().await;
    let link = link(&world, &mut browser).await;
    let page = browser.open(&link).await;
    assert_eq!((page.status, &*page.text("strong")), (200, "ada@acme.example"));
    assert!(!is_verified(&world, &acme).await, "looking changes nothing");

    let answer = browser.submit(&page, "#verify-submit", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "Your email address is confirmed.");
    assert!(page.text("main").contains("ada@acme.example Confirmed"), "{}", page.text("main"));
    assert!(!page.has("#verify-email-submit"));
    assert!(is_verified(&world, &acme).await);
    for action in ["email.request_verification", "email.verify"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
    assert_eq!(browser.open(&link).await.status, 400, "once");
}

#[tokio::test]
async fn the_mailbox_may_be_on_another_device() {
    let (world, acme, mut browser) = ada().await;
    let link = link(&world, &mut browser).await;
    let mut phone = Browser::new(&world);
    let page = phone.open(&link).await;

    let answer = phone.submit(&page, "#verify-submit", &[]).await;

    let page = phone.follow(answer).await;
    assert_eq!(
        (&*page.text("h1"), &*page.text(".flash")),
        ("Sign in", "Your email address is confirmed.")
    );
    assert!(is_verified(&world, &acme).await);
    // it signs nobody in
    assert_eq!(phone.get(PATH).await.status, 303);
}

#[tokio::test]
async fn a_link_works_for_a_day_and_for_who_may_sign_in() {
    let (world, acme, mut browser) = ada().await;
    let first = link(&world, &mut browser).await;
    let page = browser.open(&first).await;
    world.clock.advance(TimeDelta::hours(24));
    assert_eq!(browser.open(&first).await.status, 400);
    let answer = browser.submit(&page, "#verify-submit", &[]).await;
    assert_eq!((answer.status, &*answer.text("h1")), (400, "This link no longer works"));
    let mut browser = Browser::of(&world, &acme.ada).await;
    let second = link(&world, &mut browser).await;
    users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap();

    assert_eq!(Browser::new(&world).open(&second).await.status, 400);
    assert!(!is_verified(&world, &acme).await);
}

#[tokio::test]
async fn a_mailbox_is_not_filled() {
    let (world, _, mut browser) = ada().await;
    let page = browser.open(PATH).await;
    for _ in 0..5 {
        assert_eq!(browser.submit(&page, "#verify-email-submit", &[]).await.status, 303);
    }
    assert_eq!(world.take_mail().await.len(), 3);

    for _ in 0..16 {
        browser.submit(&page, "#verify-email-submit", &[]).await;
    }
    let answer = browser.submit(&page, "#verify-email-submit", &[]).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("600")));
    assert!(answer.text("[role=alert]").starts_with("There were too many attempts."));
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.open(PATH).await;
    let form = page.form("#verify-email-submit");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    assert_eq!(world.take_mail_if_any().await, 0);
    let link = link(&world, &mut browser).await;
    let page = browser.open(&link).await;
    let form = page.form("#verify-submit");

    world.refuses_forgeries(&mut browser, &page, &form).await;

    assert!(!is_verified(&world, &acme).await);
}
