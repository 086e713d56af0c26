//! Transactions of one batch of the embedded database's writer.

use futures_util::future::join3;
use latchkey::{fault::Fault, store};
use sea_orm::ConnectionTrait;

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
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            first.commit().await.map_err(Fault::from)
        },
    )
    .await;

    assert!(matches!(first, Err(Fault::Unavailable(_))), "{first:?}");
    later.unwrap();
    let pins = [1, 3].map(|number| format!("pin-{number}"));
    let found = [
        store::enterprises::find_by_pin(store.read(), &pins[0]).await.unwrap().is_some(),
        store::enterprises::find_by_pin(store.read(), &pins[1]).await.unwrap().is_some(),
    ];
    assert_eq!(found, [false, true]);
}
