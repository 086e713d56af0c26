//! A refresh token that comes back after its successors were used: somebody else holds a copy
//! (RFC 9700 §4.14.2, contract §3).

use chrono::TimeDelta;
use futures_util::future::join_all;
use latchkey::{audit::Actor, tokens::revoke};
use serde_json::json;
use uuid::Uuid;

use super::{refresh_refused, signed_in};
use crate::support::{ApiCaller, ClientApp, Tokens, World};

async fn is_alive(world: &World, access_token: &str) -> bool {
    let answer = ApiCaller::bearer(world, access_token).me().await;
    assert!([200, 401].contains(&answer.status), "{} {}", answer.status, answer.body);
    answer.status == 200
}

/// The whole grant is dead, it is on record, and the user has been told, once.
async fn assert_grant_is_dead(world: &World, script: &ClientApp, tokens: &[&Tokens]) {
    for pair in tokens {
        assert!(!is_alive(world, &pair.access).await);
        assert_eq!(script.refresh(&pair.refresh).await.shown(), refresh_refused());
    }
    assert_eq!(world.audited("refresh_token.reuse").await, 1);
    let letters = world.take_mail().await;
    let sent: Vec<_> = letters.iter().map(|it| (it.to.as_str(), it.subject.as_str())).collect();
    assert_eq!(sent, [("ada@acme.example", "An app was signed out of your account")]);
    assert!(letters[0].text.contains("“Script”"), "{}", letters[0].text);
    assert!(!letters[0].text.contains("lk_"), "{}", letters[0].text);
}

#[tokio::test]
async fn the_first_call_with_the_new_access_token_closes_the_window() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second]).await;
}

#[tokio::test]
async fn an_introspection_of_the_new_access_token_closes_the_window() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(world.introspector().await.sees_alive(&second.access).await);

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second]).await;
}

#[tokio::test]
async fn a_use_of_the_new_refresh_token_closes_the_window() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let third = Tokens::of(&script.refresh(&second.refresh).await);

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second, &third]).await;
}

#[tokio::test]
async fn a_use_on_one_node_closes_the_window_on_all() {
    let (world, _, script, first) = signed_in().await;
    let node = world.another_node().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    let replay = script.at(&node).refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second]).await;
}

#[tokio::test]
async fn the_window_closes_after_sixty_seconds() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    world.clock.advance(TimeDelta::seconds(60));

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second]).await;
}

#[tokio::test]
async fn retries_do_not_keep_the_window_open() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    for _ in 0..5 {
        world.clock.advance(TimeDelta::seconds(11));
        assert_eq!(Tokens::of(&script.refresh(&first.refresh).await), second);
    }
    world.clock.advance(TimeDelta::seconds(5));

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second]).await;
}

#[tokio::test]
async fn the_old_access_token_does_not_close_the_window() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &first.access).await);

    let retry = script.refresh(&first.refresh).await;

    assert_eq!(Tokens::of(&retry), second);
}

#[tokio::test]
async fn a_grandparent_ends_the_grant_even_in_the_window() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let third = Tokens::of(&script.refresh(&second.refresh).await);
    // the parent may still be tried again
    assert_eq!(Tokens::of(&script.refresh(&second.refresh).await), third);

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second, &third]).await;
}

#[tokio::test]
async fn every_family_of_the_grant_dies_and_no_other_grant() {
    let (world, acme, script, first) = signed_in().await;
    let phone = Tokens::of(&script.password(&acme.ada).await);
    let other_client = world.script().await;
    let other = Tokens::of(&other_client.password(&acme.ada).await);
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    let replay = script.refresh(&first.refresh).await;

    assert_eq!(replay.shown(), refresh_refused());
    assert_grant_is_dead(&world, &script, &[&first, &second, &phone]).await;
    assert!(is_alive(&world, &other.access).await);
    Tokens::of(&other_client.refresh(&other.refresh).await);
    // signing in again makes a new grant
    let again = Tokens::of(&script.password(&acme.ada).await);
    assert!(is_alive(&world, &again.access).await);
}

#[tokio::test]
async fn a_replay_is_recorded_with_client_and_grant() {
    let (world, acme, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    script.refresh(&first.refresh).await;

    let events = world.audit_events().await;
    let event = events.iter().find(|event| event.action == "refresh_token.reuse").unwrap();
    let actor = (event.actor_kind.as_str(), event.actor_id.as_deref());
    assert_eq!(actor, ("client", Some(script.id.as_str())));
    assert_eq!(event.workspace_id, Some(acme.workspace.id));
    assert_eq!(event.target_kind, "grant");
    assert!(Uuid::parse_str(event.target_id.as_deref().unwrap()).is_ok());
}

#[tokio::test]
async fn a_spent_token_of_a_revoked_grant_is_not_reported_again() {
    let (world, acme, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let ended =
        revoke::disconnect_all(&world.app, acme.ada.id, revoke::Asking::Again).await.unwrap();
    assert_eq!(ended, 1);

    for token in [&first.refresh, &second.refresh] {
        assert_eq!(script.refresh(token).await.shown(), refresh_refused());
    }

    assert_eq!(world.audited("refresh_token.reuse").await, 0);
    assert_eq!(world.take_mail().await, []);
}

#[tokio::test]
async fn a_request_that_asks_for_too_much_is_no_replay() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    let answer = script.refresh_with(&first.refresh, &[("scope", "no:such")]).await;

    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_scope")));
    assert!(is_alive(&world, &second.access).await);
}

/// Whoever races with the use of a successor either retries in time or is a replay; there is never
/// a second pair.
#[tokio::test(flavor = "multi_thread")]
async fn a_race_with_a_successors_use_never_makes_a_second_pair() {
    for _ in 0..4 {
        let (world, _, script, first) = signed_in().await;
        let second = Tokens::of(&script.refresh(&first.refresh).await);
        let caller = ApiCaller::bearer(&world, &second.access);

        let (retries, _) = tokio::join!(
            join_all((0..16).map(|_| script.refresh(&first.refresh))),
            join_all((0..4).map(|_| caller.me())),
        );

        for retry in &retries {
            match retry.status {
                200 => assert_eq!(Tokens::of(retry), second),
                _ => assert_eq!(retry.shown(), refresh_refused()),
            }
        }
        let is_replayed = retries.iter().any(|retry| retry.status == 400);
        assert_eq!(is_alive(&world, &second.access).await, !is_replayed);
        assert_eq!(world.audited("refresh_token.reuse").await, usize::from(is_replayed));
    }
}

/// Racing replays end the grant once.
#[tokio::test(flavor = "multi_thread")]
async fn racing_replays_end_the_grant_once() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(is_alive(&world, &second.access).await);

    let answers = join_all((0..32).map(|_| script.refresh(&first.refresh))).await;

    assert!(answers.iter().all(|answer| answer.shown() == refresh_refused()));
    assert_grant_is_dead(&world, &script, &[&first, &second]).await;
}

#[tokio::test]
async fn an_administrators_revocation_ends_both_tokens_at_once() {
    let (world, _, script, first) = signed_in().await;
    let events = world.audit_events().await;
    let grant = events.iter().find(|event| event.action == "grant.create").unwrap();
    let grant: Uuid = grant.target_id.as_deref().unwrap().parse().unwrap();

    assert!(revoke::revoke_grant(&world.app, Actor::Operator, grant).await.unwrap());

    assert!(!is_alive(&world, &first.access).await);
    assert_eq!(script.refresh(&first.refresh).await.shown(), refresh_refused());
    assert_eq!(world.audited("grant.revoke").await, 1);
}
