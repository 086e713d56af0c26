//! `POST /oauth/token` with `grant_type=refresh_token` (RFC 6749 §6): rotation that cannot lose a
//! session (contract §3). What happens to a token that is used again is in `token_refresh_reuse`.

use chrono::TimeDelta;
use futures_util::future::join_all;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    crypto::secret::{RefreshToken, Secret},
    identity::users,
    workspaces,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Acme, ApiCaller, ClientApp, Tokens, World, script};

async fn world() -> (World, Acme, ClientApp, Tokens) {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    (world, acme, script, tokens)
}

fn refused() -> (u16, Value) {
    let body = json!({
        "error": "invalid_grant",
        "error_description": "the refresh token is not valid",
    });
    (400, body)
}

#[tokio::test]
async fn a_refresh_replaces_the_pair() {
    let (world, _, script, first) = world().await;

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

#[tokio::test]
async fn a_retry_gets_the_same_pair() {
    let (world, _, script, first) = world().await;
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
    let (world, _, script, first) = world().await;
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

    assert_eq!(script.refresh(&first.refresh).await.shown(), refused());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_racing_refreshes_get_one_pair() {
    let (world, _, script, first) = world().await;
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
    let (world, _, script, mut tokens) = world().await;
    for is_answered in [false, true, false, true] {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        socket.write_all(&refresh_request(&script, &tokens.refresh)).await.unwrap();
        if is_answered {
            // the first byte of the answer is there: the rotation is done; nobody reads the rest
            socket.read_u8().await.unwrap();
        }
        drop(socket);

        let retried = Tokens::of(&script.refresh(&tokens.refresh).await);

        assert_eq!(ApiCaller::bearer(&world, &retried.access).me().await.status, 200);
        tokens = retried;
    }
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
}

#[tokio::test]
async fn a_node_that_dies_between_commit_and_answer_signs_nobody_out() {
    let (world, _, script, first) = world().await;
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
    let (world, _, script, first) = world().await;

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
    let (world, _, script, first) = world().await;
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
    let (_world, acme, script, _) = world().await;
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

#[tokio::test]
async fn a_resource_that_was_not_granted_is_refused() {
    let (_world, _, script, first) = world().await;
    let resource = [("resource", "https://elsewhere.example")];

    let answer = script.refresh_with(&first.refresh, &resource).await;

    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_target")));
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn a_refresh_token_must_be_there() {
    let (_world, _, script, _) = world().await;

    for params in [
        &[("grant_type", "refresh_token")][..],
        &[("grant_type", "refresh_token"), ("refresh_token", "")],
    ] {
        let answer = script.token(params).await;

        let body = json!({
            "error": "invalid_request",
            "error_description": "refresh_token is missing",
        });
        assert_eq!(answer.shown(), (400, body));
    }
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let (_world, _, script, first) = world().await;
    let mut typo = first.refresh.clone().into_bytes();
    typo[20] = if typo[20] == b'a' { b'b' } else { b'a' };
    let typo = String::from_utf8(typo).unwrap();
    let unknown = Secret::<RefreshToken>::from_entropy(&[7; 32]);
    let longer = format!("{} ", first.refresh);

    for token in
        ["x", "lk_rt_", &first.access, &typo, unknown.reveal(), &longer, &"x".repeat(60_000)]
    {
        assert_eq!(script.refresh(token).await.shown(), refused(), "{token}");
    }
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn another_clients_token_is_refused_and_untouched() {
    let (world, _, script, first) = world().await;
    let thief = world.script().await;

    assert_eq!(thief.refresh(&first.refresh).await.shown(), refused());

    let second = Tokens::of(&script.refresh(&first.refresh).await);
    // ownership is proved before anything is destroyed: a spent token is nothing to a thief either
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    assert_eq!(thief.refresh(&first.refresh).await.shown(), refused());
    assert_eq!(thief.refresh(&second.refresh).await.shown(), refused());
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    Tokens::of(&script.refresh(&second.refresh).await);
}

#[tokio::test]
async fn a_client_that_is_not_registered_for_it_is_refused() {
    let (world, _, _, first) = world().await;
    let service = world.introspector().await;

    let answer = service.refresh(&first.refresh).await;

    let body = json!({
        "error": "unauthorized_client",
        "error_description": "the client is not registered for this grant type",
    });
    assert_eq!(answer.shown(), (400, body));
}

#[tokio::test]
async fn an_unused_token_ends_after_thirty_days() {
    let (world, acme, script, first) = world().await;
    let other = Tokens::of(&script.password(&acme.ada).await);
    world.clock.advance(TimeDelta::days(30) - TimeDelta::milliseconds(1));

    let in_time = script.refresh(&first.refresh).await;
    world.clock.advance(TimeDelta::milliseconds(1));
    let too_late = script.refresh(&other.refresh).await;

    assert_eq!((in_time.status, too_late.shown()), (200, refused()));
}

#[tokio::test]
async fn a_busy_session_ends_after_a_year() {
    let (world, _, script, mut tokens) = world().await;
    for _ in 0..14 {
        world.clock.advance(TimeDelta::days(26));
        tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
    }
    world.clock.advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    tokens = Tokens::of(&script.refresh(&tokens.refresh).await);

    world.clock.advance(TimeDelta::milliseconds(1));

    assert_eq!(script.refresh(&tokens.refresh).await.shown(), refused());
}

#[tokio::test]
async fn a_clients_own_lifetimes_win() {
    let (world, acme, _, _) = world().await;
    let client = NewClient {
        access_token_ttl_secs: Some(120),
        refresh_token_idle_ttl_secs: Some(600),
        refresh_token_absolute_ttl_secs: Some(1000),
        ..script()
    };
    let client = world.client(client).await;
    let first = Tokens::of(&client.password(&acme.ada).await);
    world.clock.advance(TimeDelta::seconds(599));

    let answer = client.refresh(&first.refresh).await;

    assert_eq!(answer.json()["expires_in"], 120);
    let second = Tokens::of(&answer);
    world.clock.advance(TimeDelta::seconds(400));
    let third = Tokens::of(&client.refresh(&second.refresh).await);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(client.refresh(&third.refresh).await.shown(), refused());
}

#[tokio::test]
async fn an_access_token_ends_after_an_hour() {
    let (world, _, script, first) = world().await;
    let caller = ApiCaller::bearer(&world, &first.access);
    world.clock.advance(TimeDelta::milliseconds(3_599_999));
    assert_eq!(caller.me().await.status, 200);

    world.clock.advance(TimeDelta::milliseconds(1));

    assert_eq!(caller.me().await.status, 401);
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn a_disabled_client_is_refused_and_loses_nothing() {
    let (world, _, script, first) = world().await;
    let disable = |is_disabled| {
        registration::set_disabled(&world.app, Actor::Operator, &script.id, is_disabled)
    };
    assert!(disable(true).await.unwrap());

    let answer = script.refresh(&first.refresh).await;

    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
    assert!(disable(false).await.unwrap());
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn a_disabled_user_cannot_refresh() {
    let (world, acme, script, first) = world().await;

    assert!(users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap());

    assert_eq!(script.refresh(&first.refresh).await.shown(), refused());
}

#[tokio::test]
async fn a_disabled_workspace_cannot_be_refreshed_for() {
    let (world, acme, script, first) = world().await;
    let id = acme.workspace.id;

    assert!(workspaces::disable_workspace(&world.app, Actor::Operator, id).await.unwrap());

    assert_eq!(script.refresh(&first.refresh).await.shown(), refused());
}

#[tokio::test]
async fn who_was_removed_from_the_workspace_cannot_refresh() {
    let (world, acme, script, first) = world().await;
    let (id, ada) = (acme.workspace.id, acme.ada.id);

    assert!(workspaces::remove_member(&world.app, Actor::Operator, id, ada).await.unwrap());

    assert_eq!(script.refresh(&first.refresh).await.shown(), refused());
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
