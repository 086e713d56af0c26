//! Every column of every table reads back as it was written. A value of another type than its
//! column's would read as absent, and an absent `revoked_at` lets in who was shut out.

use std::{collections::BTreeSet, pin::Pin};

use latchkey::store::Store;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, DbErr, EntityTrait, Iterable, ModelTrait, Value,
    prelude::Uuid,
};
use serde_json::json;

use super::{Storage, migrations::tables};

type Round<'a> = Pin<Box<dyn Future<Output = Result<(), DbErr>> + 'a>>;
type Table = (&'static str, for<'a> fn(&'a Store) -> Round<'a>);

macro_rules! tables {
    ($($name:ident)*) => { vec![$(table::<entity::$name::Entity>()),*] };
}

/// Those of the crate `entity`; one that is missing fails the test.
fn every_table() -> Vec<Table> {
    tables! {
        access_token api_key app_decision app_policy app_request audit_event authorization_code
        authorization_request blocked_client browser_session client dataset device_request email
        enterprise grant guest invalidation invitation known_device lead leak logout_delivery member
        message outbox passkey pushed_request recovery_code registration_token scan scan_endpoint
        scan_finding second_factor_use service service_account session_client sign_in_failure sign_up
        signing_key spent_challenge spent_id subscriber subscription
        token_family user workspace
    }
}

fn table<E>() -> Table
where
    E: EntityTrait,
    E::ActiveModel: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
{
    (E::default().table_name(), |store| Box::pin(write_and_read::<E>(store)))
}

#[tokio::test]
async fn every_column_reads_back_as_it_was_written() {
    let Storage { store, .. } = &Storage::new().await;
    let mut left = every_table();
    let names: BTreeSet<_> = left.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut expected: BTreeSet<_> = tables(store).await.into_iter().collect();
    expected.remove("seaql_migrations");
    assert_eq!(names, expected);

    // what a row points at must be there before it: those that are refused come again
    while !left.is_empty() {
        let (before, mut refused) = (left.len(), Vec::new());
        for (name, round) in std::mem::take(&mut left) {
            if let Err(error) = round(store).await {
                refused.push(format!("{name}: {error}"));
                left.push((name, round));
            }
        }
        assert!(left.len() < before, "{refused:#?}");
    }
}

/// Fills every column of a row, that which may be absent too, and reads it.
async fn write_and_read<E>(store: &Store) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::ActiveModel: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
{
    let mut row = E::ActiveModel::default();
    for column in E::Column::iter() {
        let value = samples().into_iter().find(|value| row.try_set(column, value.clone()).is_ok());
        assert!(value.is_some(), "{column:?} is of a type that no sample is of");
    }
    let written = row.clone();
    let txn = store.begin().await.unwrap();
    E::insert(row).exec_without_returning(&txn).await?;
    txn.commit().await.unwrap();

    let rows = E::find().all(store.read()).await.unwrap();

    assert_eq!(rows.len(), 1);
    for column in E::Column::iter() {
        let value = written.get(column).into_value();
        assert_eq!(Some(rows[0].get(column)), value, "{column:?}");
    }
    Ok(())
}

/// A value of each type there is. All columns of a type have the same, so that what points at
/// something finds it.
fn samples() -> Vec<Value> {
    let texts = ["text", "owner", "confidential", "GET", "high", "deny", "RS256"];
    let mut samples: Vec<Value> = texts.into_iter().map(Value::from).collect();
    samples.extend([
        Value::from(true),
        // more than 32 bits take, and an instant too
        Value::from(1_804_242_427_250_i64),
        Value::from(vec![0xa5_u8; 32]),
        Value::from(Uuid::from_u128(0xa5)),
        Value::from(json!(["a"])),
        Value::from(json!({})),
    ]);
    samples
}
