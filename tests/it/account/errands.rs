//! Where people go on who had to do something else first: sign up, or choose a new password.

use chrono::TimeDelta;

use super::{
    invitations::{invite, path_of},
    members::MEMBERS,
    sign_up::{EMAIL, PASSWORD, grace, world as open_world},
};
use crate::support::{Acme, Browser, Page, Person, World};

const NEW: &str = "correct horse battery staple";

/// Ada has invited Grace, who has no account; the path of the link.
async fn invited() -> (World, Acme, String) {
    let world = open_world().await;
    let acme = world.acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(invite(&mut adas, EMAIL, "member").await.status, 303);
    let path = path_of(&world.take_mail().await[0]);
    (world, acme, path)
}

/// Signs up from the page of the invitation, and follows the letter's link in another browser, or in
/// the same.
async fn signed_up(world: &World, path: &str, is_elsewhere: bool) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    let invitation = browser.get(path).await;
    let page = browser.get(&invitation.link("#invitation-sign-up")).await;
    let fields = [
        ("email", EMAIL),
        ("name", "Grace Hopper"),
        ("password", PASSWORD),
        ("password_repeat", PASSWORD),
    ];
    let sent = browser.submit(&page, "#signup-submit", &fields).await;
    assert_eq!(sent.text("h1"), "Look into your mailbox");
    let letter = world.take_mail().await.remove(0);
    if is_elsewhere {
        browser = Browser::new(world);
    }
    let page = browser.open(letter.link()).await;
    let fields = [("password", PASSWORD)];
    let fields = if is_elsewhere { &fields[..] } else { &[] };
    let answer = browser.submit(&page, "#verify-submit", fields).await;
    let page = browser.follow(answer).await;
    (browser, page)
}

#[tokio::test]
async fn who_signs_up_for_an_invitation_comes_back_to_it() {
    for is_elsewhere in [false, true] {
        let (world, _, path) = invited().await;

        let (mut browser, page) = signed_up(&world, &path, is_elsewhere).await;

        assert_eq!((page.status, page.url.path()), (200, &*path), "elsewhere: {is_elsewhere}");
        let joined = browser.submit(&page, "#invitation-accept", &[]).await;
        let place = format!("{MEMBERS}?notice=invitation-accepted");
        assert_eq!(joined.location(), Some(&*place));
    }
}

/// Also by way of the sign-in page, and by a password that was forgotten.
#[tokio::test]
async fn every_page_on_the_way_keeps_where_somebody_goes() {
    let (world, _, path) = invited().await;
    let mut browser = Browser::new(&world);
    let invitation = browser.get(&path).await;
    let login = browser.get(&invitation.link("#invitation-sign-in")).await;

    for link in ["#sign-up", "#forgot-password"] {
        let page = browser.get(&login.link(link)).await;
        assert_eq!(page.form("main form").get("next"), Some(&*path), "{link}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{link}");
        assert!(page.body.contains(&format!("/login?next={path}")), "{link}: and back");
    }
    let wrong = Person { password: "wrong".to_owned(), ..grace() };
    let again = browser.sign_in_on(&login, &wrong).await;
    assert_eq!(again.link("#sign-up"), format!("/signup?next={path}"));
}

/// The letter's link in the browser that asked; the new password signs in and goes on.
#[tokio::test]
async fn a_forgotten_password_does_not_lose_the_authorization() {
    let (world, acme) = World::of_acme().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let login = browser.open(&web.authorization().path()).await;
    let page = browser.get(&login.link("#forgot-password")).await;
    let asked = browser.submit(&page, "#forgot-submit", &[("username", &acme.ada.username)]).await;
    assert_eq!(asked.text("h1"), "Look into your mailbox");
    let letter = world.take_mail().await.remove(0);
    let page = browser.open(letter.link()).await;
    let fields = [("password", NEW), ("password_repeat", NEW)];

    let done = browser.submit(&page, "#reset-submit", &fields).await;

    let page = browser.follow(done).await;
    assert!(page.text("main").contains("Your password is changed."), "{}", page.text("main"));
    assert_eq!(page.text("main strong"), "Web", "what waits is named");
    let ada = Person { password: NEW.to_owned(), ..acme.ada.clone() };
    let page = browser.sign_in_on(&page, &ada).await;
    let answer = browser.submit(&page, "#consent-allow", &[]).await;
    assert!(!answer.callback().code().is_empty());
}

/// What waits in one browser does not wait in another: a reset there ends at the start.
#[tokio::test]
async fn in_another_browser_a_reset_goes_on_to_a_page_and_to_no_authorization() {
    let (world, acme) = World::of_acme().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let waiting = browser.open(&web.authorization().path()).await;
    let page = browser.open("/login?next=/settings/security").await;
    for (link, place) in [
        (waiting.link("#forgot-password"), "/login?notice=password-reset"),
        (page.link("#forgot-password"), "/login?next=/settings/security&notice=password-reset"),
        ("/forgot-password?next=/device/WDJB-MJHT".to_owned(), "/login?notice=password-reset"),
        ("/forgot-password?next=//evil.example".to_owned(), "/login?notice=password-reset"),
    ] {
        world.clock.advance(TimeDelta::minutes(15));
        let page = browser.get(&link).await;
        browser.submit(&page, "#forgot-submit", &[("username", &acme.ada.username)]).await;
        let letters = world.take_mail().await;
        let letter = letters.iter().find(|it| it.text.contains("/reset-password")).unwrap();
        let mut other = Browser::new(&world);
        let page = other.open(letter.link()).await;
        let fields = [("password", NEW), ("password_repeat", NEW)];
        let done = other.submit(&page, "#reset-submit", &fields).await;
        assert_eq!(done.location(), Some(place), "{link}");
        world.take_mail().await;
    }
}

/// The second step has run out: the first one still knows where it was going.
#[tokio::test]
async fn a_second_step_that_took_too_long_keeps_where_somebody_goes() {
    let (world, acme) = World::of_acme().await;
    Browser::of(&world, &acme.ada).await.enrol_totp(&world).await;
    let mut browser = Browser::new(&world);
    let login = browser.open("/login?next=/settings/security").await;
    let page = browser.sign_in_on(&login, &acme.ada).await;
    assert_eq!(page.link("main p.small a"), "/login?next=/settings/security");
    world.clock.advance(TimeDelta::minutes(6));

    let late = browser.submit(&page, "#second-factor-submit", &[("code", "000000")]).await;

    let place = "/login?next=/settings/security&notice=sign-in-expired";
    assert_eq!(late.location(), Some(place));
}
