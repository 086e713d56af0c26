//! What a copy of the database has in it.

use std::{fs, path::Path};

use latchkey::store::Store;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

#[derive(FromQueryResult)]
struct Text {
    text: String,
}

/// Everything that is stored: the files of SQLite as they are; every row of PostgreSQL as JSON, in
/// which bytes are hexadecimal.
pub async fn stored(store: &Store, data_dir: &Path) -> Vec<u8> {
    let db = store.read();
    if db.get_database_backend() == DbBackend::Sqlite {
        let files = fs::read_dir(data_dir).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.to_string_lossy().contains("latchkey.db"));
        return files.flat_map(|path| fs::read(path).unwrap()).collect();
    }
    let query = async |sql: &str| {
        let sql = Statement::from_string(db.get_database_backend(), sql);
        Text::find_by_statement(sql).all(db).await.unwrap().into_iter().map(|row| row.text)
    };
    let tables = "select table_name::text as text from information_schema.tables \
        where table_schema = 'public'";
    let mut all = Vec::new();
    for table in query(tables).await {
        let rows =
            query(&format!("select row_to_json(it)::text as text from \"{table}\" it")).await;
        all.extend(rows.flat_map(String::into_bytes));
    }
    all
}
