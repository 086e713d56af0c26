//! `POST /login`: every refusal, in the order of the checks.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    identity::users::{self, NewUser},
};
use zeroize::Zeroizing;

use crate::support::{Browser, Page, Person, World};

const WRONG: &str = "The username or the password is not right.";

/// A sign-in by hand.
async fn attempt(world: &World, username: &str, password: &str) -> Page {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    let fields = [("username", username), ("password", password)];
    browser.submit(&page, "#login-submit", &fields).await
}

/// A page without what differs from one browser and one typist to the next.
fn anonymous(page: &Page, username: &str) -> String {
    let token = page.form("form").get("csrf").unwrap().to_owned();
    let value = format!("value=\"{}\"", username.replace('&', "&#38;"));
    page.body.replace(&token, "<token>").replace(&value, "value=\"<username>\"")
}

#[tokio::test]
async fn a_forged_form_is_refused() {
    let world = World::new().await;
    let acme = world.acme().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let form = page.form("#login-submit");
    let form = form.with("username", &acme.ada.username).with("password", &acme.ada.password);

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;

    assert_eq!(browser.get("/settings/profile").await.status, 303, "it is signed in");
    assert_eq!(
        world.audit_events().await.iter().filter(|it| it.action == "session.begin").count(),
        0
    );
    let other = Browser::new(&world).send_form(&page.url, &form).await;
    assert_eq!((other.status, other.text("h1").as_str()), (403, "This form has expired"));
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303, "the form itself is sound");
}

#[tokio::test]
async fn every_kind_of_failure_gets_the_same_page() {
    let world = World::new().await;
    let acme = world.acme().await;
    world.enterprise("other").await;
    let disabled = world.person("acme/dora@acme.example", &[(&acme.workspace, Role::Member)]).await;
    users::disable(&world.app, Actor::Operator, disabled.id).await.unwrap();
    let ada = &acme.ada;

    let mut pages = BTreeSet::new();
    for (username, password) in [
        (ada.username.as_str(), "wrong"),
        (ada.username.as_str(), ""),
        ("acme/nobody@acme.example", "wrong"),
        ("unknown-pin/ada@acme.example", &ada.password),
        ("other/ada@acme.example", &ada.password),
        ("ada@acme.example", &ada.password),
        (&disabled.username, &disabled.password),
        ("", ""),
        ("not a username", "wrong"),
    ] {
        let page = attempt(&world, username, password).await;

        assert_eq!(page.status, 422, "{username}");
        assert_eq!(page.text("#login-problem"), WRONG, "{username}");
        assert!(page.has("#username[aria-invalid=true]"), "{username}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let filled =
            if username.is_empty() { page.body.replace(" autofocus", "") } else { String::new() };
        if filled.is_empty() {
            pages.insert(anonymous(&page, username));
        }
    }
    assert_eq!(pages.len(), 1, "{pages:#?}");
}

#[tokio::test]
async fn tricks_with_the_pin_are_refused() {
    let world = World::new().await;
    let acme = world.acme().await;
    let outsider = world.person("ada@acme.example", &[]).await;

    for username in [
        "acme//ada@acme.example",
        "/ada@acme.example",
        "acme/",
        "acme/acme/ada@acme.example",
        "acme\u{ff0f}ada@acme.example",
        "acme\u{2215}ada@acme.example",
        "acme%2Fada@acme.example",
        "acme\\ada@acme.example",
        "acme/ada@acme.example\0",
        "ac\u{200b}me/ada@acme.example",
        "\u{430}cme/ada@acme.example",
        "acme/\u{430}da@acme.example",
    ] {
        for person in [&acme.ada, &outsider] {
            let page = attempt(&world, username, &person.password).await;

            assert!([422, 429].contains(&page.status), "{username:?}: {}", page.status);
        }
        // so that the address may go on
        world.clock.advance(TimeDelta::minutes(10));
    }
}

#[tokio::test]
async fn what_was_typed_comes_back_escaped_and_the_password_does_not() {
    let world = World::new().await;
    let username = "\"><script>alert(1)</script>@x.example";

    let page = attempt(&world, username, "a secret of mine").await;

    assert_eq!(page.form("form").get("username"), Some(username));
    assert!(!page.body.contains("<script"), "{}", page.body);
    assert!(!page.body.contains("a secret of mine"));
    assert_eq!(page.form("form").get("password"), Some(""));
}

#[tokio::test]
async fn a_refusal_keeps_the_way_onward() {
    let world = World::new().await;
    let acme = world.acme().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/settings/security").await;
    let wrong = Person { password: "wrong".to_owned(), ..acme.ada.clone() };

    let page = browser.sign_in_on(&page, &wrong).await;
    assert_eq!(page.status, 422);
    let page = browser.sign_in_on(&page, &acme.ada).await;

    assert_eq!(page.url.path(), "/settings/security");
}

#[tokio::test]
async fn an_account_waits_after_five_failures_and_so_does_an_unknown_one() {
    let world = World::new().await;
    let acme = world.acme().await;

    for username in [acme.ada.username.as_str(), "acme/nobody@acme.example"] {
        for _ in 0..5 {
            assert_eq!(attempt(&world, username, "wrong").await.status, 422);
        }

        let page = attempt(&world, username, "wrong").await;

        assert_eq!((page.status, page.header("retry-after")), (429, Some("1")), "{username}");
        let text = "There were too many attempts. Try again in 1 second.";
        assert_eq!(page.text("#login-problem"), text);
        assert!(!page.body.contains("aria-invalid"), "what was typed may be right");
        world.clock.advance(TimeDelta::minutes(10));
    }
}

#[tokio::test]
async fn an_address_waits_after_thirty_failures() {
    let world = World::new().await;
    let acme = world.acme().await;
    for guess in 0..30 {
        let username = format!("acme/guess{guess}@acme.example");
        assert_eq!(attempt(&world, &username, "wrong").await.status, 422, "{guess}");
    }

    let page = attempt(&world, &acme.ada.username, &acme.ada.password).await;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("600")));
    let text = "There were too many attempts. Try again in 10 minutes.";
    assert_eq!(page.text("#login-problem"), text);
    world.clock.advance(TimeDelta::minutes(10));
    let page = attempt(&world, &acme.ada.username, &acme.ada.password).await;
    assert_eq!(page.status, 303);
}

#[tokio::test]
async fn a_password_of_any_length_gets_an_answer() {
    let world = World::new().await;
    let acme = world.acme().await;
    let longest = "p".repeat(1024);
    let long = world
        .person_of(NewUser {
            username: "acme/long@acme.example".to_owned(),
            password: Some(Zeroizing::new(longest.clone())),
            ..NewUser::default()
        })
        .await;

    assert_eq!(attempt(&world, &long.username, &longest).await.status, 303);
    for password in [format!("{longest}p"), "p".repeat(60_000)] {
        assert_eq!(attempt(&world, &long.username, &password).await.status, 422);
        assert_eq!(attempt(&world, &acme.ada.username, &password).await.status, 422);
    }
}
