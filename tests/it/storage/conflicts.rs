//! Two transactions in each other's way: PostgreSQL ends one of them, and its rule runs again from its
//! start. On SQLite one writes after the other.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use latchkey::{
    fault::Fault,
    store::{self, Txn},
};
use sea_orm::ConnectionTrait;

use super::{Storage, is_sqlite};

#[tokio::test]
async fn a_rule_that_another_was_in_the_way_of_runs_again() {
    let runs = AtomicUsize::new(0);
    let rule = async || match runs.fetch_add(1, SeqCst) {
        before if before < 3 => Err(Fault::conflict("on purpose")),
        before => Ok(before),
    };

    assert_eq!(store::retrying(rule).await.unwrap(), 3);
}

#[tokio::test]
async fn it_does_not_run_for_ever() {
    let runs = AtomicUsize::new(0);
    let rule = async || {
        runs.fetch_add(1, SeqCst);
        Err::<(), _>(Fault::conflict("on purpose"))
    };

    let outcome = store::retrying(rule).await;

    // whoever is told may try again: 503
    assert!(outcome.unwrap_err().is_transient());
    assert_eq!(runs.load(SeqCst), 4);
}

#[tokio::test]
async fn what_is_wrong_for_another_reason_does_not_run_again() {
    for fault in [Fault::unavailable("on purpose"), Fault::internal("on purpose")] {
        let runs = AtomicUsize::new(0);
        let rule = async || {
            runs.fetch_add(1, SeqCst);
            Err::<(), _>(fault.clone())
        };

        assert!(store::retrying(rule).await.is_err());

        assert_eq!(runs.load(SeqCst), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_wait_for_each_other_one_is_told_to_run_again() {
    let storage = Storage::new().await;
    if is_sqlite(&storage.store) {
        return;
    }
    for pin in ["one", "two"] {
        let sql = "insert into enterprise (id, pin, name, created_at) values";
        storage.execute(&format!("{sql} (gen_random_uuid(), '{pin}', 'x', 1)")).await;
    }
    let first = storage.store.begin().await.unwrap();
    let second = storage.store.begin().await.unwrap();
    take(&first, "one").await.unwrap();
    take(&second, "two").await.unwrap();

    let (first, second) = tokio::join!(take(&first, "two"), take(&second, "one"));

    let outcomes = [first, second];
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().any(|it| matches!(it, Err(Fault::Conflict(_)))), "{outcomes:?}");
}

async fn take(txn: &Txn, pin: &str) -> Result<(), Fault> {
    txn.execute_unprepared(&format!("update enterprise set name = 'y' where pin = '{pin}'"))
        .await?;
    Ok(())
}
