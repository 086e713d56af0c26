//! The letter about a sign-in from a device that is new.

use chrono::TimeDelta;
use entity::known_device;
use latchkey::jobs::sweep;
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::support::{Acme, Browser, Letter, Tokens, World};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const NEWER_FIREFOX: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0";
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                    Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0";

/// A server behind a proxy on this machine.
async fn world() -> (World, Acme) {
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let world = World::with(|config| config.http.trusted_proxies = proxies).await;
    let acme = world.acme().await;
    (world, acme)
}

/// The letters that a sign-in of Ada's brings.
async fn told(world: &World, acme: &Acme, user_agent: &str, address: &str) -> Vec<Letter> {
    let mut browser = Browser::new(world).calling_itself(user_agent).at_address(address);
    let page = browser.sign_in(&acme.ada).await;
    assert!(page.has(".who"), "{}", page.text("main"));
    world.take_mail().await
}

#[tokio::test]
async fn a_new_device_is_told() {
    let (world, acme) = world().await;
    assert_eq!(told(&world, &acme, FIREFOX, "203.0.113.9").await, []);
    world.clock.advance(TimeDelta::minutes(1));

    let letters = told(&world, &acme, EDGE, "198.51.100.7").await;

    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&*letters[0].to, &*letters[0].subject),
        ("ada@acme.example", "New sign-in to your account")
    );
    let line = "Edge on Windows, from the address 198.51.100.7, on 5 March 2027 at 10:28 UTC.";
    assert!(letters[0].text.contains(line), "{}", letters[0].text);
    assert_eq!(letters[0].link(), world.url("/settings/sessions"));
}

#[tokio::test]
async fn a_device_that_is_known_is_not() {
    let (world, acme) = world().await;
    told(&world, &acme, FIREFOX, "203.0.113.9").await;

    for (user_agent, address) in [
        (FIREFOX, "203.0.113.9"),
        // an update, and another address of the same provider
        (NEWER_FIREFOX, "203.0.113.9"),
        (FIREFOX, "203.0.7.1"),
    ] {
        assert_eq!(told(&world, &acme, user_agent, address).await, [], "{user_agent} {address}");
    }
    for (user_agent, address) in
        [(EDGE, "203.0.113.9"), (FIREFOX, "198.51.100.7"), ("curl/8.0", "203.0.113.9")]
    {
        let letters = told(&world, &acme, user_agent, address).await;
        assert_eq!(letters.len(), 1, "{user_agent} {address}");
        let letters = told(&world, &acme, user_agent, address).await;
        assert_eq!(letters.len(), 0, "{user_agent} {address}");
    }
}

#[tokio::test]
async fn a_device_is_remembered_for_90_days_after_each_sign_in() {
    let (world, acme) = world().await;
    told(&world, &acme, FIREFOX, "203.0.113.9").await;
    for _ in 0..3 {
        world.clock.advance(TimeDelta::days(89));
        sweep::run_once(&world.app).await.unwrap();
        assert_eq!(told(&world, &acme, FIREFOX, "203.0.113.9").await, []);
    }

    world.clock.advance(TimeDelta::days(90));
    sweep::run_once(&world.app).await.unwrap();

    assert_eq!(told(&world, &acme, FIREFOX, "203.0.113.9").await.len(), 1);
    assert_eq!(told(&world, &acme, FIREFOX, "203.0.113.9").await, []);
}

/// Whoever has been here before is told of a new device, also much later.
#[tokio::test]
async fn a_device_is_forgotten_after_two_years() {
    let (world, acme) = world().await;
    told(&world, &acme, FIREFOX, "203.0.113.9").await;
    world.clock.advance(TimeDelta::days(729));
    sweep::run_once(&world.app).await.unwrap();
    assert_eq!(told(&world, &acme, EDGE, "203.0.113.9").await.len(), 1);

    world.clock.advance(TimeDelta::days(730));
    sweep::run_once(&world.app).await.unwrap();

    let left = known_device::Entity::find().count(world.app.store.read()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn devices_are_a_users_own() {
    let (world, acme) = world().await;
    let ben = world.person("acme/ben@acme.example", &[]).await;
    let mut browser = Browser::new(&world).calling_itself(EDGE).at_address("203.0.113.9");
    browser.sign_in(&ben).await;
    told(&world, &acme, FIREFOX, "203.0.113.9").await;

    assert_eq!(told(&world, &acme, EDGE, "203.0.113.9").await.len(), 1);
}

#[tokio::test]
async fn a_script_and_a_changed_password_are_no_sign_in() {
    let (world, acme) = world().await;
    told(&world, &acme, FIREFOX, "203.0.113.9").await;
    let script = world.script().await;
    Tokens::of(&script.password(&acme.ada).await);
    assert_eq!(world.take_mail().await, []);
    let mut browser = Browser::new(&world).calling_itself(FIREFOX).at_address("203.0.113.9");
    browser.sign_in(&acme.ada).await;
    // on the way the phone has changed its network
    let mut browser = browser.at_address("198.51.100.7");
    let page = browser.open("/settings/security").await;
    let new = "correct horse battery staple";
    let fields =
        [("current_password", &*acme.ada.password), ("password", new), ("password_repeat", new)];
    browser.submit(&page, "#change-password-submit", &fields).await;

    let letters = world.take_mail().await;
    let subjects: Vec<_> = letters.iter().map(|letter| &*letter.subject).collect();
    assert_eq!(subjects, ["Your password was changed"]);
}

/// Whoever signs in chooses what the browser calls itself, and must not write a letter with it.
#[tokio::test]
async fn a_letter_says_nothing_that_a_stranger_has_made_up() {
    let (world, acme) = world().await;
    told(&world, &acme, FIREFOX, "203.0.113.9").await;

    let letters = told(&world, &acme, "Confirm at https://evil.example", "203.0.113.9").await;

    assert!(!letters[0].text.contains("evil.example"), "{}", letters[0].text);
    let line = "A browser that we do not know, from the address 203.0.113.9";
    assert!(letters[0].text.contains(line), "{}", letters[0].text);
}
