//! An endpoint that a scan has seen.

use sea_orm::entity::prelude::*;

use crate::types::StringList;

/// The methods a description may give a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(8))")]
pub enum Method {
    #[sea_orm(string_value = "GET")]
    Get,
    #[sea_orm(string_value = "POST")]
    Post,
    #[sea_orm(string_value = "PUT")]
    Put,
    #[sea_orm(string_value = "PATCH")]
    Patch,
    #[sea_orm(string_value = "DELETE")]
    Delete,
    #[sea_orm(string_value = "HEAD")]
    Head,
    #[sea_orm(string_value = "OPTIONS")]
    Options,
    #[sea_orm(string_value = "TRACE")]
    Trace,
}

impl Method {
    /// Its name (RFC 9110 §9).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
        }
    }
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scan_endpoint")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub scan_id: Uuid,
    /// Its place in the list that was submitted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub method: Method,
    pub path: String,
    pub operation_id: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: StringList,
    pub summary: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
