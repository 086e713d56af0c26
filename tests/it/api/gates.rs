//! The gates before `/comms` and `/checkin` (contract §4, Qflow), on `GET …/comms/status`: the
//! subscription key and its account, then scope, allow-list; trust is in `comms`.

use chrono::TimeDelta;
use entity::{enterprise, member::Role};
use latchkey::{
    audit::Actor,
    config::Environment,
    keys::manage::{KeyOwner, NewKey},
    workspaces::{self, Account},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{adas_key, forbidden, refused, unauthorized};
use crate::support::{
    Acme, Answer, Subscriber, Tokens, World, script, service, texts, workspace_named,
};

const STATUS: &str = "/comms/v1/api/comms/status";
const UNKNOWN: &str = "the subscription key is not valid; it is in the letter that came when the \
    account was enabled for API access";
const FOREIGN: &str = "the subscription key belongs to another account than the credential";

/// What the tests of this face begin with: Acme, allow-listed and enabled.
pub async fn of_acme() -> (World, Acme, Subscriber) {
    let (world, acme) = World::of_acme().await;
    let enterprise = Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    world.allow_comms(enterprise).await;
    let scope = "comms:read comms:send checkin:write";
    let bearer = world.key(&acme.workspace, &acme.ada, scope).await;
    let caller = Subscriber::new(&world, &bearer, &world.subscription(enterprise).await);
    (world, acme, caller)
}

fn enabled(verified: bool) -> (u16, Value) {
    (200, json!({ "enabled": true, "verified": verified }))
}

/// QF-19, with what to do.
pub fn not_enabled() -> (u16, Value) {
    let message = "the Comms API is not enabled for this account; ask support to enable it for \
        the user or for the enterprise";
    refused(403, "comms_api_not_enabled", message)
}

/// QF-1, QF-13, QF-17, QF-18: two headers, and the enterprise covers all its users.
#[tokio::test]
async fn every_user_of_an_enterprise_passes_with_its_key() {
    let (world, acme, caller) = of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let bens = world.key(&acme.workspace, &ben, "comms:read").await;

    let answer = caller.get(STATUS).await;

    assert_eq!(answer.shown(), enabled(false));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("999"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(caller.with_bearer(&bens).get(STATUS).await.shown(), enabled(false));
}

/// QF-2, QF-4: the bearer is an access token, obtained by the password grant.
#[tokio::test]
async fn an_access_token_passes_as_a_key_does() {
    let (world, acme, caller) = of_acme().await;
    let mut new = script();
    new.scope = texts(&["comms:read"]);
    let tokens = Tokens::of(&world.client(new).await.password(&acme.ada).await);
    workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();

    assert_eq!(caller.with_bearer(&tokens.access).get(STATUS).await.shown(), enabled(true));
}

/// A service account and a client act for the enterprise of their workspace.
#[tokio::test]
async fn nobody_in_particular_acts_for_the_workspaces_enterprise() {
    let (world, acme, caller) = of_acme().await;
    let robot = workspaces::service_account(&world.app, Actor::Operator, acme.workspace.id, "ci");
    let robot = robot.await.unwrap().unwrap().id;
    let key = NewKey {
        owner: KeyOwner::ServiceAccount(robot),
        scopes: ["comms:read".to_owned()].into_iter().collect(),
        ..adas_key(&acme)
    };
    let key = world.key_of(key).await;
    let mut client = service(Some(&acme.workspace));
    client.scope = texts(&["comms:read"]);
    let client = world.client(client).await;
    let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);

    for bearer in [key, tokens.access] {
        assert_eq!(caller.with_bearer(&bearer).get(STATUS).await.shown(), enabled(false));
    }
}

/// QF-16: a user of no enterprise has an account and an allow-list entry of one's own.
#[tokio::test]
async fn a_user_alone_is_an_account_too() {
    let world = World::new().await;
    let home = world.workspace("joe").await;
    let joe = world.person("joe@example.com", &[(&home, Role::Owner)]).await;
    let bearer = world.key(&home, &joe, "comms:read").await;
    let account = Account::User(joe.id);
    let caller = Subscriber::new(&world, &bearer, &world.subscription(account).await);

    assert_eq!(caller.get(STATUS).await.shown(), not_enabled());
    world.allow_comms(account).await;
    assert_eq!(caller.get(STATUS).await.shown(), enabled(false));
}

/// The credential comes before the subscription key (QF-23).
#[tokio::test]
async fn a_bad_credential_is_refused_first() {
    let (_world, _, caller) = of_acme().await;
    let caller = caller.with_bearer("lk_at_nothing");

    for caller in [caller.clone(), caller.with_keys(&[])] {
        let answer = caller.get(STATUS).await.expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
}

/// QF-13: the message names the header; the credential itself is not called invalid.
#[tokio::test]
async fn a_missing_subscription_key_is_401_and_names_the_header() {
    let (world, acme, caller) = of_acme().await;
    let message = "a subscription key is required beside the credential, in the header \
        Ocp-Apim-Subscription-Key";
    // before the scope, which this credential lacks
    let lacking = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for keys in [&[][..], &[""]] {
        for caller in [caller.with_keys(keys), caller.with_bearer(&lacking).with_keys(keys)] {
            let answer = caller.get(STATUS).await;
            assert_eq!(answer.shown(), unauthorized(message));
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer resource_metadata="), "{challenge}");
            assert!(!challenge.contains("error="), "{challenge}");
        }
    }
}

/// QF-1, QF-13: every call needs both headers; neither makes up for the other.
#[tokio::test]
async fn every_route_needs_both_headers() {
    let (world, _, caller) = of_acme().await;
    let subscription = caller.request(Method::GET, STATUS).build().unwrap();
    let subscription = &subscription.headers()["ocp-apim-subscription-key"];

    for (method, path) in [
        (Method::GET, STATUS),
        (Method::GET, "/comms/v1/api/comms/messages"),
        (Method::POST, "/comms/v1/api/comms/send"),
        (Method::POST, "/checkin/v1/api/guest"),
    ] {
        let bearer = caller.with_keys(&[]).request(method.clone(), path).json(&json!({}));
        let key = world.http.request(method.clone(), world.url(path)).json(&json!({}));
        let key = key.header("Ocp-Apim-Subscription-Key", subscription);

        for (request, lacks) in [(bearer, "subscription key"), (key, "credential")] {
            let error = Answer::to(request).await.expect(401).json()["error"].clone();
            assert_eq!(error["code"], "UNAUTHORIZED");
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("a {lacks} is required")), "{path}: {message}");
        }
        let both = caller.request(method, path).json(&json!({ "name": "Gus" }));
        assert_ne!(Answer::to(both).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn one_subscription_key_is_meant_or_none() {
    let (world, _, caller) = of_acme().await;
    let joe = world.person("joe@example.com", &[]).await;
    let other = world.subscription(Account::User(joe.id)).await;
    let enterprise = enterprise_of(&world).await;
    let issued = rotated(&world, enterprise, TimeDelta::hours(1)).await;

    let two = caller.with_keys(&[&issued, &other]).get(STATUS).await;
    let same = caller.with_keys(&[&issued, &issued]).get(STATUS).await;

    let message = "two different subscription keys were presented";
    assert_eq!(two.shown(), refused(400, "INVALID_REQUEST", message));
    assert_eq!(same.status, 200);
}

#[tokio::test]
async fn an_unknown_subscription_key_is_403() {
    let (_world, _, caller) = of_acme().await;

    for key in ["x", "lk_sk_", "é", &format!("lk_sk_{}", "0".repeat(49))] {
        assert_eq!(caller.with_keys(&[key]).get(STATUS).await.shown(), forbidden(UNKNOWN), "{key}");
    }
}

/// QF-3: the subscription key identifies the bearer's own account, neither another one nor the
/// workspace's.
#[tokio::test]
async fn a_subscription_key_of_another_account_is_403() {
    let (world, acme, caller) = of_acme().await;
    let joe = world.person("joe@example.com", &[(&acme.workspace, Role::Member)]).await;
    world.enterprise("rival").await;
    let joes = world.subscription(Account::User(joe.id)).await;
    let guest = world.key(&acme.workspace, &joe, "comms:read").await;
    let elsewhere = world.workspace_of(workspace_named("elsewhere")).await;
    let robot = workspaces::service_account(&world.app, Actor::Operator, elsewhere.id, "ci");
    let robot = robot.await.unwrap().unwrap().id;
    let homeless = NewKey {
        workspace_id: elsewhere.id,
        owner: KeyOwner::ServiceAccount(robot),
        scopes: ["comms:read".to_owned()].into_iter().collect(),
        ..adas_key(&acme)
    };
    let homeless = world.key_of(homeless).await;

    for caller in [
        caller.with_keys(&[&joes]),
        // Joe is a member of Acme's workspace and not of Acme
        caller.with_bearer(&guest),
        caller.with_bearer(&homeless),
    ] {
        assert_eq!(caller.get(STATUS).await.shown(), forbidden(FOREIGN));
    }
    let own = caller.with_bearer(&guest).with_keys(&[&joes]);
    assert_eq!(own.get(STATUS).await.shown(), not_enabled());
}

#[tokio::test]
async fn a_suspended_subscription_is_403_on_the_next_request_of_every_node() {
    let (world, _, caller) = of_acme().await;
    let enterprise = enterprise_of(&world).await;
    assert_eq!(caller.get(STATUS).await.status, 200);

    let done = workspaces::suspend_subscription(&world.app, Actor::Operator, enterprise).await;

    assert!(done.unwrap());
    let message = "the subscription is suspended; ask support to resume it";
    assert_eq!(caller.get(STATUS).await.shown(), forbidden(message));
    assert_eq!(world.audited("subscription.suspend").await, 1);
    workspaces::resume_subscription(&world.app, Actor::Operator, enterprise).await.unwrap();
    assert_eq!(caller.get(STATUS).await.status, 200);
}

#[tokio::test]
async fn a_replaced_subscription_key_works_for_its_overlap() {
    let (world, _, caller) = of_acme().await;
    let new = rotated(&world, enterprise_of(&world).await, TimeDelta::hours(1)).await;
    let renewed = caller.with_keys(&[&new]);

    assert_eq!(caller.get(STATUS).await.status, 200);
    assert_eq!(renewed.get(STATUS).await.status, 200);
    world.clock.advance(TimeDelta::hours(1) - TimeDelta::milliseconds(1));
    assert_eq!(caller.get(STATUS).await.status, 200);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(caller.get(STATUS).await.shown(), forbidden(UNKNOWN));
    assert_eq!(renewed.get(STATUS).await.status, 200);
}

#[tokio::test]
async fn of_many_rotations_only_the_last_key_and_the_one_before_work() {
    let (world, _, caller) = of_acme().await;
    let enterprise = enterprise_of(&world).await;
    let second = rotated(&world, enterprise, TimeDelta::hours(1)).await;
    let third = rotated(&world, enterprise, TimeDelta::hours(1)).await;

    assert_eq!(caller.get(STATUS).await.status, 403);
    assert_eq!(caller.with_keys(&[&second]).get(STATUS).await.status, 200);
    assert_eq!(caller.with_keys(&[&third]).get(STATUS).await.status, 200);
}

/// After the subscription key, before the allow-list (QF-23).
#[tokio::test]
async fn a_missing_scope_is_refused_before_the_allow_list() {
    let world = World::new().await;
    let home = world.workspace("joe").await;
    let joe = world.person("joe@example.com", &[(&home, Role::Owner)]).await;
    let bearer = world.key(&home, &joe, "leads:read").await;
    let key = world.subscription(Account::User(joe.id)).await;

    let answer = Subscriber::new(&world, &bearer, &key).get(STATUS).await;

    assert_eq!(answer.shown(), forbidden("the credential lacks scope: comms:read"));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\", scope=\"comms:read\""));
}

/// QF-15, QF-19.
#[tokio::test]
async fn an_account_that_is_not_allow_listed_is_told_whom_to_ask() {
    let (world, acme) = World::of_acme().await;
    let enterprise = Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    let key = world.subscription(enterprise).await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;
    let caller = Subscriber::new(&world, &bearer, &key);

    for path in [STATUS, "/comms/v1/api/comms/messages"] {
        assert_eq!(caller.get(path).await.shown(), not_enabled(), "{path}");
    }
    world.allow_comms(Account::User(acme.ada.id)).await;
    assert_eq!(caller.get(STATUS).await.status, 200);
}

/// A refused request counts like any other (contract §4: the rate limit comes second).
#[tokio::test]
async fn the_rate_limit_comes_before_the_subscription_key() {
    let world = World::with(|config| config.api.rate_limit_per_minute = 2).await;
    let acme = world.acme().await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;
    let caller = Subscriber::new(&world, &bearer, "x").with_keys(&[]);

    let statuses = [
        caller.get(STATUS).await.status,
        caller.get(STATUS).await.status,
        caller.get(STATUS).await.status,
    ];

    assert_eq!(statuses, [401, 401, 429]);
}

#[tokio::test]
async fn an_account_is_enabled_once_whoever_races() {
    let (world, acme) = World::of_acme().await;
    let enterprise = Account::Enterprise(acme.workspace.enterprise_id.unwrap());
    let open = || workspaces::open_subscription(&world.app, Actor::Operator, enterprise);

    let (one, two) = tokio::join!(open(), open());

    let made = [one.unwrap(), two.unwrap()].iter().filter(|made| made.is_ok()).count();
    assert_eq!(made, 1);
    assert_eq!(world.take_mail().await.len(), 1);
}

/// Test keys pass the same gates, so that an integration meets them before it goes live.
#[tokio::test]
async fn test_keys_pass_the_same_gates() {
    let (world, acme, caller) = of_acme().await;
    let key = NewKey {
        environment: Environment::Test,
        scopes: ["comms:read".to_owned()].into_iter().collect(),
        ..adas_key(&acme)
    };
    let caller = caller.with_bearer(&world.key_of(key).await);

    assert_eq!(caller.get(STATUS).await.status, 200);
    assert_eq!(caller.with_keys(&[]).get(STATUS).await.status, 401);
}

async fn enterprise_of(world: &World) -> Account {
    use sea_orm::EntityTrait;
    let found = enterprise::Entity::find().one(world.app.store.read()).await.unwrap();
    Account::Enterprise(found.unwrap().id)
}

async fn rotated(world: &World, account: Account, overlap: TimeDelta) -> String {
    let made = workspaces::rotate_subscription(&world.app, Actor::Operator, account, overlap);
    made.await.unwrap().unwrap().key.reveal().to_owned()
}
