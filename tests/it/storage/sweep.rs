//! What is removed in the background, and what is not: size follows live grants (contract §8).

use std::time::Duration;

use chrono::TimeDelta;
use entity::{
    access_token, authorization_code, authorization_request, browser_session, grant, outbox,
    second_factor_use, sign_in_failure, spent_challenge, token_family,
};
use latchkey::{
    audit::Actor,
    clients::changes,
    jobs::sweep,
    store::{
        self,
        chores::{self, Chore},
    },
    tokens::revoke,
};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, PaginatorTrait};
use tokio::time::sleep;

mod walk;

use crate::support::{Acme, ApiCaller, Browser, ClientApp, Pkce, Tokens, World};

async fn signed_in() -> (World, Acme, ClientApp, Tokens) {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    (world, acme, script, tokens)
}

async fn sweep(world: &World) -> u64 {
    sweep::run_once(&world.app).await.unwrap()
}

async fn count<E: EntityTrait<Model: Sync>>(world: &World) -> u64 {
    E::find().count(world.app.store.read()).await.unwrap()
}

/// Rows of grants, families, access tokens and codes.
async fn sizes(world: &World) -> [u64; 4] {
    [
        count::<grant::Entity>(world).await,
        count::<token_family::Entity>(world).await,
        count::<access_token::Entity>(world).await,
        count::<authorization_code::Entity>(world).await,
    ]
}

async fn is_alive(world: &World, access_token: &str) -> bool {
    ApiCaller::bearer(world, access_token).me().await.status == 200
}

#[tokio::test]
async fn a_grant_stores_the_same_however_often_it_is_refreshed() {
    let (world, _, script, mut tokens) = signed_in().await;
    let mut seen = Vec::new();
    let mut third = String::new();
    for number in 1..=200 {
        world.clock.advance(TimeDelta::minutes(31));
        tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
        if number == 3 {
            third.clone_from(&tokens.refresh);
        }
        if number % 50 == 0 {
            sweep(&world).await;
            seen.push(sizes(&world).await);
        }
    }

    // the present access token and the one before, of half an hour ago
    assert_eq!(seen, [[1, 1, 2, 0]; 4]);
    assert!(is_alive(&world, &tokens.access).await);
    // and what is gone is not forgotten
    assert_eq!(script.refresh(&third).await.status, 400);
    assert_eq!(world.audited("refresh_token.reuse").await, 1);
    assert!(!is_alive(&world, &tokens.access).await);
}

/// Nobody looks for a client's access tokens among everybody's: without their families they are worth nothing, and go as
/// such.
#[tokio::test]
async fn the_tokens_of_a_deleted_client_are_dead_at_once_and_go_later() {
    let (world, _, script, tokens) = signed_in().await;

    assert!(changes::delete(&world.app, Actor::Operator, &script.id).await.unwrap());

    assert!(!is_alive(&world, &tokens.access).await);
    assert_eq!(sizes(&world).await, [0, 0, 1, 0]);
    sweep(&world).await;
    assert_eq!(sizes(&world).await, [0; 4]);
}

#[tokio::test]
async fn what_lives_stays() {
    let (world, acme, script, tokens) = signed_in().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let callback = browser.authorize(&web.authorization(), &acme.ada).await;
    let waiting = browser.authorize(&web.authorization(), &acme.ada).await;
    let exchanged = Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);
    script.sign_in("acme/ben@acme.example", "wrong").await;
    let before = sizes(&world).await;

    assert_eq!(sweep(&world).await, 0);

    assert_eq!(sizes(&world).await, before);
    assert_eq!(browser.get("/settings/connected-apps").await.texts("article h2").len(), 2);
    for pair in [&tokens, &exchanged] {
        assert!(is_alive(&world, &pair.access).await);
    }
    Tokens::of(&script.refresh(&tokens.refresh).await);
    Tokens::of(&web.exchange(waiting.code(), &Pkce::default()).await);
}

#[tokio::test]
async fn what_has_expired_goes() {
    let (world, acme, script, _) = signed_in().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let callback = browser.authorize(&web.authorization(), &acme.ada).await;
    Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);
    browser.authorize(&web.authorization(), &acme.ada).await;
    Browser::new(&world).get(&web.authorization().path()).await;
    script.sign_in("acme/ben@acme.example", "wrong").await;
    let txn = world.app.store.begin().await.unwrap();
    let step = world.clock.unix() / 30;
    assert!(store::second_factor_uses::consume(&txn, acme.ada.id, step).await.unwrap());
    let (challenge, end) = (vec![7; 32], world.app.now() + TimeDelta::minutes(10));
    assert!(store::spent_challenges::spend(&txn, challenge, end).await.unwrap());
    txn.commit().await.unwrap();
    let rest = async || {
        [
            count::<authorization_request::Entity>(&world).await,
            count::<browser_session::Entity>(&world).await,
            count::<sign_in_failure::Entity>(&world).await,
            count::<second_factor_use::Entity>(&world).await,
            count::<spent_challenge::Entity>(&world).await,
        ]
    };
    assert_eq!(sizes(&world).await, [2, 2, 2, 2]);
    assert!(rest().await.iter().all(|rows| *rows >= 1), "{:?}", rest().await);

    world.clock.advance(TimeDelta::days(30));
    assert!(sweep(&world).await >= 10);

    // a permission is not a token: it stands until somebody takes it back
    assert_eq!(sizes(&world).await, [2, 0, 0, 0]);
    assert_eq!(rest().await, [0; 5]);
    assert_eq!(sweep(&world).await, 0);
    let mut browser = Browser::of(&world, &acme.ada).await;
    assert_eq!(browser.get("/settings/connected-apps").await.texts("article h2").len(), 2);
}

#[tokio::test]
async fn a_letter_goes_a_day_after_it_was_sent() {
    let (world, _, script, first) = signed_in().await;
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    Tokens::of(&script.refresh(&second.refresh).await);
    script.refresh(&first.refresh).await;
    assert_eq!(count::<outbox::Entity>(&world).await, 1);
    world.clock.advance(TimeDelta::days(2));
    sweep(&world).await;
    assert_eq!(count::<outbox::Entity>(&world).await, 1, "it has not been sent");

    assert_eq!(world.take_mail().await.len(), 1);
    sweep(&world).await;
    assert_eq!(count::<outbox::Entity>(&world).await, 1);
    world.clock.advance(TimeDelta::days(1));
    sweep(&world).await;

    assert_eq!(count::<outbox::Entity>(&world).await, 0);
}

#[tokio::test]
async fn a_revoked_grant_goes_with_all_that_is_under_it() {
    let (world, acme, script, first) = signed_in().await;
    let other_client = world.script().await;
    world.clock.advance(TimeDelta::seconds(1));
    let other = Tokens::of(&other_client.password(&acme.ada).await);
    Tokens::of(&script.refresh(&first.refresh).await);
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get("/settings/connected-apps").await;
    browser.confirm(&page, "article:nth-of-type(2) form", "#revoke").await;

    sweep(&world).await;
    assert_eq!(sizes(&world).await, [2, 1, 1, 0]);
    world.clock.advance(TimeDelta::minutes(61));
    let other = Tokens::of(&other_client.refresh(&other.refresh).await);
    sweep(&world).await;

    assert_eq!(sizes(&world).await, [1, 1, 1, 0]);
    assert_eq!(script.refresh(&first.refresh).await.status, 400);
    assert!(is_alive(&world, &other.access).await);
    assert_eq!(browser.get("/settings/connected-apps").await.texts("article h2").len(), 1);
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
    assert_eq!(world.audited("grant.revoke").await, 1);
}

#[tokio::test]
async fn a_revoked_family_goes_at_once() {
    let (world, acme, script, first) = signed_in().await;
    let other = Tokens::of(&script.password(&acme.ada).await);
    script.revoke(&first.refresh).await;

    sweep(&world).await;

    assert_eq!(sizes(&world).await, [1, 1, 1, 0]);
    assert_eq!(script.refresh(&first.refresh).await.status, 400);
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
    assert!(is_alive(&world, &other.access).await);
}

/// RFC 6749 §4.1.2.
#[tokio::test]
async fn the_replay_of_a_code_ends_what_came_from_it_as_long_as_that_lives() {
    let (world, acme) = World::of_acme().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let callback = browser.authorize(&web.authorization(), &acme.ada).await;
    let mut tokens = Tokens::of(&web.exchange(callback.code(), &Pkce::default()).await);
    for _ in 0..3 {
        world.clock.advance(TimeDelta::days(20));
        tokens = Tokens::of(&web.refresh(&tokens.refresh).await);
        sweep(&world).await;
    }
    assert_eq!(sizes(&world).await, [1, 1, 1, 1]);

    assert_eq!(web.exchange(callback.code(), &Pkce::default()).await.status, 400);

    assert!(!is_alive(&world, &tokens.access).await);
    assert_eq!(world.audited("authorization_code.replay").await, 1);
    sweep(&world).await;
    assert_eq!(sizes(&world).await, [1, 0, 0, 0]);
    assert_eq!(web.exchange(callback.code(), &Pkce::default()).await.status, 400);
}

#[tokio::test]
async fn an_access_token_outlives_its_familys_refresh_token_and_not_its_family() {
    let (world, acme, script, first) = signed_in().await;
    // an hour before the year is over
    let mut tokens = first;
    for _ in 0..14 {
        world.clock.advance(TimeDelta::days(26));
        tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
    }
    world.clock.advance(TimeDelta::hours(23) + TimeDelta::minutes(30));
    tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
    world.clock.advance(TimeDelta::minutes(45));
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400, "the year is over");

    sweep(&world).await;

    assert!(is_alive(&world, &tokens.access).await);
    assert_eq!(
        revoke::disconnect_all(&world.app, acme.ada.id, revoke::Asking::Again).await.unwrap(),
        1
    );
    sweep(&world).await;
    assert_eq!(sizes(&world).await, [1, 0, 0, 0]);
}

/// What a client for itself has goes too, and its family stays for the next.
#[tokio::test]
async fn a_clients_own_tokens_go_when_they_have_expired() {
    let (world, acme) = World::of_acme().await;
    let service = world.client(crate::support::service(Some(&acme.workspace))).await;
    for _ in 0..3 {
        Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);
    }
    world.clock.advance(TimeDelta::hours(1));
    let last = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);

    assert_eq!(sweep(&world).await, 3);

    assert_eq!(sizes(&world).await, [0, 1, 1, 0]);
    assert!(is_alive(&world, &last.access).await);
}

/// However fast a client refreshes, what it stores is bounded: a thousand refreshes later an access
/// token is dead, and goes.
#[tokio::test]
async fn an_access_token_does_not_outlive_a_thousand_refreshes() {
    let (world, _, script, first) = signed_in().await;
    let generations = async |number: i64| {
        let sql = format!("update token_family set generation = {number}");
        let txn = world.app.store.begin().await.unwrap();
        txn.execute_unprepared(&sql).await.unwrap();
        txn.commit().await.unwrap();
    };
    generations(999).await;
    assert!(is_alive(&world, &first.access).await);
    assert_eq!(sweep(&world).await, 0);

    generations(1_000).await;

    assert!(!is_alive(&world, &first.access).await);
    assert_eq!(sweep(&world).await, 1);
    Tokens::of(&script.refresh(&first.refresh).await);
}

/// A script that signs in again and never refreshes leaves as much behind as a thousand devices.
#[tokio::test]
async fn a_grant_keeps_the_thousand_sign_ins_that_were_used_last() {
    let (world, _, script, tokens) = signed_in().await;
    let family = token_family::Entity::find().one(world.app.store.read()).await.unwrap().unwrap();
    let at = |secs: i64| store::instant(world.app.now() + TimeDelta::seconds(secs));
    let rows = (1..=1_020_i64).map(|number| token_family::Model {
        id: number,
        created_at: at(number),
        refresh_sha256: Some(number.to_be_bytes().to_vec()),
        ..family.clone()
    });
    let rows = rows.map(IntoActiveModel::into_active_model);
    let txn = world.app.store.begin().await.unwrap();
    token_family::Entity::insert_many(rows).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();
    // the oldest of all has just been used
    world.clock.advance(TimeDelta::seconds(2_000));
    let tokens = Tokens::of(&script.refresh(&tokens.refresh).await);

    // the oldest come first in the walk, so the first sample meets them
    assert_eq!(sweep(&world).await, 21);

    assert_eq!(count::<token_family::Entity>(&world).await, 1_000);
    Tokens::of(&script.refresh(&tokens.refresh).await);
}

/// A node that has vanished says nothing more, and its lease is another's before the connection is known to be gone.
#[tokio::test]
async fn the_lease_of_a_silent_node_is_anothers() {
    let (world, ..) = signed_in().await;
    let node = world.another_node().await;
    if world.app.store.read().get_database_backend() == DbBackend::Sqlite {
        return;
    }
    let lease = async |store| chores::lease(store, Chore::Sweep).await.unwrap();
    let silent = lease(&node.app.store).await.unwrap();
    assert!(lease(&world.app.store).await.is_none());

    let mut taken = None;
    for _ in 0..90 {
        sleep(Duration::from_secs(1)).await;
        taken = lease(&world.app.store).await;
        if taken.is_some() {
            break;
        }
    }

    taken.expect("it is another's").give_back().await.unwrap();
    assert!(silent.hold().await.is_err(), "who comes back has lost it");
}

#[tokio::test]
async fn one_node_sweeps_at_a_time() {
    let (world, ..) = signed_in().await;
    let node = world.another_node().await;
    if world.app.store.read().get_database_backend() == DbBackend::Sqlite {
        return;
    }
    world.clock.advance(TimeDelta::days(30));
    let lease = chores::lease(&node.app.store, Chore::Sweep).await.unwrap();
    assert_eq!(sweep(&world).await, 0);

    lease.unwrap().give_back().await.unwrap();

    assert_eq!(sweep(&world).await, 2);
}
