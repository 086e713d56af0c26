//! `/signup` and the link that makes the account.

use chrono::TimeDelta;
use entity::sign_up;
use latchkey::{identity::users::NewUser, jobs::sweep};
use sea_orm::{EntityTrait, PaginatorTrait};
use uuid::Uuid;

use crate::support::{Browser, Letter, Page, Person, Tokens, World};

pub const EMAIL: &str = "grace@navy.example";
pub const PASSWORD: &str = "correct horse battery staple";

/// A server whose operator lets people sign up.
pub async fn world() -> World {
    World::with(|config| config.accounts.sign_up = true).await
}

/// The same behind a proxy that says where a browser is.
async fn behind_a_proxy() -> World {
    World::with(|config| {
        config.accounts.sign_up = true;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

pub fn grace() -> Person {
    Person { id: uuid::Uuid::nil(), username: EMAIL.to_owned(), password: PASSWORD.to_owned() }
}

/// Fills the form.
pub async fn fill_in(browser: &mut Browser, email: &str, name: &str, password: &str) -> Page {
    let page = browser.open("/signup").await;
    let fields =
        [("email", email), ("name", name), ("password", password), ("password_repeat", password)];
    browser.submit(&page, "#signup-submit", &fields).await
}

/// Signs Grace up in a browser, and takes the letter.
pub async fn asked(world: &World, browser: &mut Browser) -> Letter {
    let page = fill_in(browser, EMAIL, "Grace Hopper", PASSWORD).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Look into your mailbox"));
    let mut letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

async fn confirm(browser: &mut Browser, link: &str) -> Page {
    let page = browser.open(link).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Confirm your email address"));
    browser.submit(&page, "#verify-submit", &[]).await
}

#[tokio::test]
async fn somebody_signs_up_and_is_signed_in() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let letter = asked(&world, &mut browser).await;
    assert_eq!((&*letter.to, &*letter.subject), (EMAIL, "Confirm your email address"));
    assert!(letter.link().starts_with(&world.url("/verify-email?token=")), "{}", letter.link());

    let answer = confirm(&mut browser, letter.link()).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
    let page = browser.open("/settings/profile").await;
    assert_eq!(page.text(".who .break"), EMAIL);
    assert_eq!(page.form("#profile-submit").get("name"), Some("Grace Hopper"));
    assert!(page.text("main").contains("Confirmed"), "{}", page.text("main"));
    Browser::of(&world, &grace()).await;
    assert_eq!(world.audited("sign_up.request").await, 1);
    assert_eq!(world.audited("user.sign_up").await, 1);
    // the first sign-in of all is no news
    assert_eq!(world.take_mail().await, []);
}

#[tokio::test]
async fn a_new_user_owns_a_workspace() {
    let world = world().await;
    world.workspace("grace-hopper").await;
    let mut browser = Browser::new(&world);
    let letter = asked(&world, &mut browser).await;

    confirm(&mut browser, letter.link()).await;

    let page = browser.open("/settings/api-keys").await;
    assert!(page.text("main").contains("Workspace: Grace Hopper"), "{}", page.text("main"));
    assert!(
        page.text(".meter").contains("0 of 2 keys on the plan free"),
        "{}",
        page.text(".meter")
    );
    // the slug of another workspace stays that one's
    let place = page.body.split("/workspaces/grace-hopper-").nth(1).unwrap();
    assert!(place.split('/').next().unwrap().len() == 6, "{place}");
    let page = browser.open("/settings/profile").await;
    assert!(page.text("main").contains("OwnerGrace Hopper"), "{}", page.text("main"));
    assert_eq!(world.audited("workspace.create").await, 2);
}

#[tokio::test]
async fn the_sign_in_page_leads_there_and_back_to_the_app_that_waits() {
    let world = world().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let login = browser.open(&web.authorization().path()).await;
    let form = login.form("#login-submit");
    let request = form.get("request").unwrap().to_owned();
    let page = browser.open(&format!("/signup?request={request}")).await;
    assert!(login.body.contains(&format!("/signup?request={request}")), "{}", login.body);
    let fields = [
        ("email", EMAIL),
        ("name", "Grace"),
        ("password", PASSWORD),
        ("password_repeat", PASSWORD),
    ];
    browser.submit(&page, "#signup-submit", &fields).await;
    let letter = world.take_mail().await.remove(0);

    let answer = confirm(&mut browser, letter.link()).await;
    let page = browser.follow(answer).await;

    assert!(page.has("#consent-allow"), "{}", page.text("main"));
    let answer = browser.submit(&page, "#consent-allow", &[]).await;
    assert!(!answer.callback().code().is_empty());
}

/// A link alone does not prove that whoever follows it has chosen the password.
#[tokio::test]
async fn another_browser_must_know_the_password() {
    let world = world().await;
    let letter = asked(&world, &mut Browser::new(&world)).await;
    let mut other = Browser::new(&world);
    let page = other.open(letter.link()).await;

    for wrong in ["", "wrong password", &"x".repeat(2000)] {
        let answer = other.submit(&page, "#verify-submit", &[("password", wrong)]).await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert_eq!(answer.text(".problem"), "That is not the password that was chosen.");
        assert!(!answer.body.contains("wrong password"));
    }
    assert_eq!(world.audited("sign_up.fail").await, 3);
    let answer = other.submit(&page, "#verify-submit", &[("password", PASSWORD)]).await;

    assert_eq!(answer.status, 303);
    assert_eq!(other.open("/settings/profile").await.text(".who .break"), EMAIL);
}

#[tokio::test]
async fn guesses_at_the_password_of_a_link_are_throttled() {
    let world = world().await;
    let letter = asked(&world, &mut Browser::new(&world)).await;
    let mut other = Browser::new(&world);
    let page = other.open(letter.link()).await;
    for _ in 0..5 {
        other.submit(&page, "#verify-submit", &[("password", "wrong password")]).await;
    }

    let answer = other.submit(&page, "#verify-submit", &[("password", PASSWORD)]).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    world.clock.advance(TimeDelta::seconds(1));
    let answer = other.submit(&page, "#verify-submit", &[("password", PASSWORD)]).await;
    assert_eq!(answer.status, 303);
}

/// Mail scanners follow links.
#[tokio::test]
async fn looking_at_a_link_changes_nothing() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let letter = asked(&world, &mut browser).await;

    for _ in 0..3 {
        let page = Browser::new(&world).open(letter.link()).await;
        assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")));
    }

    assert_eq!(Browser::new(&world).sign_in(&grace()).await.status, 422);
    assert_eq!(confirm(&mut browser, letter.link()).await.status, 303);
}

#[tokio::test]
async fn without_the_link_there_is_no_account() {
    let world = world().await;
    let script = world.script().await;
    asked(&world, &mut Browser::new(&world)).await;

    assert_eq!(Browser::new(&world).sign_in(&grace()).await.status, 422);
    let refused = script.password(&grace()).await;
    let nobody = script.sign_in("nobody@navy.example", PASSWORD).await;
    assert_eq!(refused.shown(), nobody.shown());
    // and nobody is kept from making it
    let person = NewUser { username: EMAIL.to_owned(), ..NewUser::default() };
    let person = world.person_of(person).await;
    Tokens::of(&script.password(&person).await);
}

#[tokio::test]
async fn a_link_works_once_and_for_a_day() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let first = asked(&world, &mut browser).await;
    let page = browser.open(first.link()).await;
    assert_eq!(confirm(&mut browser, first.link()).await.status, 303);

    let again = browser.submit(&page, "#verify-submit", &[]).await;
    // the session is a new one, and the page's token is the old one's
    assert_eq!(again.status, 403);
    let again = browser.open(first.link()).await;
    assert_eq!((again.status, &*again.text("h1")), (400, "This link no longer works"));

    let mut late = Browser::new(&world);
    fill_in(&mut late, "late@navy.example", "Late", PASSWORD).await;
    let letter = world.take_mail().await.remove(0);
    world.clock.advance(TimeDelta::hours(24));
    assert_eq!(late.open(letter.link()).await.status, 400);
}

#[tokio::test]
async fn of_two_links_for_an_address_the_first_that_is_followed_counts() {
    let world = world().await;
    let mut one = Browser::new(&world);
    let mut two = Browser::new(&world);
    let first = asked(&world, &mut one).await;
    fill_in(&mut two, EMAIL, "Somebody else", "another password").await;
    let second = world.take_mail().await.remove(0);
    let page = one.open(first.link()).await;

    assert_eq!(confirm(&mut two, second.link()).await.status, 303);

    let answer = one.submit(&page, "#verify-submit", &[]).await;
    assert_eq!((answer.status, &*answer.text("h1")), (400, "This link no longer works"));
    assert_eq!(Browser::new(&world).sign_in(&grace()).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_sent_twice_at_once_makes_one_account() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let letter = asked(&world, &mut browser).await;
    let page = browser.open(letter.link()).await;
    let mut same = browser.copy();

    let (one, two) = tokio::join!(
        browser.submit(&page, "#verify-submit", &[]),
        same.submit(&page, "#verify-submit", &[])
    );

    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400]);
    assert_eq!(world.audited("user.sign_up").await, 1);
    assert_eq!(world.audited("workspace.create").await, 1);
}

/// From however many networks strangers ask, the table has a bound, and they take nobody's place but their own.
#[tokio::test]
async fn no_more_wait_than_there_may() {
    let world = behind_a_proxy().await;
    let mut early = Browser::new(&world).at_address("2001:db8:2:1::1");
    let letter = asked(&world, &mut early).await;
    for (number, network) in ["2001:db8:1:1::1", "2001:db8:1:2::1"].into_iter().enumerate() {
        let mut flood = Browser::new(&world).at_address(network);
        let email = format!("flood{number}@navy.example");
        assert_eq!(fill_in(&mut flood, &email, "Flood", PASSWORD).await.status, 200);
    }
    world.take_mail().await;
    let db = world.app.store.read();
    let rows = sign_up::Entity::find().all(db).await.unwrap();
    let mut flood: Vec<_> = rows.into_iter().filter(|row| row.email != EMAIL).collect();
    let (one, other) = (flood.pop().unwrap(), flood.pop().unwrap());
    assert_eq!(one.network_sha256, other.network_sha256, "a /48 is one holder's");
    let planted =
        (3..20_000).map(|number| sign_up::Model { id: Uuid::from_u128(number), ..one.clone() });
    world.rows::<sign_up::Entity>(planted.collect()).await;
    assert_eq!(sign_up::Entity::find().count(db).await.unwrap(), 20_000);

    let mut late = Browser::new(&world).at_address("198.51.100.7");
    let page = fill_in(&mut late, "late@navy.example", "Late", PASSWORD).await;

    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(sign_up::Entity::find().count(db).await.unwrap(), 20_000 - 200 + 1);
    let letters = world.take_mail().await;
    assert_eq!(confirm(&mut late, letters[0].link()).await.status, 303);
    assert_eq!(confirm(&mut early, letter.link()).await.status, 303);
}

/// Whoever has a /48 of IPv6 has 65,536 networks.
#[tokio::test]
async fn nobody_alone_keeps_others_from_signing_up() {
    let world = behind_a_proxy().await;
    world.count_of("sign-ups of 2001:db8:1::/48", 1_999).await;
    let at = |address| Browser::new(&world).at_address(address);

    asked(&world, &mut at("2001:db8:1:1::1")).await;

    for network in ["2001:db8:1:1::1", "2001:db8:1:2::1"] {
        let page = fill_in(&mut at(network), EMAIL, "Grace Hopper", PASSWORD).await;
        assert_eq!((page.status, page.header("retry-after")), (429, Some("600")), "{network}");
    }
    asked(&world, &mut at("2001:db8:2:1::1")).await;
    world.clock.advance(TimeDelta::hours(24));
    asked(&world, &mut at("2001:db8:1:2::1")).await;
}

#[tokio::test]
async fn a_sign_up_that_nobody_has_answered_goes() {
    let world = world().await;
    asked(&world, &mut Browser::new(&world)).await;
    let left = async || sign_up::Entity::find().count(world.app.store.read()).await.unwrap();
    world.clock.advance(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    sweep::run_once(&world.app).await.unwrap();
    assert_eq!(left().await, 1);

    world.clock.advance(TimeDelta::milliseconds(1));
    sweep::run_once(&world.app).await.unwrap();

    assert_eq!(left().await, 0);
}
