//! Refresh tokens that are refused, and how long they live (contract §3). A refused request consumes
//! nothing.

use chrono::TimeDelta;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    crypto::secret::{RefreshToken, Secret},
    identity::users,
    workspaces,
};
use serde_json::json;

use super::{refresh_refused, signed_in};
use crate::support::{ApiCaller, Tokens, expel, script};

#[tokio::test]
async fn a_resource_that_was_not_granted_is_refused() {
    let (_world, _, script, first) = signed_in().await;
    let resource = [("resource", "https://elsewhere.example")];

    let answer = script.refresh_with(&first.refresh, &resource).await;

    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_target")));
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn a_refresh_token_must_be_there() {
    let (_world, _, script, _) = signed_in().await;

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
    let (_world, _, script, first) = signed_in().await;
    let mut typo = first.refresh.clone().into_bytes();
    typo[20] = if typo[20] == b'a' { b'b' } else { b'a' };
    let typo = String::from_utf8(typo).unwrap();
    let unknown = Secret::<RefreshToken>::from_entropy(&[7; 32]);
    let longer = format!("{} ", first.refresh);

    for token in
        ["x", "lk_rt_", &first.access, &typo, unknown.reveal(), &longer, &"x".repeat(60_000)]
    {
        assert_eq!(script.refresh(token).await.shown(), refresh_refused(), "{token}");
    }
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn another_clients_token_is_refused_and_untouched() {
    let (world, _, script, first) = signed_in().await;
    let thief = world.script().await;

    assert_eq!(thief.refresh(&first.refresh).await.shown(), refresh_refused());

    let second = Tokens::of(&script.refresh(&first.refresh).await);
    // ownership is proved before anything is destroyed: a spent token is nothing to a thief either
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    assert_eq!(thief.refresh(&first.refresh).await.shown(), refresh_refused());
    assert_eq!(thief.refresh(&second.refresh).await.shown(), refresh_refused());
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    Tokens::of(&script.refresh(&second.refresh).await);
}

#[tokio::test]
async fn a_client_that_is_not_registered_for_it_is_refused() {
    let (world, _, _, first) = signed_in().await;
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
    let (world, acme, script, first) = signed_in().await;
    let other = Tokens::of(&script.password(&acme.ada).await);
    world.clock.advance(TimeDelta::days(30) - TimeDelta::milliseconds(1));

    let in_time = script.refresh(&first.refresh).await;
    world.clock.advance(TimeDelta::milliseconds(1));
    let too_late = script.refresh(&other.refresh).await;

    assert_eq!((in_time.status, too_late.shown()), (200, refresh_refused()));
}

#[tokio::test]
async fn a_busy_session_ends_after_a_year() {
    let (world, _, script, mut tokens) = signed_in().await;
    for _ in 0..14 {
        world.clock.advance(TimeDelta::days(26));
        tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
    }
    world.clock.advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    tokens = Tokens::of(&script.refresh(&tokens.refresh).await);

    world.clock.advance(TimeDelta::milliseconds(1));

    assert_eq!(script.refresh(&tokens.refresh).await.shown(), refresh_refused());
}

#[tokio::test]
async fn a_clients_own_lifetimes_win() {
    let (world, acme, _, _) = signed_in().await;
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
    assert_eq!(client.refresh(&third.refresh).await.shown(), refresh_refused());
}

#[tokio::test]
async fn an_access_token_ends_after_an_hour() {
    let (world, _, script, first) = signed_in().await;
    let caller = ApiCaller::bearer(&world, &first.access);
    world.clock.advance(TimeDelta::milliseconds(3_599_999));
    assert_eq!(caller.me().await.status, 200);

    world.clock.advance(TimeDelta::milliseconds(1));

    assert_eq!(caller.me().await.status, 401);
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn a_disabled_client_is_refused_and_loses_nothing() {
    let (world, _, script, first) = signed_in().await;
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
    let (world, acme, script, first) = signed_in().await;

    assert!(users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap());

    assert_eq!(script.refresh(&first.refresh).await.shown(), refresh_refused());
}

#[tokio::test]
async fn a_disabled_workspace_cannot_be_refreshed_for() {
    let (world, acme, script, first) = signed_in().await;
    let id = acme.workspace.id;

    assert!(workspaces::disable_workspace(&world.app, Actor::Operator, id).await.unwrap());

    assert_eq!(script.refresh(&first.refresh).await.shown(), refresh_refused());
}

#[tokio::test]
async fn who_was_removed_from_the_workspace_cannot_refresh() {
    let (world, acme, script, first) = signed_in().await;
    let (id, ada) = (acme.workspace.id, acme.ada.id);

    assert!(expel(&world.app, id, ada).await.unwrap());

    assert_eq!(script.refresh(&first.refresh).await.shown(), refresh_refused());
}
