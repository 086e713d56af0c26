//! Removing what nobody needs any more.
//!
//! A table is walked in the order of its key, a few rows at a time: looked at on a connection for
//! reading, and only where there is something to remove a transaction removes it, from neighbouring
//! pages. So no row needs an index on when it ends, and whoever writes never waits for the search.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value, prelude::Uuid};

use super::{Database, Store, Txn, access_tokens::GENERATIONS_KEPT, millis};
use crate::fault::Fault;

/// The advisory lock on PostgreSQL that one node at a time sweeps under: "sweeping" in ASCII.
const LEASE: i64 = 0x7377_6565_7069_6e67;

/// A table that has rows to remove: its key, and which rows are dead at the instant `$1`, in
/// milliseconds.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    key: &'static str,
    is_id: bool,
    dead: String,
}

/// Where a walk through a table has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Digest(Vec<u8>),
    Id(Uuid),
}

/// How far a walk has got.
#[derive(Clone, Debug)]
pub struct Position(Key);

/// The first and the last dead row of a stretch.
#[derive(Clone, Debug)]
pub struct Dead(Key, Key);

/// What a look at a stretch of a table found.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Where it goes on; `None` at the end of the table.
    pub next: Option<Position>,
    /// What can be removed, if anything.
    pub dead: Option<Dead>,
}

/// Every table that has rows to remove, in the order in which one lets go of the next.
#[must_use]
pub fn tables() -> Vec<Table> {
    let digest = |name, key, dead: &str| Table { name, key, is_id: false, dead: dead.to_owned() };
    let id = |name, key, dead: &str| Table { is_id: true, ..digest(name, key, dead) };
    vec![
        id(
            "token_family",
            "id",
            // a client's standing family has no grant, and stays
            r#"token_family.grant_id is not null and (token_family.ends_at <= $1
               or token_family.revoked_at is not null or exists (select 1 from "grant"
               where "grant".id = token_family.grant_id and "grant".revoked_at is not null))"#,
        ),
        digest(
            "access_token",
            "token_sha256",
            &format!(
                "access_token.expires_at <= $1 or not exists (select 1 from token_family
                 where token_family.id = access_token.family_id and token_family.revoked_at is null
                 and token_family.generation - access_token.generation < {GENERATIONS_KEPT})"
            ),
        ),
        digest(
            "authorization_code",
            "code_sha256",
            // RFC 6749 §4.1.2: the replay of a spent code revokes its family, as long as there is one.
            // Ten minutes later nobody is about to begin it.
            "authorization_code.expires_at <= $1 - 600000 and (authorization_code.consumed_at is null
             or not exists (select 1 from token_family
             where token_family.id = authorization_code.family_id))",
        ),
        id(
            "grant",
            "id",
            // an hour later nobody is about to put anything under it
            r#""grant".revoked_at <= $1 - 3600000 and not exists (select 1 from token_family
               where token_family.grant_id = "grant".id) and not exists (
               select 1 from authorization_code where authorization_code.grant_id = "grant".id)"#,
        ),
        digest("authorization_request", "handle_sha256", "authorization_request.expires_at <= $1"),
        digest("browser_session", "cookie_sha256", "browser_session.expires_at <= $1"),
        // failed sign-ins count for minutes; a day later nobody asks
        digest("sign_in_failure", "key_sha256", "sign_in_failure.last_failed_at <= $1 - 86400000"),
        // a time step of thirty seconds is accepted while it is the present one or beside it
        id("second_factor_use", "user_id", "second_factor_use.step < $1 / 30000 - 10"),
        // a letter that was given up stays: somebody may want to know why
        id("outbox", "id", "outbox.sent_at <= $1 - 86400000"),
    ]
}

/// Looks at up to `limit` rows of a table, from its beginning or behind `after`.
///
/// # Errors
/// When the database fails.
pub async fn look(
    db: &impl ConnectionTrait,
    table: &Table,
    now: DateTime<Utc>,
    (after, limit): (Option<&Position>, u64),
) -> Result<Stretch, Fault> {
    let Table { name, key, dead, .. } = table;
    let sql = format!(
        r#"select cast(case when {dead} then 1 else 0 end as bigint) as is_dead, {key} as place
           from "{name}" where {key} > $2 order by {key} limit $3"#
    );
    let after = after.map_or_else(|| table.beginning(), |Position(key)| key.clone());
    let values = [millis(now).into(), after.into(), Value::from(limit.cast_signed())];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    let mut stretch = Stretch { next: None, dead: None };
    for row in &rows {
        let place = table.key_of(row)?;
        if row.try_get::<i64>("", "is_dead")? == 1 {
            let first = stretch.dead.map_or_else(|| place.clone(), |Dead(first, _)| first);
            stretch.dead = Some(Dead(first, place.clone()));
        }
        stretch.next = Some(Position(place));
    }
    if (rows.len() as u64) < limit {
        stretch.next = None;
    }
    Ok(stretch)
}

/// Removes what is still dead between the first and the last row that [`look`] found.
///
/// # Errors
/// When the database fails.
pub async fn remove(
    db: &impl ConnectionTrait,
    table: &Table,
    now: DateTime<Utc>,
    Dead(first, last): Dead,
) -> Result<u64, Fault> {
    let Table { name, key, dead, .. } = table;
    let sql = format!(r#"delete from "{name}" where ({dead}) and {key} >= $2 and {key} <= $3"#);
    let values = [millis(now).into(), first.into(), last.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// The right to sweep; other nodes have it again when it is given back, or soon after it is dropped.
pub struct Lease(Option<Txn>);

/// Takes the right to sweep; `None` while another node has it. An embedded database has one node.
///
/// # Errors
/// When the database fails.
pub async fn lease(store: &Store) -> Result<Option<Lease>, Fault> {
    if let Database::Sqlite(_) = store.read() {
        return Ok(Some(Lease(None)));
    }
    let txn = store.begin().await?;
    let sql = format!("select pg_try_advisory_xact_lock({LEASE}) as is_ours");
    let statement = Statement::from_string(txn.get_database_backend(), sql);
    let row = txn.query_one_raw(statement).await?;
    let is_ours = row.map(|row| row.try_get::<bool>("", "is_ours")).transpose()?;
    Ok((is_ours == Some(true)).then_some(Lease(Some(txn))))
}

impl Lease {
    /// Gives the right to sweep back.
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

impl Table {
    /// A key before every other.
    fn beginning(&self) -> Key {
        if self.is_id { Key::Id(Uuid::nil()) } else { Key::Digest(Vec::new()) }
    }

    fn key_of(&self, row: &QueryResult) -> Result<Key, DbErr> {
        if self.is_id {
            row.try_get("", "place").map(Key::Id)
        } else {
            row.try_get("", "place").map(Key::Digest)
        }
    }
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Digest(digest) => digest.into(),
            Key::Id(id) => id.into(),
        }
    }
}
