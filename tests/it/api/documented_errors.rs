//! FlowEstate's table of authentication errors, one assertion a cause, on the API of a workspace of
//! that product; and `GET /api/v1/me`, which tells them from what is wrong downstream.

use chrono::TimeDelta;
use entity::{member::Role, workspace};
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    keys::manage::{KeyOwner, NewKey},
    workspaces,
};
use serde_json::{Value, json};

use super::home_of_product;
use crate::support::{
    Answer, ApiCaller, Person, Tokens, World, expel, new_key, script, service, texts,
};

const ME: &str = "/api/v1/me";
const LEADS: &str = "/api/v1/leads";

async fn flowestate() -> (World, workspace::Model, Person) {
    let world = World::new().await;
    let (home, owner) = home_of_product(&world, "flowestate").await;
    (world, home, owner)
}

/// What a refusal says to a program.
fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["error"]["code"].clone())
}

/// Every route of the product refuses the credential in the same way.
async fn assert_refused(cause: &str, caller: &ApiCaller, status: u16, code: &str) {
    for path in [ME, LEADS] {
        assert_eq!(refusal(&caller.get(path).await), (status, json!(code)), "{cause}: {path}");
    }
    let written = caller.post(LEADS, &json!({ "name": "x" })).await;
    assert_eq!(refusal(&written), (status, json!(code)), "{cause}: POST {LEADS}");
}

async fn assert_unauthorized(cause: &str, caller: &ApiCaller) {
    assert_refused(cause, caller, 401, "UNAUTHORIZED").await;
}

async fn assert_forbidden(cause: &str, caller: &ApiCaller) {
    assert_refused(cause, caller, 403, "FORBIDDEN").await;
}

/// FE-1, FE-19: a missing or malformed header, an unknown key, an expired access token.
#[tokio::test]
async fn who_is_not_known_is_unauthorized() {
    let (world, home, owner) = flowestate().await;
    let key = world.key(&home, &owner, "leads:read leads:write").await;
    let token = Tokens::of(&world.script().await.password(&owner).await).access;
    let token = ApiCaller::bearer(&world, &token);
    token.me().await.expect(200);

    assert_unauthorized("no header", &ApiCaller::anonymous(&world)).await;
    for value in ["", "Bearer", &key, &format!("Basic {key}"), &format!("Bearer: {key}")] {
        let request = world.http.get(world.url(LEADS)).header("authorization", value);
        let answer = Answer::to(request).await;
        assert_eq!(refusal(&answer), (401, json!("UNAUTHORIZED")), "malformed: {value}");
    }
    let unknown = format!("fe_k_{}", "0123456789abcdef".repeat(2));
    assert_unauthorized("unknown key", &ApiCaller::bearer(&world, &unknown)).await;
    world.clock.advance(TimeDelta::hours(1));
    assert_unauthorized("expired token", &token).await;
    ApiCaller::bearer(&world, &key).me().await.expect(200);
}

/// FE-11, FE-20, FE-27: an expired key, and one that lacks the scope. FE-12: an inactive key, at
/// once, and as if nothing had been once it is active again.
#[tokio::test]
async fn a_key_that_is_known_and_must_not_is_forbidden() {
    let (world, home, owner) = flowestate().await;
    let both = "leads:read leads:write";
    let ending = new_key(&home, KeyOwner::User(owner.id), both);
    let expires_at = Some(world.app.now() + TimeDelta::days(7));
    let ending = world.key_of(NewKey { expires_at, ..ending }).await;
    let endless = world.key(&home, &owner, both).await;
    let reader = world.key(&home, &owner, "leads:read").await;
    let [ending, endless, reader] =
        [ending, endless, reader].map(|key| ApiCaller::bearer(&world, &key));
    let me = endless.me().await.expect(200).json();
    let id = me["credential"]["id"].as_str().unwrap().parse().unwrap();
    let switch = async |on: bool| {
        let actor = Actor::Operator;
        let done = latchkey::keys::manage::set_active(&world.app, actor, home.id, id, on).await;
        assert!(done.unwrap());
    };

    switch(false).await;
    assert_forbidden("inactive key", &endless).await;
    switch(true).await;
    endless.me().await.expect(200);
    let lacking = reader.post(LEADS, &json!({ "name": "x" })).await;
    assert_eq!(refusal(&lacking), (403, json!("FORBIDDEN")), "missing scope");
    world.clock.advance(TimeDelta::days(7) - TimeDelta::milliseconds(1));
    ending.me().await.expect(200);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_forbidden("expired key", &ending).await;
    endless.me().await.expect(200);
}

/// FE-21: the client is disabled; its user is no longer of the organization.
#[tokio::test]
async fn a_token_whose_client_or_user_must_not_is_forbidden() {
    let (world, home, owner) = flowestate().await;
    let ben = world.person("ben@example.com", &[(&home, Role::Member)]).await;
    let (one, other) = (world.script().await, world.script().await);
    let owners = Tokens::of(&one.password(&owner).await).access;
    let bens = Tokens::of(&other.password(&ben).await).access;
    let [owners, bens] = [owners, bens].map(|token| ApiCaller::bearer(&world, &token));

    let disabled = registration::set_disabled(&world.app, Actor::Operator, &one.id, true).await;
    assert!(disabled.unwrap());
    assert_forbidden("disabled client", &owners).await;
    bens.me().await.expect(200);
    let removed = expel(&world.app, home.id, ben.id).await;
    assert!(removed.unwrap());
    assert_forbidden("unbound user", &bens).await;
}

/// FE-21, FE-29: a client is bound to an organization, and the operator takes that away.
#[tokio::test]
async fn a_client_that_is_unbound_from_its_organization_is_forbidden() {
    let (world, home, _) = flowestate().await;
    let client = world.client(service(Some(&home))).await;
    let own = async || {
        let answer = client.token(&[("grant_type", "client_credentials")]).await;
        ApiCaller::bearer(&world, &Tokens::of(&answer).access)
    };
    let before = own().await;
    assert_eq!(before.me().await.expect(200).json()["workspace"]["slug"], "flowestate");

    let unbound = world.admin(&["unbind-client", "--client", &client.id]).unwrap();

    assert_eq!(unbound, json!({ "client_id": client.id, "unbound": true }));
    assert_forbidden("unbound client", &before).await;
    assert_forbidden("a later token", &own().await).await;
    assert_eq!(world.audited("client.unbind").await, 1);
    let again = world.admin(&["unbind-client", "--client", &client.id]);
    assert_eq!(again, Err("latchkey: client is bound to nothing".to_owned()));
    let nobody = world.admin(&["unbind-client", "--client", "nobody"]);
    assert_eq!(nobody, Err("latchkey: client does not exist".to_owned()));
}

/// The binding confines what a client may introspect: without it, it would see every workspace.
#[tokio::test]
async fn a_client_that_may_introspect_stays_bound() {
    let (world, home, _) = flowestate().await;
    let new = NewClient { may_introspect: true, ..service(Some(&home)) };
    let client = world.client(new).await;
    let acme = world.acme().await;
    let foreign = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    let refused = world.admin(&["unbind-client", "--client", &client.id]);

    let words = "latchkey: client may introspect and must stay bound; it can be disabled";
    assert_eq!(refused, Err(words.to_owned()));
    assert!(!client.sees_alive(&foreign).await);
    assert_eq!(world.audited("client.unbind").await, 0);
}

/// FE-22: 200 with whatever scope, so that what fails then is downstream; and where `me` fails,
/// everything does.
#[tokio::test]
async fn me_tells_authentication_from_what_is_downstream() {
    let (world, home, owner) = flowestate().await;
    let key = world.key(&home, &owner, "leads:read").await;
    let scopeless = NewClient { scope: texts(&["openid"]), ..script() };
    let scopeless = Tokens::of(&world.client(scopeless).await.password(&owner).await);
    assert_eq!(scopeless.scope, "openid");

    for bearer in [&key, &scopeless.access] {
        let caller = ApiCaller::bearer(&world, bearer);
        let written = caller.post(LEADS, &json!({ "name": "x" })).await;

        assert_eq!(refusal(&written), (403, json!("FORBIDDEN")));
        assert_eq!(caller.me().await.expect(200).json()["workspace"]["slug"], "flowestate");
    }
    let caller = ApiCaller::bearer(&world, &key);
    world.clock.advance(TimeDelta::minutes(1));
    let writer = world.key(&home, &owner, "leads:write").await;
    let invalid = ApiCaller::bearer(&world, &writer).post(LEADS, &json!({})).await;
    assert_eq!(refusal(&invalid), (400, json!("VALIDATION_ERROR")));
    ApiCaller::bearer(&world, &writer).me().await.expect(200);
    let disabled = workspaces::disable_workspace(&world.app, Actor::Operator, home.id).await;
    assert!(disabled.unwrap());
    assert_forbidden("me and all the rest", &caller).await;
}
