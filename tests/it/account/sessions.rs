//! `/settings/sessions`: where one is signed in, and signing out there.

use chrono::TimeDelta;
use entity::browser_session;
use latchkey::store;
use sea_orm::EntityTrait;

use crate::support::{Acme, ApiCaller, Browser, Tokens, World};

const PATH: &str = "/settings/sessions";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

async fn ada() -> (World, Acme, Browser) {
    let (world, acme) = World::of_acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

/// Ada in another browser, a minute later.
async fn elsewhere(world: &World, acme: &Acme) -> Browser {
    world.clock.advance(TimeDelta::minutes(1));
    let mut other = Browser::new(world).calling_itself(FIREFOX);
    other.sign_in(&acme.ada).await;
    other
}

#[tokio::test]
async fn every_browser_is_listed_in_words() {
    let (world, acme, mut browser) = ada().await;
    let _other = elsewhere(&world, &acme).await;

    let page = browser.open(PATH).await;

    assert_eq!(page.text("h1"), "Where you are signed in");
    let rows = page.texts("tbody tr");
    assert_eq!(rows.len(), 2, "{rows:?}");
    let expected =
        "Mozilla/5.0 (tests) This browser 127.0.0.1 5 Mar 2027 5 March 2027, 10:28 UTC Sign out";
    assert_eq!(rows[0], expected);
    let expected = "Firefox on Linux 127.0.0.1 5 Mar 2027 5 March 2027, 10:28 UTC Sign out";
    assert_eq!(rows[1], expected);
    assert_eq!(page.text("nav.tabs a[aria-current=page]"), "Sessions");
}

#[tokio::test]
async fn a_browser_is_signed_out_from_another() {
    let (world, acme, mut browser) = ada().await;
    let mut other = elsewhere(&world, &acme).await;
    let node = world.another_node().await;
    let mut there = other.at(&node);
    let page = browser.open(PATH).await;

    let answer = browser.submit(&page, "tbody form", &[]).await;

    let place = "/settings/sessions?notice=session-ended";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    assert_eq!(browser.follow(answer).await.text(".flash"), "That browser is signed out.");
    assert_eq!(other.get(PATH).await.status, 303);
    assert_eq!(there.get(PATH).await.status, 303);
    assert_eq!(browser.open(PATH).await.texts("tbody tr").len(), 1);
    assert_eq!(world.audited("session.end").await, 1);
    // sending it twice ends where sending it once does
    assert_eq!(browser.submit(&page, "tbody form", &[]).await.status, 303);
    assert_eq!(world.audited("session.end").await, 1);
}

#[tokio::test]
async fn every_other_browser_is_signed_out_after_a_question() {
    let (world, acme, mut browser) = ada().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let mut others = [elsewhere(&world, &acme).await, elsewhere(&world, &acme).await];
    let page = browser.open("/settings/sessions/end-others").await;
    assert_eq!(page.text("h1"), "Sign out everywhere else?");
    assert_eq!(page.texts("ul.plain li").len(), 2);
    assert_eq!(others[0].get(PATH).await.status, 200, "a question changes nothing");

    let answer = browser.submit(&page, "#end-others-confirm", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "Every other browser is signed out.");
    assert_eq!((page.texts("tbody tr").len(), page.has("#end-others")), (1, false));
    for other in &mut others {
        assert_eq!(other.get(PATH).await.status, 303);
    }
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    assert_eq!(world.audited("session.end_others").await, 1);
    let page = browser.open("/settings/sessions/end-others").await;
    assert!(page.text("main").contains("this browser alone"));
}

#[tokio::test]
async fn what_is_at_an_end_is_not_listed() {
    let (world, acme, mut browser) = ada().await;
    let mut out = elsewhere(&world, &acme).await;
    let page = out.open("/oauth/logout").await;
    out.submit(&page, "#logout-confirm", &[]).await;
    let _idle = elsewhere(&world, &acme).await;
    for _ in 0..3 {
        world.clock.advance(TimeDelta::hours(10));
        browser.get(PATH).await;
    }

    assert_eq!(browser.open(PATH).await.texts("tbody tr").len(), 1);
}

#[tokio::test]
async fn another_users_session_is_nobodys() {
    let (world, _, mut browser) = ada().await;
    let eve = world.person("eve@evil.example", &[]).await;
    let mut thief = Browser::of(&world, &eve).await;
    let sessions = browser_session::Entity::find().all(world.app.store.read()).await.unwrap();
    let adas = sessions.iter().find(|session| session.user_id != eve.id).unwrap();
    let _other = Browser::of(&world, &eve).await;
    let page = thief.open(PATH).await;
    assert_eq!(page.texts("tbody tr").len(), 2);

    let form = page.form("tbody form").with("session", &adas.id.to_string());
    assert_eq!(thief.send_form(&page.url, &form).await.status, 303);

    assert_eq!(browser.get(PATH).await.status, 200);
    for garbage in ["", "x", "<b>"] {
        let form = form.with("session", garbage);
        assert_eq!(thief.send_form(&page.url, &form).await.status, 404, "{garbage}");
    }
}

#[tokio::test]
async fn the_page_says_nothing_of_cookies() {
    let (world, acme, mut browser) = ada().await;
    let other = elsewhere(&world, &acme).await;

    let page = browser.open(PATH).await;

    let sessions = browser_session::Entity::find().all(world.app.store.read()).await.unwrap();
    for session in sessions {
        assert!(!page.body.contains(&latchkey::crypto::digest::hex(&session.cookie_sha256)));
    }
    for cookie in browser.cookies().values().chain(other.cookies().values()) {
        assert!(!page.body.contains(cookie.as_str()));
    }
}

#[tokio::test]
async fn a_name_of_a_browser_is_no_markup() {
    let (world, acme, mut browser) = ada().await;
    let mut odd = Browser::new(&world).calling_itself("<script>\u{202e}\"'");
    odd.sign_in(&acme.ada).await;

    let page = browser.open(PATH).await;

    assert!(!page.body.contains("<script>"), "{}", page.body);
    assert_eq!(page.texts("tbody tr").len(), 2);
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused() {
    let (world, acme, mut browser) = ada().await;
    let mut other = elsewhere(&world, &acme).await;
    let page = browser.open(PATH).await;
    let form = page.form("tbody form");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    let page = browser.open("/settings/sessions/end-others").await;
    let form = page.form("#end-others-confirm");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    assert_eq!(other.get(PATH).await.status, 200);
}

/// Whoever has more than are listed is told so, and ends them all.
#[tokio::test]
async fn more_sessions_than_are_listed_are_counted_and_ended() {
    let (world, _, mut browser) = ada().await;
    let db = world.app.store.read();
    let model = browser_session::Entity::find().one(db).await.unwrap().unwrap();
    let later = store::instant(world.app.now() + TimeDelta::minutes(1));
    let row = |number: u32| browser_session::Model {
        cookie_sha256: [number.to_be_bytes().to_vec(), vec![7; 28]].concat(),
        id: world.app.random.uuid(world.app.now()),
        last_seen_at: later,
        ..model.clone()
    };
    world.rows::<browser_session::Entity>((0..230).map(row).collect()).await;

    let page = browser.open(PATH).await;

    // all others were used later, and this one is shown all the same
    assert!(page.texts("tbody tr")[0].contains("This browser"));
    assert_eq!(page.texts("tbody tr").len(), 101);
    assert!(page.text("#more-sessions").contains("There are 130 more"), "{}", page.body);
    let question = browser.get(&page.link("#more-sessions a")).await;
    assert_eq!(question.text("#more-sessions"), "and 130 more");
    browser.submit(&question, "#end-others-confirm", &[]).await;
    assert_eq!(browser.open(PATH).await.texts("tbody tr").len(), 1);
    assert_eq!(browser_session::Entity::find().all(db).await.unwrap().len(), 1);
}
