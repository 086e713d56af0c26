//! Work that one node at a time does for all.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};

use super::{Database, Store, Txn};
use crate::fault::Fault;

/// Work that one node at a time does, by its advisory lock on PostgreSQL.
#[derive(Clone, Copy, Debug)]
#[repr(i64)]
pub enum Chore {
    /// Removing what has ended: "sweeping" in ASCII.
    Sweep = 0x7377_6565_7069_6e67,
    /// Telling of keys that are about to expire: "expiring" in ASCII.
    Expiry = 0x6578_7069_7269_6e67,
    /// Replacing the keys that this server signs with: "rotating" in ASCII.
    Rotation = 0x726f_7461_7469_6e67,
    /// Putting events into the chain of the audit trail: "chaining" in ASCII.
    Chain = 0x6368_6169_6e69_6e67,
}

impl Chore {
    /// After how long without a word its lease is another's.
    const fn longest_silence(self) -> Duration {
        match self {
            // it says a word after each step
            Self::Sweep => Duration::from_secs(30),
            Self::Expiry | Self::Rotation | Self::Chain => Duration::from_mins(5),
        }
    }
}

/// The right to do a chore; other nodes have it again when it is given back, or soon after it is
/// dropped.
pub struct Lease(Option<Txn>);

/// Takes the right to a chore; `None` while another node has it. An embedded database has one node.
///
/// # Errors
/// When the database fails.
pub async fn lease(store: &Store, chore: Chore) -> Result<Option<Lease>, Fault> {
    if let Database::Sqlite(_) = store.read() {
        return Ok(Some(Lease(None)));
    }
    let txn = store.begin().await?;
    // this transaction holds nothing that others wait for, but the lease: a node that has vanished gives it back
    let silence = chore.longest_silence().as_millis();
    let sql = format!("set local idle_in_transaction_session_timeout = {silence}");
    txn.execute_unprepared(&sql).await?;
    let sql = format!("select pg_try_advisory_xact_lock({}) as is_ours", chore as i64);
    let statement = Statement::from_string(txn.get_database_backend(), sql);
    let row = txn.query_one_raw(statement).await?;
    let is_ours = row.map(|row| row.try_get::<bool>("", "is_ours")).transpose()?;
    Ok((is_ours == Some(true)).then_some(Lease(Some(txn))))
}

impl Lease {
    /// Says that it is still wanted.
    ///
    /// # Errors
    /// When the database fails: then it may be another's by now.
    pub async fn hold(&self) -> Result<(), Fault> {
        if let Some(txn) = &self.0 {
            txn.execute_unprepared("select 1").await?;
        }
        Ok(())
    }

    /// Gives the right back.
    ///
    /// # Errors
    /// When the database fails; then the right is back too.
    pub async fn give_back(self) -> Result<(), Fault> {
        match self.0 {
            Some(txn) => Ok(txn.commit().await?),
            None => Ok(()),
        }
    }
}
