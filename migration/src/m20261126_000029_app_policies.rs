//! What workspaces say about third-party apps, what their members ask them for, which apps people
//! have blocked, and what they did not allow.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string_len, text, text_null, uuid},
};

use crate::schema::{drop, index};

const GRANT: &str = "grant";
/// Live grants, by what they are counted and listed by.
const LIVE: [(&str, &[&str]); 2] = [
    ("idx-grant-live-workspace_id", &["workspace_id", "client_id"]),
    ("idx-grant-live-client_id", &["client_id"]),
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let declined = text("declined").default("").take();
        manager.alter_table(Table::alter().table(GRANT).add_column(declined).to_owned()).await?;
        for (name, columns) in LIVE {
            let mut live = Index::create();
            live.name(name).table(GRANT);
            for column in columns {
                live.col(*column);
            }
            live.and_where(Expr::col("revoked_at").is_null());
            manager.create_index(live).await?;
        }
        for table in [policy(), decision(), request(), block()] {
            manager.create_table(table).await?;
        }
        let once = Index::create()
            .name("uq-app_request-once")
            .table("app_request")
            .unique()
            .col("workspace_id")
            .col("client_id")
            .col("user_id")
            .to_owned();
        manager.create_index(once).await?;
        index(manager, "app_decision", &[&["client_id"]]).await?;
        index(manager, "app_request", &[&["client_id"], &["user_id"]]).await?;
        index(manager, "blocked_client", &[&["client_id"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["blocked_client", "app_request", "app_decision", "app_policy"]).await?;
        for (name, _) in LIVE {
            manager.drop_index(Index::drop().name(name).table(GRANT).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table(GRANT).drop_column("declined").to_owned()).await
    }
}

/// These rows say something about another one, and go with it.
fn about(
    table: &'static str,
    column: &'static str,
    target: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk-{table}-{column}"))
        .from(table, column)
        .to(target, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

fn policy() -> TableCreateStatement {
    Table::create()
        .table("app_policy")
        .col(uuid("workspace_id").primary_key())
        .col(string_len("policy", 16))
        .col(big_integer("changed_at"))
        .foreign_key(&mut about("app_policy", "workspace_id", "workspace"))
        .to_owned()
}

fn decision() -> TableCreateStatement {
    Table::create()
        .table("app_decision")
        .col(uuid("workspace_id"))
        .col(string_len("client_id", 255))
        .col(text_null("scope"))
        .col(uuid("decided_by"))
        .col(big_integer("decided_at"))
        .primary_key(Index::create().col("workspace_id").col("client_id"))
        .foreign_key(&mut about("app_decision", "workspace_id", "workspace"))
        .foreign_key(&mut about("app_decision", "client_id", "client"))
        .to_owned()
}

fn request() -> TableCreateStatement {
    Table::create()
        .table("app_request")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("client_id", 255))
        .col(uuid("user_id"))
        .col(text("scope"))
        .col(text_null("message"))
        .col(big_integer("created_at"))
        .foreign_key(&mut about("app_request", "workspace_id", "workspace"))
        .foreign_key(&mut about("app_request", "client_id", "client"))
        .foreign_key(&mut about("app_request", "user_id", "user"))
        .to_owned()
}

fn block() -> TableCreateStatement {
    Table::create()
        .table("blocked_client")
        .col(uuid("user_id"))
        .col(string_len("client_id", 255))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("user_id").col("client_id"))
        .foreign_key(&mut about("blocked_client", "user_id", "user"))
        .foreign_key(&mut about("blocked_client", "client_id", "client"))
        .to_owned()
}
