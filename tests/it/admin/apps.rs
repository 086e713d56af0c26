//! `/admin/apps`: how much every app is used, and disconnecting everybody from one.

use entity::{member::Role, token_family};
use latchkey::clients::registration::NewClient;
use sea_orm::{EntityTrait, IntoActiveModel};

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
    assert!(row.contains("2 people 2 workspaces 2 things"), "{row}");
    assert!(row.contains("See your leads") && row.contains("Create leads"), "{row}");
    assert!(row.contains("5 Mar 2027 5 Mar 2027 of 3 sign-ins"), "{row}");
    let row = rows.iter().find(|row| row.contains("Unused")).unwrap();
    assert!(row.contains("0 people 0 workspaces nothing never never none"), "{row}");
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
    let more = |number| token_family::Model { id: number, ..family.clone() };
    let more = (1..=1_000).map(|number| more(number).into_active_model());
    let txn = store.begin().await.unwrap();
    token_family::Entity::insert_many(more).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();

    let page = browser.get(PATH).await;

    assert_eq!(page.texts("td[data-label='Live tokens']"), ["of 1,000+ sign-ins"]);
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
    let facts = question.texts("dl.facts dd");
    assert_eq!(facts[2..4], ["2 people", "2 workspaces"]);
    assert_eq!(facts[5..], ["5 Mar 2027", "of 2 sign-ins", "5 Mar 2027"]);
    assert_eq!(question.texts("dl.facts li"), ["See your leads", "Create leads"]);

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

/// What different people have allowed is told together, and since when the first of them has.
#[tokio::test]
async fn scopes_are_those_of_everybody_and_since_is_the_oldest() {
    let (world, olga, _) = admin().await;
    let [ada, joe] = people(&world).await;
    let script = world.script().await;
    Tokens::of(
        &script
            .token(&[
                ("grant_type", "password"),
                ("username", ada.username.as_str()),
                ("password", ada.password.as_str()),
                ("scope", "leads:read"),
            ])
            .await,
    );
    world.clock.advance(chrono::TimeDelta::days(3));
    Tokens::of(
        &script
            .token(&[
                ("grant_type", "password"),
                ("username", joe.username.as_str()),
                ("password", joe.password.as_str()),
                ("scope", "leads:write"),
            ])
            .await,
    );

    // a session from before has ended
    let page = Browser::of(&world, &olga).await.get(PATH).await;

    assert_eq!(page.texts("td[data-label=May] li"), ["See your leads", "Create leads"]);
    assert_eq!(page.texts("td[data-label=Since]"), ["5 Mar 2027"]);
    assert_eq!(page.texts("td[data-label='Last used']"), ["8 Mar 2027"]);
}

/// The client is disabled for everyone, and the page says so beside the box.
#[tokio::test]
async fn an_app_is_disconnected_and_refused_from_now_on() {
    let (world, _, mut browser) = admin().await;
    let [ada, joe] = people(&world).await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&ada).await);
    let question = browser.get(&format!("{PATH}/{}", script.id)).await;
    assert!(question.text("#refuse-hint").starts_with("This disables the client for everyone"));
    assert!(!question.has("input[name=refuse][checked]"));

    let answer = browser.submit(&question, "#revoke-everybody", &[("refuse", "on")]).await;

    assert_eq!(answer.location(), Some("/admin/apps?notice=app-everybody-refused"));
    assert_ne!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    assert_eq!(script.password(&joe).await.status, 401, "nobody connects it again");
    let again = browser.submit(&question, "#revoke-everybody", &[("refuse", "on")]).await;
    assert_eq!(again.status, 303, "twice is once");
    for action in ["client.disable", "app.revoke"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
    let question = browser.get(&format!("{PATH}/{}", script.id)).await;
    assert!(!question.has("input[name=refuse]"), "it is refused already");
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
