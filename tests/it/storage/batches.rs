//! Transactions of one batch of the embedded database's writer, and what waits for no disk.

use std::time::Duration;

use futures_util::future::{join, join3};
use latchkey::{
    fault::Fault,
    store::{self, Store, Txn},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Storage, is_sqlite, row};

/// A full disk, among other things, has SQLite roll back the whole batch by itself. Whoever has waited for it hears that
/// nothing was stored; whoever comes next begins a batch of their own.
#[tokio::test]
async fn a_batch_that_is_rolled_back_takes_nobody_with_it_who_comes_later() {
    let storage = Storage::new().await;
    let store = &storage.store;
    if !is_sqlite(store) {
        return;
    }
    let write = async |number| {
        let txn = store.begin().await?;
        store::enterprises::insert(&txn, row(number)).await?.unwrap();
        Ok::<_, Fault>(txn)
    };
    let first = write(1).await.unwrap();
    let ruin = async {
        let txn = store.begin().await.unwrap();
        txn.execute_unprepared("rollback").await.unwrap();
        drop(txn);
    };
    let later = async { write(3).await?.commit().await.map_err(Fault::from) };

    // in this order: the second and the third wait in line when the first commits
    let (later, (), first) = join3(
        async {
            tokio::task::yield_now().await;
            later.await
        },
        ruin,
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            first.commit().await.map_err(Fault::from)
        },
    )
    .await;

    assert!(matches!(first, Err(Fault::Unavailable(_))), "{first:?}");
    later.unwrap();
    assert!(!is_stored(store, 1).await);
    assert!(is_stored(store, 3).await);
}

/// Whether a commit of what is open waits for the disk.
async fn waits_for_the_disk(txn: &Txn) -> bool {
    // a row where it does not
    let sql = match txn.get_database_backend() {
        DbBackend::Postgres => {
            // the tests' own server waits for no disk, as it was started
            "select 'off' as level from pg_settings
             where name = 'synchronous_commit' and source = 'session' and setting = 'off'"
        }
        _ => "select 'normal' as level from pragma_synchronous where synchronous = 1",
    };
    let statement = Statement::from_string(txn.get_database_backend(), sql);
    txn.query_one_raw(statement).await.unwrap().is_none()
}

async fn is_stored(store: &Store, number: i32) -> bool {
    let pin = format!("pin-{number}");
    store::enterprises::find_by_pin(store.read(), &pin).await.unwrap().is_some()
}

#[tokio::test]
async fn a_removal_waits_for_no_disk_and_what_comes_after_it_does() {
    let storage = Storage::new().await;
    let store = &storage.store;
    for number in [1, 2] {
        let removal = store.begin_removal().await.unwrap();
        assert!(!waits_for_the_disk(&removal).await);
        store::enterprises::insert(&removal, row(number)).await.unwrap().unwrap();
        if number == 1 {
            removal.commit().await.unwrap();
        } else {
            drop(removal);
        }

        let write = store.begin().await.unwrap();
        assert!(waits_for_the_disk(&write).await);
        write.commit().await.unwrap();
    }
    assert!(is_stored(store, 1).await);
    assert!(!is_stored(store, 2).await);
}

/// Each waits in line when the one before it ends, and whoever writes has a batch whose commit waits for the disk.
#[tokio::test]
async fn nobody_comes_into_the_batch_of_a_removal() {
    for is_dropped in [false, true] {
        let storage = Storage::new().await;
        let store = &storage.store;
        let removal = store.begin_removal().await.unwrap();
        let write = async {
            let txn = store.begin().await.unwrap();
            let waits = waits_for_the_disk(&txn).await;
            store::enterprises::insert(&txn, row(2)).await.unwrap().unwrap();
            txn.commit().await.unwrap();
            waits
        };
        let end = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            store::enterprises::insert(&removal, row(1)).await.unwrap().unwrap();
            if is_dropped {
                drop(removal);
            } else {
                removal.commit().await.unwrap();
            }
        };

        let (waits, ()) = join(write, end).await;

        assert!(waits);
        assert_eq!([is_stored(store, 1).await, is_stored(store, 2).await], [!is_dropped, true]);
    }
}

/// A removal whose turn comes in a batch of others is made with it, and holds up nobody for it.
#[tokio::test]
async fn a_removal_comes_along_with_who_writes() {
    let storage = Storage::new().await;
    let store = &storage.store;
    if !is_sqlite(store) {
        return;
    }
    let write = store.begin().await.unwrap();
    store::enterprises::insert(&write, row(1)).await.unwrap().unwrap();
    let removal = async {
        let removal = store.begin_removal().await.unwrap();
        assert!(waits_for_the_disk(&removal).await);
        store::enterprises::insert(&removal, row(2)).await.unwrap().unwrap();
        removal.commit().await.unwrap();
    };
    let after = async {
        tokio::task::yield_now().await;
        let txn = store.begin().await.unwrap();
        assert!(waits_for_the_disk(&txn).await);
        txn.commit().await.unwrap();
    };
    let first = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        write.commit().await.unwrap();
    };

    join3(removal, after, first).await;

    assert!(is_stored(store, 1).await);
    assert!(is_stored(store, 2).await);
}
