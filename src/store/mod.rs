//! The only room that queries: one file a table or a tight group of them.
//!
//! Functions take any connection and never begin a transaction: rules do, with [`Store::begin`]; only
//! the writes of [`issuing`] are transactions by themselves.
//! Single use is a conditional write, and the tenant is in the finder. So PostgreSQL's READ COMMITTED
//! is enough: a condition is looked at again once the row is free.

pub mod access_tokens;
pub mod administrators;
pub mod api_keys;
pub mod app_policies;
pub mod app_requests;
pub mod audit;
pub mod audit_chain;
pub mod authorization_codes;
pub mod authorization_requests;
pub mod backup;
pub mod blocked_clients;
pub mod browser_sessions;
pub mod chores;
pub mod clients;
pub mod condition;
pub mod confined;
mod connect;
pub mod connected_apps;
mod connection;
pub mod crowds;
pub mod device_requests;
mod direct;
mod due;
pub mod enterprises;
pub mod grants;
pub mod invalidations;
pub mod invitations;
pub mod issuing;
pub mod known_devices;
pub mod leaks;
pub mod logout_deliveries;
pub mod members;
pub mod memberships;
pub mod outbox;
pub mod paging;
pub mod passkeys;
mod postgres;
pub mod pushed_requests;
pub mod recovery_codes;
pub mod registration_tokens;
pub mod registrations;
pub mod scans;
pub mod schema;
pub mod sealed;
pub mod second_factor_uses;
pub mod service_accounts;
pub mod services;
pub mod session_clients;
pub mod sign_in_failures;
pub mod sign_ups;
pub mod signing_keys;
pub mod spent_challenges;
pub mod spent_ids;
mod sqlite;
mod stall;
pub mod subscribers;
pub mod subscriptions;
pub mod sweep;
pub mod token_families;
pub mod token_records;
pub mod user_addresses;
pub mod users;
pub mod uses;
pub mod workspaces;

use chrono::{DateTime, Utc};
use entity::types::Instant;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, RuntimeErr, SqlErr,
    sea_query::{Expr, IntoCondition, OnConflict},
};

pub use self::{
    connection::{Database, Desk, SchemaTxn, Store, Txn},
    direct::Ask,
};
use crate::fault::Fault;

/// A unique constraint said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate;

/// Whether a unique constraint said no: each driver says it in its own way.
fn is_duplicate(error: &DbErr) -> bool {
    matches!(error, DbErr::RecordNotInserted)
        || matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// An instant as it is stored: cut to the millisecond.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> Instant {
    sea_orm::prelude::ChronoUnixTimestampMillis(at)
}

/// The least version 7 identifier of an instant: those that are made later are greater.
fn first_id_at(at: DateTime<Utc>) -> sea_orm::prelude::Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

async fn insert<E>(db: &impl ConnectionTrait, row: E::Model) -> Result<(), Fault>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
{
    E::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Inserts unless a unique constraint forbids it; a transaction survives the refusal.
async fn insert_unique<E>(
    db: &impl ConnectionTrait,
    row: E::Model,
) -> Result<Result<(), Duplicate>, Fault>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
{
    // without a target: any unique constraint counts, not only the primary key's
    let inserted = E::insert(row.into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(if inserted == 1 { Ok(()) } else { Err(Duplicate) })
}

/// Since when something holds of a row: written down if it does not hold yet, taken away without an
/// instant; `false` if there is no such row, or nothing to change.
async fn switch<E: EntityTrait>(
    db: &impl ConnectionTrait,
    row: impl IntoCondition,
    since: E::Column,
    at: Option<DateTime<Utc>>,
) -> Result<bool, Fault> {
    let stands = if at.is_some() { since.is_null() } else { since.is_not_null() };
    let changed = E::update_many()
        .col_expr(since, Expr::value(at.map(instant)))
        .filter(row)
        .filter(stands)
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// How often a rule runs again.
const RETRIES: usize = 3;

/// Runs a rule, and runs it again from its start when another transaction was in its way: a deadlock
/// or a serialization failure of PostgreSQL's (40P01, 40001), or a state that changed meanwhile.
///
/// # Errors
/// The rule's own; [`Fault::Conflict`] when it is in the way every time.
pub async fn retrying<T, F>(rule: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    for _ in 0..RETRIES {
        match rule().await {
            Err(Fault::Conflict(what)) => tracing::debug!("a rule runs again: {what}"),
            outcome => return outcome,
        }
    }
    rule().await
}

impl From<DbErr> for Fault {
    /// Sorts what may heal by itself from what needs a person. Statements and values never enter
    /// the text.
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => {
                Self::unavailable(format!("database: {error}"))
            }
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                let text = format!("database: {cause}");
                if is_conflict(cause) {
                    Self::conflict(text)
                } else if is_transient(cause) {
                    Self::unavailable(text)
                } else {
                    Self::internal(text)
                }
            }
            _ => Self::internal(format!("database: {error}")),
        }
    }
}

/// A failure that may heal by itself.
fn unavailable(text: impl Into<String>) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(text.into()))
}

/// PostgreSQL: the transaction may not write.
const READ_ONLY: &str = "25006";

/// PostgreSQL: serialization failure, deadlock.
fn is_conflict(error: &sea_orm::sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sea_orm::sqlx::error::DatabaseError::code)
        .is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}

fn is_transient(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error;
    match error {
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => true,
        Error::Database(error) => error.code().is_some_and(|code| {
            // shutting down, no room or too many connections, connection failures; a statement, a lock or a
            // transaction that took too long; a server that takes no writes, for it stands by or its disk is
            // full; a disk that fails
            ["57P", "53", "08", "57014", "55P03", "25P03", READ_ONLY, "58"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}
