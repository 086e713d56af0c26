//! `/settings/security/totp`: setting an authenticator app up and turning it off.

use chrono::TimeDelta;

use crate::support::{Acme, Browser, Page, World, seed_on, totp};

const PATH: &str = "/settings/security/totp";

async fn ada() -> (World, Acme, Browser) {
    let (world, acme) = World::of_acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

async fn type_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, "#totp-confirm", &[("code", code)]).await
}

#[tokio::test]
async fn an_app_is_set_up_and_asked_for_from_then_on() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.get(PATH).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Set up an authenticator app"));
    assert!(page.has("svg.qr[role=img] path"), "a QR code");
    let seed = seed_on(&page);
    assert_eq!(seed.len(), 20);
    let uri = page.attribute("#totp-uri", "href");
    let secret = page.attribute("#totp-secret", "value").replace(' ', "");
    let expected = format!(
        "otpauth://totp/Latchkey:acme%2Fada%40acme.example?secret={secret}&issuer=Latchkey"
    );
    assert_eq!(uri, expected);
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));

    let answer = type_code(&mut browser, &page, &world.code(&seed)).await;

    assert_eq!((answer.status, &*answer.text("h1")), (201, "Authenticator app set up"));
    assert_eq!(answer.texts(".codes li").len(), 10);
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let page = browser.get("/settings/security").await;
    assert_eq!(page.text("#totp-heading .badge.good"), "On");
    assert_eq!(page.text("#recovery-heading .badge"), "10 of 10 left");
    let mut another = Browser::new(&world);
    let page = another.sign_in(&acme.ada).await;
    assert_eq!(page.text("h1"), "Enter your code");
    let code = world.next_code(&seed);
    let answer = another.submit(&page, "#second-factor-submit", &[("code", &code)]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(world.audited("totp.enrol").await, 1);
    let letters = world.take_mail().await;
    assert_eq!(letters[0].subject, "An authenticator app was added to your account");
    assert_eq!(letters[0].link(), world.url("/settings/security"));
}

#[tokio::test]
async fn the_password_grant_refuses_who_has_an_app() {
    let (world, acme, mut browser) = ada().await;
    let script = world.script().await;
    assert_eq!(script.password(&acme.ada).await.status, 200);

    browser.enrol_totp(&world).await;

    let refused = script.password(&acme.ada).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn nothing_is_stored_before_a_code_has_confirmed_it() {
    let (world, acme, mut browser) = ada().await;

    browser.get(PATH).await;

    Browser::of(&world, &acme.ada).await;
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn a_wrong_code_shows_the_same_secret_again() {
    let (world, _, mut browser) = ada().await;
    let page = browser.get(PATH).await;
    let seed = seed_on(&page);

    for wrong in ["", "000000", "abcdef", &totp(&seed, world.clock.unix() - 90)] {
        let answer = type_code(&mut browser, &page, wrong).await;

        let problem = "The code is not the app's. Codes change every 30 seconds and work once.";
        assert_eq!((answer.status, &*answer.text("#code-problem")), (422, problem), "{wrong}");
        assert_eq!(seed_on(&answer), seed);
    }
    let again = type_code(&mut browser, &page, "000000").await;
    assert_eq!(type_code(&mut browser, &again, &world.code(&seed)).await.status, 201);
}

#[tokio::test]
async fn the_code_that_confirms_is_used_up() {
    let (world, acme, mut browser) = ada().await;
    let (seed, _) = browser.enrol_totp(&world).await;
    let mut another = Browser::new(&world);
    let page = another.sign_in(&acme.ada).await;

    let code = world.code(&seed);
    let answer = another.submit(&page, "#second-factor-submit", &[("code", &code)]).await;

    assert_eq!(answer.status, 422, "a code of the enrolment signs in");
}

#[tokio::test]
async fn forged_forms_are_refused() {
    let (world, _, mut browser) = ada().await;
    let page = browser.get(PATH).await;
    let form = page.form("#totp-confirm").with("code", &world.code(&seed_on(&page)));

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    assert_eq!(browser.get("/settings/security").await.text("#totp-heading .badge"), "Off");
}

#[tokio::test]
async fn a_secret_belongs_to_one_user_in_one_browser_for_a_while() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.get(PATH).await;
    let (code, form) = (world.code(&seed_on(&page)), page.form("#totp-confirm"));
    let ben = world.person("acme/ben@acme.example", &[]).await;
    for person in [&acme.ada, &ben] {
        let mut other = Browser::of(&world, person).await;
        let theirs = other.get(PATH).await;
        let pending = form.get("pending").unwrap();
        let moved = theirs.form("#totp-confirm").with("pending", pending).with("code", &code);

        let answer = other.send_form(&theirs.url, &moved).await;

        let place = "/settings/security?notice=took-too-long";
        assert_eq!((answer.status, answer.location()), (303, Some(place)));
    }
    for altered in ["", "x", &form.get("pending").unwrap().to_lowercase()] {
        let altered = form.with("pending", altered).with("code", &code);
        assert_eq!(browser.send_form(&page.url, &altered).await.status, 303);
    }

    world.clock.advance(TimeDelta::minutes(14));
    let late = form.with("code", &world.code(&seed_on(&page)));
    assert_eq!(browser.send_form(&page.url, &late).await.status, 201);
}

#[tokio::test]
async fn of_two_that_are_confirmed_at_once_one_is_set_up() {
    let (world, _, mut browser) = ada().await;
    let (one, two) = (browser.get(PATH).await, browser.get(PATH).await);
    let form = |page: &Page| page.form("#totp-confirm").with("code", &world.code(&seed_on(page)));
    let (first, second) = (form(&one), form(&two));
    let mut other = browser.copy();

    let answers =
        tokio::join!(browser.send_form(&one.url, &first), other.send_form(&two.url, &second));

    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 303]);
    assert_eq!(world.audited("totp.enrol").await, 1);
}

#[tokio::test]
async fn who_has_an_app_sets_up_no_second_one() {
    let (world, _, mut browser) = ada().await;
    browser.enrol_totp(&world).await;

    let answer = browser.get(PATH).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/security")));
}

#[tokio::test]
async fn turning_it_off_leaves_the_password_alone() {
    let (world, acme, mut browser) = ada().await;
    browser.enrol_totp(&world).await;
    world.take_mail().await;
    let page = browser.get("/settings/security/totp/off").await;
    assert_eq!(page.text("h1"), "Turn off the authenticator app?");
    assert!(page.text("main").contains("Your recovery codes stop working."));
    let form = page.form("#totp-off-confirm");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    let answer = browser.send_form(&page.url, &form).await;

    let place = "/settings/security?notice=totp-off";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    Browser::of(&world, &acme.ada).await;
    let page = browser.follow(answer).await;
    assert_eq!(page.text("#totp-heading .badge"), "Off");
    assert!(!page.has("#recovery-new"), "codes without a factor");
    assert_eq!(world.audited("totp.remove").await, 1);
    let letters = world.take_mail().await;
    assert_eq!(letters[0].subject, "The authenticator app was removed from your account");
    // once more changes nothing
    browser.send_form(&page.url, &form).await;
    assert_eq!(world.audited("totp.remove").await, 1);
}
