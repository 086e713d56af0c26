//! `/admin/enterprises`: realms of users.

use entity::{enterprise, workspace};

use super::clients::{admin, pages_of};
use crate::support::{Browser, World};

#[tokio::test]
async fn an_enterprise_is_created_and_shown() {
    let (world, _, mut browser) = admin().await;
    assert_eq!(browser.get("/admin/enterprises").await.text(".empty h2"), "No enterprises yet");
    let page = browser.get("/admin/new-enterprise").await;
    let fields = [("name", "Acme Health"), ("pin", " ACME ")];

    let answer = browser.submit(&page, "#create-enterprise-submit", &fields).await;

    let place = "/admin/enterprises/acme?notice=enterprise-created";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let page = browser.follow(answer).await;
    assert_eq!((&*page.text("h1"), &*page.text("dd code")), ("Acme Health", "acme"));
    let list = browser.get("/admin/enterprises?q=heal").await;
    assert_eq!(list.texts("tbody strong"), ["Acme Health"]);
    assert_eq!(list.texts("nav.tabs a[aria-current=page]"), ["Enterprises"]);
    assert_eq!(world.audited("enterprise.create").await, 1);
}

#[tokio::test]
async fn an_enterprise_shows_its_people_workspaces_and_subscription() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;

    let page = browser.get("/admin/enterprises/ACME").await;

    let facts = page.texts("dl.facts dd");
    assert_eq!(facts[2..], ["1", "0 of 1", "not allowed", "not enabled: subscription keys"]);
    assert_eq!(page.texts("tbody td"), ["The workspace acme", "pro"]);
    let people = browser.get(&page.link("#people")).await;
    assert_eq!(people.texts("tbody strong"), ["acme/ada@acme.example"]);
}

#[tokio::test]
async fn the_comms_api_is_allowed_and_taken_away() {
    let (world, _, mut browser) = admin().await;
    world.enterprise("acme").await;
    let ann = world.person("acme/ann@acme.example", &[]).await;
    world.person("acme/ben@acme.example", &[]).await;
    let actor = latchkey::audit::Actor::Operator;
    let account = latchkey::workspaces::Account::User(ann.id);
    latchkey::workspaces::allow_comms(&world.app, actor, account).await.unwrap();
    let page = browser.get("/admin/enterprises/acme").await;

    let answer = browser.submit(&page, "#switch-comms", &[]).await;

    let page = browser.follow(answer).await;
    assert!(page.texts("dl.facts dd")[4].starts_with("allowed for all its users since"));
    let question = browser.get(&page.link("#deny-comms")).await;
    assert_eq!(question.text("h1"), "Take the Comms API away from acme?");
    assert_eq!(
        question.texts("main li")[..2],
        [
            "Refused at once: requests of 1 user to the Comms API.",
            "Allowed by themselves, so they go on: 1 user.",
        ]
    );
    assert_eq!(world.audited("comms.deny").await, 0, "asking changes nothing");
    let answer = browser.submit(&question, "#confirm", &[]).await;
    assert_eq!(browser.follow(answer).await.texts("dl.facts dd")[4], "not allowed");
    assert_eq!(world.audited("comms.allow").await, 2);
    assert_eq!(world.audited("comms.deny").await, 1);
}

#[tokio::test]
async fn an_enterprise_is_renamed() {
    let (world, _, mut browser) = admin().await;
    world.enterprise("acme").await;
    let page = browser.get("/admin/enterprises/acme").await;

    let wrong = browser.submit(&page, "#rename-enterprise-submit", &[("name", "a\u{7}")]).await;
    let right = browser.submit(&wrong, "#rename-enterprise-submit", &[("name", "<i>A</i>")]).await;

    assert_eq!(
        wrong.text("#name-problem"),
        "The name must not have control characters or invisible ones."
    );
    assert_eq!((wrong.status, right.status), (422, 303));
    let page = browser.follow(right).await;
    assert_eq!(page.text("h1"), "<i>A</i>");
    assert!(!page.has("i"));
}

#[tokio::test]
async fn what_cannot_be_created_is_marked_and_kept() {
    let (world, _, mut browser) = admin().await;
    world.enterprise("acme").await;
    let page = browser.get("/admin/new-enterprise").await;

    for (pin, name, field, words) in [
        ("acme", "Other", "pin", "The PIN is taken."),
        ("", "Other", "pin", "The PIN must be 2 to 32 ASCII letters, digits, - and _."),
        ("a/b", "Other", "pin", "The PIN must be 2 to 32 ASCII letters, digits, - and _."),
        ("x\0y", "Other", "pin", "The PIN must be 2 to 32 ASCII letters, digits, - and _."),
        ("other", "", "name", "The name must not be empty."),
    ] {
        let fields = [("pin", pin), ("name", name)];
        let answer = browser.submit(&page, "#create-enterprise-submit", &fields).await;
        assert_eq!(answer.status, 422, "{pin:?}");
        assert_eq!(answer.text(&format!("#{field}-problem")), words);
    }
    let long = "x".repeat(121);
    let fields = [("pin", "p2"), ("name", &*long)];
    let answer = browser.submit(&page, "#create-enterprise-submit", &fields).await;
    assert_eq!(answer.form("#create-enterprise-submit").get("name"), Some(&*long));
    assert_eq!(browser.get("/admin/enterprises").await.texts("tbody tr").len(), 1);
}

#[tokio::test]
async fn enterprises_are_gone_through_page_by_page_with_the_search_kept() {
    let (world, _, mut browser) = admin().await;
    let one = world.enterprise("acme").await;
    let name = |number: u32| format!("Realm {number:03}");
    let more = (0..120).map(|number| enterprise::Model {
        id: uuid::Uuid::from_u128(number.into()),
        pin: format!("realm{number:03}"),
        name: name(number),
        ..one.clone()
    });
    world.rows::<enterprise::Entity>(more.collect()).await;

    let found = pages_of(&mut browser, "/admin/enterprises?q=realm").await;
    let all = pages_of(&mut browser, "/admin/enterprises").await;

    let sizes = |pages: &[Vec<String>]| pages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!((sizes(&found), sizes(&all)), (vec![50, 50, 20], vec![50, 50, 21]));
    assert_eq!(found.concat(), (0..120).map(name).collect::<Vec<_>>());
}

#[tokio::test]
async fn to_everybody_else_there_is_nothing() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for path in ["/admin/enterprises", "/admin/new-enterprise", "/admin/enterprises/acme"] {
        assert_eq!(adas.get(path).await.status, 404, "{path}");
        assert_eq!(Browser::new(&world).get(path).await.status, 303, "{path}");
    }
    for pin in ["nobody", "%00", "x'--"] {
        assert_eq!(browser.get(&format!("/admin/enterprises/{pin}")).await.status, 404, "{pin}");
    }
    forms(&world, &mut browser).await;
}

async fn forms(world: &World, browser: &mut Browser) {
    let new = browser.get("/admin/new-enterprise").await;
    let form = new.form("#create-enterprise-submit").with("pin", "p2").with("name", "Two");
    let one = browser.get("/admin/enterprises/acme").await;
    let rename = one.form("#rename-enterprise-submit").with("name", "Two");
    for (page, form) in [(&new, &form), (&one, &rename)] {
        world.refuses_forgeries(browser, page, form).await;
        world.answers_only_to("GET, HEAD, POST", browser, (page, form)).await;
        world.asks_strangers_to_sign_in(page, form).await;
    }
    let comms = one.form("#switch-comms");
    world.refuses_forgeries(browser, &one, &comms).await;
    world.answers_only_to("POST", browser, (&one, &comms)).await;
    let denial = browser.get("/admin/enterprises/acme/deny-comms").await;
    let deny = denial.form("#confirm");
    world.refuses_forgeries(browser, &denial, &deny).await;
    world.answers_only_to("GET, HEAD, POST", browser, (&denial, &deny)).await;
    world.asks_strangers_to_sign_in(&denial, &deny).await;
    for action in ["enterprise.rename", "comms.allow", "comms.deny"] {
        assert_eq!(world.audited(action).await, 0, "{action}");
    }
}

#[tokio::test]
async fn the_workspaces_of_an_enterprise_are_listed_by_themselves() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    world.workspace("elsewhere").await;
    let row = |number: u32| workspace::Model {
        id: world.app.random.uuid(world.app.now()),
        slug: format!("branch-{number:03}"),
        name: format!("Branch {number:03}"),
        ..acme.workspace.clone()
    };
    world.rows::<workspace::Entity>((0..230).map(row).collect()).await;

    let page = browser.get("/admin/enterprises/acme").await;
    assert_eq!(page.texts("tbody tr").len(), 20);
    assert_eq!(page.text("#all-workspaces"), "All 231 workspaces");
    let first = browser.get(&page.link("#all-workspaces")).await;
    let found = browser.submit(&first, "form.search", &[("q", "branch 22")]).await;
    let elsewhere = browser.submit(&first, "form.search", &[("q", "elsewhere")]).await;

    assert_eq!(first.text("h1"), "Workspaces of acme");
    assert_eq!(found.texts("tbody tr").len(), 10);
    assert!(!elsewhere.has("tbody"), "a search keeps to the enterprise");
    let (mut page, mut seen) = (first, 0);
    loop {
        seen += page.texts("tbody tr").len();
        if !page.has("a[rel=next]") {
            break;
        }
        page = browser.get(&page.link("a[rel=next]")).await;
    }
    assert_eq!(seen, 231);
    for pin in ["nobody", "%00", "a%2Fb"] {
        let path = format!("/admin/workspaces?enterprise={pin}");
        assert_eq!(browser.get(&path).await.status, 404, "{pin}");
    }
}
