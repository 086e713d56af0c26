//! Frozen authorization requests, codes, token families and their tokens.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, integer, string_len, string_len_null, text, text_null, uuid,
        uuid_null,
    },
};

use crate::schema::{digest, drop, index, points};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(authorization_request()).await?;
        manager.create_table(authorization_code(uuid("family_id"))).await?;
        manager.create_table(token_family(uuid("id"))).await?;
        manager.create_table(refresh_token()).await?;
        manager.create_table(access_token()).await?;
        index(manager, "authorization_request", &[&["client_id"], &["expires_at"]]).await?;
        index(manager, "authorization_code", &[&["client_id"], &["grant_id"], &["expires_at"]])
            .await?;
        index(manager, "token_family", &[&["client_id"], &["grant_id"], &["expires_at"]]).await?;
        index(manager, "refresh_token", &[&["family_id"], &["expires_at"]]).await?;
        index(manager, "access_token", &[&["family_id"], &["expires_at"]]).await?;
        manager.create_index(standing()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "access_token",
            "refresh_token",
            "token_family",
            "authorization_code",
            "authorization_request",
        ];
        drop(manager, &tables).await
    }
}

fn authorization_request() -> TableCreateStatement {
    Table::create()
        .table("authorization_request")
        .col(digest("handle_sha256").primary_key())
        .col(digest("browser_sha256"))
        .col(string_len("client_id", 255))
        .col(text("redirect_uri"))
        .col(string_len("response_mode", 16))
        .col(text("scope"))
        .col(text_null("state"))
        .col(text_null("nonce"))
        .col(string_len_null("code_challenge", 64))
        .col(text_null("resource"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut points("authorization_request", "client_id", "client"))
        .to_owned()
}

/// A client's own tokens share one standing family.
pub(crate) fn standing() -> IndexCreateStatement {
    Index::create()
        .name("uq-token_family-standing")
        .table("token_family")
        .unique()
        .col("client_id")
        .and_where(Expr::col("grant_id").is_null())
        .to_owned()
}

pub(crate) fn authorization_code(family_id: ColumnDef) -> TableCreateStatement {
    Table::create()
        .table("authorization_code")
        .col(digest("code_sha256").primary_key())
        .col(family_id)
        .col(string_len("client_id", 255))
        .col(uuid("grant_id"))
        .col(text("redirect_uri"))
        .col(text("scope"))
        .col(string_len_null("code_challenge", 64))
        .col(text_null("nonce"))
        .col(text_null("resource"))
        .col(integer("user_epoch"))
        .col(big_integer("authenticated_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("consumed_at"))
        .foreign_key(&mut points("authorization_code", "client_id", "client"))
        .foreign_key(&mut points("authorization_code", "grant_id", "grant"))
        .to_owned()
}

pub(crate) fn token_family(mut id: ColumnDef) -> TableCreateStatement {
    Table::create()
        .table("token_family")
        .col(id.primary_key())
        .col(string_len("client_id", 255))
        .col(uuid_null("grant_id"))
        .col(text("scope"))
        .col(text_null("resource"))
        .col(integer("user_epoch"))
        .col(big_integer_null("authenticated_at"))
        .col(integer("generation"))
        .col(big_integer_null("rotated_at"))
        .col(big_integer_null("successor_used_at"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("revoked_at"))
        .foreign_key(&mut points("token_family", "client_id", "client"))
        .foreign_key(&mut points("token_family", "grant_id", "grant"))
        .to_owned()
}

fn refresh_token() -> TableCreateStatement {
    Table::create()
        .table("refresh_token")
        .col(digest("token_sha256").primary_key())
        .col(uuid("family_id"))
        .col(integer("generation"))
        .col(big_integer("issued_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("consumed_at"))
        .foreign_key(&mut points("refresh_token", "family_id", "token_family"))
        .to_owned()
}

fn access_token() -> TableCreateStatement {
    Table::create()
        .table("access_token")
        .col(digest("token_sha256").primary_key())
        .col(uuid("family_id"))
        .col(integer("generation"))
        .col(text_null("scope"))
        .col(text_null("resource"))
        .col(big_integer("issued_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut points("access_token", "family_id", "token_family"))
        .to_owned()
}
