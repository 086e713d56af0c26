//! `POST /login/second-factor`: the code after the password.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    identity::users::{self, NewUser},
    workspaces::Membership,
};
use zeroize::Zeroizing;

use crate::support::{Browser, Page, Person, World, totp};

const SEED: &[u8] = b"12345678901234567890";

/// Tess, whose authenticator app has the seed.
async fn tess() -> (World, Person) {
    let world = World::new().await;
    let acme = world.acme().await;
    let membership = Membership { workspace_id: acme.workspace.id, role: Role::Member };
    let tess = world
        .person_of(NewUser {
            username: "acme/tess@acme.example".to_owned(),
            totp_seed: Some(Zeroizing::new(SEED.to_vec())),
            memberships: vec![membership],
            ..NewUser::default()
        })
        .await;
    (world, tess)
}

fn code(world: &World) -> String {
    totp(SEED, world.clock.unix())
}

async fn type_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, "#second-factor-submit", &[("code", code)]).await
}

#[tokio::test]
async fn the_code_is_asked_for_after_the_password_and_signs_in() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Enter your code"));
    assert!(page.has("input[name=code][inputmode=numeric][autocomplete=one-time-code]"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(browser.get("/settings/profile").await.status, 303, "half-way is not in");

    let answer = type_code(&mut browser, &page, &code(&world)).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
    assert_eq!(browser.get("/settings/profile").await.text(".who span"), tess.username);
    assert_eq!(world.audited("user.second_factor").await, 1);
    assert_eq!(world.audited("session.begin").await, 1);
}

#[tokio::test]
async fn the_gap_that_apps_show_may_be_typed() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    let code = code(&world);

    let answer = type_code(&mut browser, &page, &format!("{} {}", &code[..3], &code[3..])).await;

    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn the_neighbouring_codes_are_taken_and_no_others() {
    for (steps, is_taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let (world, tess) = tess().await;
        let mut browser = Browser::new(&world);
        let page = browser.sign_in(&tess).await;

        let code = totp(SEED, world.clock.unix() + 30 * steps);
        let answer = type_code(&mut browser, &page, &code).await;

        assert_eq!(answer.status, if is_taken { 303 } else { 422 }, "{steps}");
    }
}

#[tokio::test]
async fn an_interrupted_authorization_goes_on_after_the_code() {
    let (world, tess) = tess().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorization().path()).await;
    let page = browser.sign_in_on(&page, &tess).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9999;"), "{policy}");

    let answer = type_code(&mut browser, &page, &code(&world)).await;
    let page = browser.follow(answer).await;

    assert_eq!((page.url.path(), page.text("h1").as_str()), ("/oauth/consent", "Allow Web?"));
}

#[tokio::test]
async fn the_page_that_was_asked_for_is_reached_after_the_code() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/settings/security").await;
    let page = browser.sign_in_on(&page, &tess).await;

    let wrong = type_code(&mut browser, &page, "000000").await;
    let answer = type_code(&mut browser, &wrong, &code(&world)).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/security")));
    let badge = browser.get("/settings/security").await.text(".badge.good");
    assert_eq!(badge, "On");
}

#[tokio::test]
async fn a_forged_form_is_refused() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    let form = page.form("#second-factor-submit").with("code", &code(&world));

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;

    assert_eq!(browser.get("/settings/profile").await.status, 303);
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303, "it is not used up");
}

#[tokio::test]
async fn a_wrong_code_is_refused() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;

    for wrong in ["", "12345", "1234567", "abcdef", "１２３４５６", "000000\0"] {
        let answer = type_code(&mut browser, &page, wrong).await;

        if answer.status == 429 {
            world.clock.advance(TimeDelta::seconds(10));
            continue;
        }
        assert_eq!(answer.status, 422, "{wrong:?}");
        let text = "The code is not right. Codes change every 30 seconds and work once.";
        assert_eq!(answer.text("#code-problem"), text, "{wrong:?}");
    }
    assert_eq!(browser.get("/settings/profile").await.status, 303);
    assert!(world.audited("user.second_factor_failed").await >= 5);
    // the password that was right before is in the trail, though nobody is signed in
    assert_eq!(world.audited("user.second_factor_due").await, 1);
    assert_eq!(world.audited("session.begin").await, 0);
}

#[tokio::test]
async fn a_code_works_once() {
    let (world, tess) = tess().await;
    let code = code(&world);
    let mut first = Browser::new(&world);
    let page = first.sign_in(&tess).await;
    assert_eq!(type_code(&mut first, &page, &code).await.status, 303);
    let mut second = Browser::new(&world);
    let page = second.sign_in(&tess).await;

    let answer = type_code(&mut second, &page, &code).await;

    assert_eq!(answer.status, 422);
    world.clock.advance(TimeDelta::seconds(30));
    let next = totp(SEED, world.clock.unix());
    assert_eq!(type_code(&mut second, &page, &next).await.status, 303);
}

#[tokio::test]
async fn of_two_that_race_with_one_code_one_gets_in() {
    let (world, tess) = tess().await;
    let code = code(&world);
    let mut browsers = Vec::new();
    for _ in 0..4 {
        let mut browser = Browser::new(&world);
        let page = browser.sign_in(&tess).await;
        browsers.push((browser, page));
    }

    let attempts = browsers.iter_mut().map(|(browser, page)| type_code(browser, page, &code));
    let answers = futures_util::future::join_all(attempts).await;

    let in_count = answers.iter().filter(|answer| answer.status == 303).count();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(in_count, 1, "{statuses:?}");
}

#[tokio::test]
async fn codes_are_guessed_no_faster_than_passwords() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    for _ in 0..5 {
        assert_eq!(type_code(&mut browser, &page, "000000").await.status, 422);
    }

    let answer = type_code(&mut browser, &page, &code(&world)).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    let text = "There were too many attempts. Try again in 1 second.";
    assert_eq!(answer.text("#code-problem"), text);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(type_code(&mut browser, &page, &code(&world)).await.status, 303);
}

#[tokio::test]
async fn the_right_password_does_not_forget_wrong_codes() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    for _ in 0..5 {
        // whoever knows the password must not get fresh guesses by typing it again
        let page = browser.sign_in(&tess).await;
        assert_eq!(page.text("h1"), "Enter your code");
        assert_eq!(type_code(&mut browser, &page, "000000").await.status, 422);
    }

    let page = browser.sign_in(&tess).await;

    let answer = type_code(&mut browser, &page, &code(&world)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
}

/// Strangers, who do not know the password, reach its count and no other.
#[tokio::test]
async fn guesses_at_the_password_keep_nobody_from_their_code() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    let script = world.script().await;
    for _ in 0..5 {
        script.sign_in(&tess.username, "wrong").await.expect(400);
    }
    script.password(&tess).await.expect(429);

    assert_eq!(type_code(&mut browser, &page, &code(&world)).await.status, 303);
}

#[tokio::test]
async fn the_code_may_take_five_minutes() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    world.clock.advance(TimeDelta::minutes(5));

    let answer = type_code(&mut browser, &page, &code(&world)).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/login?notice=sign-in-expired")));
    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "That took too long. Sign in again.");
}

#[tokio::test]
async fn the_second_step_belongs_to_the_browser_of_the_first() {
    let (world, tess) = tess().await;
    let stolen = Browser::new(&world).sign_in(&tess).await;
    let stolen = stolen.form("form").get("pending").unwrap().to_owned();
    let mut thief = Browser::new(&world);
    let page = thief.open("/login").await;
    let mut form = page.form("form");
    form.action = "/login/second-factor".to_owned();
    form.fields.push(("pending".to_owned(), stolen));
    form.fields.push(("code".to_owned(), code(&world)));

    let answer = thief.send_form(&page.url, &form).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/login?notice=sign-in-expired")));
    assert_eq!(thief.get("/settings/profile").await.status, 303);
}

#[tokio::test]
async fn an_altered_step_leads_back_to_the_beginning() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    let pending = page.form("form").get("pending").unwrap().to_owned();
    let (head, signature) = pending.rsplit_once('.').unwrap();

    for altered in
        ["", "x", head, &format!("{head}."), &format!("{head}.{}", signature.to_lowercase())]
    {
        let mut form = page.form("form").with("code", &code(&world));
        form.set("pending", altered);
        let answer = browser.send_form(&page.url, &form).await;

        let login = "/login?notice=sign-in-expired";
        assert_eq!((answer.status, answer.location()), (303, Some(login)), "{altered}");
    }
}

#[tokio::test]
async fn a_user_who_was_disabled_in_between_does_not_get_in() {
    let (world, tess) = tess().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&tess).await;
    users::disable(&world.app, Actor::Operator, tess.id).await.unwrap();

    let answer = type_code(&mut browser, &page, &code(&world)).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/login?notice=sign-in-expired")));
}

#[tokio::test]
async fn a_second_factor_does_not_help_a_wrong_password() {
    let (world, tess) = tess().await;
    let wrong = Person { password: "wrong".to_owned(), ..tess };

    let page = Browser::new(&world).sign_in(&wrong).await;

    assert_eq!(page.status, 422);
    assert_eq!(page.text("#login-problem"), "The username or the password is not right.");
}
