//! A letter that waits to be sent, written in the transaction that caused it.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recipient: String,
    /// What kind of letter it is; says nothing secret.
    pub kind: String,
    /// The letter's content as sealed JSON; erased once sent.
    pub sealed: Option<Vec<u8>>,
    pub created_at: Instant,
    pub attempts: i64,
    /// `None` once it was sent or given up.
    pub next_attempt_at: Option<Instant>,
    pub sent_at: Option<Instant>,
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
