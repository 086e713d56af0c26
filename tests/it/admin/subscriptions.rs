//! `/admin/subscriptions`: accounts that are enabled for API access; their keys are seen by nobody.

use chrono::TimeDelta;
use entity::{enterprise, subscription};
use latchkey::{crypto::digest, workspaces::Account};
use sea_orm::EntityTrait;

use super::clients::{admin, pages_of};
use crate::support::{Browser, Letter, Subscriber, World};

const PAGE: &str = "/admin/subscriptions";
const GATED: &str = "/comms/v1/api/comms/status";

fn key_in(letter: &Letter) -> String {
    let mut words = letter.text.split_whitespace();
    words.find(|word| word.starts_with("lk_sk_")).expect("a key").to_owned()
}

/// Ada's enterprise, enabled on the page; the path of its subscription, and its key from the letter.
async fn enabled() -> (World, Browser, String, String, Subscriber) {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let page = browser.get(PAGE).await;
    let answer = browser.submit(&page, "#enable-account-submit", &[("account", "ACME")]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, Some("/admin/subscriptions?notice=subscription-opened"))
    );
    let list = browser.follow(answer).await;
    let letters = world.take_mail().await;
    assert_eq!((letters.len(), &*letters[0].to), (1, "ada@acme.example"));
    let key = key_in(&letters[0]);
    assert!(!list.body.contains(&key));
    assert_eq!(list.texts("tbody strong"), ["acme"]);
    let enterprise = acme.workspace.enterprise_id.unwrap();
    world.allow_comms(Account::Enterprise(enterprise)).await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;
    let caller = Subscriber::new(&world, &bearer, &key);
    caller.get(GATED).await.expect(200);
    let path = list.attribute("tbody a", "href");
    (world, browser, path, key, caller)
}

#[tokio::test]
async fn a_key_is_replaced_with_the_overlap_that_was_chosen() {
    let (world, mut browser, path, old, caller) = enabled().await;
    let page = browser.get(&path).await;
    assert_eq!((&*page.text("h1"), page.body.contains(&old)), ("acme", false));

    let answer = browser.submit(&page, "#rotate-subscription-submit", &[("overlap", "3600")]).await;

    let page = browser.follow(answer).await;
    assert!(page.texts("dl.facts dd")[3].starts_with("works until"));
    let letter = &world.take_mail().await[0];
    assert_eq!(letter.subject, "Your new subscription key");
    let new = key_in(letter);
    assert!(new != old && !page.body.contains(&new));
    caller.get(GATED).await.expect(200);
    caller.with_keys(&[&new]).get(GATED).await.expect(200);
    world.clock.advance(TimeDelta::hours(1));
    caller.get(GATED).await.expect(403);
    caller.with_keys(&[&new]).get(GATED).await.expect(200);
    assert_eq!(world.audited("subscription.rotate").await, 1);
}

#[tokio::test]
async fn a_key_is_suspended_and_resumed() {
    let (world, mut browser, path, _, caller) = enabled().await;
    let page = browser.get(&path).await;

    let question = browser.get(&page.link("#suspend-subscription")).await;
    assert_eq!(question.text("h1"), "Suspend acme?");
    let points = question.texts("main li");
    assert!(points[0].starts_with("Refused at once: every request of the account"), "{points:?}");
    assert_eq!(points[2], "Concerned: 1 user.");
    caller.get(GATED).await.expect(200);
    let answer = browser.submit(&question, "#confirm", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".heading .badge"), "Suspended");
    caller.get(GATED).await.expect(403);
    let answer = browser.submit(&page, "#switch-subscription", &[]).await;
    assert_eq!(browser.follow(answer).await.text(".flash"), "The subscription key works again.");
    caller.get(GATED).await.expect(200);
    for action in ["subscription.suspend", "subscription.resume"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn a_user_is_enabled_and_found() {
    let (world, mut browser, ..) = enabled().await;
    world.person("joe@example.com", &[]).await;
    let page = browser.get(PAGE).await;

    browser.submit(&page, "#enable-account-submit", &[("account", "Joe@example.com")]).await;

    assert_eq!(world.take_mail().await[0].to, "joe@example.com");
    for (typed, found) in [("JOE", "joe@example.com"), ("acm", "acme")] {
        let page = browser.get(&format!("{PAGE}?q={typed}")).await;
        assert_eq!(page.texts("tbody strong"), [found]);
    }
}

#[tokio::test]
async fn accounts_are_gone_through_page_by_page_with_the_search_kept() {
    let (world, mut browser, ..) = enabled().await;
    let read = world.app.store.read();
    let one = subscription::Entity::find().one(read).await.unwrap().unwrap();
    let realm = enterprise::Entity::find().one(read).await.unwrap().unwrap();
    let id = |number: u32| uuid::Uuid::from_u128(number.into());
    let name = |number: u32| format!("realm{number:03}");
    let realms = (0..120).map(|number| enterprise::Model {
        id: id(number),
        pin: name(number),
        name: name(number),
        ..realm.clone()
    });
    world.rows::<enterprise::Entity>(realms.collect()).await;
    let keys = (0..120_u32).map(|number| subscription::Model {
        id: id(number),
        enterprise_id: Some(id(number)),
        key_sha256: digest::sha256(&number.to_be_bytes()),
        ..one.clone()
    });
    world.rows::<subscription::Entity>(keys.collect()).await;

    let found = pages_of(&mut browser, &format!("{PAGE}?q=realm")).await;
    let all = pages_of(&mut browser, PAGE).await;

    let sizes = |pages: &[Vec<String>]| pages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!((sizes(&found), sizes(&all)), (vec![50, 50, 20], vec![50, 50, 21]));
    let mut names = found.concat();
    names.sort();
    assert_eq!(names, (0..120).map(name).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_enabled_is_marked_and_kept() {
    let (world, mut browser, ..) = enabled().await;
    world.enterprise("empty").await;
    let page = browser.get(PAGE).await;

    for (typed, words) in [
        ("acme", "The account has API access already."),
        ("nobody", "The account does not exist."),
        ("nobody@x.example", "The account does not exist."),
        ("a\0b", "The account does not exist."),
        ("", "The account does not exist."),
        (
            "empty",
            "The account has nobody to mail the key to: give one of its users a workspace of it \
             first.",
        ),
    ] {
        let answer = browser.submit(&page, "#enable-account-submit", &[("account", typed)]).await;
        assert_eq!((answer.status, answer.text("#account-problem")), (422, words.to_owned()));
        let form = answer.form("#enable-account-submit");
        // a page has no NUL, whatever was typed
        assert_eq!(form.get("account").unwrap_or_default(), typed.replace('\0', "\u{fffd}"));
    }
    assert_eq!(world.audited("subscription.open").await, 1);
}

#[tokio::test]
async fn an_overlap_that_is_none_is_refused() {
    let (world, mut browser, path, ..) = enabled().await;
    let page = browser.get(&path).await;

    for overlap in ["-1", "2592001", "soon", "9999999999999999999"] {
        let answer =
            browser.submit(&page, "#rotate-subscription-submit", &[("overlap", overlap)]).await;
        assert_eq!(answer.status, 422, "{overlap}");
        assert_eq!(answer.text("#overlap-problem"), "The time must be at most 30 days.");
    }
    assert_eq!(world.audited("subscription.rotate").await, 0);
}

#[tokio::test]
async fn to_everybody_else_there_is_nothing() {
    let (world, mut browser, path, ..) = enabled().await;
    let ben = world.person("ben@example.com", &[]).await;
    let mut bens = Browser::of(&world, &ben).await;

    for path in [PAGE, &path] {
        assert_eq!(bens.get(path).await.status, 404, "{path}");
        assert_eq!(Browser::new(&world).get(path).await.status, 303, "{path}");
    }
    for id in ["x", "%00", &uuid::Uuid::nil().to_string()] {
        assert_eq!(browser.get(&format!("{PAGE}/{id}")).await.status, 404, "{id}");
    }
    let list = browser.get(PAGE).await;
    let one = browser.get(&path).await;
    let question = browser.get(&format!("{path}/suspend")).await;
    for (page, button, allow) in [
        (&list, "#enable-account-submit", "GET, HEAD, POST"),
        (&question, "#confirm", "GET, HEAD, POST"),
        (&one, "#rotate-subscription-submit", "POST"),
    ] {
        let form = page.form(button);
        world.refuses_forgeries(&mut browser, page, &form).await;
        world.answers_only_to(allow, &mut browser, (page, &form)).await;
        world.asks_strangers_to_sign_in(page, &form).await;
    }
    assert_eq!(world.audited("subscription.suspend").await, 0);
}
