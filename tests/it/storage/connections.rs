//! The connections to PostgreSQL: asked again once they have answered, and lost to nobody. The embedded
//! database has none.

use std::time::Duration;

use futures_util::future::join_all;
use latchkey::{
    fault::Fault,
    store::{self, Store},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::timeout;

use super::{POSTGRES_CONNECTIONS, Storage, is_sqlite, row};

/// How many there may be.
const MOST: i64 = 24;

/// A database with connections, if this suite runs on one.
async fn on_postgres() -> Option<Storage> {
    let storage = Storage::new().await;
    (!is_sqlite(&storage.store)).then_some(storage)
}

/// The first column of the one row.
async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// The process that answers.
async fn process(db: &impl ConnectionTrait) -> i64 {
    number(db, "select pg_backend_pid()::bigint").await
}

/// This database's connections of which this is true.
async fn connections(store: &Store, condition: &str) -> i64 {
    let sql = format!(
        "select count(*) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid() and {condition}"
    );
    number(store.read(), &sql).await
}

/// As many questions as are asked at once, each of which takes so many seconds; all have their answer.
async fn everybody_asks(store: &Store, secs: f64) {
    let sql = format!("select pg_sleep({secs})");
    let asked = (0..POSTGRES_CONNECTIONS).map(|_| store.read().execute_unprepared(&sql));
    for answer in join_all(asked).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn whoever_answered_last_is_asked_next() {
    let Some(storage) = on_postgres().await else { return };
    let store = &storage.store;
    everybody_asks(store, 0.05).await;
    let first = process(store.read()).await;

    for _ in 0..20 {
        assert_eq!(process(store.read()).await, first);
        let txn = store.begin().await.unwrap();
        assert_eq!(process(&txn).await, first);
        txn.commit().await.unwrap();
    }
}

#[tokio::test]
async fn who_is_left_half_way_takes_nobodys_place() {
    let Some(storage) = on_postgres().await else { return };
    let store = &storage.store;
    let cut = timeout(Duration::from_millis(500), everybody_asks(store, 2.0)).await;
    assert!(cut.is_err(), "they were cut off");

    // all at once again, while those still sleep
    everybody_asks(store, 0.01).await;

    let asleep = "state = 'active' and query like '%pg_sleep(2)%'";
    assert_eq!(connections(store, asleep).await, i64::try_from(POSTGRES_CONNECTIONS).unwrap());
    // and again: there are no more now, and whoever asks waits for one that comes back
    let cut = timeout(Duration::from_millis(50), everybody_asks(store, 1.0)).await;
    assert!(cut.is_err(), "they were cut off");
    everybody_asks(store, 0.01).await;
    assert!(connections(store, "true").await < MOST);
}

#[tokio::test]
async fn a_transaction_that_is_cut_off_is_undone() {
    let Some(storage) = on_postgres().await else { return };
    let store = &storage.store;
    for _ in 0..POSTGRES_CONNECTIONS {
        let txn = store.begin().await.unwrap();
        store::enterprises::insert(&txn, row(1)).await.unwrap().unwrap();
        let cut = timeout(Duration::from_millis(5), txn.execute_unprepared("select pg_sleep(0.1)"));
        assert!(cut.await.is_err(), "it was cut off");
    }

    // each has waited until the one before was undone, and so does this one
    let txn = store.begin().await.unwrap();
    store::enterprises::insert(&txn, row(1)).await.unwrap().unwrap();
    txn.commit().await.unwrap();

    everybody_asks(store, 0.05).await;
    assert_eq!(connections(store, "state like 'idle in transaction%'").await, 0);
}

#[tokio::test]
async fn one_that_is_found_dead_vouches_for_none() {
    let Some(storage) = on_postgres().await else { return };
    let store = &storage.store;
    everybody_asks(store, 0.05).await;
    let all = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    store.read().execute_unprepared(all).await.unwrap();
    // the one that lives is the last that has answered: it is in use, and the others are asked
    let kept = store.begin().await.unwrap();

    let mut failed = 0;
    for _ in 0..POSTGRES_CONNECTIONS {
        failed += u8::from(store.read().execute_unprepared("select 1").await.is_err());
    }

    assert!(failed <= 1, "{failed} of {POSTGRES_CONNECTIONS}");
    kept.commit().await.unwrap();
}

/// A server that has become one that stands by, or whose disk is full: whoever writes hears that it may heal, and once
/// it takes writes, or another has taken its place, nobody is left with a connection that does not.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_asked_anew() {
    let Some(storage) = on_postgres().await else { return };
    let name = "select quote_ident(current_database())";
    let statement = Statement::from_string(DbBackend::Postgres, name);
    let name = storage.store.read().query_one_raw(statement).await.unwrap().unwrap();
    let name: String = name.try_get_by_index(0).unwrap();
    let set = format!("alter database {name} set default_transaction_read_only = on");
    storage.store.read().execute_unprepared(&set).await.unwrap();
    let node = storage.another_store().await;
    everybody_asks(&node, 0.05).await;
    let write = async || {
        let txn = node.begin().await?;
        store::enterprises::insert(&txn, row(1)).await?.unwrap();
        Ok::<_, Fault>(txn.commit().await?)
    };

    let refused = write().await;

    assert!(matches!(refused, Err(Fault::Unavailable(_))), "{refused:?}");
    assert_eq!(store::enterprises::find_by_pin(node.read(), "pin-1").await.unwrap(), None);
    let set = format!("alter database {name} reset default_transaction_read_only");
    let txn = storage.store.begin().await.unwrap();
    txn.execute_unprepared("set transaction read write").await.unwrap();
    txn.execute_unprepared(&set).await.unwrap();
    txn.commit().await.unwrap();
    // whoever has read meanwhile was given one that takes none either: that is found out once
    let refused = write().await;
    assert!(matches!(refused, Err(Fault::Unavailable(_))), "{refused:?}");
    write().await.unwrap();
}
