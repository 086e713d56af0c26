//! `/settings/connected-apps`: what a user has allowed, and taking it back.

use chrono::TimeDelta;
use entity::{member::Role, workspace};
use latchkey::{clients::registration::NewClient, jobs::usage};

use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Page, Pkce, Tokens, World, script, texts, web,
};

const PATH: &str = "/settings/connected-apps";

async fn connected() -> (World, Acme, ClientApp, Tokens) {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    (world, acme, script, tokens)
}

/// Name, then workspace, scopes, since, last use and requests of each app on the page.
fn apps(page: &Page) -> Vec<(String, Vec<String>)> {
    let names = page.texts("article h2");
    let each = |index: usize| {
        let facts = format!("article:nth-of-type({}) dl.facts dd", index + 1);
        page.texts(&facts)
    };
    names.into_iter().enumerate().map(|(index, name)| (name, each(index))).collect()
}

async fn is_alive(world: &World, tokens: &Tokens) -> bool {
    let me = ApiCaller::bearer(world, &tokens.access).me().await;
    assert!([200, 401].contains(&me.status), "{}", me.body);
    me.status == 200
}

#[tokio::test]
async fn an_app_is_shown_with_what_it_may_do() {
    let (world, acme, ..) = connected().await;

    let page = Browser::of(&world, &acme.ada).await.get(PATH).await;

    assert_eq!((page.status, page.text("h1").as_str()), (200, "Connected apps"));
    // the tokens of today are a use
    let today = "5 Mar 2027";
    let facts =
        ["The workspace acme", "See your leadsCreate leads", today, today, "0", "of 1 sign-in"];
    assert_eq!(apps(&page), [("Script".to_owned(), texts(&facts))]);
    assert_eq!(page.texts("article li"), ["See your leads", "Create leads"]);
    assert_eq!(page.texts("article .badge"), ["Not verified"]);
    assert!(!page.has("#revoke-all"), "there is only one");
}

#[tokio::test]
async fn a_use_is_shown() {
    let (world, acme, script, tokens) = connected().await;
    world.clock.advance(TimeDelta::days(1));
    let tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
    world.clock.advance(TimeDelta::minutes(30));
    assert!(is_alive(&world, &tokens).await);
    usage::run_once(&world.app).await.unwrap();

    let page = Browser::of(&world, &acme.ada).await.get(PATH).await;

    assert_eq!(apps(&page)[0].1[2..], ["5 Mar 2027", "6 Mar 2027", "1", "of 1 sign-in"]);
    assert!(page.has("article time[datetime='2027-03-06T10:57:07Z']"));
}

#[tokio::test]
async fn an_app_that_was_allowed_in_the_browser_is_shown() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = NewClient { publisher: Some("Acme <Labs>".to_owned()), ..web() };
    let web = world.client(client).await;
    let mut browser = Browser::new(&world);
    let callback = browser.authorize(&web.authorization(), &acme.ada).await;
    Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);

    let page = browser.get(PATH).await;

    assert_eq!(page.texts("article h2"), ["Web"]);
    assert!(page.text("article p").starts_with("by Acme <Labs>"), "{}", page.text("article p"));
}

#[tokio::test]
async fn without_apps_the_page_says_so() {
    let world = World::new().await;
    let acme = world.acme().await;

    let page = Browser::of(&world, &acme.ada).await.get(PATH).await;

    assert_eq!(
        (page.text(".empty h2").as_str(), page.texts("article").len()),
        ("No connected apps", 0)
    );
}

/// FE-18.
#[tokio::test]
async fn a_disconnected_app_is_refused_at_once() {
    let (world, acme, script, tokens) = connected().await;
    let refreshed = Tokens::of(&script.refresh(&tokens.refresh).await);
    assert!(is_alive(&world, &refreshed).await);
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;

    let answer = browser.confirm(&page, "article form", "#revoke").await;

    let place = "/settings/connected-apps?notice=app-revoked";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The app is disconnected. Its tokens no longer work.");
    assert!(!page.has("article"));
    for tokens in [&tokens, &refreshed] {
        assert!(!is_alive(&world, tokens).await);
        let refused = script.refresh(&tokens.refresh).await;
        assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()));
        assert!(!world.introspector().await.sees_alive(&tokens.refresh).await);
    }
    assert_eq!(world.audited("grant.revoke").await, 1);
}

#[tokio::test]
async fn other_nodes_refuse_a_disconnected_app_too() {
    let (world, acme, script, tokens) = connected().await;
    let node = world.another_node().await;
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;

    browser.confirm(&page, "article form", "#revoke").await;

    assert_eq!(script.at(&node).refresh(&tokens.refresh).await.status, 400);
    let me = world.http.get(node.url("/api/v1/me")).bearer_auth(&tokens.access);
    assert_eq!(me.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn an_app_can_be_connected_again() {
    let (world, acme, script, tokens) = connected().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;
    browser.confirm(&page, "article form", "#revoke").await;

    let again = Tokens::of(&script.password(&acme.ada).await);

    assert!(is_alive(&world, &again).await);
    assert!(!is_alive(&world, &tokens).await, "the old token came back");
    assert_eq!(browser.get(PATH).await.texts("article").len(), 1);
}

#[tokio::test]
async fn an_app_disconnected_before_its_code_was_exchanged_gets_no_tokens() {
    let world = World::new().await;
    let acme = world.acme().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let callback = browser.authorize(&web.authorization(), &acme.ada).await;
    let page = browser.get(PATH).await;
    assert_eq!(page.texts("article h2"), ["Web"]);

    browser.confirm(&page, "article form", "#revoke").await;

    let answer = web.exchange(callback.code(), &Pkce::default()).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn disconnecting_one_app_leaves_the_others() {
    let (world, acme, _, tokens) = connected().await;
    let other = world.client(NewClient { name: "Other".to_owned(), ..script() }).await;
    world.clock.advance(TimeDelta::seconds(1));
    let kept = Tokens::of(&other.password(&acme.ada).await);
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;
    assert_eq!(page.texts("article h2"), ["Other", "Script"]);

    browser.confirm(&page, "article:nth-of-type(2) form", "#revoke").await;

    assert!(is_alive(&world, &kept).await);
    assert!(!is_alive(&world, &tokens).await);
}

/// FE-18: and keys are none.
#[tokio::test]
async fn all_apps_are_disconnected_together() {
    let (world, acme, _, tokens) = connected().await;
    let other = world.client(NewClient { name: "Other".to_owned(), ..script() }).await;
    let others = Tokens::of(&other.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;
    assert_eq!(page.text("#revoke-all"), "Disconnect all 2");

    let answer = browser.confirm(&page, "#revoke-all", "#revoke-all").await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "All apps are disconnected. Their tokens no longer work.");
    assert!(!page.has("article"));
    assert!(!is_alive(&world, &tokens).await);
    assert!(!is_alive(&world, &others).await);
    assert_eq!(ApiCaller::key(&world, &key).me().await.status, 200, "keys are no apps");
}

#[tokio::test]
async fn forged_forms_disconnect_nothing() {
    let (world, acme, _, tokens) = connected().await;
    let other = world.client(NewClient { name: "Other".to_owned(), ..script() }).await;
    let others = Tokens::of(&other.password(&acme.ada).await);
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;

    for (selector, confirm) in [("article form", "#revoke"), ("#revoke-all", "#revoke-all")] {
        let page = browser.submit(&page, selector, &[]).await;
        let form = page.form(confirm);
        world.refuses_forgeries(&mut browser, &page, &form).await;
        world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
    }

    assert!(is_alive(&world, &tokens).await);
    assert!(is_alive(&world, &others).await);
}

#[tokio::test]
async fn another_users_app_is_out_of_reach() {
    let (world, acme, _, tokens) = connected().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Owner)]).await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get(PATH).await;
    let adas = adas.submit(&page, "article form", &[]).await;
    let grant = adas.form("#revoke").get("grant").unwrap().to_owned();
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.get(PATH).await;
    assert!(!page.has("article"));
    let question = bens.get(&format!("{PATH}/revoke?grant={grant}")).await;
    assert_eq!(question.status, 404);
    let mut form = adas.form("#revoke");
    form.set("csrf", bens.get("/settings/security").await.form("form").get("csrf").unwrap());

    let answer = bens.send_form(&page.url, &form).await;
    // no way to tell a foreign grant from one that is gone
    let unknown = form.with("grant", "0192f0c1-2345-7abc-8def-0123456789ab");
    let same = bens.send_form(&page.url, &unknown).await;

    assert_eq!(form.get("grant"), Some(&*grant));
    assert_eq!((answer.status, answer.location()), (same.status, same.location()));
    assert!(is_alive(&world, &tokens).await);
}

#[tokio::test]
async fn what_is_no_grant_is_not_found() {
    let (world, acme, _, tokens) = connected().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;
    let page = browser.submit(&page, "article form", &[]).await;

    for grant in ["", "x", "' or 1=1 --", "../../revoke-all"] {
        let form = page.form("#revoke").with("grant", grant);
        let answer = browser.send_form(&page.url, &form).await;

        assert_eq!((answer.status, answer.text("h1").as_str()), (404, "Page not found"), "{grant}");
    }
    assert!(is_alive(&world, &tokens).await);
}

#[tokio::test]
async fn apps_of_all_workspaces_are_shown() {
    let (world, acme, script, _) = connected().await;
    let second: workspace::Model = world.workspace("second").await;
    let app = &world.app;
    let actor = latchkey::audit::Actor::Operator;
    let added = latchkey::workspaces::add_member(app, actor, second.id, acme.ada.id, Role::Member);
    added.await.unwrap().unwrap();
    world.clock.advance(TimeDelta::seconds(1));
    let there = [("workspace", "second")];
    Tokens::of(&script.password_with(&acme.ada, &there).await);

    let page = Browser::of(&world, &acme.ada).await.get(PATH).await;

    let places: Vec<_> = apps(&page).into_iter().map(|(_, facts)| facts[0].clone()).collect();
    assert_eq!(places, ["The workspace second", "The workspace acme"]);
}

#[tokio::test]
async fn a_long_list_has_pages_and_can_be_searched() {
    let world = World::new().await;
    let acme = world.acme().await;
    for number in 0..51 {
        let client = world.client(NewClient { name: format!("App {number}"), ..script() }).await;
        assert_eq!(client.password(&acme.ada).await.status, 200);
        world.clock.advance(TimeDelta::seconds(1));
    }
    let mut browser = Browser::of(&world, &acme.ada).await;

    let first = browser.get(PATH).await;
    let next = first.attribute("a[rel='next']", "href");
    let second = browser.get(&next).await;
    let found = browser.get(&format!("{PATH}?q=app+7")).await;
    let none = browser.get(&format!("{PATH}?q=nobody")).await;
    let odd = browser.get(&format!("{PATH}?after=x")).await;

    let names = first.texts("article h2");
    assert_eq!((names.len(), names[0].as_str(), names[49].as_str()), (50, "App 50", "App 1"));
    assert_eq!(first.text("#revoke-all"), "Disconnect all");
    assert_eq!(second.texts("article h2"), ["App 0"]);
    assert!(!second.has("#revoke-all"), "it would disconnect more than is shown");
    assert_eq!(found.texts("article h2"), ["App 7"]);
    assert!(none.text("h2").contains("No app found"), "{}", none.body);
    assert_eq!(odd.texts("article h2").len(), 50);
}

/// More than one transaction ends: "all" is all.
#[tokio::test]
async fn all_are_disconnected_however_many_there_are() {
    let (world, acme, script, tokens) = connected().await;
    world.connects(&acme.ada, &acme.workspace, &script, 520).await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    let question = browser.get(&format!("{PATH}/revoke-all")).await;
    assert_eq!(question.texts("tbody tr").len(), 50);
    assert!(question.text("#more").starts_with("And 471 more"), "{}", question.body);
    assert_eq!(question.text("#revoke-all"), "Disconnect all 521");
    let answer = browser.submit(&question, "#revoke-all", &[("block", "on")]).await;

    let page = browser.follow(answer).await;
    assert!(page.text(".flash").starts_with("All apps are disconnected and blocked."));
    assert_eq!(page.texts("article").len(), 0, "{}", page.body);
    assert!(!is_alive(&world, &tokens).await);
    assert_eq!(world.audited("grant.revoke").await, 521);
    assert_eq!(world.audited("client.block").await, 521);
}
