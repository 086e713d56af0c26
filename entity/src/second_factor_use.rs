//! The last time step of a user's second factor: a code works once (RFC 6238 §5.2).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factor_use")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Counted in 30 seconds since 1970.
    pub step: i64,
}

impl ActiveModelBehavior for ActiveModel {}
