//! `POST /api/v1/leaked`: what a report ends, whom it is told, and what it leaves alone.

use chrono::TimeDelta;
use entity::{leak, member::Role};
use latchkey::{
    audit::Actor,
    clients::initial_tokens,
    config::Products,
    identity::users::NewUser,
    keys::{
        manage::{self, KeyOwner, NewKey},
        rotate::{How, Rotation},
    },
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{gates, key_of_product};
use crate::support::{
    Acme, Answer, ApiCaller, Browser, Page, Person, Tokens, World, new_key, service,
};

pub const LEAKED: &str = "/api/v1/leaked";

/// Somebody reports it.
pub async fn reported(world: &World, credential: &str) -> Answer {
    ApiCaller::anonymous(world).post(LEAKED, &json!({ "token": credential })).await
}

/// What a report of one is answered.
pub fn received(count: u64) -> (u16, Value) {
    (202, json!({ "received": count }))
}

/// A server whose default product only tells owners.
pub async fn that_notifies() -> (World, Acme) {
    let products: Products = toml::from_str("[default]\non_leak = \"notify\"").unwrap();
    let world = World::with(|config| config.products = products).await;
    let acme = world.acme().await;
    (world, acme)
}

/// Who runs the server.
async fn operator(world: &World) -> Person {
    let new = NewUser { username: "root@example.com".into(), is_admin: true, ..NewUser::default() };
    world.person_of(new).await
}

/// The letters about leaks so far: to whom and what they say.
async fn told(world: &World) -> Vec<(String, String)> {
    let letters = world.take_mail().await.into_iter();
    let about = |subject: &str| subject.contains("leaked");
    letters.filter(|it| about(&it.subject)).map(|it| (it.to, it.text)).collect()
}

async fn keys_page_of(world: &World, acme: &Acme) -> Page {
    let mut browser = Browser::new(world);
    browser.sign_in(&acme.ada).await;
    browser.get("/workspaces/acme/settings/keys").await
}

async fn leaks(world: &World) -> Vec<leak::Model> {
    leak::Entity::find().all(world.app.store.read()).await.unwrap()
}

#[tokio::test]
async fn a_key_is_revoked_and_its_owner_and_administrators_are_told() {
    let (world, acme) = World::of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let key = world.key(&acme.workspace, &ben, "leads:read").await;
    let other = world.key(&acme.workspace, &ben, "leads:read").await;
    ApiCaller::bearer(&world, &key).me().await.expect(200);

    let answer = reported(&world, &key).await;

    assert_eq!(answer.shown(), received(1));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-ratelimit-limit"), Some("60"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("59"));
    assert_eq!(ApiCaller::bearer(&world, &key).me().await.status, 401);
    assert_eq!(ApiCaller::bearer(&world, &other).me().await.status, 200);
    let told = told(&world).await;
    let to: Vec<_> = told.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["ada@acme.example", "ben@acme.example"]);
    for (_, text) in &told {
        assert!(
            text.contains("The API key “a key” of the workspace “The workspace acme”"),
            "{text}"
        );
        assert!(text.contains("It was revoked") && !text.contains(&key), "{text}");
        assert!(text.contains(&world.url("/workspaces/acme/settings/keys")), "{text}");
    }
    let events = world.audit_events().await;
    let event = events.iter().find(|event| event.action == "credential.leaked").unwrap();
    assert_eq!(event.target_kind, "api_key");
    assert_eq!(event.workspace_id, Some(acme.workspace.id));
    assert_eq!(event.detail.as_deref(), Some("API key; it was ended; reported from 127.0.0.1"));
    assert!(leaks(&world).await[0].is_ended);
}

#[tokio::test]
async fn who_reports_it_again_changes_nothing_and_hears_the_same() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for _ in 0..3 {
        assert_eq!(reported(&world, &key).await.shown(), received(1));
    }

    assert_eq!(told(&world).await.len(), 1);
    assert_eq!(world.audited("credential.leaked").await, 1);
}

#[tokio::test]
async fn many_who_report_it_at_once_end_it_once() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let reports = (0..16).map(|_| reported(&world, &key));
    let answers = futures_util::future::join_all(reports).await;

    assert!(answers.iter().all(|answer| answer.shown() == received(1)));
    assert_eq!(told(&world).await.len(), 1);
    assert_eq!(world.audited("credential.leaked").await, 1);
}

/// The answer says nothing of whether there is such a credential.
#[tokio::test]
async fn what_does_not_exist_is_answered_the_same() {
    let (world, acme) = World::of_acme().await;
    let known = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let elsewhere = World::new().await;
    let home = elsewhere.workspace("elsewhere").await;
    let owner = elsewhere.person("owner@example.com", &[(&home, Role::Owner)]).await;
    let unknown = elsewhere.key(&home, &owner, "leads:write").await;

    let (first, second) = (reported(&world, &unknown).await, reported(&world, &known).await);

    assert_eq!((first.status, &first.body), (second.status, &second.body));
    let names = |answer: &Answer| -> Vec<String> {
        answer.headers.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&first), names(&second));
    assert_eq!(leaks(&world).await.len(), 1);
}

#[tokio::test]
async fn a_product_may_leave_its_keys_working_and_say_so_on_their_page() {
    let (world, acme) = that_notifies().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    assert_eq!(reported(&world, &key).await.shown(), received(1));
    assert_eq!(reported(&world, &key).await.shown(), received(1));

    assert_eq!(ApiCaller::bearer(&world, &key).me().await.status, 200);
    let told = told(&world).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains("It still works. Rotate it now"), "{}", told[0].1);
    let page = keys_page_of(&world, &acme).await;
    assert_eq!(page.texts("td.title .badge"), ["live", "Active", "Leaked"]);
    assert!(page.text("p.exposed").contains("Rotate it now"));
    assert!(!leaks(&world).await[0].is_ended);
}

/// The key stays; the secret that it had before does not.
#[tokio::test]
async fn a_secret_from_before_a_rotation_ends_and_the_key_goes_on() {
    let (world, acme) = World::of_acme().await;
    let old = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let me = ApiCaller::bearer(&world, &old).me().await.expect(200).json();
    let id = me["credential"]["id"].as_str().unwrap().parse().unwrap();
    let how = How { overlap: TimeDelta::days(1), allowed: None, of: None };
    let place = (acme.workspace.id, id);
    let rotated = manage::rotate(&world.app, Actor::Operator, place, how).await.unwrap();
    let Rotation::Rotated { raw, .. } = rotated else { panic!("{rotated:?}") };
    ApiCaller::bearer(&world, &old).me().await.expect(200);

    assert_eq!(reported(&world, &old).await.shown(), received(1));

    assert_eq!(ApiCaller::bearer(&world, &old).me().await.status, 401);
    assert_eq!(ApiCaller::bearer(&world, raw.reveal()).me().await.status, 200);
    let page = keys_page_of(&world, &acme).await;
    assert_eq!(page.texts("td.title .badge"), ["live", "Active"]);
}

/// What opens nothing any more is nobody's trouble.
#[tokio::test]
async fn a_key_that_has_ended_already_troubles_nobody() {
    let (world, acme) = World::of_acme().await;
    let expires_at = Some(world.app.now() + TimeDelta::hours(1));
    let owner = KeyOwner::User(acme.ada.id);
    let new = new_key(&acme.workspace, owner, "leads:read");
    let key = world.key_of(NewKey { expires_at, ..new }).await;
    world.clock.advance(TimeDelta::hours(1));

    assert_eq!(reported(&world, &key).await.shown(), received(1));

    assert_eq!(told(&world).await, []);
    assert_eq!(world.audited("credential.leaked").await, 0);
}

/// The app goes on by its refresh token.
#[tokio::test]
async fn an_access_token_ends_alone() {
    let (world, acme) = that_notifies().await;
    let client = world.script().await;
    let tokens = Tokens::of(&client.password(&acme.ada).await);

    assert_eq!(reported(&world, &tokens.access).await.shown(), received(1));

    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_ne!(next.access, tokens.access);
    ApiCaller::bearer(&world, &next.access).me().await.expect(200);
    let told = told(&world).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains("An access token of the app “Script”"), "{}", told[0].1);
}

#[tokio::test]
async fn a_refresh_token_takes_its_whole_family_along() {
    let (world, acme) = World::of_acme().await;
    let client = world.script().await;
    let (one, other) = (client.password(&acme.ada).await, client.password(&acme.ada).await);
    let (tokens, others) = (Tokens::of(&one), Tokens::of(&other));

    assert_eq!(reported(&world, &tokens.refresh).await.shown(), received(1));

    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    assert_eq!(client.refresh(&tokens.refresh).await.status, 400);
    assert_eq!(ApiCaller::bearer(&world, &others.access).me().await.status, 200);
    assert_eq!(told(&world).await.len(), 1);
}

/// Nobody can guess which family a token is of by writing a checksum.
#[tokio::test]
async fn a_refresh_token_from_long_ago_ends_nothing() {
    let (world, acme) = World::of_acme().await;
    let client = world.script().await;
    let first = Tokens::of(&client.password(&acme.ada).await);
    let second = Tokens::of(&client.refresh(&first.refresh).await);
    let third = Tokens::of(&client.refresh(&second.refresh).await);

    assert_eq!(reported(&world, &first.refresh).await.shown(), received(1));

    assert_eq!(ApiCaller::bearer(&world, &third.access).me().await.status, 200);
    assert_eq!(client.refresh(&third.refresh).await.status, 200);
}

#[tokio::test]
async fn a_client_secret_opens_nothing_and_no_secret_neither() {
    let (world, acme) = World::of_acme().await;
    operator(&world).await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let grant = [("grant_type", "client_credentials")];
    client.token(&grant).await.expect(200);

    let secret = client.secret.clone().unwrap();
    assert_eq!(reported(&world, &secret).await.shown(), received(1));

    assert_eq!(client.token(&grant).await.status, 401);
    assert_eq!(client.with_secret(None).token(&grant).await.status, 401);
    let to: Vec<_> = told(&world).await.into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, ["ada@acme.example", "root@example.com"]);
}

/// The account gets the new key at once, and whoever found the old one gets nothing.
#[tokio::test]
async fn a_subscription_key_is_replaced() {
    let (world, _, caller) = gates::of_acme().await;
    let status = "/comms/v1/api/comms/status";
    let letters = world.take_mail().await;
    let key = key_in(&letters[0].text);
    caller.with_keys(&[&key]).get(status).await.expect(200);

    assert_eq!(reported(&world, &key).await.shown(), received(1));

    assert_eq!(caller.with_keys(&[&key]).get(status).await.status, 403);
    let letters = world.take_mail().await;
    let new = letters.iter().find(|it| it.subject == "Your new subscription key").unwrap();
    caller.with_keys(&[&key_in(&new.text)]).get(status).await.expect(200);
    assert!(letters.iter().any(|it| it.subject == "A leaked credential was ended"));
}

fn key_in(text: &str) -> String {
    text.split_whitespace().find(|word| word.starts_with("lk_sk_")).unwrap().to_owned()
}

#[tokio::test]
async fn a_registration_token_is_revoked() {
    let world = World::new().await;
    operator(&world).await;
    let issued = initial_tokens::create(&world.app, Actor::Operator, "CI").await.unwrap();
    let token = issued.unwrap().reveal().to_owned();

    assert_eq!(reported(&world, &token).await.shown(), received(1));

    let told = told(&world).await;
    assert!(told[0].1.contains("The registration token “CI”"), "{told:?}");
    let events = world.audit_events().await;
    assert!(events.iter().all(|event| !event.detail.clone().unwrap_or_default().contains(&token)));
}

/// The browser is signed out, whatever the product says of keys.
#[tokio::test]
async fn a_session_cookie_signs_its_browser_out() {
    let (world, acme) = that_notifies().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let mut other = Browser::of(&world, &acme.ada).await;
    let cookie = browser.cookies().values().find(|it| it.starts_with("lk_bs_")).unwrap().clone();

    assert_eq!(reported(&world, &cookie).await.shown(), received(1));

    assert_eq!(browser.get("/settings/profile").await.status, 303);
    assert_eq!(other.get("/settings/profile").await.status, 200);
    let told = told(&world).await;
    assert_eq!((told.len(), &*told[0].0), (1, "ada@acme.example"));
    assert!(told[0].1.contains("That browser was signed out"), "{}", told[0].1);
    assert!(leaks(&world).await[0].is_ended);
}

/// Of two products each has its own rule; what is of no product has the default one's.
#[tokio::test]
async fn each_product_says_what_becomes_of_its_keys() {
    let products = r#"
        [default]
        on_leak = "notify"
        [strict]
        on_leak = "revoke"
        scopes = { "leads:read" = "See leads" }
        key_formats = [{ environment = "live", prefix = "st_", body = "base62c" }]
    "#;
    let products: Products = toml::from_str(products).unwrap();
    let world = World::with(|config| config.products = products).await;
    let acme = world.acme().await;
    let lax = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let (strict, _) = key_of_product(&world, "strict", "leads:read").await;

    for key in [&lax, &strict] {
        assert_eq!(reported(&world, key).await.shown(), received(1));
    }

    assert_eq!(ApiCaller::bearer(&world, &lax).me().await.status, 200);
    assert_eq!(ApiCaller::bearer(&world, &strict).me().await.status, 401);
}

#[tokio::test]
async fn several_are_reported_at_once() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);

    let body = json!({ "token": key, "tokens": [tokens.access, key] });
    let answer = ApiCaller::anonymous(&world).post(LEAKED, &body).await;

    assert_eq!(answer.shown(), received(3));
    for credential in [&key, &tokens.access] {
        assert_eq!(ApiCaller::bearer(&world, credential).me().await.status, 401);
    }
    assert_eq!(world.audited("credential.leaked").await, 2);
}
