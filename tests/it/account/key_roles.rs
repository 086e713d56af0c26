//! Who may do what with a workspace's keys: its owners, admins and members, and those who have left.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{clients::registration::NewClient, workspaces::NewWorkspace};
use serde_json::json;

use super::api_keys::{KEYS, ada, create, shown_key};
use crate::support::{ApiCaller, Browser, Tokens, expel, script, texts, workspace_named};

/// SW-10, SW-11: one's own keys stay visible among those of others, which are masked.
#[tokio::test]
async fn ones_own_keys_stay_visible_among_masked_ones() {
    let (world, acme, mut adas) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let others = shown_key(&create(&mut adas, KEYS, "Adas", &["leads:read"]).await);
    let mut bens = Browser::of(&world, &ben).await;
    world.clock.advance(TimeDelta::seconds(1));
    let own = shown_key(&create(&mut bens, KEYS, "Bens", &["leads:read"]).await);

    let page = bens.get(KEYS).await;

    let own = format!("{}…{}", &own[..12], &own[own.len() - 4..]);
    assert_eq!(page.texts("td code"), [own.as_str(), "••••••••"]);
    assert_eq!(page.texts("td.title strong"), ["Bens"]);
    assert_eq!(page.texts("td[data-label=May]"), ["See your leads", "hidden"]);
    assert!(!page.body.contains(&others[..12]));
    assert_eq!(page.texts("td form").len(), 1, "only one's own can be switched off");
}

/// SW-8, SW-18: every scope is for owners and admins of the workspace to give, on the page and by
/// the API; a member gives what a member has; to everybody else there is no such workspace.
#[tokio::test]
async fn owners_and_admins_make_keys_of_every_kind() {
    let (world, acme, _) = ada().await;
    let scope = texts(&["api-keys:manage", "leads:read"]);
    let client = world.client(NewClient { scope, ..script() }).await;
    let manage = "input[value='api-keys:manage']";
    let body = json!({ "name": "x", "ownerPrincipalType": "user", "scopes": ["leads:read"] });

    for (name, role, may_manage) in
        [("olga", Role::Owner, true), ("adam", Role::Admin, true), ("mia", Role::Member, false)]
    {
        let username = format!("acme/{name}@acme.example");
        let person = world.person(&username, &[(&acme.workspace, role)]).await;
        let token = Tokens::of(&client.password(&person).await).access;
        let mut browser = Browser::of(&world, &person).await;

        let made = ApiCaller::bearer(&world, &token).post("/api/api-keys", &body).await;
        let page = browser.get(&format!("{KEYS}/new")).await;

        assert_eq!(made.status, if may_manage { 201 } else { 403 }, "{name}: {}", made.body);
        assert_eq!(
            (page.has(manage), page.has("#scopes-hint")),
            (may_manage, !may_manage),
            "{name}"
        );
        shown_key(&create(&mut browser, KEYS, name, &["leads:read"]).await);
    }
    let stranger = world.person("acme/eve@acme.example", &[]).await;
    let mut browser = Browser::of(&world, &stranger).await;
    assert_eq!(browser.get(&format!("{KEYS}/new")).await.status, 404);
}

/// SW-2, SW-18: an enterprise has several workspaces; its people have a role in each, and a key is
/// of one of them.
#[tokio::test]
async fn an_enterprise_has_workspaces_with_roles_of_their_own() {
    let (world, acme, _) = ada().await;
    let second = NewWorkspace { enterprise: Some("acme".to_owned()), ..workspace_named("second") };
    let second = world.workspace_of(second).await;
    let places = [(&acme.workspace, Role::Member), (&second, Role::Admin)];
    let ben = world.person("acme/ben@acme.example", &places).await;
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    world.key(&second, &ben, "leads:read").await;
    let mut browser = Browser::of(&world, &ben).await;

    let (there, here) =
        (browser.get("/workspaces/second/settings/keys").await, browser.get(KEYS).await);

    assert_eq!(here.text("td.title .quiet"), "Another member's key");
    assert_eq!(there.texts("td.title strong"), ["a key"]);
    let manage = "input[value='api-keys:manage']";
    assert!(browser.get("/workspaces/second/settings/keys/new").await.has(manage));
    assert!(!browser.get(&format!("{KEYS}/new")).await.has(manage));
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(adas.get("/workspaces/second/settings/keys").await.status, 404);
}

/// FE-25: when somebody leaves, the keys to rotate or to replace are marked for who administers the
/// workspace.
#[tokio::test]
async fn keys_of_somebody_who_left_are_marked() {
    let (world, acme, mut adas) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let left = world.key(&acme.workspace, &ben, "leads:read").await;
    world.clock.advance(TimeDelta::seconds(1));
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    assert!(!adas.get(KEYS).await.has(".badge.warn"));
    let app = &world.app;

    expel(app, acme.workspace.id, ben.id).await.unwrap();

    let page = adas.get(KEYS).await;
    assert_eq!(page.texts("tbody tr:last-child .badge.warn"), ["Owner has left"]);
    assert_eq!(page.texts(".badge.warn").len(), 1);
    let owners = ["acme/ada@acme.example", "acme/ben@acme.example"];
    assert_eq!(page.texts("td[data-label=Owner]"), owners);
    ApiCaller::key(&world, &left).me().await.expect(403);
}
