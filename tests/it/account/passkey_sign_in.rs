//! Signing in with a passkey: without a password (`POST /login/passkey`), and after one.

use chrono::TimeDelta;
use latchkey::{
    audit::Actor,
    identity::{second_factor, users},
};

use crate::support::{Acme, Authenticator, Browser, Page, Person, World};

const REFUSED: &str =
    "The passkey was not accepted. Try again, or sign in with your username and password.";

/// Ada, with a passkey on a device.
async fn ada() -> (World, Acme, Authenticator) {
    let world = World::at_localhost().await;
    let acme = world.acme().await;
    let mut device = Authenticator::new(&world);
    Browser::of(&world, &acme.ada).await.add_passkey(&mut device, "Phone").await;
    world.take_mail().await;
    (world, acme, device)
}

async fn sign_in(world: &World, device: &mut Authenticator) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    let form = device.fill(&page, "#passkey-sign-in");
    let answer = browser.send_form(&page.url, &form).await;
    (browser, answer)
}

#[track_caller]
fn is_refused(answer: &Page) {
    assert_eq!((answer.status, &*answer.text("#login-problem")), (422, REFUSED));
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_password() {
    let (world, acme, mut device) = ada().await;

    let (mut browser, answer) = sign_in(&world, &mut device).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
    let page = browser.get("/settings/profile").await;
    assert_eq!(page.text(".who span"), acme.ada.username);
    assert_eq!(world.audited("passkey.use").await, 1);
    let page = browser.get("/settings/security").await;
    assert_eq!(page.texts("tbody td")[2], "5 Mar 2027", "last used");
}

#[tokio::test]
async fn the_sign_in_page_offers_it_to_who_has_a_script() {
    let (world, _, _) = ada().await;

    let page = Browser::new(&world).get("/login").await;

    assert!(page.has("form[hidden] #passkey-sign-in"));
    assert!(page.has("[data-passkey-instead]:not([hidden])"), "a word for who has no script");
    assert!(page.has("script[src='/static/passkeys.js']"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let options = page.attribute("form[data-passkey]", "data-options");
    assert!(!options.contains(world.address.to_string().as_str()), "{options}");
    let script = Browser::new(&world).get("/static/passkeys.js").await;
    let kind = Some("text/javascript; charset=utf-8");
    assert_eq!((script.status, script.header("content-type")), (200, kind));
}

#[tokio::test]
async fn an_interrupted_authorization_goes_on() {
    let (world, _, mut device) = ada().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorization().path()).await;
    let form = device.fill(&page, "#passkey-sign-in");

    let answer = browser.send_form(&page.url, &form).await;

    let page = browser.follow(answer).await;
    assert_eq!((page.url.path(), &*page.text("h1")), ("/oauth/consent", "Allow Web?"));
}

#[tokio::test]
async fn a_forged_form_is_refused() {
    let (world, _, mut device) = ada().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let form = device.fill(&page, "#passkey-sign-in");

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;

    assert_eq!(browser.get("/settings/profile").await.status, 303);
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303, "it is not used up");
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    let (world, _, _) = ada().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;

    for garbage in ["", "{}", "null", "\u{0}", "[[[[", &"[".repeat(20_000)] {
        let form = page.form("#passkey-sign-in").with("credential", garbage);
        is_refused(&browser.send_form(&page.url, &form).await);
    }
}

#[tokio::test]
async fn a_passkey_that_nobody_has_is_refused() {
    let (world, _, device) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[]).await;

    // one that was never added
    let mut unknown = Authenticator::new(&world);
    let page = Browser::of(&world, &ben).await.open("/settings/security/passkeys/new").await;
    unknown.fill(&page, "#passkey-add");
    is_refused(&sign_in(&world, &mut unknown).await.1);
    // Ada's, in another's name
    let mut impostor = device.clone();
    impostor.claims_to_be(ben.id);
    is_refused(&sign_in(&world, &mut impostor).await.1);
    impostor.claims_to_be(uuid::Uuid::nil());
    is_refused(&sign_in(&world, &mut impostor).await.1);
}

#[tokio::test]
async fn an_answer_from_elsewhere_or_without_a_user_is_refused() {
    let (world, _, device) = ada().await;

    let mut elsewhere = device.at("http://localhost:1");
    is_refused(&sign_in(&world, &mut elsewhere).await.1);
    let mut careless = device.without_lock();
    is_refused(&sign_in(&world, &mut careless).await.1);
}

#[tokio::test]
async fn an_answer_signs_in_once() {
    let (world, _, mut device) = ada().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let form = device.fill(&page, "#passkey-sign-in");
    let attempts = (0..4).map(|_| {
        let (mut browser, url, form) = (browser.copy(), page.url.clone(), form.clone());
        async move { browser.send_form(&url, &form).await.status }
    });

    let statuses = futures_util::future::join_all(attempts).await;

    assert_eq!(statuses.iter().filter(|it| **it == 303).count(), 1, "{statuses:?}");
    is_refused(&browser.send_form(&page.url, &form).await);
}

#[tokio::test]
async fn a_synchronised_passkeys_answer_signs_in_once_too() {
    let (world, _, mut device) = ada().await;
    // its counter stands still: only the challenge tells a replay
    device.counter = None;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let form = device.fill(&page, "#passkey-sign-in");
    let mut thief = browser.copy();
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303);

    for _ in 0..3 {
        is_refused(&thief.send_form(&page.url, &form).await);
    }
    assert_eq!(world.audited("passkey.fail").await, 1, "one a minute");
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_written_down() {
    let (world, _, mut device) = ada().await;
    let mut clone = device.clone();
    for _ in 0..2 {
        assert_eq!(sign_in(&world, &mut device).await.1.status, 303);
    }

    is_refused(&sign_in(&world, &mut clone).await.1);

    assert_eq!(world.audited("passkey.counts_back").await, 1);
    assert_eq!(sign_in(&world, &mut device).await.1.status, 303, "the other one goes on");
}

#[tokio::test]
async fn a_challenge_belongs_to_one_browser_for_ten_minutes() {
    let (world, _, mut device) = ada().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let form = device.fill(&page, "#passkey-sign-in");
    let mut other = Browser::new(&world);
    let theirs = other.open("/login").await;
    let mut moved = theirs.form("#passkey-sign-in");
    for field in ["state", "credential"] {
        moved.set(field, form.get(field).unwrap());
    }
    let late = "That took too long. Try again.";

    let answer = other.send_form(&theirs.url, &moved).await;
    assert_eq!((answer.status, &*answer.text("#login-problem")), (422, late));
    world.clock.advance(TimeDelta::minutes(10));
    let answer = browser.send_form(&page.url, &form).await;
    assert_eq!((answer.status, &*answer.text("#login-problem")), (422, late));

    // the page that says so asks with a fresh challenge
    let form = device.fill(&answer, "#passkey-sign-in");
    assert_eq!(browser.send_form(&answer.url, &form).await.status, 303);
}

#[tokio::test]
async fn a_user_who_is_disabled_is_refused() {
    let (world, acme, mut device) = ada().await;
    users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap();

    is_refused(&sign_in(&world, &mut device).await.1);
}

#[tokio::test]
async fn wrong_passwords_do_not_shut_a_passkey_out() {
    let (world, acme, mut device) = ada().await;
    let wrong = Person { password: "wrong".into(), ..acme.ada.clone() };
    for _ in 0..6 {
        Browser::new(&world).sign_in(&wrong).await;
    }
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 429);

    assert_eq!(sign_in(&world, &mut device).await.1.status, 303);
}

#[tokio::test]
async fn a_passkey_is_the_second_factor_after_a_password() {
    let (world, acme, mut device) = ada().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&acme.ada).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Use your passkey"));
    assert!(!page.has("#code"), "she has no app");
    let form = device.fill(&page, "#passkey-verify");
    world.refuses_forgeries(&mut browser, &page, &form).await;

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
    assert_eq!(browser.get("/settings/profile").await.status, 200);
}

#[tokio::test]
async fn who_has_both_chooses() {
    let (world, acme, mut device) = ada().await;
    let (mut browser, _) = sign_in(&world, &mut device).await;
    let (seed, page) = browser.enrol_totp(&world).await;
    assert_eq!(page.url.path(), "/settings/security", "the codes are there already");
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&acme.ada).await;
    assert!(page.has("#code") && page.has("#passkey-verify") && page.has("#recovery_code"));

    let mut form = device.fill(&page, "#passkey-verify");
    form.set("credential", "{}");
    let answer = browser.send_form(&page.url, &form).await;
    let problem = "The passkey was not accepted. Try again, or use something else.";
    assert_eq!((answer.status, &*answer.text("#credential-problem")), (422, problem));
    let code = world.next_code(&seed);
    let answer = browser.submit(&answer, "#second-factor-submit", &[("code", &code)]).await;

    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn a_second_factor_is_the_passkey_of_whose_password_it_was() {
    let (world, _, mut device) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[]).await;
    let mut theirs = Authenticator::new(&world);
    Browser::of(&world, &ben).await.add_passkey(&mut theirs, "Ben's").await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&ben).await;
    let form = theirs.fill(&page, "#passkey-verify");

    // Ada's passkey, asked as if it were any, signs the challenge that is for Ben
    let options = page.attribute("form[data-passkey]", "data-options");
    let mut any: serde_json::Value = serde_json::from_str(&options).unwrap();
    any["allowCredentials"] = serde_json::json!([]);
    let answer = device.get(&any.to_string());
    let answer = browser.send_form(&page.url, &form.with("credential", &answer)).await;

    assert_eq!(answer.status, 422);
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303);
}

#[tokio::test]
async fn the_challenges_of_one_door_open_no_other() {
    let (world, acme, mut device) = ada().await;
    let mut browser = Browser::new(&world);
    let login = browser.open("/login").await;
    let form = device.fill(&login, "#passkey-sign-in");
    let page = browser.sign_in_on(&login, &acme.ada).await;
    let mut moved = page.form("#passkey-verify");
    for field in ["state", "credential"] {
        moved.set(field, form.get(field).unwrap());
    }

    let answer = browser.send_form(&page.url, &moved).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/login?notice=sign-in-expired")));
}

#[tokio::test]
async fn an_operators_reset_leaves_the_password_alone() {
    let (world, acme, mut device) = ada().await;

    let is_done = second_factor::reset(&world.app, Actor::Operator, acme.ada.id).await.unwrap();

    assert!(is_done);
    Browser::of(&world, &acme.ada).await;
    is_refused(&sign_in(&world, &mut device).await.1);
    assert_eq!(world.audited("second_factor.reset").await, 1);
    assert_eq!(world.take_mail().await[0].subject, "Your second factors were removed");
    let again = second_factor::reset(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
    assert!(!again, "there is nothing left to reset");
}
