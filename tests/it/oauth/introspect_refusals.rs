//! Whom `POST /oauth/introspect` refuses, and what it says nothing about: whatever is not alive, or
//! not the caller's business, is `{"active":false}` and nothing beside it (RFC 7662 §2.2, contract §3).

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    crypto::secret::{AccessToken, RefreshToken, Secret, with_checksum},
    identity::users,
    keys::manage::{self, NewKey},
    tokens::revoke,
    workspaces,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::introspect::{introspected, new_key};
use crate::support::{Answer, ApiCaller, Browser, ClientApp, Tokens, World, expel, service};

fn inactive() -> (u16, Value) {
    (200, json!({ "active": false }))
}

async fn introspector_of(world: &World, slug: &str) -> ClientApp {
    let workspace = world.workspace(slug).await;
    let client = NewClient { may_introspect: true, ..service(Some(&workspace)) };
    world.client(client).await
}

async fn id_of_key(world: &World, key: &str) -> Uuid {
    let me = ApiCaller::key(world, key).me().await.expect(200).json();
    me["credential"]["id"].as_str().unwrap().parse().unwrap()
}

/// CS-X1: nobody is told anything who does not prove who it is.
#[tokio::test]
async fn a_caller_must_prove_itself_as_a_confidential_client() {
    let (world, _, script, tokens, introspector) = introspected().await;
    let body = json!({
        "error": "invalid_client",
        "error_description": "client authentication failed",
    });
    let wrong = "lk_cs_0000000000000000000000000000000000000000000000000";

    for caller in [
        introspector.with_secret(Some(wrong)),
        introspector.with_secret(None),
        introspector.with_secret(script.secret.as_deref()),
        world.spa().await,
    ] {
        for token in [&tokens.access, "nonsense"] {
            let answer = caller.introspect(token).await;

            assert_eq!(answer.shown(), (401, body.clone()));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
        }
    }
    // RFC 7662 §2.1 would allow a token; here it is a client or nobody
    let bearer = ApiCaller::bearer(&world, &tokens.access).request("/oauth/introspect");
    let request = bearer.build().unwrap();
    let request = world
        .http
        .post(request.url().clone())
        .headers(request.headers().clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={}", tokens.access));
    assert_eq!(Answer::to(request).await.shown(), (401, body));
}

#[tokio::test]
async fn a_disabled_caller_is_refused() {
    let (world, _, _, tokens, introspector) = introspected().await;
    let (app, id) = (&world.app, &introspector.id);
    assert!(registration::set_disabled(app, Actor::Operator, id, true).await.unwrap());

    assert_eq!(introspector.introspect(&tokens.access).await.status, 401);
}

#[tokio::test]
async fn a_caller_must_be_allowed_to() {
    let (world, acme, script, tokens, _) = introspected().await;
    let body = json!({
        "error": "unauthorized_client",
        "error_description": "the client may not introspect",
    });

    // not even about its own tokens
    for caller in [script, world.client(service(Some(&acme.workspace))).await] {
        for token in [&tokens.access, &tokens.refresh, "nonsense", ""] {
            assert_eq!(caller.introspect(token).await.shown(), (400, body.clone()));
        }
    }
}

#[tokio::test]
async fn a_token_must_be_there_and_once() {
    let (_world, _, _, tokens, introspector) = introspected().await;

    for (params, description) in [
        (&[][..], "token is missing"),
        (&[("token", "")], "token is missing"),
        (
            &[("token", tokens.access.as_str()), ("token", &tokens.access)],
            "a parameter is given more than once",
        ),
    ] {
        let answer = Answer::to(introspector.request("/oauth/introspect", params)).await;

        let body = json!({ "error": "invalid_request", "error_description": description });
        assert_eq!(answer.shown(), (400, body));
    }
    let in_query = format!("/oauth/introspect?token={}", tokens.access);
    assert_eq!(Answer::to(introspector.request(&in_query, &[])).await.status, 400);
}

#[tokio::test]
async fn what_is_no_token_is_inactive() {
    let (world, acme, _, tokens, introspector) = introspected().await;
    let web = world.web().await;
    let callback = Browser::new(&world).authorize(&web.authorization(), &acme.ada).await;
    let unknown_access = Secret::<AccessToken>::from_entropy(&[7; 32]);
    let unknown_refresh = Secret::<RefreshToken>::from_entropy(&[7; 32]);
    let unknown_key = with_checksum(format!("lk_live_{}", "a".repeat(30)));
    let mut typo = tokens.access.clone();
    typo.replace_range(20..21, if &typo[20..21] == "a" { "b" } else { "a" });

    for token in [
        "nonsense",
        "lk_at_",
        "lk_live_",
        "\u{1f511}",
        &typo,
        &format!("{} ", tokens.access),
        &tokens.access.to_ascii_uppercase(),
        &format!("Bearer {}", tokens.access),
        unknown_access.reveal(),
        unknown_refresh.reveal(),
        &unknown_key,
        &"x".repeat(60_000),
        // secrets, but not of a kind that is introspected
        callback.code(),
        web.secret.as_deref().unwrap(),
        &web.id,
    ] {
        assert_eq!(introspector.introspect(token).await.shown(), inactive(), "{token}");
    }
}

/// CS-X1: no more than that it is not active.
#[tokio::test]
async fn what_has_ended_is_inactive() {
    let (world, acme, script, first, introspector) = introspected().await;
    let ends = world.app.now() + TimeDelta::minutes(30);
    let key = world.key_of(NewKey { expires_at: Some(ends), ..new_key(&acme) }).await;
    world.clock.advance(TimeDelta::minutes(30) - TimeDelta::milliseconds(1));
    assert!(introspector.sees_alive(&key).await);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(introspector.introspect(&key).await.shown(), inactive());
    world.clock.advance(TimeDelta::minutes(30) - TimeDelta::milliseconds(1));
    assert!(introspector.sees_alive(&first.access).await);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(introspector.introspect(&first.access).await.shown(), inactive());

    let second = Tokens::of(&script.refresh(&first.refresh).await);
    // spent, though it may still be retried
    assert_eq!(introspector.introspect(&first.refresh).await.shown(), inactive());
    world.clock.advance(TimeDelta::days(30) - TimeDelta::milliseconds(1));
    assert!(introspector.sees_alive(&second.refresh).await);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(introspector.introspect(&second.refresh).await.shown(), inactive());
}

/// The ways in which a pair and a key lose what they depend on.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Grant,
    Replay,
    Client,
    User,
    Member,
    Workspace,
}

#[tokio::test]
async fn what_has_lost_what_it_depends_on_is_inactive_at_once_on_every_node() {
    for loss in [Loss::Grant, Loss::Replay, Loss::Client, Loss::User, Loss::Member, Loss::Workspace]
    {
        let (world, acme, script, mut tokens, introspector) = introspected().await;
        let node = world.another_node().await;
        let key = world.key_of(new_key(&acme)).await;
        let (app, me) = (&world.app, Actor::Operator);
        let (id, ada) = (acme.workspace.id, acme.ada.id);
        assert!(introspector.at(&node).sees_alive(&tokens.access).await);

        let ends_keys = match loss {
            Loss::Grant => {
                assert_eq!(
                    revoke::disconnect_all(app, ada, revoke::Asking::Again).await.unwrap(),
                    1
                );
                false
            }
            Loss::Replay => {
                let second = Tokens::of(&script.refresh(&tokens.refresh).await);
                assert!(introspector.sees_alive(&second.access).await);
                assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
                tokens = second;
                false
            }
            Loss::Client => {
                assert!(registration::set_disabled(app, me, &script.id, true).await.unwrap());
                false
            }
            Loss::User => users::disable(app, me, ada).await.unwrap(),
            Loss::Member => expel(app, id, ada).await.unwrap(),
            Loss::Workspace => workspaces::disable_workspace(app, me, id).await.unwrap(),
        };

        for caller in [&introspector, &introspector.at(&node)] {
            for token in [&tokens.access, &tokens.refresh] {
                assert_eq!(caller.introspect(token).await.shown(), inactive(), "{loss:?}");
            }
            assert_eq!(caller.sees_alive(&key).await, !ends_keys, "{loss:?}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_switched_off_revoked_or_deleted_is_inactive() {
    let (world, acme, _, _, introspector) = introspected().await;
    let (app, workspace) = (&world.app, acme.workspace.id);
    let key = world.key_of(new_key(&acme)).await;
    let id = id_of_key(&world, &key).await;
    let switch =
        async |on| manage::set_active(app, Actor::Operator, workspace, id, on).await.unwrap();

    assert!(switch(false).await);
    assert_eq!(introspector.introspect(&key).await.shown(), inactive());
    assert!(switch(true).await);
    assert!(introspector.sees_alive(&key).await);
    assert!(manage::revoke(app, Actor::Operator, workspace, id).await.unwrap());
    assert_eq!(introspector.introspect(&key).await.shown(), inactive());
    assert!(manage::delete(app, Actor::Operator, workspace, id).await.unwrap());
    assert_eq!(introspector.introspect(&key).await.shown(), inactive());
}

#[tokio::test]
async fn a_token_of_nobodys_workspace_is_inactive() {
    let (world, _, script, _, introspector) = introspected().await;
    let joe = world.person("joe@example.com", &[]).await;
    let homeless = Tokens::of(&script.password(&joe).await);
    let unbound = world.client(service(None)).await;
    let unbound = Tokens::of(&unbound.token(&[("grant_type", "client_credentials")]).await);

    for token in [&homeless.access, &homeless.refresh, &unbound.access] {
        assert_eq!(introspector.introspect(token).await.shown(), inactive());
    }
}

#[tokio::test]
async fn a_caller_that_is_bound_to_a_workspace_sees_nothing_of_others() {
    let (world, acme, script, tokens, _) = introspected().await;
    let theirs = introspector_of(&world, "other").await;
    let ours = NewClient { may_introspect: true, ..service(Some(&acme.workspace)) };
    let ours = world.client(ours).await;
    let own = Tokens::of(&ours.token(&[("grant_type", "client_credentials")]).await);
    let key = world.key_of(new_key(&acme)).await;

    for token in [&tokens.access, &tokens.refresh, &own.access, &key] {
        assert_eq!(theirs.introspect(token).await.shown(), inactive());
        assert!(ours.sees_alive(token).await);
    }
    Tokens::of(&script.refresh(&tokens.refresh).await);
}

/// An enterprise's people may have a second workspace; what they do there is not ours to see.
#[tokio::test]
async fn it_is_the_tokens_workspace_that_counts_and_not_the_users() {
    let (world, acme, script, _, _) = introspected().await;
    let other = world.workspace("other").await;
    let (app, ada) = (&world.app, acme.ada.id);
    let added = workspaces::add_member(app, Actor::Operator, other.id, ada, Role::Owner).await;
    added.unwrap().unwrap();
    let bound = NewClient { may_introspect: true, ..service(Some(&other)) };
    let bound = world.client(bound).await;

    let here = Tokens::of(&script.password(&acme.ada).await);
    let there = script.password_with(&acme.ada, &[("workspace", "other")]).await;

    assert_eq!(bound.introspect(&here.access).await.shown(), inactive());
    assert!(bound.sees_alive(&Tokens::of(&there).access).await);
}
