//! `/admin/audit`: what has happened on this server.

use chrono::TimeDelta;

use super::clients::admin;
use crate::support::Browser;

const PAGE: &str = "/admin/audit";

#[tokio::test]
async fn the_whole_server_is_told_and_one_workspace_chosen() {
    let (world, person, mut browser) = admin().await;
    world.clock.advance(TimeDelta::seconds(1));
    let acme = world.acme().await;
    world.clock.advance(TimeDelta::seconds(1));
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    world.workspace("other").await;

    let all = browser.get(PAGE).await;
    let one = browser.get(&format!("{PAGE}?workspace=acme")).await;
    let mine = browser.get(&format!("{PAGE}?actor={}", person.id)).await;

    assert_eq!(all.text("h1"), "Audit trail of the server");
    assert!(all.texts("td.title code").contains(&"enterprise.create".to_owned()));
    assert!(all.texts("td[data-label=Workspace]").contains(&"other".to_owned()));
    let mut told = one.texts("td.title code");
    told.sort();
    assert_eq!(told, ["api_key.create", "workspace.create"]);
    assert_eq!(one.form("#filter-submit").get("workspace"), Some("acme"));
    assert_eq!(mine.texts("td.title code"), ["session.begin"]);
    assert!(mine.texts("td[data-label='By whom']").iter().all(|who| *who == person.username));
}

#[tokio::test]
async fn a_workspace_that_is_none_is_marked() {
    let (_world, _, mut browser) = admin().await;

    for typed in ["nowhere", "A B", "%00"] {
        let page = browser.get(&format!("{PAGE}?workspace={typed}")).await;
        assert_eq!(page.status, 422, "{typed}");
        assert_eq!(page.text("#workspace-problem"), "The workspace does not exist.");
        let export = format!("{PAGE}/export?format=csv&workspace={typed}");
        assert_eq!(browser.get(&export).await.status, 404, "{typed}");
    }
}

#[tokio::test]
async fn the_trail_is_taken_away_with_its_filter() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;
    let page = browser.get(&format!("{PAGE}?action=workspace.create")).await;

    for (link, lines) in [("#export-csv", 2), ("#export-jsonl", 1)] {
        let file = browser.get(&page.attribute(link, "href")).await;
        assert_eq!((file.status, file.body.lines().count()), (200, lines), "{link}");
        assert!(file.body.contains("workspace.create") && !file.body.contains("user.create"));
    }
}

#[tokio::test]
async fn to_everybody_else_there_is_nothing() {
    let (world, _, _) = admin().await;
    let acme = world.acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for path in [PAGE, "/admin/audit/export?format=csv"] {
        assert_eq!(adas.get(path).await.status, 404, "{path}");
        assert_eq!(Browser::new(&world).get(path).await.status, 303, "{path}");
    }
}
