//! `/forgot-password` and `/reset-password`: a new password by a link from a letter.

use chrono::TimeDelta;
use latchkey::{audit::Actor, identity::users};

use crate::support::{Acme, ApiCaller, Browser, Letter, Page, Person, Tokens, World};

const SUBMIT: &str = "#second-factor-submit";
const NEW: &str = "correct horse battery staple";
const DEAD: &str = "This link no longer works";

async fn world() -> (World, Acme) {
    let world = World::new().await;
    let acme = world.acme().await;
    (world, acme)
}

/// Asks for a letter.
async fn ask(world: &World, username: &str) -> Page {
    let mut browser = Browser::new(world);
    let page = browser.open("/forgot-password").await;
    browser.submit(&page, "#forgot-submit", &[("username", username)]).await
}

/// Asks for a letter and takes it from the mailbox.
async fn letter(world: &World, username: &str) -> Letter {
    ask(world, username).await;
    let mut letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

/// Opens a link and sets a password, in a browser that was never here.
async fn reset(world: &World, link: &str, new: &str, repeat: &str) -> Page {
    let mut browser = Browser::new(world);
    let page = browser.open(link).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Choose a new password"));
    let fields = [("password", new), ("password_repeat", repeat)];
    browser.submit(&page, "#reset-submit", &fields).await
}

fn with(person: &Person, password: &str) -> Person {
    Person { password: password.to_owned(), ..person.clone() }
}

#[tokio::test]
async fn a_link_from_a_letter_sets_a_new_password() {
    let (world, acme) = world().await;
    let page = ask(&world, &acme.ada.username).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Look into your mailbox"));
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_str()),
        ("ada@acme.example", "Reset your password")
    );
    assert!(letter.text.contains("The link below works once, for 30 minutes."));
    assert!(letter.link().starts_with(&world.url("/reset-password?token=")), "{}", letter.link());

    let answer = reset(&world, letter.link(), NEW, NEW).await;

    let place = "/login?notice=password-reset";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 422);
    Browser::of(&world, &with(&acme.ada, NEW)).await;
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject, "Your password was changed");
    assert_eq!(world.audited("password.request_reset").await, 1);
    assert_eq!(world.audited("password.change").await, 1);
}

#[tokio::test]
async fn the_sign_in_page_says_what_happened() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(letter.link()).await;
    let fields = [("password", NEW), ("password_repeat", NEW)];
    let answer = browser.submit(&page, "#reset-submit", &fields).await;

    let page = browser.follow(answer).await;

    assert_eq!(page.text(".flash"), "Your password is changed. Sign in with the new one.");
    let page = browser.sign_in_on(&page, &with(&acme.ada, NEW)).await;
    assert_eq!(page.text("h1"), "Connected apps");
}

#[tokio::test]
async fn everything_from_before_is_signed_out() {
    let (world, acme) = world().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let letter = letter(&world, &acme.ada.username).await;

    reset(&world, letter.link(), NEW, NEW).await;

    assert_eq!(browser.get("/settings/profile").await.status, 303);
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
}

#[tokio::test]
async fn a_browser_that_is_signed_in_is_signed_out_by_its_own_reset() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.open(letter.link()).await;

    let fields = [("password", NEW), ("password_repeat", NEW)];
    let answer = browser.submit(&page, "#reset-submit", &fields).await;

    assert_eq!(answer.status, 303);
    assert_eq!(browser.get("/settings/profile").await.status, 303);
}

#[tokio::test]
async fn the_link_is_the_issuers_whatever_host_was_asked() {
    let (world, acme) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/forgot-password").await;
    let form = page.form("#forgot-submit").with("username", &acme.ada.username);
    let body =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    let target: url::Url = world.url("/forgot-password").parse().unwrap();
    let request = world.http.post(target.clone()).body(body);
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");

    let answer = browser.send(target, request).await;

    assert_eq!(answer.status, 200);
    let letters = world.take_mail().await;
    assert!(letters[0].link().starts_with(&world.url("/reset-password?token=")));
    assert!(!letters[0].text.contains("evil.example"), "{}", letters[0].text);
}

#[tokio::test]
async fn the_pages_tell_no_other_site_the_link() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;

    let page = Browser::new(&world).open(letter.link()).await;

    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(!page.has("script"));
    assert!(page.has("input[name=password][autocomplete=new-password]"));
}

#[tokio::test]
async fn forged_forms_are_refused() {
    let (world, acme) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/forgot-password").await;
    let asking = page.form("#forgot-submit").with("username", &acme.ada.username);
    world.refuses_forgeries(&mut browser, &page, &asking).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &asking)).await;
    assert_eq!(world.take_mail_if_any().await, 0);
    let letter = letter(&world, &acme.ada.username).await;
    let page = browser.open(letter.link()).await;
    let setting = page.form("#reset-submit").with("password", NEW).with("password_repeat", NEW);

    world.refuses_forgeries(&mut browser, &page, &setting).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &setting)).await;

    Browser::of(&world, &acme.ada).await;
    let answer = browser.send_form(&page.url, &setting).await;
    assert_eq!(answer.status, 303, "nothing was used up");
}

#[tokio::test]
async fn the_answer_does_not_tell_who_has_an_account() {
    let (world, acme) = world().await;
    let dora = world.person("acme/dora@acme.example", &[]).await;
    users::disable(&world.app, Actor::Operator, dora.id).await.unwrap();
    let known = ask(&world, &acme.ada.username).await;
    assert_eq!(world.take_mail().await.len(), 1);

    for username in [
        "acme/nobody@acme.example",
        "ada@acme.example",
        "nowhere/ada@acme.example",
        &dora.username,
        "acme//ada@acme.example",
        "not a username",
        &"x".repeat(5000),
    ] {
        let page = ask(&world, username).await;

        assert_eq!((page.status, &page.body), (known.status, &known.body), "{username}");
        assert_eq!(world.take_mail_if_any().await, 0, "{username}");
    }
}

#[tokio::test]
async fn a_link_works_once() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;
    let mut late = Browser::new(&world);
    let opened = late.open(letter.link()).await;
    reset(&world, letter.link(), NEW, NEW).await;

    let fields = [("password", "somebody else's"), ("password_repeat", "somebody else's")];
    let answer = late.submit(&opened, "#reset-submit", &fields).await;

    assert_eq!((answer.status, answer.text("h1").as_str()), (400, DEAD));
    let page = late.open(letter.link()).await;
    assert_eq!((page.status, page.text("h1").as_str()), (400, DEAD));
    Browser::of(&world, &with(&acme.ada, NEW)).await;
}

#[tokio::test]
async fn a_link_works_once_whoever_races() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(letter.link()).await;
    let form = page.form("#reset-submit").with("password", NEW).with("password_repeat", NEW);
    let mut racers: Vec<_> = (0..4).map(|_| browser.copy()).collect();

    let sent = racers.iter_mut().map(|racer| racer.send_form(&page.url, &form));
    let answers = futures_util::future::join_all(sent).await;

    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400]);
}

#[tokio::test]
async fn a_link_dies_after_half_an_hour() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;
    world.clock.advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    assert_eq!(Browser::new(&world).open(letter.link()).await.status, 200);

    world.clock.advance(TimeDelta::seconds(1));

    let page = Browser::new(&world).open(letter.link()).await;
    assert_eq!((page.status, page.text("h1").as_str()), (400, DEAD));
}

#[tokio::test]
async fn every_earlier_link_dies_with_a_change_of_the_password() {
    let (world, acme) = world().await;
    let first = letter(&world, &acme.ada.username).await;
    let second = letter(&world, &acme.ada.username).await;
    assert_eq!(Browser::new(&world).open(first.link()).await.status, 200);

    reset(&world, second.link(), NEW, NEW).await;

    assert_eq!(Browser::new(&world).open(first.link()).await.status, 400);
}

#[tokio::test]
async fn a_link_of_a_disabled_user_is_dead() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;

    users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap();

    let page = Browser::new(&world).open(letter.link()).await;
    assert_eq!((page.status, page.text("h1").as_str()), (400, DEAD));
}

#[tokio::test]
async fn an_altered_link_is_dead() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;
    let (_, token) = letter.link().split_once("token=").unwrap();
    let mut parts = token.split('.');
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    // RFC 8725 §3.1: {"alg":"none"} must never be believed
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");

    for altered in
        ["", "x", "..", &token[..token.len() - 5], &format!("{head}.{claims}."), &unsigned]
    {
        let page = Browser::new(&world).open(&format!("/reset-password?token={altered}")).await;

        assert_eq!((page.status, page.text("h1").as_str()), (400, DEAD), "{altered}");
    }
    assert_eq!(Browser::new(&world).open("/reset-password").await.status, 400);
}

/// Whoever guesses at every end of the wait does not keep anybody out: a new password is nobody's failure yet.
#[tokio::test]
async fn who_is_guessed_at_comes_in_with_a_new_password() {
    let (world, acme) = world().await;
    let script = world.script().await;
    for _ in 0..5 {
        script.sign_in(&acme.ada.username, "wrong").await.expect(400);
    }
    script.password(&acme.ada).await.expect(429);
    let letter = letter(&world, &acme.ada.username).await;

    assert_eq!(reset(&world, letter.link(), NEW, NEW).await.status, 303);

    script.sign_in(&acme.ada.username, NEW).await.expect(200);
}

/// The same for whoever has a second factor, but a link out of a mailbox forgives no guesses at that.
#[tokio::test]
async fn a_new_password_buys_no_guesses_at_a_second_factor() {
    let (world, _) = world().await;
    let tess = world.person_with_totp("acme/tess@acme.example", &[7; 20]).await;
    let (mut browser, script) = (Browser::new(&world), world.script().await);
    let page = browser.sign_in(&tess).await;
    for _ in 0..5 {
        assert_eq!(browser.submit(&page, SUBMIT, &[("code", "000000")]).await.status, 422);
    }
    for _ in 0..5 {
        script.sign_in(&tess.username, "wrong").await.expect(400);
    }
    let letter = letter(&world, &tess.username).await;

    assert_eq!(reset(&world, letter.link(), NEW, NEW).await.status, 303);

    let page = browser.sign_in(&Person { password: NEW.to_owned(), ..tess }).await;
    let right = [("code", &*world.code(&[7; 20]))];
    assert_eq!(browser.submit(&page, SUBMIT, &right).await.status, 429);
}

#[tokio::test]
async fn two_different_new_passwords_are_refused_and_the_link_goes_on() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;

    let page = reset(&world, letter.link(), NEW, "another one").await;

    let problem = "The two new passwords are not the same.";
    assert_eq!((page.status, page.text("p.problem").as_str()), (422, problem));
    assert_eq!(reset(&world, letter.link(), NEW, NEW).await.status, 303);
}

#[tokio::test]
async fn a_new_password_must_be_8_to_1024_bytes_long() {
    let (world, acme) = world().await;
    let letter = letter(&world, &acme.ada.username).await;

    for unfit in ["", "1234567", &"p".repeat(1025)] {
        let page = reset(&world, letter.link(), unfit, unfit).await;

        let problem = "The new password must be 8 to 1024 bytes long.";
        assert_eq!((page.status, page.text("p.problem").as_str()), (422, problem));
    }
    assert_eq!(reset(&world, letter.link(), NEW, NEW).await.status, 303);
}

#[tokio::test]
async fn nobodys_mailbox_can_be_filled() {
    let (world, acme) = world().await;
    for _ in 0..4 {
        assert_eq!(ask(&world, &acme.ada.username).await.status, 200);
    }
    assert_eq!(world.take_mail().await.len(), 3);

    world.clock.advance(TimeDelta::minutes(15));

    letter(&world, &acme.ada.username).await;
}

#[tokio::test]
async fn an_address_may_ask_twenty_times_in_ten_minutes() {
    let (world, acme) = world().await;
    for guess in 0..20 {
        let username = format!("acme/guess{guess}@acme.example");
        assert_eq!(ask(&world, &username).await.status, 200, "{guess}");
    }

    let page = ask(&world, &acme.ada.username).await;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("600")));
    let text = "There were too many attempts. Try again in 10 minutes.";
    assert_eq!(page.text(".flash[role=alert]"), text);
    assert!(!page.body.contains("aria-invalid"), "nothing is wrong with what was typed");
    assert_eq!(world.take_mail_if_any().await, 0);
    world.clock.advance(TimeDelta::minutes(10));
    letter(&world, &acme.ada.username).await;
}

#[tokio::test]
async fn somebody_has_to_be_named() {
    let (world, _) = world().await;
    for nobody in ["", "  "] {
        let page = ask(&world, nobody).await;

        assert_eq!(page.status, 422);
        assert_eq!(page.text("#username-problem"), "The username must be given.");
    }
    assert_eq!(world.take_mail_if_any().await, 0);
}
