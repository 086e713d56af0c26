//! `GET /scan-runs/{id}` (RQ-27): what the scanner's result URL opens, for members of the
//! workspace.

use entity::member::Role;
use latchkey::{config::Environment, keys::manage::NewKey};
use serde_json::{Value, json};

use crate::support::{Acme, Answer, Browser, World, expel};

async fn scanned(world: &World, acme: &Acme, environment: Environment) -> String {
    let scopes = "scans:create services:read services:create endpoints:write";
    let key = world
        .key_of(NewKey {
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            environment,
            ..crate::api::adas_key(acme)
        })
        .await;
    let finding = |severity: &str, method: Value| {
        json!({ "code": format!("code-{severity}"), "severity": severity,
                "message": format!("It is <b>{severity}</b>."), "method": method, "path": null })
    };
    let payload = json!({
        "service": { "name": "Billing <API>" },
        "spec": { "hash": "a".repeat(64), "format": "openapi", "version": "3.1.0" },
        "endpoints": [{ "method": "POST", "path": "/charges/{id}", "operationId": "createCharge",
                        "tags": ["Payments", "Cards"], "summary": "Create charge" }],
        "findings": [finding("low", Value::Null), finding("critical", json!("GET"))],
    });
    let request = world.http.post(world.url("/api/scans/ingest")).bearer_auth(key).json(&payload);
    let body = Answer::to(request).await.expect(201).json();
    let url = body["resultUrl"].as_str().unwrap();
    url.strip_prefix(&world.url("")).unwrap().to_owned()
}

/// The page that a person sees at a path, after signing in on the way.
async fn seen(world: &World, path: &str, person: &crate::support::Person) -> crate::support::Page {
    let mut browser = Browser::new(world);
    let page = browser.open(path).await;
    browser.sign_in_on(&page, person).await
}

#[tokio::test]
async fn a_member_signs_in_and_sees_what_the_scan_has_found() {
    let (world, acme) = World::of_acme().await;
    let path = scanned(&world, &acme, Environment::Live).await;

    let page = seen(&world, &path, &acme.ada).await;

    assert_eq!((page.status, page.url.path()), (200, &*path));
    assert_eq!(page.text("h1"), "Billing <API>");
    assert_eq!(page.text("#endpoint-count"), "1");
    assert_eq!(page.text("#finding-count"), "2");
    assert_eq!(
        page.texts("#findings tbody tr"),
        [
            "critical It is <b>critical</b>.code-critical GET",
            "low It is <b>low</b>.code-low The description",
        ]
    );
    assert_eq!(
        page.texts("#endpoints tbody tr"),
        ["POST /charges/{id} Create charge createCharge Payments, Cards"]
    );
    assert!(!page.has(".badge.warn"), "a live scan is not called a sandbox's");
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_scan_of_the_sandbox_says_so() {
    let (world, acme) = World::of_acme().await;
    let path = scanned(&world, &acme, Environment::Test).await;

    let page = seen(&world, &path, &acme.ada).await;

    assert_eq!(page.text(".heading .badge"), "Sandbox");
}

#[tokio::test]
async fn for_anybody_else_it_does_not_exist() {
    let (world, acme) = World::of_acme().await;
    let path = scanned(&world, &acme, Environment::Live).await;
    let elsewhere = world.workspace("elsewhere").await;
    let joe = world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    let eve = world.person("eve@example.com", &[]).await;

    for (path, person) in [
        (path.as_str(), &joe),
        (path.as_str(), &eve),
        ("/scan-runs/00000000-0000-0000-0000-000000000000", &acme.ada),
        ("/scan-runs/none", &acme.ada),
    ] {
        let page = seen(&world, path, person).await;
        assert_eq!((page.status, page.text("h1").as_str()), (404, "Page not found"), "{path}");
    }
}

#[tokio::test]
async fn it_is_gone_for_who_is_no_longer_a_member() {
    let (world, acme) = World::of_acme().await;
    let path = scanned(&world, &acme, Environment::Live).await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&ben).await;
    assert_eq!(browser.get(&path).await.status, 200);

    let gone = expel(&world.app, acme.workspace.id, ben.id);
    gone.await.unwrap();

    assert_eq!(browser.get(&path).await.status, 404);
}
