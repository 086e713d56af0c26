//! `/confirm`: proving oneself again, and what asks for it.

use chrono::TimeDelta;
use entity::browser_session::Entity as Session;
use latchkey::identity::users::NewUser;
use sea_orm::EntityTrait;

use crate::support::{Acme, Authenticator, Browser, Page, Person, World};

const TOTP: &str = "/settings/security/totp";

/// Ada, who signed in a quarter of an hour ago.
async fn ada() -> (World, Acme, Browser) {
    let (world, acme) = World::of_acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::minutes(15));
    (world, acme, browser)
}

async fn amr(world: &World) -> Vec<String> {
    let rows = Session::find().all(world.app.store.read()).await.unwrap();
    rows.into_iter().map(|row| row.amr).collect()
}

/// The answer to a form that comes too late: the way to its own page.
#[track_caller]
fn late_leads_to_confirm(answer: &Page, page: &str) {
    leads_to_confirm(answer, &format!("{page}&late=yes"));
}

#[track_caller]
fn leads_to_confirm(answer: &Page, next: &str) {
    let place = format!("/confirm?next={next}");
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)), "{}", answer.url);
}

#[tokio::test]
async fn a_sign_in_counts_for_15_minutes_and_the_password_for_15_more() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::minutes(15) - TimeDelta::milliseconds(1));
    assert_eq!(browser.get(TOTP).await.status, 200);
    world.clock.advance(TimeDelta::milliseconds(1));
    let answer = browser.get(TOTP).await;
    leads_to_confirm(&answer, TOTP);
    let page = browser.follow(answer).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Confirm that it is you"));
    assert!(page.has("input[type=password][autocomplete=current-password]"));
    let mut thief = browser.copy();

    let answer = browser.confirm_on(&page, &acme.ada).await;

    assert_eq!((answer.status, answer.location()), (303, Some(TOTP)));
    assert_eq!(browser.follow(answer).await.status, 200);
    assert_eq!(thief.get("/settings/profile").await.status, 303, "the old cookie is nobody's");
    assert_eq!(world.audited("session.confirm").await, 1);
    world.clock.advance(TimeDelta::minutes(15));
    leads_to_confirm(&browser.get(TOTP).await, TOTP);
    assert_eq!(browser.get("/settings/profile").await.status, 200, "she is still signed in");
}

#[tokio::test]
async fn everything_that_changes_second_factors_or_keys_asks_for_it() {
    let (world, acme, mut browser) = ada().await;
    let id = uuid::Uuid::nil();
    let keys = "/workspaces/acme/settings/keys";

    for path in [
        TOTP.to_owned(),
        format!("{TOTP}/off"),
        "/settings/security/recovery-codes".to_owned(),
        "/settings/security/passkeys/new".to_owned(),
        format!("/settings/security/passkeys/{id}/remove"),
        format!("{keys}/new"),
        format!("{keys}/{id}/rotate"),
        format!("{keys}/{id}/delete"),
    ] {
        leads_to_confirm(&browser.get(&path).await, &path);
    }
    let token = browser.get("/settings/security").await.form("#change-password-submit");
    for (path, page) in [
        (TOTP.to_owned(), TOTP.to_owned()),
        (format!("{TOTP}/off"), format!("{TOTP}/off")),
        (
            "/settings/security/recovery-codes".to_owned(),
            "/settings/security/recovery-codes".to_owned(),
        ),
        (keys.to_owned(), format!("{keys}/new")),
        (format!("{keys}/{id}/rotate"), format!("{keys}/{id}/rotate")),
        (format!("{keys}/{id}/delete"), format!("{keys}/{id}/delete")),
    ] {
        let mut form = token.without("password").without("current_password");
        form.action = path;
        late_leads_to_confirm(&browser.send_form(&token_page(&world), &form).await, &page);
    }
    for path in ["/settings/security", "/settings/connected-apps", keys] {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }
    drop(acme);
}

fn token_page(world: &World) -> url::Url {
    world.url("/settings/security").parse().unwrap()
}

#[tokio::test]
async fn every_change_by_an_administrator_asks_for_it() {
    let world = World::new().await;
    let admin =
        NewUser { username: "root@example.com".into(), is_admin: true, ..NewUser::default() };
    let admin = world.person_of(admin).await;
    let mut browser = Browser::of(&world, &admin).await;
    let web = world.web().await;
    let form = browser.get("/admin/new-client").await.form("main form");
    world.clock.advance(TimeDelta::minutes(15));
    let client = format!("/admin/clients/{}", web.id);

    for path in ["/admin/clients", &client] {
        assert_eq!(browser.get(path).await.status, 200, "looking is free");
    }
    for path in ["/admin/new-client".to_owned(), format!("{client}/rotate-secret")] {
        leads_to_confirm(&browser.get(&path).await, &path);
    }
    for end in ["", "/rotate-secret", "/disable", "/enable"] {
        let mut form = form.clone();
        form.action =
            if end.is_empty() { "/admin/clients".into() } else { format!("{client}{end}") };
        let answer = browser.send_form(&token_page(&world), &form).await;
        let page = match end {
            "" => "/admin/new-client".to_owned(),
            // what has a page of its own is asked there
            "/rotate-secret" | "/disable" => format!("{client}{end}"),
            _ => client.clone(),
        };
        late_leads_to_confirm(&answer, &page);
    }
    // who is no administrator is not told that there is anything to confirm
    let joe = world.person("joe@example.com", &[]).await;
    let mut browser = Browser::of(&world, &joe).await;
    world.clock.advance(TimeDelta::minutes(15));
    assert_eq!(browser.get("/admin/new-client").await.status, 404);
}

/// The form has the password, which is all that others have.
#[tokio::test]
async fn another_address_takes_more_than_the_password_from_who_has_a_second_factor() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    browser.enrol_totp(&world).await;
    world.clock.advance(TimeDelta::minutes(15));
    let page = browser.get("/settings/profile").await;
    let fields = [("email", "new@acme.example"), ("current_password", &*acme.ada.password)];

    let answer = browser.submit(&page, "#change-email-submit", &fields).await;

    late_leads_to_confirm(&answer, "/settings/profile");
    let page = browser.follow(answer).await;
    assert!(page.text("#form-late").contains("nothing was done"));
    assert_eq!(world.audited("email.request_change").await, 0);
}

#[tokio::test]
async fn who_has_proved_it_is_not_asked() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    for (asked, place) in [
        (format!("/confirm?next={TOTP}"), TOTP),
        ("/confirm".to_owned(), "/settings/connected-apps"),
        ("/confirm?next=https://evil.example".to_owned(), "/settings/connected-apps"),
        ("/confirm?next=//evil.example/settings/".to_owned(), "/settings/connected-apps"),
    ] {
        let answer = browser.get(&asked).await;
        assert_eq!((answer.status, answer.location()), (303, Some(place)), "{asked}");
    }
    assert_eq!(Browser::new(&world).get("/confirm").await.location(), Some("/login"));
}

#[tokio::test]
async fn a_forged_form_is_refused() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.get("/confirm").await;
    let form = page.form("#confirm-submit").with("password", &acme.ada.password);

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    leads_to_confirm(&browser.get(TOTP).await, TOTP);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_counted() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.open(TOTP).await;
    let wrong = Person { password: "wrong".into(), ..acme.ada.clone() };
    for _ in 0..5 {
        let answer = browser.confirm_on(&page, &wrong).await;
        let problem = "The password is not right.";
        assert_eq!((answer.status, &*answer.text("#password-problem")), (422, problem));
        assert!(!answer.body.contains("value=\"wrong\""));
        assert_eq!(answer.form("#confirm-submit").get("next"), Some(TOTP), "where she was going");
    }

    let answer = browser.confirm_on(&page, &acme.ada).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    assert_eq!(Browser::new(&world).sign_in(&acme.ada).await.status, 429, "one throttle");
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(browser.confirm_on(&page, &acme.ada).await.status, 303);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_ends_in_one_session() {
    let (_world, acme, mut browser) = ada().await;
    let page = browser.open(TOTP).await;
    let mut other = browser.copy();

    let answers =
        tokio::join!(browser.confirm_on(&page, &acme.ada), other.confirm_on(&page, &acme.ada));

    let places = [answers.0.location(), answers.1.location()];
    assert!(places.contains(&Some(TOTP)), "{places:?}");
    let mut alive = 0;
    for browser in [&mut browser, &mut other] {
        alive += usize::from(browser.get("/settings/profile").await.status == 200);
    }
    assert_eq!(alive, 1);
}

#[tokio::test]
async fn after_the_password_comes_the_second_factor() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let (seed, _) = browser.enrol_totp(&world).await;
    world.clock.advance(TimeDelta::minutes(15));
    let off = format!("{TOTP}/off");
    let page = browser.open(&off).await;
    let page = browser.confirm_on(&page, &acme.ada).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Enter your code"));
    leads_to_confirm(&browser.get(&off).await, &off);
    let form = page.form("#second-factor-submit").with("code", &world.code(&seed));
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    let wrong = browser.send_form(&page.url, &form.with("code", "000000")).await;
    assert_eq!((wrong.status, wrong.has("#code-problem")), (422, true));

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, answer.location()), (303, Some(&*off)));
    assert_eq!(browser.get(&off).await.status, 200);
    // the code is used up at every door
    let mut another = Browser::new(&world);
    let page = another.sign_in(&acme.ada).await;
    let code = world.code(&seed);
    let again = another.submit(&page, "#second-factor-submit", &[("code", &code)]).await;
    assert_eq!(again.status, 422);
}

#[tokio::test]
async fn the_second_step_of_one_door_opens_no_other() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let (seed, _) = browser.enrol_totp(&world).await;
    world.clock.advance(TimeDelta::minutes(15));
    // half of a sign-in, in the browser that is signed in
    let page = browser.get("/confirm").await;
    let page = browser.confirm_on(&page, &acme.ada).await;
    let mut form = page.form("#second-factor-submit").with("code", &world.code(&seed));
    form.action = "/login/second-factor".into();

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/login?notice=sign-in-expired")));
}

#[tokio::test]
async fn a_passkey_is_enough() {
    let world = World::at_localhost().await;
    let acme = world.acme().await;
    let mut device = Authenticator::new(&world);
    let mut browser = Browser::of(&world, &acme.ada).await;
    browser.add_passkey(&mut device, "Phone").await;
    world.clock.advance(TimeDelta::minutes(15));
    let page = browser.open(TOTP).await;
    let form = device.fill(&page, "#passkey-confirm");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    let garbage = browser.send_form(&page.url, &form.with("credential", "{}")).await;
    assert_eq!((garbage.status, garbage.has("#credential-problem")), (422, true));

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, answer.location()), (303, Some(TOTP)));
    assert_eq!(amr(&world).await, ["pwd pop mfa"]);
    assert_eq!(browser.follow(answer).await.status, 200);
}

#[tokio::test]
async fn a_session_knows_by_what_its_user_signed_in() {
    let world = World::at_localhost().await;
    let acme = world.acme().await;
    let mut device = Authenticator::new(&world);
    let mut browser = Browser::of(&world, &acme.ada).await;
    assert_eq!(amr(&world).await, ["pwd"]);
    let (seed, _) = browser.enrol_totp(&world).await;
    browser.add_passkey(&mut device, "Phone").await;

    let mut second = Browser::new(&world);
    let page = second.sign_in(&acme.ada).await;
    let code = world.next_code(&seed);
    second.submit(&page, "#second-factor-submit", &[("code", &code)]).await;
    let mut third = Browser::new(&world);
    let page = third.open("/login").await;
    let form = device.fill(&page, "#passkey-sign-in");
    third.send_form(&page.url, &form).await;

    let mut all = amr(&world).await;
    all.sort();
    assert_eq!(all, ["pop mfa", "pwd", "pwd otp mfa"]);
}

#[tokio::test]
async fn a_change_of_password_proves_no_more_than_before() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    browser.enrol_totp(&world).await;
    world.clock.advance(TimeDelta::minutes(15));
    let page = browser.get("/settings/security").await;
    let new = "correct horse battery staple";
    let fields =
        [("current_password", &*acme.ada.password), ("password", new), ("password_repeat", new)];

    let answer = browser.submit(&page, "#change-password-submit", &fields).await;

    assert_eq!(answer.location(), Some("/settings/security?notice=password-changed"));
    let off = format!("{TOTP}/off");
    leads_to_confirm(&browser.get(&off).await, &off);
}

/// Who does not want to prove anything goes on reading.
#[tokio::test]
async fn not_now_leads_back_to_where_one_came_from() {
    let (_world, _, mut browser) = ada().await;
    for (asked, back) in [
        (format!("/confirm?next={TOTP}/off"), "/settings/security"),
        (
            "/confirm?next=/workspaces/acme/settings/keys/new".to_owned(),
            "/workspaces/acme/settings/keys",
        ),
        ("/confirm?next=/admin/clients/1/edit".to_owned(), "/admin/clients/1"),
        ("/confirm".to_owned(), "/settings/connected-apps"),
        ("/confirm?next=//evil.example/settings/".to_owned(), "/settings/connected-apps"),
        ("/confirm?next=/settings/%2f%2fevil.example".to_owned(), "/settings/connected-apps"),
    ] {
        assert_eq!(browser.get(&asked).await.link("#not-now"), back, "{asked}");
    }
}

/// The id of such a client is an address, which a path has encoded.
#[tokio::test]
async fn the_page_of_an_app_that_is_named_by_an_address_is_come_back_to() {
    let (world, acme) = World::of_acme().await;
    let path = "/workspaces/acme/settings/apps/https%3A%2F%2Fapp.example%2Fclient.json";
    let mut browser = Browser::new(&world);
    let login = browser.get(path).await;
    assert!(login.location().unwrap().starts_with("/login?next="), "{:?}", login.location());
    let page = browser.follow(login).await;

    let fields = [("username", &*acme.ada.username), ("password", &*acme.ada.password)];
    let answer = browser.submit(&page, "#login-submit", &fields).await;

    assert_eq!(answer.location(), Some(path));
}
