//! `/workspaces/{slug}/settings/app-requests`, and the pages about apps when there are many.

use entity::{app_request, member::Role, outbox};
use sea_orm::{EntityTrait, PaginatorTrait};

use super::workspace_apps::{APPS, POLICY, connected, path_of};
use crate::support::{Browser, Page, Tokens, World};

const PATH: &str = "/workspaces/acme/settings/app-requests";

fn rows(page: &Page) -> usize {
    page.texts("#waiting tbody tr").len()
}

async fn waiting(world: &World) -> u64 {
    app_request::Entity::find().count(world.app.store.read()).await.unwrap()
}

async fn letters(world: &World) -> u64 {
    outbox::Entity::find().count(world.app.store.read()).await.unwrap()
}

#[tokio::test]
async fn every_question_is_listed_and_searched() {
    let (world, acme, ben, _, _, mut browser) = connected().await;
    let web = world.web().await;
    world.ask(&acme.workspace, &web, 120).await;

    let page = browser.get(APPS).await;
    assert_eq!(rows(&page), 20);
    assert_eq!(page.text("#all-waiting"), "All 120 questions");
    let first = browser.get(&page.link("#all-waiting")).await;
    let second = browser.get(&first.link("a[rel=next]")).await;
    let third = browser.get(&second.link("a[rel=next]")).await;
    let found = browser.submit(&first, "form.search", &[("q", "CROWD0077@")]).await;
    let by_app = browser.submit(&first, "form.search", &[("q", "web")]).await;

    assert_eq!((first.status, &*first.text("h1")), (200, "Waiting for approval"));
    assert_eq!([rows(&first), rows(&second), rows(&third)], [50, 50, 20]);
    assert_eq!(found.texts("td[data-label='Asked for by']"), ["crowd0077@example.com"]);
    assert_eq!(rows(&by_app), 50);
    assert_eq!(found.link("#waiting .does a"), path_of(&web));
    assert!(first.has(&format!("nav.tabs a[aria-current=page][href='{APPS}']")));
    // a member does not see it, nor who is elsewhere, nor a stranger
    assert_eq!(Browser::of(&world, &ben).await.get(PATH).await.status, 404);
    let elsewhere = world.workspace("elsewhere").await;
    let joe = world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    assert_eq!(Browser::of(&world, &joe).await.get(PATH).await.status, 404);
    let stranger = Browser::new(&world).get(PATH).await;
    assert_eq!(stranger.location(), Some(&*format!("/login?next={PATH}")));
    let mut joes = Browser::of(&world, &joe).await;
    let empty = joes.get("/workspaces/elsewhere/settings/app-requests").await;
    assert_eq!(empty.text(".empty h2"), "Nothing waits");
}

/// One decision answers everybody, in as many transactions as it takes.
#[tokio::test]
async fn a_decision_answers_all_who_have_asked() {
    let (world, acme, _, _, _, mut browser) = connected().await;
    let web = world.web().await;
    world.ask(&acme.workspace, &web, 450).await;
    let before = letters(&world).await;

    let page = browser.get(&path_of(&web)).await;
    assert_eq!(rows(&page), 20);
    assert!(page.text("#more-waiting").starts_with("And 430 more."), "{}", page.body);
    let answer = browser.submit(&page, "#approve-app", &[]).await;

    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!((waiting(&world).await, letters(&world).await - before), (0, 450));
}

#[tokio::test]
async fn a_policy_answers_all_who_have_asked() {
    let (world, acme, _, _, _, mut browser) = connected().await;
    let web = world.web().await;
    world.ask(&acme.workspace, &web, 450).await;
    let before = letters(&world).await;

    let page = browser.get(POLICY).await;
    browser.submit(&page, "#set-policy", &[("policy", "deny")]).await;

    assert_eq!((waiting(&world).await, letters(&world).await - before), (0, 450));
}

/// What stops is said in a few lines, however much it is; and all of it stops, but not the workspace's
/// own apps or those that it has approved.
#[tokio::test]
async fn what_a_policy_stops_is_said_shortly_and_stops() {
    let (world, acme, ben, script, [adas, _], mut browser) = connected().await;
    let clients = world.connects(&ben, &acme.workspace, &script, 130).await;
    let own = world
        .client(latchkey::clients::registration::NewClient {
            name: "Own".to_owned(),
            binding: latchkey::clients::binding::Binding::Workspace(acme.workspace.id),
            ..crate::support::script()
        })
        .await;
    let owns = Tokens::of(&own.password(&acme.ada).await);
    let approved = format!("{APPS}/{}", clients[0].id);
    let page = browser.get(&approved).await;
    browser.submit(&page, "#approve-app", &[]).await;

    let page = browser.get(POLICY).await;

    assert_eq!(page.texts("#stopping tbody tr").len(), 20);
    assert!(page.text("#more-stopping").starts_with("And 110 more"), "{}", page.body);
    assert!(!page.text("#stopping").contains("Crowd 00001"), "it is approved");
    assert!(!page.text("#stopping").contains("Own"));
    let line = page.texts("#stopping tbody tr").remove(0);
    assert_eq!(line, "Crowd 00002 1 person none never");
    browser.submit(&page, "#set-policy", &[("policy", "approval")]).await;
    let page = browser.get(POLICY).await;
    assert!(!page.has("#stopping"), "{}", page.body);
    let is_alive = async |tokens: &Tokens| {
        crate::support::ApiCaller::bearer(&world, &tokens.access).me().await.status == 200
    };
    assert_eq!((is_alive(&adas).await, is_alive(&owns).await), (false, true));
    let bens = Browser::of(&world, &ben).await.get("/settings/connected-apps").await;
    assert_eq!(bens.texts("article h2"), ["Crowd 00001"]);
}

/// The numbers of an app that is used.
#[tokio::test]
async fn what_stops_is_shown_with_who_uses_it() {
    let (_world, _, _, script, _, mut browser) = connected().await;

    let page = browser.get(POLICY).await;

    let line = page.texts("#stopping tbody tr").remove(0);
    assert_eq!(line, "Script 2 people of 2 sign-ins 5 Mar 2027");
    assert_eq!(page.link("#stopping a"), path_of(&script));
}
