//! `/api/v1/subscribers` (contract §5; SubscribeFlow).

use entity::{member::Role, workspace};
use latchkey::{
    config::Environment,
    keys::manage::{KeyOwner, NewKey},
    workspaces::NewWorkspace,
};
use serde_json::{Value, json};

use super::{invalid, lacks, nothing_there, refused};
use crate::support::{ApiCaller, Person, World, workspace_named};

const PATH: &str = "/api/v1/subscribers";
const SCOPES: &str = "subscribers:read subscribers:write subscribers:delete";

/// A workspace of SubscribeFlow's, with its owner.
async fn subscribeflow() -> (World, workspace::Model, Person) {
    let world = World::new().await;
    let product = "subscribeflow".to_owned();
    let home = world.workspace_of(NewWorkspace { product, ..workspace_named("sub") }).await;
    let ada = world.person("ada@sub.example", &[(&home, Role::Owner)]).await;
    (world, home, ada)
}

async fn callers() -> (World, ApiCaller, ApiCaller) {
    let (world, home, ada) = subscribeflow().await;
    let (live, test) =
        (world.key(&home, &ada, SCOPES).await, world.test_key(&home, &ada, SCOPES).await);
    assert!(live.starts_with("sf_live_") && test.starts_with("sf_test_"), "{live} {test}");
    let (live, test) = (ApiCaller::key(&world, &live), ApiCaller::key(&world, &test));
    (world, live, test)
}

fn taken() -> (u16, Value) {
    refused(409, "CONFLICT", "a subscriber with this email address exists")
}

async fn add(caller: &ApiCaller, email: &str) -> String {
    let made = caller.post(PATH, &json!({ "email": email })).await.expect(201).json();
    format!("{PATH}/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_subscriber_is_added_read_changed_and_deleted() {
    let (world, caller, _) = callers().await;
    let body = json!({ "email": "Ada@X.example", "firstName": "Ada", "lastName": "L", "tags": ["a", "b"] });

    let made = caller.post(PATH, &body).await;

    let mut shown = json!({
        "id": "<id>",
        "email": "Ada@X.example",
        "firstName": "Ada",
        "lastName": "L",
        "tags": ["a", "b"],
        "createdAt": world.app.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    });
    assert_eq!(made.shown(), (201, shown.clone()));
    let path = format!("{PATH}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(caller.get(&path).await.json(), made.json());

    let changes = json!({ "email": "ada@y.example", "firstName": null, "tags": [] });
    let after = caller.patch(&path, &changes).await;
    shown["email"] = "ada@y.example".into();
    shown["firstName"] = Value::Null;
    shown["tags"] = json!([]);
    assert_eq!(after.shown(), (200, shown));
    assert_eq!(caller.get(&path).await.json(), after.json());
    assert_eq!(caller.patch(&path, &json!({})).await.json(), after.json());

    let gone = caller.delete(&path).await;
    assert_eq!((gone.status, &*gone.body), (204, ""));
    assert_eq!(caller.get(&path).await.shown(), nothing_there());
    assert_eq!(caller.patch(&path, &json!({})).await.shown(), nothing_there());
    assert_eq!(caller.delete(&path).await.shown(), nothing_there());
}

/// SF-6, SF-7, SF-8: the documented call, with both headers, and as the SDKs make it: they take the
/// `items` out of the answer.
#[tokio::test]
async fn sf_6_sf_7_the_documented_call_works() {
    let (world, home, ada) = subscribeflow().await;
    let key = world.key(&home, &ada, "subscribers:read").await;
    let path = format!("{PATH}?limit=10");
    let empty = (200, json!({ "items": [], "nextCursor": null }));
    let writer = world.key(&home, &ada, "subscribers:write").await;

    assert_eq!(ApiCaller::key(&world, &key).get(&path).await.shown(), empty);
    assert_eq!(ApiCaller::bearer(&world, &key).get(&path).await.shown(), empty);
    for number in 0..11 {
        add(&ApiCaller::bearer(&world, &writer), &format!("{number}@x.example")).await;
    }
    let answer = ApiCaller::key(&world, &key).get(&path).await.expect(200);
    assert_eq!(answer.json()["items"].as_array().map(Vec::len), Some(10));
}

/// SF-2, SF-3: test data and live data are invisible to one another, by list, id, change and
/// deletion; the same address may be in both.
#[tokio::test]
async fn sf_2_sf_3_environments_never_meet() {
    let (_world, live, test) = callers().await;
    let live_path = add(&live, "a@x.example").await;
    let test_path = add(&test, "a@x.example").await;

    for (caller, theirs) in [(&live, &test_path), (&test, &live_path)] {
        assert_eq!(caller.get(theirs).await.shown(), nothing_there());
        assert_eq!(caller.patch(theirs, &json!({ "tags": ["x"] })).await.shown(), nothing_there());
        assert_eq!(caller.delete(theirs).await.shown(), nothing_there());
        assert_eq!(caller.get(PATH).await.json()["items"].as_array().unwrap().len(), 1);
    }
    assert_eq!(live.get(&live_path).await.json()["tags"], json!([]));
}

#[tokio::test]
async fn another_workspace_finds_nothing() {
    let (world, home, ada) = subscribeflow().await;
    let ours = ApiCaller::key(&world, &world.key(&home, &ada, SCOPES).await);
    let other = world.workspace("other").await;
    let joe = world.person("joe@example.com", &[(&other, Role::Owner)]).await;
    let stranger = ApiCaller::key(&world, &world.key(&other, &joe, SCOPES).await);
    let path = add(&ours, "a@x.example").await;

    assert_eq!(stranger.get(&path).await.shown(), nothing_there());
    assert_eq!(stranger.patch(&path, &json!({ "tags": ["x"] })).await.shown(), nothing_there());
    assert_eq!(stranger.delete(&path).await.shown(), nothing_there());
    // an address is nobody's alone
    add(&stranger, "a@x.example").await;
}

#[tokio::test]
async fn an_address_is_there_once_whatever_its_capitals() {
    let (_world, caller, _) = callers().await;
    add(&caller, "ada@x.example").await;
    let ben = add(&caller, "ben@x.example").await;

    let again = caller.post(PATH, &json!({ "email": "ADA@X.example" })).await;
    let moved = caller.patch(&ben, &json!({ "email": "Ada@x.example", "tags": ["x"] })).await;

    assert_eq!(again.shown(), taken());
    assert_eq!(moved.shown(), taken());
    let ben_now = caller.get(&ben).await.json();
    assert_eq!((&ben_now["email"], &ben_now["tags"]), (&json!("ben@x.example"), &json!([])));
    // one's own address is free to be written otherwise
    assert_eq!(caller.patch(&ben, &json!({ "email": "Ben@x.example" })).await.status, 200);
}

#[tokio::test]
async fn of_many_that_add_the_same_address_one_wins() {
    let (_world, caller, _) = callers().await;
    let body = json!({ "email": "a@x.example" });

    let all = (0..16).map(|_| caller.post(PATH, &body));
    let answers = futures_util::future::join_all(all).await;

    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(409)), (1, 15));
    assert_eq!(caller.get(PATH).await.json()["items"].as_array().unwrap().len(), 1);
}

/// SF-9, SF-11: reading, writing and deleting are three scopes, to which a key can be restricted.
#[tokio::test]
async fn sf_11_each_operation_needs_its_own_scope() {
    let (world, home, ada) = subscribeflow().await;
    let all = ApiCaller::key(&world, &world.key(&home, &ada, SCOPES).await);
    let path = add(&all, "a@x.example").await;
    let with = async |scope: &str| ApiCaller::key(&world, &world.key(&home, &ada, scope).await);
    let (read, write, delete) = (
        with("subscribers:read").await,
        with("subscribers:write").await,
        with("subscribers:delete").await,
    );
    let (none, body) = (json!({}), json!({ "email": "b@x.example" }));

    for caller in [&write, &delete] {
        assert_eq!(caller.get(PATH).await.shown(), lacks("subscribers:read"));
        assert_eq!(caller.get(&path).await.shown(), lacks("subscribers:read"));
    }
    for caller in [&read, &delete] {
        assert_eq!(caller.post(PATH, &body).await.shown(), lacks("subscribers:write"));
        assert_eq!(caller.patch(&path, &none).await.shown(), lacks("subscribers:write"));
    }
    for caller in [&read, &write] {
        assert_eq!(caller.delete(&path).await.shown(), lacks("subscribers:delete"));
    }
    assert_eq!(read.get(&path).await.status, 200);
    assert_eq!(write.patch(&path, &none).await.status, 200);
    assert_eq!(delete.delete(&path).await.status, 204);
}

/// SF-10: a key without scopes may do everything.
#[tokio::test]
async fn sf_10_a_key_without_scopes_may_do_everything() {
    let (world, home, ada) = subscribeflow().await;
    let key = world.key_of(NewKey {
        workspace_id: home.id,
        name: "everything".to_owned(),
        scopes: [].into_iter().collect(),
        full_access: false,
        environment: Environment::Live,
        owner: KeyOwner::User(ada.id),
        created_by: None,
        expires_at: None,
    });
    let caller = ApiCaller::key(&world, &key.await);

    let path = add(&caller, "a@x.example").await;

    assert_eq!(caller.get(&path).await.status, 200);
    assert_eq!(caller.delete(&path).await.status, 204);
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named() {
    let (_world, caller, _) = callers().await;
    let path = add(&caller, "a@x.example").await;
    let many: Vec<_> = (0..21).map(|number| number.to_string()).collect();

    for (body, details) in [
        (json!({}), &[("email", "is required")][..]),
        (json!({ "email": null }), &[("email", "must not be null")]),
        (json!({ "email": "a@x.example", "tags": null }), &[("tags", "must not be null")]),
        (
            json!({ "email": "a@b@c", "tags": many }),
            &[("email", "must be an email address"), ("tags", "must be at most 20 items long")],
        ),
        (
            json!({ "email": format!("a@{}.example", "b".repeat(250)), "firstName": 1 }),
            &[("email", "must be at most 254 characters long"), ("firstName", "must be a string")],
        ),
        (
            json!({ "email": "b@x.example", "tags": ["", "x", 3, "y".repeat(101)] }),
            &[
                ("tags[0]", "must not be empty"),
                ("tags[2]", "must be a string"),
                ("tags[3]", "must be 1 to 100 characters long"),
            ],
        ),
    ] {
        assert_eq!(caller.post(PATH, &body).await.shown(), invalid(details), "{body}");
    }
    let changes = json!({ "email": null, "lastName": [], "tags": null });
    let details = [
        ("email", "must not be null"),
        ("lastName", "must be a string"),
        ("tags", "must not be null"),
    ];
    assert_eq!(caller.patch(&path, &changes).await.shown(), invalid(&details));
    assert_eq!(caller.get(PATH).await.json()["items"].as_array().unwrap().len(), 1);
}
