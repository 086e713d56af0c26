//! Another email address for an account, and the way back.

use chrono::TimeDelta;

use crate::support::{Acme, ApiCaller, Browser, Letter, Page, Person, Tokens, World};

const PATH: &str = "/settings/profile";
const NEW: &str = "Countess@Lovelace.example";
const PASSWORD: &str = "correct horse battery staple";
const DEAD: (u16, &str) = (400, "This link no longer works");

async fn ada() -> (World, Acme, Browser) {
    let (world, acme) = World::of_acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

async fn ask(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.open(PATH).await;
    let fields = [("email", email), ("current_password", password)];
    browser.submit(&page, "#change-email-submit", &fields).await
}

async fn letter(world: &World) -> Letter {
    let mut letters = world.take_mail().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters.remove(0)
}

/// Follows a link and presses its button.
async fn follow(browser: &mut Browser, link: &str) -> Page {
    let page = browser.open(link).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Confirm your new email address"));
    browser.submit(&page, "#verify-submit", &[]).await
}

/// Ada moves; answers the letter to her old address.
async fn moved(world: &World, acme: &Acme, browser: &mut Browser) -> Letter {
    assert_eq!(ask(browser, NEW, &acme.ada.password).await.status, 303);
    let link = letter(world).await.link().to_owned();
    assert_eq!(follow(browser, &link).await.status, 303);
    letter(world).await
}

fn named(username: &str, person: &Person) -> Person {
    Person { username: username.to_owned(), ..person.clone() }
}

#[tokio::test]
async fn an_account_moves_to_another_address() {
    let (world, acme, mut browser) = ada().await;
    let answer = ask(&mut browser, NEW, &acme.ada.password).await;
    let place = "/settings/profile?notice=email-change-requested";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let sent = letter(&world).await;
    assert_eq!((&*sent.to, &*sent.subject), (NEW, "Confirm your new email address"));
    assert!(browser.open(PATH).await.text("main").contains("ada@acme.example"), "not yet");

    let answer = follow(&mut browser, sent.link()).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "Your account has its new email address.");
    assert_eq!(page.text(".who .break"), "acme/countess@lovelace.example");
    assert!(page.text("main").contains("Countess@Lovelace.example Confirmed"));
    Browser::of(&world, &named("acme/countess@lovelace.example", &acme.ada)).await;
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 422);
    assert_eq!(world.audited("email.change").await, 1);
}

/// The account is the same, and its user has just proved the password.
#[tokio::test]
async fn browsers_apps_and_keys_go_on() {
    let (world, acme, mut browser) = ada().await;
    let mut other = Browser::of(&world, &acme.ada).await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    let before = caller.me().await.json();

    moved(&world, &acme, &mut browser).await;

    assert_eq!(other.get(PATH).await.status, 200);
    let after = caller.me().await.json();
    assert_eq!(after["principal"]["id"], before["principal"]["id"]);
    assert_eq!(after["principal"]["username"], "acme/countess@lovelace.example");
    Tokens::of(&script.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn a_link_in_the_old_mailbox_sets_no_password() {
    let (world, acme, mut browser) = ada().await;
    let mut stranger = Browser::new(&world);
    let page = stranger.open("/forgot-password").await;
    stranger.submit(&page, "#forgot-submit", &[("username", &*acme.ada.username)]).await;
    let reset = letter(&world).await;

    moved(&world, &acme, &mut browser).await;

    let page = Browser::new(&world).open(reset.link()).await;
    assert_eq!((page.status, &*page.text("h1")), DEAD);
}

#[tokio::test]
async fn the_old_address_has_a_way_back_that_signs_everybody_out() {
    let (world, acme, mut thief) = ada().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let told = moved(&world, &acme, &mut thief).await;
    assert_eq!((&*told.to, &*told.subject), ("ada@acme.example", "Your email address was changed"));
    assert!(told.link().starts_with(&world.url("/restore-email?token=")));
    assert!(!told.text.to_lowercase().contains("lovelace"), "{}", told.text);
    // the thief moves on, and changes the password
    ask(&mut thief, "another@evil.example", &acme.ada.password).await;
    let link = letter(&world).await.link().to_owned();
    follow(&mut thief, &link).await;
    world.take_mail().await;
    world.clock.advance(TimeDelta::days(6));
    let mut ada = Browser::new(&world);
    let page = ada.open(told.link()).await;
    assert_eq!((page.status, &*page.text("strong")), (200, "ada@acme.example"));

    let fields = [("password", PASSWORD), ("password_repeat", PASSWORD)];
    let answer = ada.submit(&page, "#restore-submit", &fields).await;

    let page = ada.follow(answer).await;
    let text = "Your account has its old address again. Sign in with the new password.";
    assert_eq!(page.text(".flash"), text);
    assert_eq!(thief.get(PATH).await.status, 303);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 422);
    let password = PASSWORD.to_owned();
    Browser::of(&world, &Person { password, ..acme.ada.clone() }).await;
    assert_eq!(letter(&world).await.subject, "Your password was changed");
    assert_eq!(world.audited("email.restore").await, 1);
    // once
    let page = ada.open(told.link()).await;
    assert_eq!((page.status, &*page.text("h1")), DEAD);
}

#[tokio::test]
async fn the_way_back_is_closed_after_7_days_and_asks_for_a_fit_password() {
    let (world, acme, mut browser) = ada().await;
    let told = moved(&world, &acme, &mut browser).await;
    let mut ada = Browser::new(&world);
    let page = ada.open(told.link()).await;
    for (one, two, text) in [
        ("short", "short", "The new password must be 8 to 1024 bytes long."),
        (PASSWORD, "another", "The two new passwords are not the same."),
    ] {
        let fields = [("password", one), ("password_repeat", two)];
        let answer = ada.submit(&page, "#restore-submit", &fields).await;
        assert_eq!((answer.status, &*answer.text("[role=alert]")), (422, text));
    }

    world.clock.advance(TimeDelta::days(7));

    let answer = ada.open(told.link()).await;
    assert_eq!((answer.status, &*answer.text("h1")), DEAD);
    let fields = [("password", PASSWORD), ("password_repeat", PASSWORD)];
    let answer = ada.submit(&page, "#restore-submit", &fields).await;
    assert_eq!((answer.status, &*answer.text("h1")), DEAD);
}

/// The page answers the same; the mailbox's owner, whoever that is, learns why nothing happens.
#[tokio::test]
async fn an_address_that_another_account_has_is_not_told() {
    let (world, acme, mut browser) = ada().await;
    world.person("acme/ben@acme.example", &[]).await;

    let answer = ask(&mut browser, "BEN@acme.example", &acme.ada.password).await;

    let place = "/settings/profile?notice=email-change-requested";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let sent = letter(&world).await;
    assert_eq!(sent.subject, "This address has an account already");
    assert!(!sent.text.contains("verify-email"));
    // the same address in another realm is another's
    world.person("joe@example.com", &[]).await;
    world.clock.advance(TimeDelta::hours(1));
    ask(&mut browser, "joe@example.com", &acme.ada.password).await;
    let sent = letter(&world).await;
    assert_eq!(follow(&mut browser, sent.link()).await.status, 303);
    assert_eq!(browser.open(PATH).await.text(".who .break"), "acme/joe@example.com");
}

#[tokio::test]
async fn an_address_that_is_taken_meanwhile_stays_with_who_has_it() {
    let (world, acme, mut browser) = ada().await;
    ask(&mut browser, NEW, &acme.ada.password).await;
    let sent = letter(&world).await;
    let page = browser.open(sent.link()).await;
    let other = world.person(&format!("acme/{NEW}"), &[]).await;

    let answer = browser.submit(&page, "#verify-submit", &[]).await;

    assert_eq!((answer.status, &*answer.text("h1")), DEAD);
    Browser::of(&world, &other).await;
    assert_eq!(browser.open(PATH).await.text(".who .break"), acme.ada.username);
    assert_eq!(world.take_mail().await, []);
}

#[tokio::test]
async fn a_link_is_dead_once_it_was_used_is_old_or_the_password_is_another() {
    let (world, acme, mut browser) = ada().await;
    ask(&mut browser, NEW, &acme.ada.password).await;
    let first = letter(&world).await;
    ask(&mut browser, "third@lovelace.example", &acme.ada.password).await;
    let third = letter(&world).await;
    follow(&mut browser, first.link()).await;
    world.take_mail().await;
    for link in [first.link(), third.link()] {
        assert_eq!(browser.open(link).await.status, 400);
    }
    ask(&mut browser, "fourth@lovelace.example", &acme.ada.password).await;
    let fourth = letter(&world).await;
    world.clock.advance(TimeDelta::hours(24));
    assert_eq!(Browser::new(&world).open(fourth.link()).await.status, 400);
    let ada = named("acme/countess@lovelace.example", &acme.ada);
    let mut browser = Browser::of(&world, &ada).await;
    ask(&mut browser, "fifth@lovelace.example", &ada.password).await;
    let fifth = letter(&world).await;
    let page = browser.open("/settings/security").await;
    let fields = [
        ("current_password", &*ada.password),
        ("password", PASSWORD),
        ("password_repeat", PASSWORD),
    ];
    browser.submit(&page, "#change-password-submit", &fields).await;

    assert_eq!(browser.open(fifth.link()).await.status, 400);
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_its_field() {
    let (world, acme, mut browser) = ada().await;
    for (email, password, field, text) in [
        ("not an address", &*acme.ada.password, "email", "The address is not an email address."),
        (
            "acme/x@acme.example",
            &acme.ada.password,
            "email",
            "The address is not an email address.",
        ),
        ("", &acme.ada.password, "email", "The address is not an email address."),
        ("ADA@acme.example", &acme.ada.password, "email", "The address is the one that you have."),
        (NEW, "wrong password", "current_password", "The password is not right."),
        (NEW, "", "current_password", "The password is not right."),
    ] {
        let answer = ask(&mut browser, email, password).await;

        assert_eq!(answer.status, 422, "{email}");
        assert_eq!(answer.text(&format!("#{field}-problem")), text, "{email}");
        let form = answer.form("#change-email-submit");
        assert_eq!((form.get("email"), form.get("current_password")), (Some(email), Some("")));
        assert!(!answer.body.contains("wrong password"));
    }
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn guesses_at_the_password_are_throttled() {
    let (world, acme, mut browser) = ada().await;
    for _ in 0..5 {
        ask(&mut browser, NEW, "wrong password").await;
    }

    let answer = ask(&mut browser, NEW, &acme.ada.password).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn a_stranger_is_not_flooded_with_letters() {
    let (world, acme, mut browser) = ada().await;
    for _ in 0..5 {
        assert_eq!(ask(&mut browser, NEW, &acme.ada.password).await.status, 303);
    }

    assert_eq!(world.take_mail().await.len(), 3);
}

#[tokio::test]
async fn an_address_that_an_administrator_gave_apart_leaves_the_username() {
    let world = World::new().await;
    let joe = world
        .person_of(latchkey::identity::users::NewUser {
            username: "joe@example.com".to_owned(),
            email: Some("mail@joe.example".to_owned()),
            ..Default::default()
        })
        .await;
    let mut browser = Browser::of(&world, &joe).await;
    ask(&mut browser, "post@joe.example", &joe.password).await;
    let sent = letter(&world).await;

    follow(&mut browser, sent.link()).await;

    let page = browser.open(PATH).await;
    assert_eq!(page.text(".who .break"), "joe@example.com");
    assert!(page.text("main").contains("post@joe.example Confirmed"));
    assert_eq!(letter(&world).await.to, "mail@joe.example");
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.open(PATH).await;
    let form = page.form("#change-email-submit");
    let form = form.with("email", NEW).with("current_password", &acme.ada.password);
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    assert_eq!(world.take_mail_if_any().await, 0);
    let told = moved(&world, &acme, &mut browser).await;
    let mut stranger = Browser::new(&world);
    let page = stranger.open(told.link()).await;
    let form = page.form("#restore-submit");
    let form = form.with("password", PASSWORD).with("password_repeat", PASSWORD);

    world.refuses_forgeries(&mut stranger, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut stranger, (&page, &form)).await;

    assert_eq!(browser.get(PATH).await.status, 200);
    assert_eq!(world.audited("email.restore").await, 0);
}
