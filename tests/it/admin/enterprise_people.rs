//! `/admin/enterprises/{pin}/people`: who belongs to a realm, and who of them is verified (KYC).

use entity::user;

use super::clients::admin;
use crate::support::{Browser, World};

const PATH: &str = "/admin/enterprises/acme/people";

/// `acme` with Ada, and another realm whose PIN ends like its.
async fn realms() -> (World, Browser) {
    let (world, _, browser) = admin().await;
    world.acme().await;
    world.enterprise("bigacme").await;
    world.person("bigacme/bob@big.example", &[]).await;
    world.person("joe@example.com", &[]).await;
    (world, browser)
}

#[tokio::test]
async fn the_people_of_a_realm_are_listed_and_nobody_else() {
    let (_world, mut browser) = realms().await;
    let enterprise = browser.get("/admin/enterprises/acme").await;

    let page = browser.get(&enterprise.link("#people")).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "People of acme"));
    assert_eq!(page.texts("tbody strong"), ["acme/ada@acme.example"]);
    assert!(page.text("#counts").starts_with("1 in all, 0 verified (KYC)."));
    assert_eq!(page.texts("tbody td")[1..4], ["ada@acme.example", "Not verified", "Not allowed"]);
    assert_eq!(page.texts("nav.tabs a[aria-current=page]"), ["Enterprises"]);
}

#[tokio::test]
async fn somebody_is_verified_and_unverified_where_they_are_listed() {
    let (world, mut browser) = realms().await;
    let page = browser.get(&format!("{PATH}?q=ADA")).await;

    let answer = browser.submit(&page, "td.does button", &[]).await;

    let place = format!("{PATH}?q=ADA&notice=user-verified");
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
    let verified = browser.follow(answer).await;
    assert_eq!(verified.text(".flash"), "The account is verified.");
    assert_eq!(verified.text("td[data-label=Verified] .badge.good"), "Verified");
    assert_eq!(browser.get("/admin/enterprises/acme").await.texts("dl.facts dd")[3], "1 of 1");
    let again = browser.submit(&page, "td.does button", &[]).await;
    assert_eq!(
        browser.follow(again).await.text(".flash"),
        "It was so already. Nothing was changed."
    );
    let answer = browser.submit(&verified, "td.does button", &[]).await;
    assert_eq!(browser.follow(answer).await.text(".badge"), "Not verified");
    for action in ["user.verify", "user.unverify"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn a_large_realm_is_gone_through_page_by_page() {
    let (world, mut browser) = realms().await;
    let users = &world.app.store;
    let someone = latchkey::store::users::find_by_username(users.read(), "acme/ada@acme.example");
    let someone = someone.await.unwrap().unwrap();
    let more = (100..155).map(|number| user::Model {
        id: uuid::Uuid::from_u128(number),
        username: format!("acme/p{number}@acme.example"),
        ..someone.clone()
    });
    world.rows::<user::Entity>(more.collect()).await;

    let first = browser.get(PATH).await;
    let next = browser.get(&first.link("a[rel=next]")).await;
    let answer = browser.submit(&next, "td.does button", &[]).await;

    assert_eq!((first.texts("tbody tr").len(), next.texts("tbody tr").len()), (50, 6));
    let back = browser.follow(answer).await;
    assert_eq!(back.texts("tbody strong"), next.texts("tbody strong"), "the same page");
}

#[tokio::test]
async fn names_are_text_and_comms_is_shown() {
    let (world, mut browser) = realms().await;
    let eve = latchkey::identity::users::NewUser {
        username: "acme/eve@acme.example".to_owned(),
        name: Some("Eve <i>Lang</i>".to_owned()),
        ..Default::default()
    };
    let eve = world.person_of(eve).await;
    world.allow_comms(latchkey::workspaces::Account::User(eve.id)).await;

    let page = browser.get(PATH).await;

    assert_eq!(page.texts("tbody bdi")[3], "Eve <i>Lang</i>");
    assert!(!page.has("i"));
    assert_eq!(page.texts("td[data-label='Comms API']"), ["Not allowed", "Allowed"]);
}

#[tokio::test]
async fn to_everybody_else_and_across_realms_there_is_nothing() {
    let (world, mut browser) = realms().await;
    let ann = world.person("ann@example.com", &[]).await;
    let mut anns = Browser::of(&world, &ann).await;
    let page = browser.get(PATH).await;
    let form = page.form("td.does button");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    assert_eq!(anns.get(PATH).await.status, 404);
    assert_eq!(Browser::new(&world).get(PATH).await.status, 303);
    assert_eq!(browser.get("/admin/enterprises/nothing/people").await.status, 404);
    let mut foreign = form.clone();
    foreign.action = foreign.action.replace("/acme/", "/bigacme/");
    assert_eq!(browser.send_form(&page.url, &foreign).await.status, 404, "another realm");
    for id in ["x".to_owned(), uuid::Uuid::nil().to_string()] {
        foreign.action = format!("{PATH}/{id}/verify");
        assert_eq!(browser.send_form(&page.url, &foreign).await.status, 404, "{id}");
    }
    assert_eq!(world.audited("user.verify").await, 0);
}
