//! A token family is one row, however often it is refreshed, and every token it ever had is
//! recognised (contract §3).

use chrono::TimeDelta;
use entity::{access_token, grant, token_family};
use latchkey::{
    crypto::{
        derive::Deriver,
        secret::{RefreshToken, Secret},
    },
    jobs::sweep,
};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::support::{Acme, ApiCaller, ClientApp, Tokens, World};

async fn signed_in() -> (World, Acme, ClientApp, Tokens) {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    (world, acme, script, tokens)
}

/// Refreshes so often, and answers every pair there was.
async fn refreshed(script: &ClientApp, first: Tokens, times: usize) -> Vec<Tokens> {
    let mut pairs = vec![first];
    for _ in 0..times {
        let answer = script.refresh(&pairs[pairs.len() - 1].refresh).await;
        pairs.push(Tokens::of(&answer));
    }
    pairs
}

async fn families(world: &World) -> Vec<token_family::Model> {
    token_family::Entity::find().all(world.app.store.read()).await.unwrap()
}

#[tokio::test]
async fn a_family_is_one_row() {
    let (world, _, script, first) = signed_in().await;

    refreshed(&script, first, 200).await;

    let families = families(&world).await;
    assert_eq!((families.len(), families[0].generation), (1, 200));
    assert_eq!(grant::Entity::find().count(world.app.store.read()).await.unwrap(), 1);
}

/// That no access token is left to be ended says nothing about the refresh token: it is spent like any
/// other, and its reuse is noticed.
#[tokio::test]
async fn a_refresh_token_is_spent_also_when_its_access_token_was_swept() {
    let (world, _, script, first) = signed_in().await;
    world.clock.advance(TimeDelta::hours(2));
    assert_eq!(sweep::run_once(&world.app).await.unwrap(), 1);
    assert_eq!(access_token::Entity::find().count(world.app.store.read()).await.unwrap(), 0);

    let second = Tokens::of(&script.refresh(&first.refresh).await);

    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 200);
    assert_eq!(script.refresh(&first.refresh).await.status, 400);
    assert_eq!(ApiCaller::bearer(&world, &second.access).me().await.status, 401);
    assert_eq!(world.audited("refresh_token.reuse").await, 1);
}

#[tokio::test]
async fn a_token_of_long_ago_ends_the_grant() {
    let (world, acme, script, first) = signed_in().await;
    let phone = Tokens::of(&script.password(&acme.ada).await);
    let pairs = refreshed(&script, first, 200).await;
    let newest = &pairs[200];
    assert!(world.introspector().await.sees_alive(&newest.refresh).await);

    let replay = script.refresh(&pairs[3].refresh).await;

    assert_eq!((replay.status, &replay.json()["error"]), (400, &"invalid_grant".into()));
    for pair in [newest, &phone] {
        assert_eq!(ApiCaller::bearer(&world, &pair.access).me().await.status, 401);
        assert_eq!(script.refresh(&pair.refresh).await.status, 400);
    }
    assert_eq!(world.audited("refresh_token.reuse").await, 1);
    assert_eq!(world.take_mail().await.len(), 1);
}

/// Ownership before destruction.
#[tokio::test]
async fn another_clients_old_tokens_are_nothing_to_a_thief() {
    let (world, _, script, first) = signed_in().await;
    let pairs = refreshed(&script, first, 4).await;
    let thief = world.script().await;

    for pair in &pairs {
        assert_eq!(thief.refresh(&pair.refresh).await.status, 400);
    }

    assert_eq!(world.audited("refresh_token.reuse").await, 0);
    assert_eq!(ApiCaller::bearer(&world, &pairs[4].access).me().await.status, 200);
    Tokens::of(&script.refresh(&pairs[4].refresh).await);
}

/// Who knows a family's id and not the server's key cannot make a token that counts as one of
/// the family's: nobody's grant ends by a guess.
#[tokio::test]
async fn what_this_server_did_not_mint_ends_nothing() {
    let (world, _, script, first) = signed_in().await;
    let family_id = families(&world).await[0].id;
    let stranger = Deriver::new(&[0x2a; 32]);

    let foreign = stranger.first_refresh_token(&*world.app.random, family_id);
    let random = Secret::<RefreshToken>::random(&*world.app.random);
    for token in [&foreign, &random] {
        assert_eq!(script.refresh(token.reveal()).await.status, 400);
    }

    assert_eq!(world.audited("refresh_token.reuse").await, 0);
    assert_eq!(world.app.secrets.deriver.family_of(&foreign), None);
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn a_token_of_long_ago_is_not_alive_and_ends_its_family_when_it_is_revoked() {
    let (world, _, script, first) = signed_in().await;
    let pairs = refreshed(&script, first, 4).await;
    let introspector = world.introspector().await;
    for (index, pair) in pairs.iter().enumerate() {
        assert_eq!(introspector.sees_alive(&pair.refresh).await, index == 4, "{index}");
    }

    assert_eq!(script.revoke(&pairs[1].refresh).await.status, 200);

    assert_eq!(ApiCaller::bearer(&world, &pairs[4].access).me().await.status, 401);
    assert_eq!(script.refresh(&pairs[4].refresh).await.status, 400);
    assert_eq!(world.audited("refresh_token.revoke").await, 1);
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
}

/// A use is noted at most once a minute.
#[tokio::test]
async fn a_grant_that_is_refreshed_often_is_written_once_a_minute() {
    let (world, _, script, first) = signed_in().await;
    let used = async || {
        let grants = grant::Entity::find().all(world.app.store.read()).await.unwrap();
        grants[0].last_used_at.unwrap().0
    };
    let at_first = used().await;
    world.clock.advance(chrono::TimeDelta::seconds(59));
    let pairs = refreshed(&script, first, 2).await;
    assert_eq!(used().await, at_first);

    world.clock.advance(chrono::TimeDelta::seconds(1));
    refreshed(&script, pairs[2].clone(), 1).await;

    assert_eq!(used().await, at_first + chrono::TimeDelta::minutes(1));
}
