//! What has expired is found by walking through a table in the order of its key: no index on the end
//! of a row is needed, which every request would have to keep.

use sea_orm_migration::prelude::*;

use crate::schema::index;

const INDEXES: [(&str, &str); 4] = [
    ("authorization_code", "expires_at"),
    ("authorization_request", "expires_at"),
    ("browser_session", "expires_at"),
    ("sign_in_failure", "last_failed_at"),
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INDEXES {
            let index = Index::drop().name(format!("idx-{table}-{column}")).table(table).to_owned();
            manager.drop_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INDEXES {
            index(manager, table, &[&[column]]).await?;
        }
        Ok(())
    }
}
