//! The write-ahead log of the embedded database: copied into the file while others write, so that it
//! stays short, and nothing is missing afterwards.

use entity::sign_in_failure;
use latchkey::store::{self, Store};
use sea_orm::{EntityTrait, PaginatorTrait};

use super::{Storage, is_sqlite};

const TRANSACTIONS: u32 = 120;
const ROWS: u32 = 200;
/// Several times what begins the copying, and a fifth of what is written.
const SHORT: u64 = 24 * 1024 * 1024;

/// Rows all over the table, so that every transaction changes many pages.
async fn write(store: &Store, number: u32) {
    let now = store::instant(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let rows = (0..ROWS).map(|row| {
        let key = latchkey::crypto::digest::sha256(&(number * ROWS + row).to_be_bytes());
        sign_in_failure::Model {
            key_sha256: key,
            failures: 1,
            last_failed_at: now,
            window_started_at: now,
        }
    });
    let rows = rows.map(sea_orm::IntoActiveModel::into_active_model);
    let txn = store.begin().await.unwrap();
    sign_in_failure::Entity::insert_many(rows).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn the_log_stays_short_however_much_is_written() {
    let storage = Storage::new().await;
    if !is_sqlite(&storage.store) {
        return;
    }
    let (log, mut longest) = (storage.directory.path().join("latchkey.db-wal"), 0);

    for number in 0..TRANSACTIONS {
        write(&storage.store, number).await;
        longest = longest.max(log.metadata().unwrap().len());
    }

    assert!(longest < SHORT, "{longest} bytes");
    let rows = sign_in_failure::Entity::find().count(storage.store.read()).await.unwrap();
    assert_eq!(rows, u64::from(TRANSACTIONS * ROWS));
    // closing leaves one whole file
    storage.store.close().await.unwrap();
    assert!(!log.exists());
    let another = storage.another_store().await;
    let rows = sign_in_failure::Entity::find().count(another.read()).await.unwrap();
    assert_eq!(rows, u64::from(TRANSACTIONS * ROWS));
}
