//! `GET`, `POST /settings/security`: changing the password.

use chrono::TimeDelta;

use crate::support::{Acme, ApiCaller, Browser, Page, Person, Tokens, World};

const PATH: &str = "/settings/security";
const NEW: &str = "correct horse battery staple";

async fn ada() -> (World, Acme, Browser) {
    let world = World::new().await;
    let acme = world.acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

async fn change(browser: &mut Browser, current: &str, new: &str, repeat: &str) -> Page {
    let page = browser.get(PATH).await;
    let fields = [("current_password", current), ("password", new), ("password_repeat", repeat)];
    browser.submit(&page, "#change-password-submit", &fields).await
}

fn with(person: &Person, password: &str) -> Person {
    Person { password: password.to_owned(), ..person.clone() }
}

#[tokio::test]
async fn the_password_is_changed() {
    let (world, acme, mut browser) = ada().await;

    let answer = change(&mut browser, &acme.ada.password, NEW, NEW).await;

    let place = "/settings/security?notice=password-changed";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let page = browser.follow(answer).await;
    let text = "Your password is changed. Every other browser and app was signed out.";
    assert_eq!((page.status, page.text(".flash").as_str()), (200, text));
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 422);
    Browser::of(&world, &with(&acme.ada, NEW)).await;
    assert_eq!(world.audited("password.change").await, 1);
}

#[tokio::test]
async fn the_user_is_told_by_mail() {
    let (world, acme, mut browser) = ada().await;

    change(&mut browser, &acme.ada.password, NEW, NEW).await;

    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].to.as_str(), letters[0].subject.as_str()),
        ("ada@acme.example", "Your password was changed")
    );
    assert!(letters[0].text.contains("5 March 2027 at 10:27 UTC"), "{}", letters[0].text);
    assert_eq!(letters[0].link(), world.url("/forgot-password"));
    assert!(!letters[0].text.contains(NEW));
}

#[tokio::test]
async fn every_other_browser_and_app_is_signed_out_and_keys_go_on() {
    let (world, acme, mut browser) = ada().await;
    let mut other = Browser::of(&world, &acme.ada).await;
    let mut thief = browser.copy();
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    change(&mut browser, &acme.ada.password, NEW, NEW).await;

    assert_eq!(browser.get(PATH).await.status, 200, "this browser goes on");
    assert_eq!(other.get(PATH).await.status, 303);
    assert_eq!(thief.get(PATH).await.status, 303, "the old cookie is worth nothing");
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    let refused = script.refresh(&tokens.refresh).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()));
    assert!(!world.introspector().await.sees_alive(&tokens.access).await);
    assert_eq!(ApiCaller::key(&world, &key).me().await.status, 200);
    let again = script.password(&with(&acme.ada, NEW)).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn a_forged_form_changes_nothing() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.get(PATH).await;
    let form = page.form("#change-password-submit");
    let form = form.with("current_password", &acme.ada.password);
    let form = form.with("password", NEW).with("password_repeat", NEW);

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    Browser::of(&world, &acme.ada).await;
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn two_different_new_passwords_are_refused() {
    let (world, acme, mut browser) = ada().await;

    let page = change(&mut browser, &acme.ada.password, NEW, "another one").await;

    let problem = "The two new passwords are not the same.";
    assert_eq!((page.status, page.text("p.problem").as_str()), (422, problem));
    Browser::of(&world, &acme.ada).await;
}

#[tokio::test]
async fn a_new_password_must_be_8_to_1024_bytes_long() {
    let (world, acme, mut browser) = ada().await;

    for unfit in ["", "1234567", &"p".repeat(1025)] {
        let page = change(&mut browser, &acme.ada.password, unfit, unfit).await;

        let problem = "The new password must be 8 to 1024 bytes long.";
        assert_eq!((page.status, page.text("p.problem").as_str()), (422, problem));
        assert!(unfit.is_empty() || !page.body.contains(unfit));
    }
    Browser::of(&world, &acme.ada).await;
}

#[tokio::test]
async fn the_current_password_must_be_right() {
    let (world, acme, mut browser) = ada().await;

    for wrong in ["", "wrong", NEW] {
        let page = change(&mut browser, wrong, NEW, NEW).await;

        let problem = "The current password is not right.";
        assert_eq!((page.status, page.text("p.problem").as_str()), (422, problem), "{wrong}");
    }
    assert_eq!(browser.get(PATH).await.status, 200, "the session goes on");
    Browser::of(&world, &acme.ada).await;
}

#[tokio::test]
async fn it_cannot_be_guessed_here_faster_than_at_sign_in() {
    let (world, acme, mut browser) = ada().await;
    for _ in 0..5 {
        assert_eq!(change(&mut browser, "wrong", NEW, NEW).await.status, 422);
    }

    let page = change(&mut browser, &acme.ada.password, NEW, NEW).await;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("1")));
    let problem = "There were too many attempts. Try again in 1 second.";
    assert_eq!(page.text("p.problem"), problem);
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 429);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(change(&mut browser, &acme.ada.password, NEW, NEW).await.status, 303);
}

#[tokio::test]
async fn of_two_changes_that_race_one_wins() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.get(PATH).await;
    let form = |new: &str| {
        let form = page.form("#change-password-submit");
        let form = form.with("current_password", &acme.ada.password);
        form.with("password", new).with("password_repeat", new)
    };
    let (one, two) = (form("the first one"), form("the second one"));
    let (mut first, mut second) = (browser.copy(), browser.copy());

    let answers = tokio::join!(first.send_form(&page.url, &one), second.send_form(&page.url, &two));

    let won = [&answers.0, &answers.1]
        .map(|answer| answer.location() == Some("/settings/security?notice=password-changed"));
    assert_ne!(won[0], won[1], "{} {}", answers.0.status, answers.1.status);
    let password = if won[0] { "the first one" } else { "the second one" };
    Browser::of(&world, &with(&acme.ada, password)).await;
}

#[tokio::test]
async fn whether_there_is_a_second_factor_is_shown() {
    let (_world, _, mut browser) = ada().await;

    let page = browser.get(PATH).await;

    assert_eq!(page.texts("section:last-of-type .badge"), ["Off"]);
}

#[tokio::test]
async fn the_profile_shows_who_the_user_is() {
    let (_world, _, mut browser) = ada().await;

    let page = browser.get("/settings/profile").await;

    assert_eq!((page.status, page.text("h1").as_str()), (200, "Profile"));
    let facts = [
        "acme/ada@acme.example",
        "ada@acme.example Not confirmed",
        "Not verified since 5 Mar 2027",
        "The workspace acme",
    ];
    assert_eq!(page.texts("dd"), facts);
}
