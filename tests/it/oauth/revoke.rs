//! `POST /oauth/revoke` (RFC 7009, contract §3).

use chrono::TimeDelta;
use latchkey::{
    audit::Actor,
    clients::registration,
    crypto::secret::{AccessToken, RefreshToken, Secret, with_checksum},
};
use serde_json::json;

use super::{refresh_refused, signed_in};
use crate::support::{Answer, ApiCaller, Browser, ClientApp, Pkce, Tokens, World, service};

async fn revoke(client: &ClientApp, token: &str) -> Answer {
    Answer::to(client.request("/oauth/revoke", &[("token", token)])).await
}

/// Success says nothing, and no cache keeps it.
#[track_caller]
fn assert_done(answer: &Answer) {
    assert_eq!(answer.shown(), (200, json!({})));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

async fn is_alive(world: &World, access_token: &str) -> bool {
    let answer = ApiCaller::bearer(world, access_token).me().await;
    assert!([200, 401].contains(&answer.status), "{} {}", answer.status, answer.body);
    answer.status == 200
}

#[tokio::test]
async fn an_access_token_ends_at_once_and_alone() {
    let (world, acme, script, first) = signed_in().await;
    let other = Tokens::of(&script.password(&acme.ada).await);
    assert!(is_alive(&world, &first.access).await);

    assert_done(&revoke(&script, &first.access).await);

    assert!(!is_alive(&world, &first.access).await);
    assert!(is_alive(&world, &other.access).await);
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);
    assert_eq!(world.audited("access_token.revoke").await, 1);
}

/// RFC 7009 §2.1: a refresh token takes the access tokens of the same authorization with it.
/// CS-X2: with it end the access tokens of its grant.
#[tokio::test]
async fn a_refresh_token_ends_its_whole_family_and_no_other() {
    let (world, acme, script, first) = signed_in().await;
    let other = Tokens::of(&script.password(&acme.ada).await);
    let second = Tokens::of(&script.refresh(&first.refresh).await);

    assert_done(&revoke(&script, &second.refresh).await);

    for pair in [&first, &second] {
        assert!(!is_alive(&world, &pair.access).await);
        assert_eq!(script.refresh(&pair.refresh).await.shown(), refresh_refused());
    }
    assert!(is_alive(&world, &other.access).await);
    Tokens::of(&script.refresh(&other.refresh).await);
    assert_eq!(world.audited("refresh_token.revoke").await, 1);
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
}

/// A client that lost the answer of its last refresh knows only the spent token.
#[tokio::test]
async fn a_spent_refresh_token_ends_its_family_too() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    assert_done(&revoke(&script, &first.refresh).await);

    assert!(!is_alive(&world, &second.access).await);
    assert_eq!(script.refresh(&second.refresh).await.shown(), refresh_refused());
}

#[tokio::test]
async fn every_kind_of_client_revokes_its_own() {
    let (world, acme, _, _) = signed_in().await;
    let spa = world.spa().await;
    let callback = Browser::new(&world).authorize(&spa.authorization(), &acme.ada).await;
    let tokens = Tokens::of(&spa.exchange(callback.code(), &Pkce::default()).await);
    let service = world.client(service(Some(&acme.workspace))).await;
    let own = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);
    let still = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);

    assert_done(&revoke(&spa, &tokens.refresh).await);
    assert_done(&revoke(&service, &own.access).await);

    assert!(!is_alive(&world, &tokens.access).await);
    assert!(!is_alive(&world, &own.access).await);
    assert!(is_alive(&world, &still.access).await);
}

#[tokio::test]
async fn it_is_effective_on_every_node() {
    let (world, _, script, first) = signed_in().await;
    let node = world.another_node().await;
    let elsewhere = ApiCaller::bearer(&world, &first.access).at(&node);
    assert_eq!(elsewhere.me().await.status, 200);

    assert_done(&revoke(&script, &first.refresh).await);

    assert_eq!(elsewhere.me().await.status, 401);
    assert_eq!(script.at(&node).refresh(&first.refresh).await.shown(), refresh_refused());
}

/// The retry window must not be a way back.
#[tokio::test]
async fn a_retry_does_not_bring_a_revoked_token_back() {
    for is_access in [true, false] {
        let (world, _, script, first) = signed_in().await;
        let second = Tokens::of(&script.refresh(&first.refresh).await);
        let token = if is_access { &second.access } else { &second.refresh };

        assert_done(&revoke(&script, token).await);

        assert_eq!(script.refresh(&first.refresh).await.shown(), refresh_refused());
        assert!(!is_alive(&world, &second.access).await);
    }
}

/// RFC 7009 §2.2: it is dead, which is what the client wanted.
/// CS-X2: 200, whether there was such a token or not.
#[tokio::test]
async fn what_is_dead_or_unknown_is_success() {
    let (world, _, script, first) = signed_in().await;
    assert_done(&revoke(&script, &first.access).await);
    let expired = Tokens::of(&script.refresh(&first.refresh).await);
    world.clock.advance(TimeDelta::hours(2));
    let ended = Tokens::of(&script.refresh(&expired.refresh).await);
    assert_done(&revoke(&script, &ended.refresh).await);
    let unknown_access = Secret::<AccessToken>::from_entropy(&[7; 32]);
    let unknown_refresh = Secret::<RefreshToken>::from_entropy(&[7; 32]);

    for token in [
        first.access.as_str(),
        &expired.access,
        &ended.refresh,
        &first.refresh,
        unknown_access.reveal(),
        unknown_refresh.reveal(),
        "lk_at_",
        "nonsense",
        "\u{1f511}",
        &format!("{} ", ended.access),
        &"x".repeat(60_000),
    ] {
        assert_done(&revoke(&script, token).await);
    }
    assert_eq!(world.audited("refresh_token.revoke").await, 1);
}

#[tokio::test]
async fn the_hint_is_not_needed_and_may_be_wrong() {
    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        let (world, _, script, first) = signed_in().await;
        let params = [("token", first.refresh.as_str()), ("token_type_hint", hint)];

        assert_done(&Answer::to(script.request("/oauth/revoke", &params)).await);

        assert!(!is_alive(&world, &first.access).await, "{hint}");
    }
}

#[tokio::test]
async fn a_client_must_prove_itself() {
    let (world, _, script, first) = signed_in().await;
    let body = json!({
        "error": "invalid_client",
        "error_description": "client authentication failed",
    });

    let wrong = script.with_secret(Some("lk_cs_0000000000000000000000000000000000000000000000000"));
    for impostor in [wrong, script.with_secret(None)] {
        for token in [&first.refresh, "nonsense"] {
            let answer = revoke(&impostor, token).await;

            assert_eq!(answer.shown(), (401, body.clone()));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
        }
    }
    assert!(is_alive(&world, &first.access).await);
}

#[tokio::test]
async fn a_disabled_client_revokes_nothing() {
    let (world, _, script, first) = signed_in().await;
    let disable = |is_disabled| {
        registration::set_disabled(&world.app, Actor::Operator, &script.id, is_disabled)
    };
    assert!(disable(true).await.unwrap());

    assert_eq!(revoke(&script, &first.refresh).await.status, 401);

    assert!(disable(true).await.unwrap());
    assert_eq!(world.audited("client.disable").await, 1, "it was so already");
    assert!(disable(false).await.unwrap());
    assert!(is_alive(&world, &first.access).await);
}

#[tokio::test]
async fn a_token_must_be_there_and_once() {
    let (world, _, script, first) = signed_in().await;
    let other = Secret::<RefreshToken>::from_entropy(&[7; 32]);

    for (params, description) in [
        (&[][..], "token is missing"),
        (&[("token", "")], "token is missing"),
        (
            &[("token", first.refresh.as_str()), ("token", other.reveal())],
            "a parameter is given more than once",
        ),
    ] {
        let answer = Answer::to(script.request("/oauth/revoke", params)).await;

        let body = json!({ "error": "invalid_request", "error_description": description });
        assert_eq!(answer.shown(), (400, body));
    }
    // RFC 7009 §2.1: in the body, not in the address
    let in_query = format!("/oauth/revoke?token={}", first.refresh);
    assert_eq!(Answer::to(script.request(&in_query, &[])).await.status, 400);
    assert!(is_alive(&world, &first.access).await);
}

/// CS-X2: what belongs to another client stays as it is.
#[tokio::test]
async fn another_clients_token_is_refused_and_untouched() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let spent = &first.refresh;
    let body = json!({
        "error": "unauthorized_client",
        "error_description": "the token belongs to another client",
    });

    for thief in [world.script().await, world.spa().await, world.introspector().await] {
        for token in [&second.access, &second.refresh, spent] {
            assert_eq!(revoke(&thief, token).await.shown(), (400, body.clone()));
        }
    }

    // not even the retry window has closed
    assert_eq!(Tokens::of(&script.refresh(spent).await), second);
    assert!(is_alive(&world, &second.access).await);
    Tokens::of(&script.refresh(&second.refresh).await);
    assert_eq!(world.audited("access_token.revoke").await, 0);
    assert_eq!(world.audited("refresh_token.revoke").await, 0);
}

/// CS-X2: `unsupported_token_type`.
#[tokio::test]
async fn api_keys_are_not_revoked_here() {
    let (world, acme, script, _) = signed_in().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let unknown = with_checksum(format!("lk_live_{}", "a".repeat(30)));

    for token in [&key, &unknown] {
        let answer = revoke(&script, token).await;

        let body = json!({
            "error": "unsupported_token_type",
            "error_description": "API keys are not revoked here",
        });
        assert_eq!(answer.shown(), (400, body));
    }
    assert_eq!(ApiCaller::key(&world, &key).me().await.status, 200);
}

/// What the server keeps for itself is nobody's token.
#[tokio::test]
async fn codes_and_secrets_are_not_revoked_here() {
    let (world, acme, _, _) = signed_in().await;
    let web = world.web().await;
    let callback = Browser::new(&world).authorize(&web.authorization(), &acme.ada).await;

    assert_done(&revoke(&web, callback.code()).await);
    assert_done(&revoke(&web, web.secret.as_deref().unwrap()).await);

    Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);
}
