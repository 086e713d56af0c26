//! `/admin/apps`: how much every app is used, and disconnecting everybody from one.

use entity::{member::Role, token_family};
use latchkey::clients::registration::NewClient;
use sea_orm::EntityTrait;

use super::clients::admin;
use crate::support::{ApiCaller, Browser, Person, Tokens, World, script};

const PATH: &str = "/admin/apps";

/// Two people in two workspaces.
async fn people(world: &World) -> [Person; 2] {
    let acme = world.acme().await;
    let second = world.workspace("second").await;
    [acme.ada, world.person("joe@example.com", &[(&second, Role::Owner)]).await]
}

#[tokio::test]
async fn every_app_is_listed_with_how_much_it_is_used() {
    let (world, _, mut browser) = admin().await;
    let [ada, joe] = people(&world).await;
    let used = NewClient { name: "<i>Used</i>".to_owned(), ..script() };
    let used = world.client(used).await;
    for person in [&ada, &joe, &joe] {
        Tokens::of(&used.password(person).await);
    }
    world.client(NewClient { name: "Unused".to_owned(), ..script() }).await;

    let page = browser.get(PATH).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Connected apps of everybody"));
    let rows = page.texts("tbody tr");
    let row = rows.iter().find(|row| row.contains("<i>Used</i>")).unwrap();
    assert!(row.contains("2 people 2 workspaces 3 live sessions 5 Mar 2027"), "{row}");
    let row = rows.iter().find(|row| row.contains("Unused")).unwrap();
    assert!(row.contains("0 people 0 workspaces 0 live sessions never"), "{row}");
    assert!(!page.body.contains("<i>Used"));
    let found = browser.submit(&page, "form.search", &[("q", "unuS")]).await;
    assert_eq!(found.texts("tbody td.title strong"), ["Unused"]);
}

/// Of an app that very many use, no more is looked at than anybody reads.
#[tokio::test]
async fn what_is_too_many_to_count_says_so() {
    let (world, _, mut browser) = admin().await;
    let [ada, _] = people(&world).await;
    let script = world.script().await;
    Tokens::of(&script.password(&ada).await);
    let store = &world.app.store;
    let family = token_family::Entity::find().one(store.read()).await.unwrap().unwrap();
    let txn = store.begin().await.unwrap();
    for number in 1..=1_000 {
        let more = token_family::Model { id: number, ..family.clone() };
        latchkey::store::token_families::insert(&txn, more).await.unwrap();
    }
    txn.commit().await.unwrap();

    let page = browser.get(PATH).await;

    assert_eq!(page.texts("td[data-label='Live sessions']"), ["1,000+ live sessions"]);
    assert_eq!(page.texts("td[data-label=People]"), ["1 person"]);
}

#[tokio::test]
async fn apps_are_gone_through_page_by_page() {
    let (world, _, mut browser) = admin().await;
    for _ in 0..51 {
        world.script().await;
    }

    let first = browser.get(PATH).await;
    let next = browser.get(&first.link("a[rel=next]")).await;

    assert_eq!((first.texts("tbody tr").len(), next.texts("tbody tr").len()), (50, 1));
}

#[tokio::test]
async fn everybody_is_disconnected_after_a_question() {
    let (world, _, mut browser) = admin().await;
    let [ada, joe] = people(&world).await;
    let (script, other) = (world.script().await, world.script().await);
    let ended =
        [Tokens::of(&script.password(&ada).await), Tokens::of(&script.password(&joe).await)];
    let kept = Tokens::of(&other.password(&ada).await);
    let question = browser.get(&format!("{PATH}/{}", script.id)).await;
    assert_eq!(question.text("h1"), "Disconnect everybody from Script?");
    assert_eq!(
        question.texts("dl.facts dd")[2..],
        ["2 people", "2 workspaces", "2 live sessions", "5 Mar 2027"]
    );

    let answer = browser.submit(&question, "#revoke-everybody", &[]).await;

    assert_eq!(answer.location(), Some("/admin/apps?notice=app-everybody-revoked"));
    for tokens in &ended {
        assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
        assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
    }
    assert_eq!(ApiCaller::bearer(&world, &kept.access).me().await.status, 200);
    let again = browser.submit(&question, "#revoke-everybody", &[]).await;
    assert_eq!(again.status, 303, "twice is once");
    assert_eq!(world.audited("app.revoke").await, 1);
    Tokens::of(&script.password(&ada).await);
}

#[tokio::test]
async fn only_administrators_see_and_change_it() {
    let (world, _, mut browser) = admin().await;
    let [ada, _] = people(&world).await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&ada).await);
    let path = format!("{PATH}/{}", script.id);
    let page = browser.get(&path).await;
    let form = page.form("#revoke-everybody");
    let mut adas = Browser::of(&world, &ada).await;
    let csrf = adas.get("/settings/security").await.form("form").get("csrf").unwrap().to_owned();

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    for path in [PATH, &path] {
        assert_eq!(adas.get(path).await.status, 404);
    }
    assert_eq!(adas.send_form(&page.url, &form.with("csrf", &csrf)).await.status, 404);
    assert_eq!(browser.get(&format!("{PATH}/nothing")).await.status, 404);

    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
}
