//! `/workspaces/{slug}/settings/audit`: what has happened in a workspace.

use chrono::TimeDelta;
use entity::member::Role;
use serde_json::Value;

use super::members::staffed;
use crate::support::{Browser, World};

const AUDIT: &str = "/workspaces/acme/settings/audit";

/// Ada has made a key, a day passed, and Alma removed Ben.
async fn eventful() -> (World, Browser) {
    let (world, acme, alma, ben) = staffed().await;
    world.clock.advance(TimeDelta::seconds(1));
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    world.clock.advance(TimeDelta::days(1));
    let mut almas = Browser::of(&world, &alma).await;
    let path = format!("/workspaces/acme/settings/members/{}/remove", ben.id);
    let page = almas.get(&path).await;
    assert_eq!(almas.submit(&page, "#remove-member-confirm", &[]).await.status, 303);
    let adas = Browser::of(&world, &acme.ada).await;
    (world, adas)
}

#[tokio::test]
async fn events_are_told_newest_first_in_words_and_by_name() {
    let (world, mut adas) = eventful().await;
    let elsewhere = world.workspace("elsewhere").await;
    world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;

    let page = adas.get(AUDIT).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Audit trail"));
    let words = ["Removed a member", "Created an API key", "Created a workspace"];
    assert_eq!(page.texts("td.title strong"), words);
    assert_eq!(page.text("td.title code"), "member.remove");
    let actors = page.texts("td[data-label='By whom']");
    assert_eq!(actors[0], "acme/alma@acme.example");
    assert_eq!(actors[2], "The operator, by command");
    let targets = page.texts("td[data-label='To what']");
    assert_eq!(targets[0], "acme/ben@acme.example user");
    assert_eq!(targets[1], "a key api key");
    assert!(page.text("td[data-label=When]").starts_with("6 March 2027"));
}

#[tokio::test]
async fn events_are_filtered() {
    let (_world, mut adas) = eventful().await;

    for (query, found) in [
        ("action=member.remove", vec!["member.remove"]),
        ("action=grant.revoke", vec![]),
        ("actor=ALMA", vec!["member.remove"]),
        ("actor=operator", vec!["api_key.create", "workspace.create"]),
        ("actor=nobody", vec![]),
        ("from=2027-03-06", vec!["member.remove"]),
        ("to=2027-03-05", vec!["api_key.create", "workspace.create"]),
        ("from=2027-03-05&to=2027-03-05&action=api_key.create", vec!["api_key.create"]),
        ("from=2027-03-07", vec![]),
        ("action=%00&actor=%00", vec!["member.remove", "api_key.create", "workspace.create"]),
    ] {
        let page = adas.get(&format!("{AUDIT}?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert_eq!(page.texts("td.title code"), found, "{query}");
    }
    let page = adas.get(&format!("{AUDIT}?action=member.remove&actor=x%22y")).await;
    let form = page.form("#filter-submit");
    assert_eq!(form.get("action"), Some("member.remove"));
    assert_eq!(form.get("actor"), Some("x\"y"));
}

#[tokio::test]
async fn what_is_no_day_is_marked() {
    let (_world, mut adas) = eventful().await;

    let page = adas.get(&format!("{AUDIT}?from=yesterday&to=2027-13-01")).await;

    assert_eq!(page.status, 422);
    assert_eq!(page.text("#from-problem"), "This must be a day, as in 2027-03-05.");
    assert!(page.has("#to-problem") && !page.has("td.title"));
    assert_eq!(adas.get(&format!("{AUDIT}/export?format=csv&from=x")).await.status, 404);
}

#[tokio::test]
async fn a_long_trail_has_pages_that_keep_the_filter() {
    let (world, acme) = World::of_acme().await;
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    for number in 0..60 {
        let page = adas.get("/workspaces/acme/settings/keys").await;
        let end = if number % 2 == 0 { "disable" } else { "enable" };
        adas.submit(&page, &format!("form[action$='/{end}']"), &[]).await;
    }

    let first = adas.get(&format!("{AUDIT}?actor=ada")).await;
    let next = first.attribute("a[rel=next]", "href");
    let second = adas.get(&next).await;

    assert!(next.contains("actor=ada"), "{next}");
    assert_eq!((first.texts("td.title").len(), second.texts("td.title").len()), (50, 10));
}

#[tokio::test]
async fn the_trail_is_taken_away_as_json_lines() {
    let (world, mut adas) = eventful().await;
    let page = adas.get(&format!("{AUDIT}?actor=alma")).await;

    let file = adas.get(&page.attribute("#export-jsonl", "href")).await;

    assert_eq!(file.header("content-type"), Some("application/jsonl; charset=utf-8"));
    let name = "attachment; filename=\"audit-acme-2027-03-06.jsonl\"";
    assert_eq!(file.header("content-disposition"), Some(name));
    assert_eq!(file.header("cache-control"), Some("no-store"));
    let lines: Vec<Value> =
        file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["action"], "member.remove");
    assert_eq!(lines[0]["actor"]["name"], "acme/alma@acme.example");
    assert_eq!(lines[0]["workspace"], "acme");
    assert_eq!(world.audited("audit.export").await, 1, "who takes it away is in it");
}

#[tokio::test]
async fn the_trail_is_taken_away_as_a_table_without_formulas() {
    let (world, acme) = World::of_acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::seconds(1));
    let new = latchkey::keys::manage::NewKey {
        name: "=HYPERLINK(\"http://evil.example\")".to_owned(),
        ..crate::support::new_key(
            &acme.workspace,
            latchkey::keys::manage::KeyOwner::User(acme.ada.id),
            "leads:read",
        )
    };
    world.key_of(new).await;

    let file = adas.get(&format!("{AUDIT}/export?format=csv")).await;

    assert_eq!((file.status, file.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let rows: Vec<_> = csv::Reader::from_reader(file.body.as_bytes())
        .into_records()
        .map(|row| row.unwrap())
        .collect();
    assert_eq!(rows.len(), 3);
    let made = rows.iter().find(|row| &row[1] == "api_key.create").unwrap();
    assert_eq!(&made[9], "'=HYPERLINK(\"http://evil.example\")");
}

/// More than one piece: every event is there once.
#[tokio::test]
async fn a_long_export_is_whole() {
    let (world, acme) = World::of_acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    for _ in 0..1_100 {
        world.clock.advance(TimeDelta::milliseconds(2));
        let txn = world.app.store.begin().await.unwrap();
        let target = latchkey::audit::Target::new("lead", "x");
        let event = latchkey::audit::Event::new(
            "lead.create",
            latchkey::audit::Actor::User(acme.ada.id),
            target,
        )
        .in_workspace(acme.workspace.id);
        latchkey::audit::record(&world.app, &txn, event).await.unwrap();
        txn.commit().await.unwrap();
    }
    world.clock.advance(TimeDelta::seconds(1));

    let file = adas.get(&format!("{AUDIT}/export?format=csv&action=lead.create")).await;

    let mut ids: Vec<_> = file.body.lines().skip(1).map(|line| line.rsplit(',').next()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_100);
}

#[tokio::test]
async fn members_and_strangers_see_no_trail() {
    let (world, acme, _, ben) = staffed().await;
    let mut bens = Browser::of(&world, &ben).await;

    for path in [AUDIT.to_owned(), format!("{AUDIT}/export?format=csv")] {
        assert_eq!(bens.get(&path).await.status, 404, "{path}");
        assert_eq!(Browser::new(&world).get(&path).await.status, 303, "{path}");
    }
    let mut adas = Browser::of(&world, &acme.ada).await;
    for format in ["", "?format=xml", "?format=csv&format=csv"] {
        assert_eq!(adas.get(&format!("{AUDIT}/export{format}")).await.status, 404, "{format}");
    }
    let url = adas.get(AUDIT).await.url;
    let refused = adas.send(url.clone(), world.http.post(url)).await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
}
