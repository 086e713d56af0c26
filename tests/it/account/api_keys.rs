//! `/settings/api-keys` and `/workspaces/{slug}/settings/keys`: making, seeing and ending keys.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{jobs::usage, workspaces::NewWorkspace};
use serde_json::json;

use crate::support::{Acme, Answer, ApiCaller, Browser, Page, World, workspace_named};

pub(super) const KEYS: &str = "/workspaces/acme/settings/keys";

pub(super) async fn ada() -> (World, Acme, Browser) {
    let world = World::new().await;
    let acme = world.acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

/// Fills the form for a new key and sends it.
pub(super) async fn create(browser: &mut Browser, keys: &str, name: &str, scopes: &[&str]) -> Page {
    let page = browser.get(&format!("{keys}/new")).await;
    let mut form = page.form("#create-key-submit");
    form.set("name", name);
    for scope in scopes {
        form.tick("scope", scope);
    }
    browser.send_form(&page.url, &form).await
}

/// The key that a page shows.
#[track_caller]
pub(super) fn shown_key(page: &Page) -> String {
    assert_eq!((page.status, &*page.text("h1")), (201, "Key created"), "{}", page.text("main"));
    raw_key(page).unwrap()
}

fn raw_key(page: &Page) -> Option<String> {
    let (_, rest) = page.body.split_once("name=\"raw-key\" value=\"")?;
    rest.split('"').next().map(str::to_owned)
}

async fn me(world: &World, key: &str) -> Answer {
    ApiCaller::key(world, key).me().await
}

/// The page once it has what `selector` finds: that a key came in an address is written down soon
/// after the answer, which does not wait for it.
async fn noted(browser: &mut Browser, path: &str, selector: &str) -> Page {
    let begin = Instant::now();
    loop {
        let page = browser.get(path).await;
        if page.has(selector) {
            return page;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "no {selector}: {}", page.text("main"));
    }
}

/// FE-6, FE-9, SF-5, SF-9, SW-7: from the workspace's settings, with a warning that it is shown this
/// once. FE-26: and of where it must not be put.
#[tokio::test]
async fn a_key_is_made_and_shown_once() {
    let (world, _, mut browser) = ada().await;

    let page = create(&mut browser, KEYS, "Nightly export", &["leads:read"]).await;

    let key = shown_key(&page);
    let warning = "Copy the key now. It is shown this once and stored nowhere; if it is lost, create \
                   another one.";
    assert_eq!(page.text(".flash.warn"), warning);
    let hint = page.text("#raw-key-hint");
    assert!(hint.ends_with("Never put it into a page, a repository or an address."), "{hint}");
    assert!(key.starts_with("lk_live_") && key.len() == 8 + 36, "{}", key.len());
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.text("label[for=raw-key]"), "Nightly export, in The workspace acme");
    let body = me(&world, &key).await.expect(200).json();
    assert_eq!(body["principal"]["username"], "acme/ada@acme.example");
    assert_eq!(body["credential"]["name"], "Nightly export");
    assert_eq!((&body["scopes"], &body["environment"]), (&json!(["leads:read"]), &json!("live")));
    let list = browser.get(KEYS).await;
    assert!(!list.body.contains(&key), "it is shown again");
    assert_eq!(list.text("td code"), format!("{}…{}", &key[..12], &key[key.len() - 4..]));
    assert_eq!(world.audited("api_key.create").await, 1);
    for event in world.audit_events().await {
        assert!(!format!("{event:?}").contains(&key), "{event:?}");
    }
}

/// SW-10, FE-25, FE-28: one's own keys with their owner, and the plan's limit.
#[tokio::test]
async fn a_key_is_listed_with_what_there_is_to_know() {
    let (world, _, mut browser) = ada().await;
    let page = create(&mut browser, KEYS, "Export", &["leads:read", "leads:write"]).await;
    world.clock.advance(TimeDelta::hours(23));
    me(&world, &shown_key(&page)).await.expect(200);
    usage::run_once(&world.app).await.unwrap();

    let page = browser.get(KEYS).await;

    assert_eq!(page.text("td.title strong"), "Export");
    assert_eq!(page.texts("td.title .badge"), ["live", "Active"]);
    assert_eq!(page.texts("td[data-label=May] li"), ["See your leads", "Create leads"]);
    assert_eq!(page.text("td[data-label=Owner]"), "acme/ada@acme.example");
    assert_eq!(page.text("td[data-label=Used]"), "6 Mar 20271 requestmade 5 Mar 2027");
    assert_eq!(page.text("td[data-label=Expires]"), "never");
    let meter =
        "1 of 10 keys on the plan pro. Expired and revoked keys count until they are deleted.";
    assert_eq!(page.text(".meter span"), meter);
}

/// FE-3, FE-5, FE-23, SF-4: Settings → API Keys, by the links that are there, to a key named after
/// its integration.
#[tokio::test]
async fn a_key_of_flowestate_is_made_from_the_settings() {
    let world = World::new().await;
    let product = NewWorkspace { product: "flowestate".to_owned(), ..workspace_named("flow") };
    let home = world.workspace_of(product).await;
    let owner = world.person("owner@example.com", &[(&home, Role::Owner)]).await;
    let mut browser = Browser::of(&world, &owner).await;
    let settings = browser.get("/settings/profile").await;
    assert_eq!(settings.text("a[href='/settings/api-keys']"), "API keys");
    let page = browser.get("/settings/api-keys").await;
    assert!(page.has("#create-key[href='/workspaces/flow/settings/keys/new']"));

    let keys = "/workspaces/flow/settings/keys";
    let page = create(&mut browser, keys, "make-lead-ingest", &["leads:write"]).await;

    let key = shown_key(&page);
    let body = key.strip_prefix("fe_k_").unwrap();
    let is_hex = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    assert!(body.len() == 32 && body.bytes().all(is_hex), "{key}");
    let me = me(&world, &key).await.expect(200).json();
    assert_eq!(me["credential"]["name"], "make-lead-ingest");
    assert_eq!(me["scopes"], json!(["leads:write"]));
}

/// FE-5, SF-4, SW-7.
#[tokio::test]
async fn both_addresses_show_the_same_keys() {
    let (world, acme, mut browser) = ada().await;
    world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let (first, named) = (browser.get("/settings/api-keys").await, browser.get(KEYS).await);

    assert_eq!((first.status, named.status), (200, 200));
    assert_eq!(first.body, named.body);
    assert_eq!(first.texts("tbody tr").len(), 1);
}

#[tokio::test]
async fn without_keys_and_without_workspaces_the_page_says_so() {
    let (world, _, mut browser) = ada().await;
    let joe = world.person("joe@example.com", &[]).await;

    assert_eq!(browser.get(KEYS).await.text(".empty h2"), "No keys yet");
    let page = Browser::of(&world, &joe).await.get("/settings/api-keys").await;
    assert_eq!((page.status, page.text(".empty h2").as_str()), (200, "No workspace yet"));
}

#[tokio::test]
async fn a_test_key_sees_the_sandbox() {
    let (world, _, mut browser) = ada().await;
    let page = browser.get(&format!("{KEYS}/new")).await;
    let mut form = page.form("#create-key-submit").with("name", "Sandbox");
    form.set("environment", "test");
    form.tick("scope", "leads:read");

    let page = browser.send_form(&page.url, &form).await;

    let key = shown_key(&page);
    assert!(key.starts_with("lk_test_"));
    assert_eq!(me(&world, &key).await.json()["environment"], "test");
}

/// FE-11, FE-27, SW-9: the day that was chosen disables it by itself. SW-15: and no more than that.
#[tokio::test]
async fn a_key_works_through_the_day_it_expires_on() {
    let (world, acme, mut browser) = ada().await;
    let page = browser.get(&format!("{KEYS}/new")).await;
    // it is 10:27:07.250 on the fifth of March
    let mut form =
        page.form("#create-key-submit").with("name", "Short").with("expires", "2027-03-06");
    form.tick("scope", "leads:read");
    let key = shown_key(&browser.send_form(&page.url, &form).await);
    let body = me(&world, &key).await.json();
    assert_eq!(body["credential"]["expiresAt"], "2027-03-07T00:00:00.000Z");

    let left = TimeDelta::hours(37) + TimeDelta::minutes(32) + TimeDelta::milliseconds(52_750);
    world.clock.advance(left - TimeDelta::milliseconds(1));
    assert_eq!(me(&world, &key).await.status, 200);
    world.clock.advance(TimeDelta::milliseconds(1));

    let answer = me(&world, &key).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (403, &json!("FORBIDDEN")));
    // her session is over, too
    let mut browser = Browser::of(&world, &acme.ada).await;
    assert_eq!(browser.get(KEYS).await.texts("td.title .badge")[1], "Expired");
}

/// FE-12.
#[tokio::test]
async fn a_key_is_switched_off_and_on() {
    let (world, acme, mut browser) = ada().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let page = browser.get(KEYS).await;
    assert_eq!(page.text("td form button"), "Switch off");

    let answer = browser.submit(&page, "td form", &[]).await;

    let place = "/workspaces/acme/settings/keys?notice=key-disabled";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The key is switched off.");
    assert_eq!(page.texts("td.title .badge")[1], "Switched off");
    let refused = me(&world, &key).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("FORBIDDEN")));

    let answer = browser.submit(&page, "td form", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The key is switched on.");
    assert_eq!(me(&world, &key).await.status, 200);
    assert_eq!(world.audited("api_key.disable").await, 1);
    assert_eq!(world.audited("api_key.enable").await, 1);
}

/// SW-14, SW-16, SW-17: after a warning to give other keys first to what uses it; for good.
#[tokio::test]
async fn a_key_is_deleted_after_a_question() {
    let (world, acme, mut browser) = ada().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let path = delete_path(&browser.get(KEYS).await);
    let page = browser.get(&path).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Delete this key?"));
    assert_eq!(page.text("dd code"), format!("{}…{}", &key[..12], &key[key.len() - 4..]));
    let warning = "Programs that use it are refused from now on: give them another key first. This \
                   cannot be undone; to stop it for a while, switch it off instead.";
    assert_eq!(page.text(".card > p"), warning);
    assert_eq!(me(&world, &key).await.status, 200, "asking deletes nothing");

    let answer = browser.submit(&page, "#delete-key-confirm", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The key is deleted. Requests with it are refused.");
    assert!(!page.has("tbody tr"));
    let refused = me(&world, &key).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &json!("UNAUTHORIZED")));
    assert_eq!(browser.get(&path).await.status, 404);
    assert_eq!(world.audited("api_key.delete").await, 1);
}

/// The address of the question before a deletion: of the first key on the page.
pub(super) fn delete_path(page: &Page) -> String {
    let (before, _) = page.body.split_once("/delete\"").unwrap();
    format!("{}/delete", before.rsplit_once('"').unwrap().1)
}

/// SF-10, SF-11: everything, or scopes of the catalogue, each in words.
#[tokio::test]
async fn full_access_is_offered_where_the_product_has_it() {
    let (world, acme, mut browser) = ada().await;
    let free = NewWorkspace { product: "subscribeflow".to_owned(), ..workspace_named("mailing") };
    let mailing = world.workspace_of(free).await;
    let actor = latchkey::audit::Actor::Operator;
    let added =
        latchkey::workspaces::add_member(&world.app, actor, mailing.id, acme.ada.id, Role::Owner);
    added.await.unwrap().unwrap();
    assert!(!browser.get(&format!("{KEYS}/new")).await.has("input[name=full_access]"));
    let keys = "/workspaces/mailing/settings/keys";
    let page = browser.get(&format!("{keys}/new")).await;
    let offered = page.texts(".checks label");
    assert_eq!(offered.len(), 14);
    for (scope, words) in [
        ("tags:write", "Create, change and delete tags"),
        ("campaigns:write", "Create, change, send and cancel campaigns"),
        ("webhooks:manage", "Create, change, delete and test webhooks"),
        ("api-keys:manage", "Create and revoke API keys"),
    ] {
        assert!(offered.contains(&format!("{words}{scope}")), "{offered:?}");
    }

    let mut form = page.form("#create-key-submit").with("name", "All");
    form.set("full_access", "yes");
    let page = browser.send_form(&page.url, &form).await;

    let body = me(&world, &shown_key(&page)).await.json();
    assert_eq!((&body["fullAccess"], &body["product"]), (&json!(true), &json!("subscribeflow")));
    assert_eq!(browser.get(keys).await.text("td[data-label=May]"), "Everything");
}

#[tokio::test]
async fn a_user_of_several_workspaces_moves_between_them() {
    let (world, acme, mut browser) = ada().await;
    assert!(!browser.get(KEYS).await.has(".switcher"));
    let qflow = NewWorkspace { product: "qflow".to_owned(), ..workspace_named("guests") };
    let guests = world.workspace_of(qflow).await;
    world.clock.advance(TimeDelta::seconds(1));
    let actor = latchkey::audit::Actor::Operator;
    let added =
        latchkey::workspaces::add_member(&world.app, actor, guests.id, acme.ada.id, Role::Owner);
    added.await.unwrap().unwrap();

    let page = browser.get("/settings/api-keys").await;

    assert_eq!(page.texts(".switcher a"), ["The workspace acme", "The workspace guests"]);
    assert_eq!(page.text(".switcher a[aria-current]"), "The workspace acme");
    let page = browser.get("/workspaces/guests/settings/keys").await;
    // OAuth and a subscription key, no API keys
    assert_eq!(page.text(".empty h2"), "No API keys here");
    assert!(!page.has("#create-key"));
}

/// SW-5, SW-6: the settings page says so, and what to do.
#[tokio::test]
async fn a_key_that_was_seen_in_an_address_is_flagged() {
    let (world, acme, mut browser) = ada().await;
    let product = NewWorkspace { product: "subworkflow".to_owned(), ..workspace_named("flows") };
    let flows = world.workspace_of(product).await;
    let actor = latchkey::audit::Actor::Operator;
    let added =
        latchkey::workspaces::add_member(&world.app, actor, flows.id, acme.ada.id, Role::Owner);
    added.await.unwrap().unwrap();
    let key = world.key(&flows, &acme.ada, "datasets:read").await;
    let keys = "/workspaces/flows/settings/keys";
    me(&world, &key).await.expect(200);
    assert_eq!(browser.get(keys).await.texts("td.title .badge"), ["live", "Active"]);

    ApiCaller::anonymous(&world).get(&format!("/api/v1/me?api-key={key}")).await.expect(200);

    let page = noted(&mut browser, keys, "td.title .badge.bad").await;
    assert_eq!(page.texts("td.title .badge"), ["live", "Active", "Seen in a URL"]);
    let advice = page.text("td.title .exposed");
    assert!(advice.starts_with("It was sent in an address, where logs keep it."), "{advice}");
}
