//! A rolling upgrade: the first of the newer nodes changes the schema, and those of the version before
//! go on working on it until they are replaced. So a step adds, and takes nothing away; but for one whose
//! name says whom it leaves behind, which older nodes read there.

use std::collections::BTreeMap;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use super::{Storage, is_sqlite};

/// The last step that took something away without a word; every step after it only adds, or names the
/// step that a node must know to go on: the newest one of the last version that still read what goes.
const MARK: &str = "m20261126_000038_spent_ids";

#[derive(FromQueryResult)]
struct Column {
    name: String,
    /// `yes` or `no`: an expression has no type of its own in every database.
    is_needed: String,
}

/// Every column, and whether who inserts a row has to know it.
async fn columns(storage: &Storage) -> BTreeMap<String, bool> {
    let sql = if is_sqlite(&storage.store) {
        "select t.name || '.' || c.name as name, \
           case when c.\"notnull\" = 1 and c.dflt_value is null and c.pk = 0 then 'yes' else 'no' end \
           as is_needed \
         from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'"
    } else {
        "select table_name || '.' || column_name as name, \
           case when is_nullable = 'NO' and column_default is null and is_identity = 'NO' \
             then 'yes' else 'no' end as is_needed \
         from information_schema.columns where table_schema = current_schema()"
    };
    let db = storage.store.read();
    let query = Statement::from_string(db.get_database_backend(), sql);
    let columns = Column::find_by_statement(query).all(db).await.unwrap();
    columns.into_iter().map(|column| (column.name, column.is_needed == "yes")).collect()
}

fn table(column: &str) -> &str {
    column.split('.').next().unwrap()
}

#[tokio::test]
async fn an_older_node_goes_on_after_each_of_the_newest_steps() {
    let storage = Storage::new().await;
    let steps = Migrator::migrations();
    let newest: Vec<_> = steps.iter().skip_while(|step| step.name() != MARK).skip(1).collect();
    assert!(steps.iter().any(|step| step.name() == MARK), "{MARK} is no step");
    let txn = storage.store.begin_schema().await.unwrap();
    Migrator::down(txn.executor(), Some(newest.len().try_into().unwrap())).await.unwrap();
    txn.commit().await.unwrap();

    for step in newest {
        let before = columns(&storage).await;
        let txn = storage.store.begin_schema().await.unwrap();
        Migrator::up(txn.executor(), Some(1)).await.unwrap();
        txn.commit().await.unwrap();
        let after = columns(&storage).await;

        let step = step.name();
        if let Some(known) = migration::takes_for_granted(step) {
            let mut older = steps.iter().filter_map(|step| migration::number_of(step.name()));
            assert!(older.any(|number| number == known), "{step} names no step");
            assert!(Some(known) < migration::number_of(step), "{step} leaves everybody behind");
            continue;
        }
        for column in before.keys() {
            // what it reads and writes is still there
            assert!(after.contains_key(column), "{step} takes {column} away");
        }
        for (column, is_needed) in after {
            let is_of_a_known_table = before.keys().any(|known| table(known) == table(&column));
            let was_needed = before.get(&column).copied().unwrap_or_default();
            // and what it inserts is still a row
            assert!(
                !is_needed || was_needed || !is_of_a_known_table,
                "{step} makes {column} needed: an older node does not know it"
            );
        }
    }
}
