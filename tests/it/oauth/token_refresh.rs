//! `POST /oauth/token` with `grant_type=refresh_token` (RFC 6749 §6): rotation that cannot lose a
//! session (contract §3). What is refused is in `token_refresh_refusals`, what happens to a token
//! that is used again in `token_refresh_reuse`.

use std::time::Duration;

use chrono::TimeDelta;
use entity::token_family;
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use super::{refresh_refused, signed_in};
use crate::support::{ApiCaller, ClientApp, Tokens, World};

/// QF-9, QF-10: also of a pair that was got by the password grant.
#[tokio::test]
async fn a_refresh_replaces_the_pair() {
    let (world, _, script, first) = signed_in().await;

    let answer = script.refresh(&first.refresh).await;

    let body = json!({
        "access_token": "lk_at_…",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": "lk_rt_…",
        "scope": "leads:read leads:write",
    });
    assert_eq!(answer.shown(), (200, body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let second = Tokens::of(&answer);
    assert_ne!((&first.access, &first.refresh), (&second.access, &second.refresh));
    let me = ApiCaller::bearer(&world, &second.access).me().await;
    assert_eq!(me.json()["principal"]["username"], "acme/ada@acme.example");
    let third = Tokens::of(&script.refresh(&second.refresh).await);
    assert_eq!(ApiCaller::bearer(&world, &third.access).me().await.status, 200);
}

/// QF-8, QF-9, FE-17: an hour later nobody is asked for a password.
#[tokio::test]
async fn a_session_goes_on_after_its_access_token_has_ended() {
    let (world, _, script, mut tokens) = signed_in().await;

    for _ in 0..3 {
        world.clock.advance(TimeDelta::hours(1));
        assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
        tokens = Tokens::of(&script.refresh(&tokens.refresh).await);

        let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
        assert_eq!(me["principal"]["username"], "acme/ada@acme.example");
    }
}

#[tokio::test]
async fn a_retry_gets_the_same_pair() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    world.clock.advance(TimeDelta::milliseconds(59_999));

    let answer = script.refresh(&first.refresh).await;

    assert_eq!(Tokens::of(&answer), second);
    assert_eq!(answer.json()["expires_in"], 3540, "the same token ends at the same time");
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    Tokens::of(&script.refresh(&second.refresh).await);
}

#[tokio::test]
async fn a_retry_on_another_node_gets_the_same_pair() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let node = world.another_node().await;

    let retried = Tokens::of(&script.at(&node).refresh(&first.refresh).await);

    assert_eq!(retried, second);
    let third = Tokens::of(&script.at(&node).refresh(&second.refresh).await);
    assert_eq!(ApiCaller::bearer(&world, &third.access).me().await.status, 200);
}

#[tokio::test]
async fn without_a_retry_window_there_is_no_retry() {
    let world = World::with(|config| config.oauth.refresh_retry_window = 0).await;
    let acme = world.acme().await;
    let script = world.script().await;
    let first = Tokens::of(&script.password(&acme.ada).await);
    Tokens::of(&script.refresh(&first.refresh).await);

    assert_eq!(script.refresh(&first.refresh).await.shown(), refresh_refused());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_racing_refreshes_get_one_pair() {
    let (world, _, script, first) = signed_in().await;
    let node = world.another_node().await;
    let nodes = [script.clone(), script.at(&node)];

    let race = (0..64).map(|number| nodes[number % 2].refresh(&first.refresh));
    let answers = join_all(race).await;

    let second = Tokens::of(&answers[0]);
    for answer in &answers {
        assert_eq!(Tokens::of(answer), second);
    }
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    Tokens::of(&script.refresh(&second.refresh).await);
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
}

/// However early the connection breaks, the session goes on.
#[tokio::test]
async fn a_dropped_answer_signs_nobody_out() {
    let (world, _, script, mut tokens) = signed_in().await;
    for (is_answered, rotation) in [false, true, false, true].into_iter().zip(1..) {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        socket.write_all(&refresh_request(&script, &tokens.refresh)).await.unwrap();
        if is_answered {
            // the first byte of the answer is there: the rotation is done; nobody reads the rest
            socket.read_u8().await.unwrap();
        }
        drop(socket);
        // whoever hung up is served all the same: later than the retry's tokens are used it would be reuse
        while generation(&world).await < rotation {
            sleep(Duration::from_millis(5)).await;
        }

        let retried = Tokens::of(&script.refresh(&tokens.refresh).await);

        assert_eq!(ApiCaller::bearer(&world, &retried.access).me().await.status, 200);
        tokens = retried;
    }
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
}

#[tokio::test]
async fn a_node_that_dies_between_commit_and_answer_signs_nobody_out() {
    let (world, _, script, first) = signed_in().await;
    let dying = world.another_node().await;
    let mut socket = TcpStream::connect(dying.address).await.unwrap();
    socket.write_all(&refresh_request(&script, &first.refresh)).await.unwrap();
    socket.read_u8().await.unwrap();
    drop((socket, dying));

    let second = Tokens::of(&script.refresh(&first.refresh).await);

    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    Tokens::of(&script.refresh(&second.refresh).await);
}

#[tokio::test]
async fn the_scope_may_be_narrowed_for_one_access_token() {
    let (world, _, script, first) = signed_in().await;

    let narrow = script.refresh_with(&first.refresh, &[("scope", "leads:read")]).await;

    let narrow = Tokens::of(&narrow);
    assert_eq!(narrow.scope, "leads:read");
    let me = ApiCaller::bearer(&world, &narrow.access).me().await;
    assert_eq!(me.json()["scopes"], json!(["leads:read"]));
    // the grant is as wide as before
    let wide = Tokens::of(&script.refresh(&narrow.refresh).await);
    assert_eq!(wide.scope, "leads:read leads:write");
}

#[tokio::test]
async fn a_retry_with_another_scope_gets_an_access_token_of_its_own() {
    let (world, _, script, first) = signed_in().await;
    let wide = Tokens::of(&script.refresh(&first.refresh).await);

    let narrow = script.refresh_with(&first.refresh, &[("scope", "leads:read")]).await;

    let narrow = Tokens::of(&narrow);
    assert_eq!((&narrow.refresh, &*narrow.scope), (&wide.refresh, "leads:read"));
    assert_ne!(narrow.access, wide.access);
    let me = ApiCaller::bearer(&world, &narrow.access).me().await;
    assert_eq!(me.json()["scopes"], json!(["leads:read"]));
}

#[tokio::test]
async fn the_scope_may_not_be_widened() {
    let (_world, acme, script, _) = signed_in().await;
    let granted = script.password_with(&acme.ada, &[("scope", "leads:read")]).await;
    let first = Tokens::of(&granted);

    for (scope, description) in [
        ("leads:read leads:write", "the scope is wider than what was granted"),
        ("leads:write", "the scope is wider than what was granted"),
        ("no:such", "the scope is wider than what was granted"),
        ("leads:\\read", "the scope is malformed"),
    ] {
        let answer = script.refresh_with(&first.refresh, &[("scope", scope)]).await;

        let body = json!({ "error": "invalid_scope", "error_description": description });
        assert_eq!(answer.shown(), (400, body), "{scope}");
    }
    // nothing was consumed
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert_eq!(second.scope, "leads:read");
}

/// How often the only family there is was rotated.
async fn generation(world: &World) -> i64 {
    let family = token_family::Entity::find().one(world.app.store.read()).await.unwrap();
    family.unwrap().generation
}

/// The bytes of a refresh on a connection of its own.
fn refresh_request(client: &ClientApp, refresh_token: &str) -> Vec<u8> {
    let secret = client.secret.as_deref().unwrap_or_default();
    let body = format!(
        "grant_type=refresh_token&refresh_token={refresh_token}&client_id={}&client_secret={secret}",
        client.id
    );
    format!(
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
