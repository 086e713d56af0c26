//! Removes what has expired or ended, so that size follows what lives and not history.
//!
//! A pass walks through every table, a few rows at a time, and rests after each step for a multiple
//! of what the step took: whoever serves requests is not to notice. Each removal is a transaction of
//! its own and short. Cut off anywhere, a pass leaves nothing half done.
//!
//! Rows that have ended say so themselves. Rows that have lost what they need, as the tokens of a
//! revoked family, end soon anyway: they are looked for in samples, and all around one that is found.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::{
    app::App,
    clients,
    fault::Fault,
    store::{
        self,
        sweep::{Step, Stretch, Table},
    },
};

/// Rows that one step looks at, to begin with and at most.
const FIRST_STEP: u64 = 128;
const LONGEST_STEP: u64 = 512;
const SHORTEST_STEP: u64 = 8;
/// Rows that a thorough step looks at, and how many steps there are to each.
const THOROUGH_STEP: u64 = 64;
const THOROUGH: i64 = 8;
/// How long a removal is to hold the writer: about as long as one of those who wait for it.
const HELD: Duration = Duration::from_micros(350);
/// Rests, in multiples of what was done before: after a look, and after a removal.
const REST: u32 = 127;
const SHORT_REST: u32 = 12;
/// The rest after a removal shrinks with every so many rows that a pass removes: however fast rows
/// are made, they are removed faster.
const BACKLOG: u64 = 2_000_000;
/// A stretch of which one row in so many is dead has company: the rest is short.
const MANY: u64 = 4;

/// Removes every row that nobody needs any more, unless another node is doing so, and answers how
/// many there were.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    let Some(lease) = store::sweep::lease(&app.store, store::sweep::Chore::Sweep).await? else {
        return Ok(0);
    };
    let mut gone = 0;
    for table in store::sweep::tables() {
        // what has ended while the tables before it were walked through goes with this pass
        gone += walk(app, &table, app.now(), gone).await?;
    }
    let txn = app.store.begin().await?;
    gone += store::invalidations::sweep(&txn).await?;
    txn.commit().await?;
    gone += clients::dynamic::collect(app).await?;
    lease.give_back().await?;
    Ok(gone)
}

/// Walks through one table, after `before` rows were removed from others.
async fn walk(app: &App, table: &Table, now: DateTime<Utc>, before: u64) -> Result<u64, Fault> {
    let (mut gone, mut rows, mut position) = (0, FIRST_STEP, None);
    // every pass has other samples
    let (mut number, mut is_thorough) = (now.timestamp_millis(), true);
    loop {
        let began = Instant::now();
        let length = if is_thorough { rows.min(THOROUGH_STEP) } else { rows };
        let step = Step { after: position.as_ref(), rows: length, is_thorough };
        let stretch = store::sweep::look(app.store.read(), table, now, step).await?;
        let looked = began.elapsed();
        if stretch.dead() == 0 {
            rows = next_step(rows, Duration::ZERO);
        } else {
            let (removed, held) = remove(app, table, now, &stretch).await?;
            gone += removed;
            rows = next_step(rows, held);
        }
        let rest = rest(&stretch, looked, began.elapsed(), before + gone);
        (number, is_thorough) = (number + 1, stretch.orphaned > 0 || number % THOROUGH == 0);
        position = stretch.next;
        if position.is_none() {
            return Ok(gone);
        }
        tokio::time::sleep(rest).await;
    }
}

/// How long to rest after a look at a stretch, and after what was done with it in all, in a pass that
/// has removed `gone` rows.
fn rest(stretch: &Stretch, looked: Duration, all: Duration, gone: u64) -> Duration {
    let backlog = u32::try_from(gone / BACKLOG).unwrap_or(u32::MAX);
    let short = SHORT_REST / backlog.saturating_add(1);
    if stretch.dead() * MANY >= stretch.rows {
        all * short
    } else {
        looked * REST + all.saturating_sub(looked) * short
    }
}

/// Answers how many rows went, and how long the writer was held for them.
async fn remove(
    app: &App,
    table: &Table,
    now: DateTime<Utc>,
    stretch: &Stretch,
) -> Result<(u64, Duration), Fault> {
    let txn = app.store.begin().await?;
    let began = Instant::now();
    let removed = store::sweep::remove(&txn, table, now, stretch).await?;
    let held = began.elapsed();
    txn.commit().await?;
    Ok((removed, held))
}

/// How many rows the next step looks at, after one of `step` rows that held the writer for so long.
fn next_step(step: u64, held: Duration) -> u64 {
    if held > HELD {
        let fitting = u128::from(step) * HELD.as_nanos() / held.as_nanos();
        u64::try_from(fitting).map_or(step, |fitting| fitting.max(SHORTEST_STEP))
    } else if held < HELD / 2 {
        (step * 2).min(LONGEST_STEP)
    } else {
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_as_long_as_the_writer_can_be_spared() {
        let next = |step, micros| next_step(step, Duration::from_micros(micros));

        assert_eq!([next(128, 700), next(16, 900_000), next(512, 400)], [64, 8, 448]);
        assert_eq!([next(128, 100), next(512, 100), next(300, 0)], [256, 512, 512]);
        assert_eq!([next(128, 175), next(128, 350)], [128, 128]);
    }
}
