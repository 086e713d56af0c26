//! The log of changes: nobody who follows it misses one, and it does not grow.

use std::time::Duration;

use entity::outbox;
use latchkey::{
    cache::Subject,
    jobs::sweep,
    store::{
        self,
        invalidations::{self, Position, SWEPT},
    },
};
use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement, sqlx::postgres::PgListener,
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Storage, is_sqlite};
use crate::support::World;

fn key(number: u128) -> Subject {
    Subject::Key(Uuid::from_u128(number))
}

/// Appends a change as a transaction does.
async fn append(db: &impl ConnectionTrait, number: u128, created_at: &str) {
    let subject = key(number);
    let sql = format!(
        "insert into invalidation (subject, created_at) values ('{subject}', {created_at})"
    );
    db.execute_unprepared(&sql).await.unwrap();
}

/// On PostgreSQL a number is given long before its row can be seen.
#[tokio::test]
async fn who_follows_misses_none_that_is_committed_out_of_order() {
    let storage = Storage::new().await;
    let (store, mut position) = (&storage.store, Position::default());
    if is_sqlite(store) {
        return;
    }
    let first = store.begin().await.unwrap();
    append(&first, 1, "0").await;
    let second = store.begin().await.unwrap();
    append(&second, 2, "0").await;
    second.commit().await.unwrap();
    let heard = invalidations::follow(store.read(), &mut position).await.unwrap();
    assert_eq!(heard, [key(2)]);

    first.commit().await.unwrap();

    assert_eq!(invalidations::follow(store.read(), &mut position).await.unwrap(), [key(1)]);
    assert_eq!(invalidations::follow(store.read(), &mut position).await.unwrap(), []);
}

/// Whether a word comes within a while.
async fn hears(listener: &mut Option<PgListener>, within: Duration) -> bool {
    timeout(within, invalidations::word(listener)).await.is_ok()
}

/// Whoever listens is called at a commit and not before it, also after the line was cut; where there is no line, the
/// log is read all the same.
#[tokio::test]
async fn who_listens_is_called_at_a_commit() {
    let storage = Storage::new().await;
    let store = &storage.store;
    let mut listener = invalidations::listen(store).await.unwrap();
    assert_eq!(listener.is_some(), !is_sqlite(store));
    let change = async || {
        let txn = store.begin().await.unwrap();
        store::access_tokens::delete(&txn, 1, &[0; 32]).await.unwrap();
        txn
    };
    let txn = change().await;
    let (soon, long) = (Duration::from_millis(100), Duration::from_secs(10));
    assert!(!hears(&mut listener, soon).await);
    txn.commit().await.unwrap();
    if is_sqlite(store) {
        assert!(!hears(&mut listener, soon).await, "there is no line");
        return;
    }
    assert!(hears(&mut listener, long).await);

    let cut = "select count(pg_terminate_backend(pid)) as cut from pg_stat_activity \
               where query ilike 'listen%' and datname = current_database()";
    let statement = Statement::from_string(DbBackend::Postgres, cut);
    let row = store.read().query_one_raw(statement).await.unwrap().unwrap();
    assert!(row.try_get::<i64>("", "cut").unwrap() > 0);

    let mut is_heard = false;
    for _ in 0..100 {
        change().await.commit().await.unwrap();
        is_heard = hears(&mut listener, soon).await && listener.is_some();
        if is_heard {
            break;
        }
        if listener.is_none() {
            listener = invalidations::listen(store).await.unwrap();
        }
    }
    assert!(is_heard);
}

#[tokio::test]
async fn what_everybody_has_read_long_ago_goes_and_nothing_younger() {
    let world = World::new().await;
    let store = &world.app.store;
    let txn = store.begin().await.unwrap();
    let backend = txn.get_database_backend();
    let old = u128::from(SWEPT) * 2 + 7;
    for number in 0..old {
        append(&txn, number, "0").await;
    }
    let now = match backend {
        DbBackend::Sqlite => "cast(unixepoch('subsec') * 1000 as integer) - 590000",
        _ => "cast(extract(epoch from clock_timestamp()) * 1000 as bigint) - 590000",
    };
    append(&txn, old, now).await;
    txn.commit().await.unwrap();
    let count = async || -> i64 {
        let of_keys = "select count(*) from invalidation where subject like 'key:%'";
        let statement = Statement::from_string(backend, of_keys);
        store.read().query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    };
    let txn = store.begin().await.unwrap();
    assert_eq!(invalidations::sweep(&txn).await.unwrap(), SWEPT);
    txn.commit().await.unwrap();

    sweep::run_once(&world.app).await.unwrap();

    assert_eq!(count().await, 1);
}

/// What is in the way of one table is in the way of no other.
#[tokio::test]
async fn a_table_that_cannot_be_swept_keeps_no_other_full() {
    let world = World::new().await;
    let gone = outbox::Model {
        id: Uuid::from_u128(1),
        recipient: "ada@acme.example".to_owned(),
        kind: "reset_password".to_owned(),
        sealed: None,
        created_at: store::instant(world.app.now()),
        attempts: 1,
        next_attempt_at: None,
        sent_at: Some(store::instant(world.app.now())),
        last_error: None,
    };
    world.rows::<outbox::Entity>(vec![gone]).await;
    world.clock.advance(chrono::TimeDelta::days(1));
    world.rename("leak", "elsewhere").await;

    assert!(sweep::run_once(&world.app).await.is_err(), "it is told");

    assert_eq!(outbox::Entity::find().count(world.app.store.read()).await.unwrap(), 0);
}
