//! Words that the steps are written in.

use sea_orm_migration::prelude::*;

/// A SHA-256 digest that must be there.
pub(crate) fn digest(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).var_binary(32).not_null().take()
}

/// A SHA-256 digest that may be absent.
pub(crate) fn digest_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).var_binary(32).null().take()
}

/// A foreign key from `table.column` to `target.id`; rows that are pointed at cannot be deleted.
pub(crate) fn points(
    table: &'static str,
    column: &'static str,
    target: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk-{table}-{column}"))
        .from(table, column)
        .to(target, "id")
        .on_delete(ForeignKeyAction::Restrict)
        .to_owned()
}

/// Indexes of `table`, one for each list of columns.
pub(crate) async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&[&'static str]],
) -> Result<(), DbErr> {
    for columns in columns {
        let mut index = Index::create();
        index.name(format!("idx-{table}-{}", columns.join("-"))).table(table);
        for column in *columns {
            index.col(*column);
        }
        manager.create_index(index).await?;
    }
    Ok(())
}

/// Drops tables, in the order given.
pub(crate) async fn drop(
    manager: &SchemaManager<'_>,
    tables: &[&'static str],
) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
