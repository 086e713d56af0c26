//! `/api/v1/leads` (contract §5; FlowEstate).

use entity::member::Role;
use latchkey::{
    clients::registration::NewClient, keys::manage::KeyOwner, workspaces::NewWorkspace,
};
use serde_json::json;

use super::{home_of_product, invalid, lacks};
use crate::support::{
    ApiCaller, Browser, Pkce, Tokens, World, expel, new_key, web, workspace_named,
};

const PATH: &str = "/api/v1/leads";

#[tokio::test]
async fn a_lead_is_created_and_listed() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read leads:write").await;
    let caller = ApiCaller::bearer(&world, &key);
    let body = json!({ "name": "Ada", "email": "ada@x.example", "phone": "+49 (0)30 1", "source": "fair" });

    let made = caller.post(PATH, &body).await;

    let shown = json!({
        "id": "<id>",
        "name": "Ada",
        "email": "ada@x.example",
        "phone": "+49 (0)30 1",
        "source": "fair",
        "createdAt": world.app.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    });
    assert_eq!(made.shown(), (201, shown.clone()));
    assert_eq!(
        caller.get(PATH).await.shown(),
        (200, json!({ "items": [shown], "nextCursor": null }))
    );
}

/// FE-1, FE-2, FE-4, FE-14, FE-15: two kinds of bearer in the same header. A token is got by a
/// connector that its user allows; it is opaque, looks like no key, and has the same scopes,
/// organization and limits.
#[tokio::test]
async fn a_key_and_a_token_are_bearers_alike() {
    let world = World::new().await;
    let (home, owner) = home_of_product(&world, "flowestate").await;
    let key = world.key(&home, &owner, "leads:read leads:write").await;
    let connector = NewClient { name: "Zapier".to_owned(), ..web() };
    let connector = world.client(connector).await;
    let callback = Browser::new(&world).authorize(&connector.authorization(), &owner).await;
    let token = Tokens::of(&connector.exchange(callback.code(), &Pkce::default()).await).access;

    assert!(key.starts_with("fe_k_") && !token.starts_with("fe_k_"), "{token}");
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{token}");
    let mut seen = Vec::new();
    for bearer in [&key, &token] {
        let caller = ApiCaller::bearer(&world, bearer);
        caller.post(PATH, &json!({ "name": "x" })).await.expect(201);
        let leads = caller.get(PATH).await.expect(200);
        let limits = ["limit", "remaining"]
            .map(|name| leads.header(&format!("x-ratelimit-{name}")).map(str::to_owned));
        let me = caller.me().await.expect(200).json();
        seen.push((me["scopes"].clone(), me["workspace"].clone(), me["product"].clone(), limits));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].3, ["1000", "998"].map(|text| Some(text.to_owned())));
    let list = ApiCaller::bearer(&world, &key).get(PATH).await.json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
}

/// FE-16: a token is its user's, and ends with the user's membership; the organization's own keys
/// and other users' tokens do not.
#[tokio::test]
async fn a_token_is_tied_to_its_user() {
    let world = World::new().await;
    let (home, owner) = home_of_product(&world, "flowestate").await;
    let ben = world.person("ben@example.com", &[(&home, Role::Member)]).await;
    let connector = world.script().await;
    let owners = Tokens::of(&connector.password(&owner).await).access;
    let bens = Tokens::of(&connector.password(&ben).await).access;
    let robot = KeyOwner::ServiceAccount(world.service_account(&home, "ci").await);
    let key = world.key_of(new_key(&home, robot, "leads:read")).await;
    let me = async |bearer: &str| ApiCaller::bearer(&world, bearer).me().await;
    for (bearer, person) in [(&owners, &owner), (&bens, &ben)] {
        let principal = me(bearer).await.expect(200).json()["principal"].clone();
        assert_eq!((&principal["type"], &principal["id"]), (&json!("user"), &json!(person.id)));
    }

    let removed = expel(&world.app, home.id, ben.id).await;
    assert!(removed.unwrap());

    let statuses = [me(&bens).await.status, me(&owners).await.status, me(&key).await.status];
    assert_eq!(statuses, [403, 200, 200]);
}

/// FE-10, FE-13, FE-15: a key and a token see the same leads, those of their own organization; no
/// parameter changes whose.
#[tokio::test]
async fn fe_13_fe_15_the_credential_alone_says_whose_leads() {
    let (world, acme) = World::of_acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let token = ApiCaller::bearer(&world, &tokens.access);
    let product = "flowestate".to_owned();
    let other = world.workspace_of(NewWorkspace { product, ..workspace_named("other") }).await;
    let joe = world.person("joe@example.com", &[(&other, Role::Owner)]).await;
    let stranger = world.key(&other, &joe, "leads:read leads:write").await;
    assert!(stranger.starts_with("fe_k_"), "{stranger}");
    let stranger = ApiCaller::bearer(&world, &stranger);
    let acme_id = acme.workspace.id.to_string();

    token.post(PATH, &json!({ "name": "ours" })).await.expect(201);
    let elsewhere = json!({ "name": "theirs", "organizationId": acme_id, "workspaceId": acme_id });
    stranger.post(PATH, &elsewhere).await.expect(201);

    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    for caller in [token, ApiCaller::bearer(&world, &key)] {
        let items = caller.get(PATH).await.json()["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1);
        assert_eq!(items[0]["name"], "ours");
    }
    let theirs = stranger.get(&format!("{PATH}?organizationId={acme_id}")).await.json();
    assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
    assert_eq!(theirs["items"][0]["name"], "theirs");
}

/// FE-9, FE-24: a key that only reads.
#[tokio::test]
async fn fe_24_a_key_that_only_reads_cannot_write() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let caller = ApiCaller::bearer(&world, &key);

    let refused = caller.post(PATH, &json!({ "name": "x" })).await;

    assert_eq!(refused.shown(), lacks("leads:write"));
    assert_eq!(caller.get(PATH).await.json()["items"], json!([]));
}

#[tokio::test]
async fn live_and_test_leads_never_meet() {
    let (world, acme) = World::of_acme().await;
    let scope = "leads:read leads:write";
    let live = ApiCaller::key(&world, &world.key(&acme.workspace, &acme.ada, scope).await);
    let test = ApiCaller::key(&world, &world.test_key(&acme.workspace, &acme.ada, scope).await);

    live.post(PATH, &json!({ "name": "live" })).await.expect(201);
    test.post(PATH, &json!({ "name": "test" })).await.expect(201);

    for (caller, name) in [(live, "live"), (test, "test")] {
        let items = caller.get(PATH).await.json()["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1);
        assert_eq!(items[0]["name"], name);
    }
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read leads:write").await;
    let caller = ApiCaller::key(&world, &key);
    let body = json!({
        "name": "x".repeat(201), "email": "not one", "phone": "1".repeat(41), "source": "s".repeat(101),
    });

    let answer = caller.post(PATH, &body).await;

    let details = [
        ("email", "must be an email address"),
        ("name", "must be 1 to 200 characters long"),
        ("phone", "must be at most 40 characters long"),
        ("source", "must be at most 100 characters long"),
    ];
    assert_eq!(answer.shown(), invalid(&details));
    assert_eq!(caller.get(PATH).await.json()["items"], json!([]));
}
