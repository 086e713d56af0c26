//! What `/signup` refuses, and what it does not tell.

use super::sign_up::{EMAIL, PASSWORD, asked, fill_in, world};
use crate::support::{Browser, World};

#[tokio::test]
async fn nobody_signs_up_where_the_operator_does_not_allow_it() {
    let closed = World::new().await;
    let mut browser = Browser::new(&closed);

    let page = browser.open("/signup").await;

    assert_eq!(page.status, 404);
    assert!(!browser.open("/login").await.has("#sign-up"));
    let open = world().await;
    assert_eq!(Browser::new(&open).open("/login").await.text("#sign-up"), "Create an account");
    // a form of another time
    let login = browser.open("/login").await;
    let mut form = login.form("#login-submit");
    form.action = "/signup".to_owned();
    let answer = browser.send_form(&login.url, &form).await;
    assert_eq!(answer.status, 404);
    assert_eq!(closed.audited("sign_up.request").await, 0);
}

#[tokio::test]
async fn every_wrong_field_is_named_and_what_was_typed_is_kept() {
    let world = world().await;
    let mut browser = Browser::new(&world);

    let page = fill_in(&mut browser, "not an address", "<b>\u{7}", "short").await;

    assert_eq!(page.status, 422);
    assert_eq!(page.text("#email-problem"), "The address is not an email address.");
    assert_eq!(
        page.text("#name-problem"),
        "The name must not have control characters or invisible ones."
    );
    assert_eq!(page.text("#password-problem"), "The password must be 8 to 1024 bytes long.");
    let form = page.form("#signup-submit");
    assert_eq!(form.get("email"), Some("not an address"));
    assert_eq!(form.get("name"), Some("<b>\u{7}"));
    assert_eq!((form.get("password"), form.get("password_repeat")), (Some(""), Some("")));
    assert!(page.body.contains("aria-invalid=\"true\""));
    let page = browser.open("/signup").await;
    let fields =
        [("email", EMAIL), ("name", "x"), ("password", PASSWORD), ("password_repeat", "y")];
    let page = browser.submit(&page, "#signup-submit", &fields).await;
    assert_eq!(page.status, 422);
    let text = "The second password is not the same as the first one.";
    assert_eq!(page.text("#password_repeat-problem"), text);
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn only_addresses_of_the_public_realm_sign_up() {
    let world = world().await;
    world.acme().await;
    let mut browser = Browser::new(&world);

    let long = format!("{}@navy.example", "g".repeat(250));
    for email in ["acme/eve@acme.example", "", "a@b@c", "a@b\r\nBcc: all@x.example", &long] {
        let page = fill_in(&mut browser, email, "Eve", PASSWORD).await;
        assert_eq!((page.status, page.has("#email-problem")), (422, true), "{email}");
    }
}

/// The page answers the same, and only the mailbox's owner learns more.
#[tokio::test]
async fn an_address_that_has_an_account_is_not_told() {
    let world = world().await;
    let joe = world.person("joe@example.com", &[]).await;
    let known = fill_in(&mut Browser::new(&world), "JOE@example.com", "Joe", PASSWORD).await;
    let letters = world.take_mail().await;
    let unknown = fill_in(&mut Browser::new(&world), "jim@example.com", "Joe", PASSWORD).await;

    assert_eq!((known.status, unknown.status), (200, 200));
    let text = |page: &crate::support::Page| page.text("main").to_lowercase();
    assert_eq!(text(&known).replace("joe@", "jim@"), text(&unknown));
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&*letters[0].to, &*letters[0].subject),
        ("joe@example.com", "You already have an account")
    );
    assert!(letters[0].link().starts_with(&world.url("/reset-password?token=")));
    let page = Browser::new(&world).open(letters[0].link()).await;
    assert_eq!(page.text("h1"), "Choose a new password");
    Browser::of(&world, &joe).await;
    assert_eq!(world.audited("sign_up.request").await, 2);
}

/// Measured over several, since a busy machine is slow now and then.
#[tokio::test]
async fn an_address_that_has_an_account_takes_as_long() {
    let world = world().await;
    world.person("joe@example.com", &[]).await;
    for email in ["joe@example.com", "jim@example.com"] {
        let before = world.app.passwords.hashed();

        fill_in(&mut Browser::new(&world), email, "Joe", PASSWORD).await;

        assert_eq!(world.app.passwords.hashed() - before, 1, "{email}");
    }
}

#[tokio::test]
async fn a_disabled_users_letter_has_no_way_in() {
    let world = world().await;
    let joe = world.person("joe@example.com", &[]).await;
    let actor = latchkey::audit::Actor::Operator;
    assert!(latchkey::identity::users::disable(&world.app, actor, joe.id).await.unwrap());

    fill_in(&mut Browser::new(&world), "joe@example.com", "Joe", PASSWORD).await;

    let letters = world.take_mail().await;
    assert_eq!(letters[0].link(), world.url("/login"));
}

#[tokio::test]
async fn a_mailbox_is_not_filled() {
    let world = world().await;
    for _ in 0..5 {
        let page = fill_in(&mut Browser::new(&world), EMAIL, "Grace", PASSWORD).await;
        assert_eq!(page.status, 200);
    }

    assert_eq!(world.take_mail().await.len(), 3);
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits() {
    let world = world().await;
    for number in 0..20 {
        let email = format!("user{number}@navy.example");
        let page = fill_in(&mut Browser::new(&world), &email, "Grace", PASSWORD).await;
        assert_eq!(page.status, 200);
    }

    let page = fill_in(&mut Browser::new(&world), EMAIL, "Grace", PASSWORD).await;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("600")));
    assert!(page.text("[role=alert]").starts_with("There were too many attempts."));
    assert_eq!(page.form("#signup-submit").get("email"), Some(EMAIL));
    assert_eq!(world.take_mail().await.len(), 20);
}

#[tokio::test]
async fn somebody_who_is_signed_in_has_an_account() {
    let world = world().await;
    let joe = world.person("joe@example.com", &[]).await;
    let mut browser = Browser::of(&world, &joe).await;

    let answer = browser.get("/signup").await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/signup").await;
    let mut form = page.form("#signup-submit");
    for (name, value) in
        [("email", EMAIL), ("name", "G"), ("password", PASSWORD), ("password_repeat", PASSWORD)]
    {
        form.set(name, value);
    }
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    assert_eq!(world.audited("sign_up.request").await, 0);

    let letter = asked(&world, &mut browser).await;
    let page = browser.open(letter.link()).await;
    let form = page.form("#verify-submit");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    assert_eq!(world.audited("user.sign_up").await, 0);
}

#[tokio::test]
async fn a_link_that_is_not_ours_is_dead() {
    let world = world().await;
    let letter = asked(&world, &mut Browser::new(&world)).await;
    let (place, token) = letter.link().split_once("token=").unwrap();
    let mut browser = Browser::new(&world);

    for dead in ["", "x", &format!("{token}x"), &token[1..]] {
        let page = browser.open(&format!("{place}token={dead}")).await;
        assert_eq!((page.status, &*page.text("h1")), (400, "This link no longer works"), "{dead}");
    }
    // no link serves for another purpose
    let page = browser.open(&format!("/reset-password?token={token}")).await;
    assert_eq!(page.status, 400);
    let page = browser.open(&format!("/restore-email?token={token}")).await;
    assert_eq!(page.status, 400);
}
