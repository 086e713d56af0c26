//! `/v1/datasets` (contract §5; Subworkflow): what is written is read back, by its own workspace
//! and environment alone.

use entity::member::Role;
use latchkey::workspaces::NewWorkspace;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{invalid, lacks, nothing_there};
use crate::support::{Answer, ApiCaller, World, workspace_named};

const PATH: &str = "/v1/datasets";
const SCOPES: &str = "datasets:read datasets:write";

/// A world with a live caller of Acme's.
async fn caller() -> (World, ApiCaller) {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, SCOPES).await;
    let caller = ApiCaller::key(&world, &key);
    (world, caller)
}

async fn create(caller: &ApiCaller, name: &str) -> String {
    let made = caller.post(PATH, &json!({ "name": name })).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

fn names(answer: &Answer) -> Vec<String> {
    let body = answer.clone().expect(200).json();
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_dataset_is_created_listed_read_and_deleted() {
    let (world, caller) = caller().await;
    let body =
        json!({ "name": "Prices", "description": "All\nof them", "uri": "s3://a/b", "more": [1] });

    let made = caller.post(PATH, &body).await;

    let shown = json!({
        "id": "<id>",
        "name": "Prices",
        "description": "All\nof them",
        "uri": "s3://a/b",
        "createdAt": world.app.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    });
    assert_eq!(made.shown(), (201, shown.clone()));
    let path = format!("{PATH}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(caller.get(&path).await.json(), made.json());
    assert_eq!(
        caller.get(PATH).await.shown(),
        (200, json!({ "items": [shown], "nextCursor": null }))
    );

    let gone = caller.delete(&path).await;
    assert_eq!((gone.status, &*gone.body), (204, ""));
    assert_eq!(caller.get(&path).await.shown(), nothing_there());
    assert_eq!(caller.delete(&path).await.shown(), nothing_there());
    assert_eq!(names(&caller.get(PATH).await), Vec::<String>::new());
}

/// SW-1, SW-3, SW-4: the documented calls, by header and by query; and neither.
#[tokio::test]
async fn sw_3_sw_4_the_documented_calls_work() {
    let world = World::new().await;
    let new = NewWorkspace { product: "subworkflow".to_owned(), ..workspace_named("flow") };
    let workspace = world.workspace_of(new).await;
    let ada = world.person("ada@flow.example", &[(&workspace, Role::Owner)]).await;
    let key = world.key(&workspace, &ada, SCOPES).await;
    assert!(key.starts_with("sw_"), "{key}");

    create(&ApiCaller::key(&world, &key), "by header").await;
    let by_query = ApiCaller::anonymous(&world).get(&format!("{PATH}?api-key={key}")).await;

    assert_eq!(names(&by_query), ["by header"]);
    assert_eq!(ApiCaller::anonymous(&world).get(PATH).await.status, 401);
}

/// SW-2: a workspace's keys see what its people's apps have written.
#[tokio::test]
async fn an_access_token_does_what_a_key_does() {
    let (world, acme) = World::of_acme().await;
    let scope = ["datasets:read", "datasets:write"].map(str::to_owned).to_vec();
    let script = world
        .client(latchkey::clients::registration::NewClient { scope, ..crate::support::script() });
    let tokens = script.await.password(&acme.ada).await;
    let caller = ApiCaller::bearer(&world, &crate::support::Tokens::of(&tokens).access);

    let id = create(&caller, "by token").await;

    let key = world.key(&acme.workspace, &acme.ada, "datasets:read").await;
    let found = ApiCaller::key(&world, &key).get(&format!("{PATH}/{id}")).await;
    assert_eq!(found.json()["name"], "by token");
}

/// SW-2: keys are confined to their workspace.
#[tokio::test]
async fn another_workspace_or_environment_finds_nothing() {
    let (world, acme) = World::of_acme().await;
    let live = ApiCaller::key(&world, &world.key(&acme.workspace, &acme.ada, SCOPES).await);
    let test = ApiCaller::key(&world, &world.test_key(&acme.workspace, &acme.ada, SCOPES).await);
    let other = world.workspace("other").await;
    let joe = world.person("joe@example.com", &[(&other, Role::Owner)]).await;
    let stranger = ApiCaller::key(&world, &world.key(&other, &joe, SCOPES).await);
    let id = create(&live, "ours").await;
    let sandbox_id = create(&test, "sandbox").await;

    let path = format!("{PATH}/{id}");
    for caller in [&test, &stranger] {
        assert_eq!(caller.get(&path).await.shown(), nothing_there());
        assert_eq!(caller.delete(&path).await.shown(), nothing_there());
    }
    assert_eq!(live.get(&format!("{PATH}/{sandbox_id}")).await.shown(), nothing_there());
    assert_eq!(names(&live.get(PATH).await), ["ours"]);
    assert_eq!(names(&test.get(PATH).await), ["sandbox"]);
    assert_eq!(names(&stranger.get(PATH).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_list_is_read_in_pages_newest_first() {
    let (world, caller) = caller().await;
    for number in 0..25 {
        create(&caller, &format!("{number}")).await;
        world.clock.advance(chrono::TimeDelta::milliseconds(1));
    }
    let expected: Vec<_> = (0..25).rev().map(|number| number.to_string()).collect();

    let first = caller.get(PATH).await;
    assert_eq!(names(&first), expected[..20], "20 unless asked otherwise");

    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    for page in 0..4 {
        let after = cursor.as_str().map(|it| format!("&cursor={it}")).unwrap_or_default();
        let answer = caller.get(&format!("{PATH}?limit=7{after}")).await;
        seen.extend(names(&answer));
        cursor = answer.json()["nextCursor"].clone();
        assert_eq!(cursor.is_null(), page == 3);
        // what comes later does not shift the pages
        create(&caller, "later").await;
    }
    assert_eq!(seen, expected);
    assert_eq!(caller.get(&format!("{PATH}?limit=100")).await.json()["nextCursor"], Value::Null);
}

#[tokio::test]
async fn a_page_that_ends_with_the_list_has_no_next() {
    let (_world, caller) = caller().await;
    create(&caller, "a").await;
    create(&caller, "b").await;

    let answer = caller.get(&format!("{PATH}?limit=2")).await;

    assert_eq!(names(&answer).len(), 2);
    assert_eq!(answer.json()["nextCursor"], Value::Null);
}

#[tokio::test]
async fn limit_and_cursor_are_checked_and_both_named() {
    let (_world, caller) = caller().await;
    let limit = ("limit", "must be 1 to 100");
    let cursor = ("cursor", "must be a nextCursor of this list");

    for bad in ["0", "101", "-1", "+5", "1.0", "ten", "", "99999999999999999999", "5&limit=5"] {
        let answer = caller.get(&format!("{PATH}?limit={bad}")).await;
        assert_eq!(answer.shown(), invalid(&[limit]), "{bad}");
    }
    for bad in ["", "x", &"A".repeat(43), &"A".repeat(4_000), "%00"] {
        let answer = caller.get(&format!("{PATH}?cursor={bad}")).await;
        assert_eq!(answer.shown(), invalid(&[cursor]), "{bad}");
    }
    assert_eq!(
        caller.get(&format!("{PATH}?limit=x&cursor=x")).await.shown(),
        invalid(&[limit, cursor])
    );
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let (world, acme) = World::of_acme().await;
    let scopes = "datasets:read datasets:write leads:read";
    let live = ApiCaller::key(&world, &world.key(&acme.workspace, &acme.ada, scopes).await);
    let test = ApiCaller::key(&world, &world.test_key(&acme.workspace, &acme.ada, scopes).await);
    let other = world.workspace("other").await;
    let joe = world.person("joe@example.com", &[(&other, Role::Owner)]).await;
    let stranger = ApiCaller::key(&world, &world.key(&other, &joe, scopes).await);
    create(&live, "a").await;
    create(&live, "b").await;

    let page = live.get(&format!("{PATH}?limit=1")).await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let mut altered = cursor.to_owned().into_bytes();
    altered[3] = if altered[3] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();

    let refused = invalid(&[("cursor", "must be a nextCursor of this list")]);
    let at = |list: &str, cursor: &str| format!("{list}?cursor={cursor}");
    assert_eq!(test.get(&at(PATH, cursor)).await.shown(), refused);
    assert_eq!(stranger.get(&at(PATH, cursor)).await.shown(), refused);
    assert_eq!(live.get(&at("/api/v1/leads", cursor)).await.shown(), refused);
    assert_eq!(live.get(&at(PATH, &altered)).await.shown(), refused);
    assert_eq!(names(&live.get(&at(PATH, cursor)).await).len(), 1);
}

#[tokio::test]
async fn a_credential_without_the_scope_is_refused_before_anything_is_read() {
    let (world, acme) = World::of_acme().await;
    let read =
        ApiCaller::key(&world, &world.key(&acme.workspace, &acme.ada, "datasets:read").await);
    let write =
        ApiCaller::key(&world, &world.key(&acme.workspace, &acme.ada, "datasets:write").await);
    let path = format!("{PATH}/{}", Uuid::nil());

    assert_eq!(read.post(PATH, &json!({})).await.shown(), lacks("datasets:write"));
    assert_eq!(read.delete(&path).await.shown(), lacks("datasets:write"));
    assert_eq!(write.get(PATH).await.shown(), lacks("datasets:read"));
    assert_eq!(write.get(&path).await.shown(), lacks("datasets:read"));
    let challenge = write.get(PATH).await;
    let challenge = challenge.header("www-authenticate").unwrap();
    assert!(
        challenge.ends_with("error=\"insufficient_scope\", scope=\"datasets:read\""),
        "{challenge}"
    );
    assert_eq!(read.get(PATH).await.json()["items"], json!([]));
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_and_nothing_is_stored() {
    let (_world, caller) = caller().await;
    let long = "x".repeat(2_001);

    for (body, details) in [
        (json!({}), &[("name", "is required")][..]),
        (json!([]), &[("body", "must be an object")]),
        (json!({ "name": "" }), &[("name", "must not be empty")]),
        (json!({ "name": "x".repeat(121) }), &[("name", "must be 1 to 120 characters long")]),
        (json!({ "name": null }), &[("name", "must not be null")]),
        (json!({ "name": "a\nb" }), &[("name", "must be one line without control characters")]),
        (
            json!({ "name": 7, "description": long, "uri": long }),
            &[
                ("description", "must be at most 2000 characters long"),
                ("name", "must be a string"),
                ("uri", "must be at most 2000 characters long"),
            ],
        ),
        (
            json!({ "name": "a\u{0}", "description": "\u{0}", "uri": {} }),
            &[
                ("description", "must not contain U+0000"),
                ("name", "must not contain U+0000"),
                ("uri", "must be a string"),
            ],
        ),
    ] {
        assert_eq!(caller.post(PATH, &body).await.shown(), invalid(details), "{body}");
    }
    assert_eq!(names(&caller.get(PATH).await), Vec::<String>::new());
}

#[tokio::test]
async fn sizes_count_characters_and_null_means_absent() {
    let (_world, caller) = caller().await;
    let body = json!({ "name": "é".repeat(120), "description": null, "uri": "é".repeat(2_000) });

    let made = caller.post(PATH, &body).await.expect(201).json();

    assert_eq!(made["name"], body["name"]);
    assert_eq!(made["description"], Value::Null);
    assert_eq!(caller.get(&format!("{PATH}/{}", made["id"].as_str().unwrap())).await.json(), made);
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found() {
    let (_world, caller) = caller().await;

    for id in ["x", "00000000-0000-0000-0000-00000000000", "%00", "1%20or%201=1"] {
        assert_eq!(caller.get(&format!("{PATH}/{id}")).await.shown(), nothing_there(), "{id}");
        assert_eq!(caller.delete(&format!("{PATH}/{id}")).await.shown(), nothing_there(), "{id}");
    }
}
