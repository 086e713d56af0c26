//! Removing what nobody needs any more.
//!
//! A table is walked in the order in which its rows lie, a few at a time: looked at on a connection
//! for reading, and only where there is something to remove a transaction removes it, from
//! neighbouring pages. So no row needs an index on when it ends, and whoever writes never waits for
//! the search.
//!
//! SQLite keeps rows in the order of their keys, or nearly; PostgreSQL keeps them where there was
//! room, so there the walk goes from page to page.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value, prelude::Uuid};

use super::{
    Database, Store, access_tokens::GENERATIONS_KEPT, millis, token_families::FAMILIES_KEPT,
};
use crate::fault::Fault;

/// What a page of PostgreSQL's counts for in a walk that is measured in rows.
const ROWS_PER_PAGE: u64 = 32;

/// A table that has rows to remove: its key, and which rows are dead at the instant `$1`, in
/// milliseconds.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    key: &'static str,
    kind: Kind,
    /// What a row says itself.
    ended: String,
    /// What has lost another row that it needs, which takes longer to find out.
    orphaned: Option<String>,
}

/// What the keys of a table are.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Digest,
    Id,
    Number,
}

/// Where a walk through a table has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Digest(Vec<u8>),
    Id(Uuid),
    Number(i64),
    Page(i64),
}

/// How far a walk has got.
#[derive(Clone, Debug)]
pub struct Position(Key);

/// A step of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Where it begins; `None` for the beginning of the table.
    pub after: Option<&'a Position>,
    /// Rows that it looks at; on PostgreSQL about so many.
    pub rows: u64,
    /// Whether it also looks for what has lost what it needs.
    pub is_thorough: bool,
}

/// A stretch of a table that was looked at.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Where the walk goes on; `None` at the end of the table.
    pub next: Option<Position>,
    /// Rows that were looked at.
    pub rows: u64,
    /// Those that have ended.
    pub ended: u64,
    /// Those that have lost what they need.
    pub orphaned: u64,
    bounds: [Key; 2],
    is_thorough: bool,
}

impl Stretch {
    /// Rows that can be removed.
    #[must_use]
    pub fn dead(&self) -> u64 {
        self.ended + self.orphaned
    }
}

fn digest(name: &'static str, key: &'static str, ended: &str) -> Table {
    Table { name, key, kind: Kind::Digest, ended: ended.to_owned(), orphaned: None }
}

fn id(name: &'static str, key: &'static str, ended: &str) -> Table {
    Table { kind: Kind::Id, ..digest(name, key, ended) }
}

/// Every table that has rows to remove, in the order in which one lets go of the next.
#[must_use]
pub fn tables() -> Vec<Table> {
    [tokens(), authorizations(), people()].concat()
}

fn tokens() -> Vec<Table> {
    let family = Table {
        kind: Kind::Number,
        orphaned: Some(format!(
            r#"(exists (select 1 from "grant" where "grant".id = token_family.grant_id
               and "grant".revoked_at is not null)
             or (select count(*) from (select 1 from token_family newer
               where newer.grant_id = token_family.grant_id and newer.revoked_at is null
               and coalesce(newer.rotated_at, newer.created_at)
               > coalesce(token_family.rotated_at, token_family.created_at)
               limit {FAMILIES_KEPT}) as newest) >= {FAMILIES_KEPT})"#
        )),
        ..digest(
            "token_family",
            "id",
            // a client's standing family has no grant, and stays
            "token_family.grant_id is not null and
             (token_family.ends_at <= $1 or token_family.revoked_at is not null)",
        )
    };
    let access = Table {
        orphaned: Some(format!(
            "not exists (select 1 from token_family
             where token_family.id = access_token.family_id and token_family.revoked_at is null
             and token_family.generation - access_token.generation < {GENERATIONS_KEPT})"
        )),
        ..digest("access_token", "token_sha256", "access_token.expires_at <= $1")
    };
    vec![family, access]
}

fn authorizations() -> Vec<Table> {
    vec![
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
        digest("pushed_request", "uri_sha256", "pushed_request.kept_until <= $1"),
        digest("spent_id", "id_sha256", "spent_id.expires_at <= $1"),
        // for 90 days an operator can see what became of it
        digest(
            "registration_token",
            "token_sha256",
            "registration_token.revoked_at <= $1 - 7776000000",
        ),
        // a year later whoever was told has done something about it, or is told once more
        digest("leak", "sha256", "leak.reported_at <= $1 - 31536000000"),
        // who has not been answered in 90 days may ask again
        id("app_request", "id", "app_request.created_at <= $1 - 7776000000"),
    ]
}

fn people() -> Vec<Table> {
    vec![
        digest("browser_session", "cookie_sha256", "browser_session.expires_at <= $1"),
        // no session lives longer than 14 days
        Table {
            kind: Kind::Number,
            ..digest("session_client", "family_id", "session_client.created_at <= $1 - 1296000000")
        },
        // a client that was given up: for a week somebody may want to know why
        id(
            "logout_delivery",
            "id",
            "logout_delivery.next_attempt_at is null and logout_delivery.created_at <= $1 - 604800000",
        ),
        // for a while a device that asks late hears that it is too late
        digest("device_request", "device_code_sha256", "device_request.expires_at <= $1 - 600000"),
        // failed sign-ins count for minutes; a day later nobody asks
        digest("sign_in_failure", "key_sha256", "sign_in_failure.last_failed_at <= $1 - 86400000"),
        // a time step of thirty seconds is accepted while it is the present one or beside it
        id("second_factor_use", "user_id", "second_factor_use.step < $1 / 30000 - 10"),
        // for a week whoever invited can see that nobody came
        id("invitation", "id", "invitation.expires_at <= $1 - 604800000"),
        id("sign_up", "id", "sign_up.expires_at <= $1"),
        // long after a device has become strange again (90 days): whoever has been here before is
        // told of a new one, and whoever has not is not
        digest("known_device", "device_sha256", "known_device.last_seen_at <= $1 - 63072000000"),
        digest("spent_challenge", "challenge_sha256", "spent_challenge.expires_at <= $1"),
        // a letter that was given up: for 90 days somebody may want to know why
        id(
            "outbox",
            "id",
            "(outbox.sent_at <= $1 - 86400000 or (outbox.sent_at is null
             and outbox.next_attempt_at is null and outbox.created_at <= $1 - 7776000000))",
        ),
    ]
}

/// Looks at the next rows of a table.
///
/// # Errors
/// When the database fails.
pub async fn look(
    db: &impl ConnectionTrait,
    table: &Table,
    now: DateTime<Utc>,
    step: Step<'_>,
) -> Result<Stretch, Fault> {
    let bounds = table.bounds(db, step).await?;
    let Table { name, ended, .. } = table;
    let orphaned = table.orphaned.as_deref().filter(|_| step.is_thorough).unwrap_or("false");
    let pages = match bounds {
        [Key::Page(_), _] => {
            format!("pg_relation_size('\"{name}\"') / current_setting('block_size')::bigint")
        }
        _ => "0".to_owned(),
    };
    let sql = format!(
        "select count(*) as looked, count(*) filter (where {ended}) as ended,
         count(*) filter (where not ({ended}) and {orphaned}) as orphaned, {pages} as pages
         from \"{name}\" where {}",
        table.within(&bounds)
    );
    let [from, to] = bounds.clone();
    let values = [millis(now).into(), from.into(), to.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let row = db.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Fault::internal("a count without a row"))?;
    let number = |column| row.try_get::<i64>("", column);
    let rows = number("looked")?.cast_unsigned();
    let has_more = match bounds[1] {
        Key::Page(end) => end < number("pages")?,
        _ => rows >= step.rows,
    };
    Ok(Stretch {
        next: has_more.then(|| Position(bounds[1].clone())),
        rows,
        ended: number("ended")?.cast_unsigned(),
        orphaned: number("orphaned")?.cast_unsigned(),
        bounds,
        is_thorough: step.is_thorough,
    })
}

/// How long a removal is to take. On SQLite all writers wait for it: about as long as one of them. On PostgreSQL
/// nobody waits for rows that have ended, but everybody for the disk: fewer removals, of more rows.
#[must_use]
pub fn longest_removal(store: &Store) -> Duration {
    match store.read() {
        Database::Sqlite(_) => Duration::from_micros(350),
        Database::Postgres(_) => Duration::from_millis(4),
    }
}

/// Removes what is dead in a stretch that [`look`] looked at.
///
/// # Errors
/// When the database fails.
pub async fn remove(
    db: &impl ConnectionTrait,
    table: &Table,
    now: DateTime<Utc>,
    stretch: &Stretch,
) -> Result<u64, Fault> {
    let Table { name, ended, .. } = table;
    let orphaned = table.orphaned.as_deref().filter(|_| stretch.is_thorough).unwrap_or("false");
    let within = table.within(&stretch.bounds);
    let sql = format!(r#"delete from "{name}" where ({ended} or {orphaned}) and {within}"#);
    let [from, to] = stretch.bounds.clone();
    let values = [millis(now).into(), from.into(), to.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

impl Table {
    /// Where a step begins and ends.
    async fn bounds(&self, db: &impl ConnectionTrait, step: Step<'_>) -> Result<[Key; 2], Fault> {
        let backend = db.get_database_backend();
        let from = match step.after {
            Some(Position(key)) => key.clone(),
            None if backend == DbBackend::Postgres => Key::Page(0),
            None => match self.kind {
                Kind::Digest => Key::Digest(Vec::new()),
                Kind::Id => Key::Id(Uuid::nil()),
                Kind::Number => Key::Number(i64::MIN),
            },
        };
        if let Key::Page(page) = from {
            let pages = (step.rows / ROWS_PER_PAGE).max(1).cast_signed();
            return Ok([from, Key::Page(page + pages)]);
        }
        let Self { name, key, .. } = self;
        let sql = format!(
            r#"select {key} as place from (select {key} from "{name}" where {key} > $1
               order by {key} limit $2) as stretch order by {key} desc limit 1"#
        );
        let values = [from.clone().into(), Value::from(step.rows.cast_signed())];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let row = db.query_one_raw(statement).await?;
        let to = row.map(|row| self.key_of(&row)).transpose()?;
        Ok([from.clone(), to.unwrap_or(from)])
    }

    /// The condition on the rows between `$2` and `$3`.
    fn within(&self, bounds: &[Key; 2]) -> String {
        match bounds {
            [Key::Page(_), _] => "ctid >= $2::text::tid and ctid < $3::text::tid".to_owned(),
            _ => format!("{0} > $2 and {0} <= $3", self.key),
        }
    }

    fn key_of(&self, row: &QueryResult) -> Result<Key, DbErr> {
        match self.kind {
            Kind::Digest => row.try_get("", "place").map(Key::Digest),
            Kind::Id => row.try_get("", "place").map(Key::Id),
            Kind::Number => row.try_get("", "place").map(Key::Number),
        }
    }
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Digest(digest) => digest.into(),
            Key::Id(id) => id.into(),
            Key::Number(number) => number.into(),
            Key::Page(page) => format!("({page},0)").into(),
        }
    }
}
