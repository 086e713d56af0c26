//! Many at once: writers wait for each other, readers for nobody, and what must be single is.

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta};
use entity::{enterprise, member::Role};
use futures_util::future::join_all;
use latchkey::{
    audit::{Actor, Event, Target},
    fault::Fault,
    identity::{
        throttle::{Counters, Guessed},
        users::{self, NewUser},
    },
    keys::manage::{self, Creation, KeyOwner},
    patience,
    store::{self, Store, Txn, sign_in_failures},
    workspaces::{self, NewWorkspace},
};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait};
use tokio::task::JoinSet;

use super::{POSTGRES_CONNECTIONS, Storage, row};
use crate::support::{ApiCaller, ClientApp, Person, Tokens, World, new_key, workspace_named};

async fn count(store: &Store) -> u64 {
    enterprise::Entity::find().count(store.read()).await.unwrap()
}

async fn write(store: &Store, number: usize) {
    let txn = store.begin().await.unwrap();
    // reads before it writes: where it may, SQLite would refuse this with BUSY
    store::enterprises::find_by_pin(&txn, "pin-0").await.unwrap();
    store::enterprises::insert(&txn, row(number)).await.unwrap().unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_wait_for_each_other() {
    let storage = Storage::new().await;

    join_all((0..64).map(|number| write(&storage.store, number))).await;

    assert_eq!(count(&storage.store).await, 64);
}

/// As `latchkey admin` does beside a running server.
#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_processes_wait_for_each_other() {
    let storage = Storage::new().await;
    let other = storage.another_store().await;

    tokio::join!(
        join_all((0..32).map(|number| write(&storage.store, number))),
        join_all((32..64).map(|number| write(&other, number))),
    );

    assert_eq!((count(&storage.store).await, count(&other).await), (64, 64));
}

#[tokio::test]
async fn readers_do_not_wait_and_see_what_is_committed() {
    let storage = Storage::new().await;
    let txn = storage.store.begin().await.unwrap();
    store::enterprises::insert(&txn, row(1)).await.unwrap().unwrap();

    assert_eq!(count(&storage.store).await, 0);
    txn.commit().await.unwrap();

    assert_eq!(count(&storage.store).await, 1);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let storage = Storage::new().await;
    let txn = storage.store.begin().await.unwrap();
    store::enterprises::insert(&txn, row(1)).await.unwrap().unwrap();

    drop(txn);

    assert_eq!(count(&storage.store).await, 0);
    write(&storage.store, 1).await;
    assert_eq!(count(&storage.store).await, 1);
}

#[tokio::test]
async fn a_transaction_survives_a_duplicate() {
    let storage = Storage::new().await;
    write(&storage.store, 1).await;
    let txn = storage.store.begin().await.unwrap();

    let refused = store::enterprises::insert(&txn, row(1)).await.unwrap();
    store::enterprises::insert(&txn, row(2)).await.unwrap().unwrap();
    txn.commit().await.unwrap();

    assert_eq!(refused, Err(store::Duplicate));
    assert_eq!(count(&storage.store).await, 2);
}

/// Takes every connection of a process that writes.
async fn everybody_writes(store: &Store) -> Vec<Result<Txn, Fault>> {
    let is_sqlite = store.read().get_database_backend() == DbBackend::Sqlite;
    let writers = if is_sqlite { 1 } else { POSTGRES_CONNECTIONS };
    join_all((0..writers).map(|_| store.begin())).await
}

/// All that an account may fail is left.
async fn no_guess_is_counted(script: &ClientApp, user: &Person) {
    for _ in 0..4 {
        assert_eq!(script.sign_in(&user.username, "wrong").await.status, 400);
    }
    assert_eq!(script.password(user).await.status, 200);
}

/// A database that is busy for too long is a 503 within 3 seconds, never a hang and never a 500; and
/// nothing of it stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_database_is_503_in_time() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let first = Tokens::of(&script.password(&acme.ada).await);
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let busy = everybody_writes(&world.app.store).await;
    assert!(busy.iter().all(Result::is_ok));
    let caller = ApiCaller::bearer(&world, &second.access);

    let began = Instant::now();
    // the first use of a successor is a write
    let (api, token) = tokio::join!(caller.me(), script.refresh(&second.refresh));

    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!((api.status, &api.json()["error"]["code"]), (503, &"UNAVAILABLE".into()));
    assert_eq!(api.header("retry-after"), Some("1"));
    assert_eq!(token.status, 503, "{}", token.body);
    assert!(token.header("retry-after").is_some());
    drop(busy);
    assert_eq!(caller.me().await.status, 200);
    Tokens::of(&script.refresh(&second.refresh).await);
}

/// Waiting for the turn of an account, for the database and for a hash is one wait: a 503 comes in time whichever of
/// them follow each other, and counts nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_several_things_is_503_in_time() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let counters = Counters::of(Guessed::Password(&acme.ada.username), Ipv4Addr::LOCALHOST.into());
    let turn = world.app.limiter.gate.enter(counters.account()).await.unwrap();
    let began = Instant::now();

    let (answer, busy) = tokio::join!(script.password(&acme.ada), async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let busy = everybody_writes(&world.app.store).await;
        drop(turn);
        busy
    });

    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    drop(busy);
    no_guess_is_counted(&script, &acme.ada).await;
}

/// A guess that could not be looked at, while the database did not even take that back, does not count as soon as it
/// answers again.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_in_time_is_taken_back_later() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let counters = Counters::of(Guessed::Password(&acme.ada.username), Ipv4Addr::LOCALHOST.into());
    let Ok(guess) = counters.admit(&world.app).await.unwrap() else { panic!("it must wait") };
    let count = async || {
        let key = counters.account();
        let row = sign_in_failures::find(world.app.store.read(), key).await.unwrap();
        row.map_or(0, |row| row.failures)
    };
    assert_eq!(count().await, 1);
    let busy = everybody_writes(&world.app.store).await;

    let told = patience::shared(async {
        patience::pause(patience::PATIENCE).await;
        let failure = Event::new("user.sign_in_failed", Actor::System, Target::unknown("user"));
        guess.judge(&world.app, Err(Fault::unavailable("the queue is full")), failure).await
    });
    let told = told.await;

    assert!(matches!(told, Err(Fault::Unavailable(_))), "{told:?}");
    drop(busy);
    let taken_back = async {
        while count().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), taken_back).await.unwrap();
    no_guess_is_counted(&script, &acme.ada).await;
}

/// Whoever waits for what another transaction holds hears of it in time, whichever database it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_too_long_is_503_in_time() {
    let storage = Storage::new().await;
    let other = storage.another_store().await;
    let (key, now) = ([7; 32], DateTime::UNIX_EPOCH);
    let held = storage.store.begin().await.unwrap();
    sign_in_failures::hold(&held, &key, now).await.unwrap();
    let write = async || {
        let txn = other.begin().await?;
        sign_in_failures::hold(&txn, &key, now).await?;
        Ok::<_, Fault>(txn.commit().await?)
    };
    let began = Instant::now();

    let outcome = write().await;

    assert!(matches!(outcome, Err(Fault::Unavailable(_))), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(held);
    write().await.unwrap();
}

/// As commands do beside a server: the last to close merges the log, and holds the file meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn stores_that_open_and_close_together_wait_for_each_other() {
    let storage = Arc::new(Storage::new().await);
    storage.store.close().await.unwrap();

    let mut openers = JoinSet::new();
    for _ in 0..8 {
        let storage = Arc::clone(&storage);
        openers.spawn(async move {
            for _ in 0..20 {
                let store = storage.another_store().await;
                assert!(store.is_current().await.unwrap());
                store.close().await.unwrap();
            }
        });
    }

    assert_eq!(openers.join_all().await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_is_taken_once() {
    let world = World::new().await;
    let workspace = world.workspace("acme").await;
    let node = world.another_node().await;
    let new = |number: usize| NewUser {
        username: if number.is_multiple_of(2) { "joe@example.com" } else { "JOE@example.COM" }
            .to_owned(),
        memberships: vec![workspaces::Membership { workspace_id: workspace.id, role: Role::Owner }],
        ..NewUser::default()
    };

    let made = join_all((0..6).map(|number| {
        let app = if number < 3 { &world.app } else { &node.app };
        users::create(app, Actor::Operator, new(number))
    }))
    .await;

    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert_eq!(world.audited("user.create").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_limit_holds_whoever_races() {
    let world = World::new().await;
    let free = NewWorkspace { plan: "free".to_owned(), ..workspace_named("joe") };
    let home = world.workspace_of(free).await;
    let joe = world.person("joe@example.com", &[(&home, Role::Owner)]).await;
    let node = world.another_node().await;

    let made = join_all((0..16).map(|number: usize| {
        let app = if number.is_multiple_of(2) { &world.app } else { &node.app };
        let new = new_key(&home, KeyOwner::User(joe.id), "leads:read");
        manage::create(app, Actor::User(joe.id), new)
    }))
    .await;

    let (mut created, mut refused) = (0, 0);
    for made in made {
        match made.unwrap() {
            Creation::Created { .. } => created += 1,
            Creation::PlanLimitReached { limit } => {
                assert_eq!(limit, 2);
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((created, refused), (2, 14));
    assert_eq!(world.audited("api_key.create").await, 2);
}

/// The same person, client and workspace have one grant, however many sign in at once.
#[tokio::test(flavor = "multi_thread")]
async fn racing_sign_ins_share_one_grant() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let node = world.another_node().await;
    let at_node = script.at(&node);

    let answers = join_all((0..8).map(|number: usize| {
        let client = if number.is_multiple_of(2) { &script } else { &at_node };
        client.password(&acme.ada)
    }))
    .await;

    let mut tokens: Vec<_> = answers.iter().map(Tokens::of).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 8);
    assert_eq!(world.audited("grant.create").await, 1);
}

/// The first tokens of a client for itself, asked for by many at once on two nodes.
#[tokio::test(flavor = "multi_thread")]
async fn racing_first_tokens_of_a_client_share_one_family() {
    let world = World::new().await;
    let acme = world.acme().await;
    let service = world.client(crate::support::service(Some(&acme.workspace))).await;
    let node = world.another_node().await;
    let at_node = service.at(&node);

    let answers = join_all((0..16).map(|number: usize| {
        let client = if number.is_multiple_of(2) { &service } else { &at_node };
        client.token(&[("grant_type", "client_credentials")])
    }))
    .await;

    let mut families = Vec::new();
    for answer in &answers {
        let tokens = Tokens::of(answer);
        let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
        families.push(me["credential"]["id"].clone());
    }
    families.dedup();
    assert_eq!(families.len(), 1);
    // nothing is left of them a day later
    world.clock.advance(TimeDelta::days(1));
    let me = ApiCaller::bearer(&world, &Tokens::of(&answers[0]).access).me().await;
    assert_eq!(me.status, 401);
}
