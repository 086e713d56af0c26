//! `/settings/security/passkeys/…`: adding, renaming and removing passkeys.

use chrono::TimeDelta;

use crate::support::{Acme, Authenticator, Browser, World};

const NEW: &str = "/settings/security/passkeys/new";
const SECURITY: &str = "/settings/security";

async fn ada() -> (World, Acme, Browser, Authenticator) {
    let world = World::at_localhost().await;
    let acme = world.acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    let device = Authenticator::new(&world);
    (world, acme, browser, device)
}

/// The path of the first passkey's page of that name.
async fn path_of(browser: &mut Browser, end: &str) -> String {
    let page = browser.get(SECURITY).await;
    page.attribute(&format!("td a[href$='/{end}']"), "href")
}

#[tokio::test]
async fn a_passkey_is_added_and_listed() {
    let (world, acme, mut browser, mut device) = ada().await;
    let page = browser.get(NEW).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Add a passkey"));
    assert!(page.has("form[hidden] #passkey-add"), "it needs its script");
    assert!(page.has("[data-passkey-instead]:not([hidden])"), "a word for who has no script");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");

    let form = device.fill(&page, "#passkey-add").with("name", " My <b>laptop</b> ");
    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, &*answer.text("h1")), (201, "Passkey added"));
    assert_eq!(answer.texts(".codes li").len(), 10, "the first second factor comes with codes");
    let page = browser.get(SECURITY).await;
    assert_eq!(page.text("#passkeys-heading .badge.good"), "On");
    assert_eq!(page.texts("tbody td")[..3], ["My <b>laptop</b>", "5 Mar 2027", "never"]);
    assert_eq!(world.audited("passkey.add").await, 1);
    let letters = world.take_mail().await;
    assert_eq!(letters[0].subject, "A passkey was added to your account");
    assert!(letters[0].text.contains("“My <b>laptop</b>”"), "{}", letters[0].text);
    let page = Browser::new(&world).sign_in(&acme.ada).await;
    assert_eq!(page.text("h1"), "Use your passkey", "it is a second factor");
    let refused = world.script().await.password(&acme.ada).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn a_second_passkey_brings_no_new_codes() {
    let (_world, _, mut browser, mut device) = ada().await;
    browser.add_passkey(&mut device, "One").await;

    let page = browser.add_passkey(&mut device, "Two").await;

    assert_eq!((page.url.path(), &*page.text(".flash")), (SECURITY, "The passkey is added."));
    let mut names = page.texts("td.title");
    names.sort();
    assert_eq!(names, ["One", "Two"]);
}

#[tokio::test]
async fn where_the_issuer_is_an_address_there_are_none() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = browser.get(SECURITY).await;

    assert!(page.text("main").contains("Passkeys are not available here"));
    assert!(!page.has("#passkey-new"));
    assert_eq!(browser.get(NEW).await.status, 404);
    assert!(!browser.get("/login").await.has("#passkey-sign-in"));
    assert!(!Browser::new(&world).get("/login").await.has("#passkey-sign-in, script"));
}

#[tokio::test]
async fn forged_forms_are_refused() {
    let (world, _, mut browser, mut device) = ada().await;
    let page = browser.get(NEW).await;
    let form = device.fill(&page, "#passkey-add").with("name", "x");

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    assert!(!browser.get(SECURITY).await.has("tbody"));
}

#[tokio::test]
async fn a_name_is_demanded_and_what_was_typed_is_kept() {
    let (_world, _, mut browser, mut device) = ada().await;

    for (name, problem) in [
        ("", "The name must not be empty."),
        ("  ", "The name must not be empty."),
        ("a\u{7}b", "The name must not have control characters or invisible ones."),
        (&"é".repeat(61), "The name must be at most 60 characters long."),
    ] {
        let page = browser.get(NEW).await;
        let form = device.fill(&page, "#passkey-add").with("name", name);
        let answer = browser.send_form(&page.url, &form).await;

        assert_eq!((answer.status, &*answer.text("#name-problem")), (422, problem), "{name:?}");
        assert!(answer.has("#name[aria-invalid=true]"));
        assert_eq!(answer.attribute("#name", "value"), name);
    }
    assert!(!browser.get(SECURITY).await.has("tbody"));
}

#[tokio::test]
async fn an_answer_of_another_making_is_refused() {
    let (world, _, mut browser, device) = ada().await;
    let refused = "The passkey was not accepted. Try again.";

    let mut elsewhere = device.at("http://evil.example");
    let mut near = device.at(&format!("{}1", world.app.config.issuer));
    let mut careless = device.without_lock();
    for device in [&mut elsewhere, &mut near, &mut careless] {
        let page = browser.get(NEW).await;
        let form = device.fill(&page, "#passkey-add").with("name", "x");
        let answer = browser.send_form(&page.url, &form).await;
        assert_eq!((answer.status, &*answer.text(".flash.bad")), (422, refused));
    }
    let page = browser.get(NEW).await;
    for garbage in ["", "{}", "null", "[1]", "{\"id\":1}", &"x".repeat(10_000)] {
        let form = page.form("#passkey-add").with("name", "x").with("credential", garbage);
        let answer = browser.send_form(&page.url, &form).await;
        assert_eq!((answer.status, &*answer.text(".flash.bad")), (422, refused), "{garbage}");
    }
    assert_eq!(world.audited("passkey.add").await, 0);
}

#[tokio::test]
async fn an_answer_to_another_challenge_is_refused() {
    let (_world, _, mut browser, mut device) = ada().await;
    let (one, two) = (browser.get(NEW).await, browser.get(NEW).await);
    let answer = device.fill(&one, "#passkey-add");
    let answer = answer.get("credential").unwrap();
    let form = two.form("#passkey-add").with("name", "x").with("credential", answer);

    assert_eq!(browser.send_form(&two.url, &form).await.status, 422);
}

#[tokio::test]
async fn an_answer_is_taken_once() {
    let (world, _, mut browser, mut device) = ada().await;
    let page = browser.get(NEW).await;
    let form = device.fill(&page, "#passkey-add").with("name", "x");
    let mut other = browser.copy();

    let answers =
        tokio::join!(browser.send_form(&page.url, &form), other.send_form(&page.url, &form));

    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(world.audited("passkey.add").await, 1);
}

#[tokio::test]
async fn a_ceremony_belongs_to_one_user_in_one_browser_for_ten_minutes() {
    let (world, acme, mut browser, mut device) = ada().await;
    let page = browser.get(NEW).await;
    let form = device.fill(&page, "#passkey-add").with("name", "x");
    let ben = world.person("acme/ben@acme.example", &[]).await;
    for person in [&acme.ada, &ben] {
        let mut other = Browser::of(&world, person).await;
        let theirs = other.get(NEW).await;
        let mut moved = theirs.form("#passkey-add").with("name", "x");
        for field in ["state", "credential"] {
            moved.set(field, form.get(field).unwrap());
        }
        let answer = other.send_form(&theirs.url, &moved).await;
        assert_eq!(
            (answer.status, &*answer.text(".flash.bad")),
            (422, "That took too long. Try again.")
        );
    }

    world.clock.advance(TimeDelta::minutes(10));
    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!(
        (answer.status, &*answer.text(".flash.bad")),
        (422, "That took too long. Try again.")
    );
}

#[tokio::test]
async fn there_are_20_at_most() {
    let (_world, _, mut browser, mut device) = ada().await;
    for number in 1..=20 {
        browser.add_passkey(&mut device, &format!("Number {number}")).await;
    }
    assert!(!browser.get(SECURITY).await.has("#passkey-new"));
    let page = browser.get(NEW).await;
    let form = device.fill(&page, "#passkey-add").with("name", "x");

    let answer = browser.send_form(&page.url, &form).await;

    let refused = "There are 20 passkeys, which is as many as there can be.";
    assert_eq!((answer.status, &*answer.text(".flash.bad")), (422, refused));
}

#[tokio::test]
async fn a_passkey_gets_another_name() {
    let (world, acme, mut browser, mut device) = ada().await;
    browser.add_passkey(&mut device, "Old").await;
    let path = path_of(&mut browser, "rename").await;
    let page = browser.get(&path).await;
    let form = page.form("#rename-passkey-submit").with("name", "New");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    let unfit = browser.send_form(&page.url, &form.with("name", "")).await;
    assert_eq!((unfit.status, &*unfit.text("#name-problem")), (422, "The name must not be empty."));

    let answer = browser.send_form(&page.url, &form).await;

    let answer = browser.follow(answer).await;
    assert_eq!(answer.texts("td.title"), ["New"]);
    assert_eq!(world.audited("passkey.rename").await, 1);
    // to another user it does not exist
    let ben = world.person("acme/ben@acme.example", &[]).await;
    let mut other = Browser::of(&world, &ben).await;
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(other.get(&path.replace("rename", "remove")).await.status, 404);
    assert_eq!(browser.get(&format!("{SECURITY}/passkeys/x/rename")).await.status, 404);
    let token = other.get(SECURITY).await.form("#change-password-submit");
    let theirs = form.with("csrf", token.get("csrf").unwrap());
    assert_eq!(other.send_form(&page.url, &theirs).await.status, 404);
    drop(acme);
}

#[tokio::test]
async fn the_last_passkey_is_removed_with_the_codes() {
    let (world, acme, mut browser, mut device) = ada().await;
    browser.add_passkey(&mut device, "Mine").await;
    world.take_mail().await;
    let path = path_of(&mut browser, "remove").await;
    let page = browser.get(&path).await;
    assert_eq!(page.text("h1"), "Remove this passkey?");
    assert!(page.text("main").contains("It is your last second factor"));
    let form = page.form("#passkey-remove-confirm");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    let answer = browser.send_form(&page.url, &form).await;

    let text = "The passkey is removed. It no longer signs you in.";
    let answer = browser.follow(answer).await;
    assert_eq!((answer.status, &*answer.text(".flash")), (200, text));
    assert!(!answer.has("tbody, #recovery-new"));
    Browser::of(&world, &acme.ada).await;
    assert_eq!(world.audited("passkey.remove").await, 1);
    assert_eq!(world.take_mail().await[0].subject, "A passkey was removed from your account");
    assert_eq!(browser.send_form(&page.url, &form).await.status, 404, "once more");
}
