//! Guesses that are taken back while others are counted: each count is exact, whoever waits for whom.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_failure::Model;
use latchkey::store::{
    Store,
    sign_in_failures::{Over, add, find, take_back},
};
use tokio::{task::JoinHandle, time::sleep};

use super::Storage;

const KEY: [u8; 32] = [7; 32];
/// In which somebody who does not have to wait is done.
const MOMENT: Duration = Duration::from_millis(300);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_804_242_427_250).unwrap()
}

async fn counted(store: &Store) -> Model {
    let txn = store.begin().await.unwrap();
    let over = Over::BegunBy(now() - TimeDelta::minutes(10));
    let row = add(&txn, &KEY, over, now()).await.unwrap();
    txn.commit().await.unwrap();
    row
}

/// Takes one back in a task of its own.
fn taken_back(store: &Store, counted: &Model) -> JoinHandle<()> {
    let (store, counted) = (store.clone(), counted.clone());
    tokio::spawn(async move {
        let txn = store.begin().await.unwrap();
        take_back(&txn, &counted, Some(counted.window_started_at)).await.unwrap();
        txn.commit().await.unwrap();
    })
}

async fn left(storage: &Storage) -> Option<i64> {
    find(storage.store.read(), &KEY).await.unwrap().map(|row| row.failures)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_taken_back_at_once_leave_nothing() {
    let storage = Storage::new().await;
    let (first, second) = (counted(&storage.store).await, counted(&storage.store).await);
    let txn = storage.store.begin().await.unwrap();
    take_back(&txn, &second, Some(second.window_started_at)).await.unwrap();

    // the other one sees two as long as this one has not committed
    let other = taken_back(&storage.store, &first);
    sleep(MOMENT).await;
    txn.commit().await.unwrap();

    other.await.unwrap();
    assert_eq!(left(&storage).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_taken_back_while_another_is_counted_leaves_that_one() {
    let storage = Storage::new().await;
    let (first, second) = (counted(&storage.store).await, counted(&storage.store).await);
    taken_back(&storage.store, &first).await.unwrap();
    let txn = storage.store.begin().await.unwrap();
    let over = Over::BegunBy(now() - TimeDelta::minutes(10));
    assert_eq!(add(&txn, &KEY, over, now()).await.unwrap().failures, 2);

    let other = taken_back(&storage.store, &second);
    sleep(MOMENT).await;
    txn.commit().await.unwrap();

    other.await.unwrap();
    assert_eq!(left(&storage).await, Some(1));
}

/// A window that has begun since keeps all it has.
#[tokio::test]
async fn what_was_counted_in_another_window_is_not_taken_back() {
    let storage = Storage::new().await;
    let before = counted(&storage.store).await;
    let txn = storage.store.begin().await.unwrap();
    let later = now() + TimeDelta::minutes(11);
    add(&txn, &KEY, Over::BegunBy(later - TimeDelta::minutes(10)), later).await.unwrap();
    txn.commit().await.unwrap();

    taken_back(&storage.store, &before).await.unwrap();

    assert_eq!(left(&storage).await, Some(1));
}
