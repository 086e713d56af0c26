//! Every way in which the API refuses a credential (contract §4), seen at `GET /api/v1/me`.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    crypto::secret::{AccessToken, Secret, with_checksum},
    identity::users,
    keys::manage::{self, KeyOwner, NewKey},
    tokens::revoke,
    workspaces,
};
use serde_json::json;

use super::{forbidden, get_with, new_key, refused, unauthorized};
use crate::support::{Answer, ApiCaller, Tokens, World, script, service, texts};

fn challenge(world: &World, rest: &str) -> String {
    let metadata = world.url("/.well-known/oauth-protected-resource");
    format!("Bearer resource_metadata=\"{metadata}\"{rest}")
}

#[tokio::test]
async fn without_a_credential_there_is_a_challenge_without_an_error() {
    let (world, _) = World::of_acme().await;

    let answer = ApiCaller::anonymous(&world).me().await;

    let message = "a credential is required: Authorization: Bearer, or X-API-Key";
    assert_eq!(answer.shown(), unauthorized(message));
    assert_eq!(answer.header("www-authenticate"), Some(&*challenge(&world, "")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json()["error"]["requestId"], answer.header("x-request-id").unwrap());
}

#[tokio::test]
async fn a_malformed_header_is_no_credential() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for header in [
        "Authorization:",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        "X-API-Key:",
        &format!("Authorization: {key}"),
        &format!("Authorization: Token {key}"),
        &format!("Authorization: Bearer:{key}"),
        &format!("Authorization: Bearer\t{key}"),
        &format!("Authorization: Bearer \u{e9}{key}"),
        &format!("Authorization: Bearer {key} x"),
        &format!("Authorization: Basic {key}"),
        &format!("Authorization: Bearer {key},"),
        &format!("X-API-Key: {key} x"),
        &format!("X-API-Key: \"{key}\""),
        &format!("Authorization: Bearer {}", "x".repeat(20_000)),
    ] {
        let answer = get_with(&world, header).await;

        assert!(answer.starts_with("HTTP/1.1 401 "), "{header}: {answer}");
        assert!(answer.contains("\"code\":\"UNAUTHORIZED\""), "{header}: {answer}");
        assert!(!answer.contains(&key), "{answer}");
    }
}

#[tokio::test]
async fn two_different_credentials_are_one_too_many() {
    let (world, acme) = World::of_acme().await;
    let one = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let two = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let message = "two different credentials were presented";

    for request in [
        ApiCaller::bearer(&world, &one).request("/api/v1/me").header("x-api-key", &two),
        ApiCaller::bearer(&world, &one).request(&format!("/api/v1/me?api-key={two}")),
        ApiCaller::key(&world, &one).request("/api/v1/me").header("x-api-key", &two),
        ApiCaller::bearer(&world, &one)
            .request("/api/v1/me")
            .header("authorization", format!("Bearer {two}")),
        ApiCaller::anonymous(&world).request(&format!("/api/v1/me?api-key={one}&api-key={two}")),
    ] {
        let answer = Answer::to(request).await;

        assert_eq!(answer.shown(), refused(400, "INVALID_REQUEST", message));
    }
}

#[tokio::test]
async fn what_is_no_credential_is_unknown() {
    let (world, acme) = World::of_acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let unknown_key = with_checksum(format!("lk_live_{}", "a".repeat(30)));
    let unknown_token = Secret::<AccessToken>::from_entropy(&[7; 32]);
    let mut typo = key.clone();
    typo.replace_range(20..21, if &key[20..21] == "a" { "b" } else { "a" });

    for (credential, message) in [
        ("nonsense", "the credential is not valid"),
        ("lk_live_", "the credential is not valid"),
        (typo.as_str(), "the credential is not valid"),
        (tokens.refresh.as_str(), "the credential is not valid"),
        (&key.to_ascii_uppercase(), "the credential is not valid"),
        (&unknown_key, "the API key is not valid or was revoked"),
        (unknown_token.reveal(), "the access token is not valid, has expired or was revoked"),
    ] {
        let answer = ApiCaller::bearer(&world, credential).me().await;

        assert_eq!(answer.shown(), unauthorized(message), "{credential}");
        let expected = challenge(&world, ", error=\"invalid_token\"");
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    }
}

/// RFC 6750 §2.3 would allow it; addresses end up in logs.
#[tokio::test]
async fn a_token_in_a_query_is_refused() {
    let (world, acme) = World::of_acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let anybody = ApiCaller::anonymous(&world);

    let as_key = anybody.get(&format!("/api/v1/me?api-key={}", tokens.access)).await;
    let as_token = anybody.get(&format!("/api/v1/me?access_token={}", tokens.access)).await;

    assert_eq!(as_key.shown(), unauthorized("access tokens are not accepted in a query"));
    assert_eq!(as_token.status, 401);
    let header = ApiCaller::key(&world, &tokens.access).me().await;
    assert_eq!(header.status, 401, "X-API-Key is for keys");
}

#[tokio::test]
async fn an_expired_key_is_forbidden() {
    let (world, acme) = World::of_acme().await;
    let ends = world.app.now() + TimeDelta::hours(1);
    let key = world.key_of(NewKey { expires_at: Some(ends), ..new_key(&acme) }).await;
    let caller = ApiCaller::key(&world, &key);
    world.clock.advance(TimeDelta::milliseconds(3_599_999));
    assert_eq!(caller.me().await.status, 200);

    world.clock.advance(TimeDelta::milliseconds(1));

    assert_eq!(caller.me().await.shown(), forbidden("the API key has expired"));
}

#[tokio::test]
async fn a_key_is_switched_off_and_on_revoked_and_deleted() {
    let (world, acme) = World::of_acme().await;
    let key = world.key_of(new_key(&acme)).await;
    let other = world.key_of(new_key(&acme)).await;
    let caller = ApiCaller::key(&world, &key);
    let id_of =
        |answer: Answer| answer.json()["credential"]["id"].as_str().unwrap().parse().unwrap();
    let id = id_of(caller.me().await);
    let other_id = id_of(ApiCaller::key(&world, &other).me().await);
    let (app, home) = (&world.app, acme.workspace.id);
    let gone = unauthorized("the API key is not valid or was revoked");

    assert!(manage::set_active(app, Actor::Operator, home, id, false).await.unwrap());
    assert_eq!(caller.me().await.shown(), forbidden("the API key is not active"));
    assert!(manage::set_active(app, Actor::Operator, home, id, true).await.unwrap());
    assert_eq!(caller.me().await.status, 200);
    assert!(manage::revoke(app, Actor::Operator, home, id).await.unwrap());
    assert_eq!(caller.me().await.shown(), gone);
    assert!(manage::delete(app, Actor::Operator, home, other_id).await.unwrap());
    assert_eq!(ApiCaller::key(&world, &other).me().await.shown(), gone);
}

#[tokio::test]
async fn a_disabled_client_is_forbidden() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let caller = ApiCaller::bearer(&world, &Tokens::of(&script.password(&acme.ada).await).access);
    let disable = |is| registration::set_disabled(&world.app, Actor::Operator, &script.id, is);

    assert!(disable(true).await.unwrap());

    assert_eq!(caller.me().await.shown(), forbidden("the client is disabled"));
    assert!(disable(false).await.unwrap());
    assert_eq!(caller.me().await.status, 200);
}

#[tokio::test]
async fn a_client_without_a_workspace_is_forbidden() {
    let (world, _) = World::of_acme().await;
    let client = world.client(service(None)).await;
    let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);

    let answer = ApiCaller::bearer(&world, &tokens.access).me().await;

    let message = "the client or the user is not bound to a workspace";
    assert_eq!(answer.shown(), forbidden(message));
}

#[tokio::test]
async fn who_was_removed_from_the_workspace_is_forbidden() {
    let (world, acme) = World::of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let tokens = Tokens::of(&world.script().await.password(&ben).await);
    let key = NewKey { owner: KeyOwner::User(ben.id), ..new_key(&acme) };
    let key = world.key_of(key).await;
    let removed = workspaces::remove_member(&world.app, Actor::Operator, acme.workspace.id, ben.id);

    assert!(removed.await.unwrap());

    let token = ApiCaller::bearer(&world, &tokens.access).me().await;
    let message = "the client or the user is not bound to a workspace";
    assert_eq!(token.shown(), forbidden(message));
    let key = ApiCaller::key(&world, &key).me().await;
    assert_eq!(key.shown(), forbidden("the owner of the API key is no longer in its workspace"));
}

#[tokio::test]
async fn a_disabled_user_is_refused_by_every_door() {
    let (world, acme) = World::of_acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let key = world.key_of(new_key(&acme)).await;

    assert!(users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap());

    let token = ApiCaller::bearer(&world, &tokens.access).me().await;
    let message = "the access token is not valid, has expired or was revoked";
    assert_eq!(token.shown(), unauthorized(message));
    let key = ApiCaller::key(&world, &key).me().await;
    assert_eq!(key.shown(), forbidden("the user who owns the API key is disabled"));
}

#[tokio::test]
async fn a_disabled_workspace_is_forbidden() {
    let (world, acme) = World::of_acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let key = world.key_of(new_key(&acme)).await;
    let id = acme.workspace.id;

    assert!(workspaces::disable_workspace(&world.app, Actor::Operator, id).await.unwrap());

    for caller in [ApiCaller::bearer(&world, &tokens.access), ApiCaller::key(&world, &key)] {
        assert_eq!(caller.me().await.shown(), forbidden("the workspace is disabled"));
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_on_every_node_at_once() {
    let (world, acme) = World::of_acme().await;
    let node = world.another_node().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let here = ApiCaller::bearer(&world, &tokens.access);
    let there = here.at(&node);
    assert_eq!((here.me().await.status, there.me().await.status), (200, 200));

    assert_eq!(revoke::revoke_all_of_user(&world.app, acme.ada.id).await.unwrap(), 1);

    assert_eq!((here.me().await.status, there.me().await.status), (401, 401));
}

#[tokio::test]
async fn a_role_that_shrank_shrinks_tokens_and_keys() {
    let (world, acme) = World::of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Admin)]).await;
    let scope = texts(&["leads:read", "api-keys:manage"]);
    let client = world.client(NewClient { scope, ..script() }).await;
    let tokens = Tokens::of(&client.password(&ben).await);
    let key = world.key(&acme.workspace, &ben, "leads:read api-keys:manage").await;
    let callers = [ApiCaller::bearer(&world, &tokens.access), ApiCaller::key(&world, &key)];
    for caller in &callers {
        assert_eq!(caller.me().await.json()["scopes"], json!(["api-keys:manage", "leads:read"]));
    }

    let (app, home) = (&world.app, acme.workspace.id);
    assert!(workspaces::remove_member(app, Actor::Operator, home, ben.id).await.unwrap());
    let back = workspaces::add_member(app, Actor::Operator, home, ben.id, Role::Member);
    back.await.unwrap().unwrap();

    for caller in &callers {
        assert_eq!(caller.me().await.json()["scopes"], json!(["leads:read"]));
    }
}
