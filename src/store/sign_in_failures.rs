//! Failed sign-ins, counted for an account or for an address.

use chrono::{DateTime, Utc};
use entity::{
    sign_in_failure::{COLUMN, Column, Entity, Model},
    types::Instant,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, Value, sea_query::Expr,
};

use super::{Ask, direct::record, instant, millis};
use crate::{clock::latest, crypto::digest::equal, fault::Fault};

record!(Model { key_sha256, failures, window_started_at, last_failed_at });

macro_rules! columns {
    () => {
        "key_sha256, failures, window_started_at, last_failed_at"
    };
}

/// The count under this key.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl Ask, key_sha256: &[u8]) -> Result<Option<Model>, Fault> {
    const FIND: &str =
        concat!("select ", columns!(), " from sign_in_failure where key_sha256 = $1");
    Ok(db.first(FIND, vec![key_sha256.into()]).await?)
}

/// The counts under these keys, of one moment.
///
/// # Errors
/// When the database fails.
pub async fn find_all(db: &impl Ask, keys_sha256: [&[u8]; 3]) -> Result<[Option<Model>; 3], Fault> {
    const FIND_ALL: &str =
        concat!("select ", columns!(), " from sign_in_failure where key_sha256 in ($1, $2, $3)");
    let rows = db.every(FIND_ALL, keys_sha256.map(Value::from).into()).await?;
    Ok(sorted(rows, keys_sha256))
}

/// These rows, in the order of their keys.
fn sorted<const N: usize>(mut rows: Vec<Model>, keys_sha256: [&[u8]; N]) -> [Option<Model>; N] {
    keys_sha256.map(|key| {
        let place = rows.iter().position(|row| equal(&row.key_sha256, key))?;
        Some(rows.swap_remove(place))
    })
}

/// Holds the count under this key for as long as the transaction lasts, be there one yet or not, and answers it.
///
/// # Errors
/// When the database fails.
pub async fn hold(db: &impl Ask, key_sha256: &[u8], now: DateTime<Utc>) -> Result<Model, Fault> {
    // a write to the row is a lock on PostgreSQL; SQLite's writer is alone anyway
    const HOLD: &str = concat!(
        "insert into sign_in_failure (",
        columns!(),
        ") values ($1, 0, $2, $3)
         on conflict (key_sha256) do update set failures = sign_in_failure.failures
         returning ",
        columns!()
    );
    let never = millis(DateTime::UNIX_EPOCH);
    let held = db.first(HOLD, vec![key_sha256.into(), millis(now).into(), never.into()]).await?;
    held.ok_or_else(uncounted)
}

/// Takes back what was counted at `counted_at`; if nothing was since, the last failure is that of `before` again.
///
/// # Errors
/// When the database fails.
pub async fn give_back(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
    (counted_at, before): (DateTime<Utc>, Instant),
) -> Result<(), Fault> {
    let counted = COLUMN.key_sha256.eq(key_sha256.to_vec());
    Entity::update_many()
        .col_expr(Column::LastFailedAt, Expr::value(before))
        .filter(counted.clone())
        .filter(COLUMN.last_failed_at.eq(instant(counted_at)))
        .exec(db)
        .await?;
    Entity::update_many()
        .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
        .filter(counted)
        .filter(COLUMN.failures.gt(0))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes back one that was counted, in the window that began then if one is said: another that has begun since
/// keeps all it has. `counted` is what the count was with it.
///
/// # Errors
/// When the database fails.
pub async fn take_back(
    db: &impl Ask,
    counted: &Model,
    window_started_at: Option<Instant>,
) -> Result<(), Fault> {
    macro_rules! of_window {
        () => {
            "where key_sha256 = $1 and ($2 is null or window_started_at = $2)"
        };
    }
    // a window begins with what is counted in it, and not with what was nothing in the end
    const LAST: &str = concat!("delete from sign_in_failure ", of_window!(), " and failures <= 1");
    const ONE: &str = concat!("update sign_in_failure set failures = failures - 1 ", of_window!());
    const ONE_OF_SEVERAL: &str = concat!(
        "update sign_in_failure set failures = failures - 1 ",
        of_window!(),
        " and failures > 1"
    );
    const NONE: &str = concat!("delete from sign_in_failure ", of_window!(), " and failures <= 0");
    let key = counted.key_sha256.as_slice();
    let values = || vec![key.into(), window_started_at.map(|at| millis(at.0)).into()];
    // there were others then, or were not: so it is now, mostly
    let likely = if counted.failures > 1 { ONE_OF_SEVERAL } else { LAST };
    if db.change(likely, values()).await? == 0 {
        // a count that others change is looked at once it is held, and by no condition that they make untrue
        db.change(ONE, values()).await?;
        db.change(NONE, values()).await?;
    }
    Ok(())
}

/// Which counts are over, so that the next failure is the first one.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// Those whose window began then or before.
    BegunBy(DateTime<Utc>),
    /// Those that nothing was added to since.
    QuietSince(DateTime<Utc>),
}

/// Adds one to each of these rows, or begins it with one: `$1` is now, `$2` what no clock of a node says yet, and
/// which are over is said by `$3` and `$4`.
macro_rules! add {
    ($rows:literal, $over:literal) => {
        concat!(
            "insert into sign_in_failure (",
            columns!(),
            ") values ",
            $rows,
            " on conflict (key_sha256) do update set
                failures = case when ",
            is_over!($over),
            " then 1 else sign_in_failure.failures + 1 end,
                window_started_at = case when ",
            is_over!($over),
            " then excluded.window_started_at else sign_in_failure.window_started_at end,
                last_failed_at = excluded.last_failed_at
              returning ",
            columns!()
        )
    };
}

macro_rules! is_over {
    ($over:literal) => {
        concat!("sign_in_failure.last_failed_at > $2 or ", $over)
    };
}

fn at(now: DateTime<Utc>, begun_by: i64, quiet_since: i64) -> Vec<Value> {
    vec![millis(now).into(), millis(latest(now)).into(), begun_by.into(), quiet_since.into()]
}

/// Counts one more failure, and answers the count. One that is over, or in a time that is still to come, starts again
/// at one.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &impl Ask,
    key_sha256: &[u8],
    over: Over,
    now: DateTime<Utc>,
) -> Result<Model, Fault> {
    const ADD: &str = add!(
        "($5, 1, $1, $1)",
        "sign_in_failure.window_started_at <= $3 or sign_in_failure.last_failed_at <= $4"
    );
    let mut values = match over {
        Over::BegunBy(then) => at(now, millis(then), i64::MIN),
        Over::QuietSince(then) => at(now, i64::MIN, millis(then)),
    };
    values.push(key_sha256.into());
    db.first(ADD, values).await?.ok_or_else(uncounted)
}

/// What a guess is counted by: in a row for its account, in a window for its address, and among those of the address
/// that are under way.
#[derive(Clone, Copy, Debug)]
pub struct GuessKeys<'a> {
    /// The account.
    pub account: &'a [u8],
    /// The address, and since when its window is another one if it began before.
    pub address: (&'a [u8], DateTime<Utc>),
    /// Those under way, and since when one must have been added for them to be so.
    pub under_way: (&'a [u8], DateTime<Utc>),
}

/// Counts a guess by all three, and answers the counts in this order, in which the rows are locked too.
///
/// # Errors
/// When the database fails.
pub async fn add_guess(
    db: &impl Ask,
    keys: GuessKeys<'_>,
    now: DateTime<Utc>,
) -> Result<[Model; 3], Fault> {
    const ADD_GUESS: &str = add!(
        "($5, 1, $1, $1), ($6, 1, $1, $1), ($7, 1, $1, $1)",
        "sign_in_failure.key_sha256 = $6 and sign_in_failure.window_started_at <= $3
         or sign_in_failure.key_sha256 = $7 and sign_in_failure.last_failed_at <= $4"
    );
    let (address, window) = keys.address;
    let (under_way, since) = keys.under_way;
    let order = [keys.account, address, under_way];
    let mut values = at(now, millis(window), millis(since));
    values.extend(order.map(Value::from));
    let counted = sorted(db.every(ADD_GUESS, values).await?, order);
    let [Some(account), Some(address), Some(under_way)] = counted else { return Err(uncounted()) };
    Ok([account, address, under_way])
}

fn uncounted() -> Fault {
    Fault::internal("a count was not counted")
}

/// Forgets the failures under this key.
///
/// # Errors
/// When the database fails.
pub async fn clear(db: &impl Ask, key_sha256: &[u8]) -> Result<(), Fault> {
    db.change("delete from sign_in_failure where key_sha256 = $1", vec![key_sha256.into()]).await?;
    Ok(())
}
