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
    clock::Pace,
    fault::Fault,
    store::{
        self,
        chores::{Chore, Lease},
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
/// Rests, in multiples of what was done before: after a look, and after a removal.
const REST: u32 = 127;
const SHORT_REST: u32 = 20;
/// The longest rest: a lease is held for not much longer without a word.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// The rest after a look halves whenever a pass has taken so long again: however much there is to look
/// at, what has ended does not wait for hours.
const PATIENCE: Duration = Duration::from_mins(5);
/// The rest after a removal shrinks with every so many rows that a pass removes: however fast rows
/// are made, they are removed faster.
const BACKLOG: u64 = 2_000_000;
/// A stretch of which one row in so many is dead has company: the rest is short.
const MANY: u64 = 4;

/// The instant by which something has to have ended to be removed.
struct Horizon<'a> {
    app: &'a App,
    pace: Option<&'a Pace>,
}

impl Horizon<'_> {
    fn now(&self) -> DateTime<Utc> {
        let now = self.app.now();
        self.pace.map_or(now, |pace| pace.follow(now, Instant::now()))
    }
}

/// Removes every row that nobody needs any more, unless another node is doing so, and answers how
/// many there were. The clock is believed.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    pass(&Horizon { app, pace: None }).await
}

/// The same of a server that goes on and on: the clock is believed as far as the pace allows.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn run_paced(app: &App, pace: &Pace) -> Result<u64, Fault> {
    pass(&Horizon { app, pace: Some(pace) }).await
}

async fn pass(horizon: &Horizon<'_>) -> Result<u64, Fault> {
    let app = horizon.app;
    let Some(lease) = store::chores::lease(&app.store, Chore::Sweep).await? else {
        return Ok(0);
    };
    let mut pass = Pass { began: Instant::now(), gone: 0, lease: &lease };
    pass.gone += forget_changes(app, &lease).await?;
    let mut failed = None;
    for table in store::sweep::tables() {
        if let Err(fault) = walk(horizon, &table, &mut pass).await {
            // whoever has lost the lease is not to go on; what is in the way of one table is not in the others'
            lease.hold().await?;
            failed.get_or_insert(fault);
        }
    }
    lease.hold().await?;
    let gone = pass.gone + clients::dynamic::collect(app).await?;
    lease.give_back().await?;
    failed.map_or(Ok(gone), Err)
}

/// Removes old changes from the log, a few at a time.
async fn forget_changes(app: &App, lease: &Lease) -> Result<u64, Fault> {
    let mut gone = 0;
    loop {
        let began = Instant::now();
        let txn = app.store.begin_removal().await?;
        let opened = Instant::now();
        let removed = store::invalidations::sweep(&txn).await?;
        txn.commit().await?;
        app.metrics.removed(opened.elapsed());
        gone += removed;
        if removed < store::invalidations::SWEPT {
            return Ok(gone);
        }
        rest(began.elapsed() * SHORT_REST).await;
        lease.hold().await?;
    }
}

async fn rest(rest: Duration) {
    tokio::time::sleep(rest.min(LONGEST_REST)).await;
}

/// A pass through every table, and how many rows it has removed.
struct Pass<'a> {
    began: Instant,
    gone: u64,
    lease: &'a Lease,
}

/// Walks through one table.
async fn walk(horizon: &Horizon<'_>, table: &Table, pass: &mut Pass<'_>) -> Result<(), Fault> {
    let app = horizon.app;
    let (mut rows, mut position, mut is_thorough) = (FIRST_STEP, None, true);
    let (mut now, longest) = (horizon.now(), store::sweep::longest_removal(&app.store));
    // every pass has other samples
    let mut number = now.timestamp_millis();
    loop {
        let began = Instant::now();
        let length = if is_thorough { rows.min(THOROUGH_STEP) } else { rows };
        let step = Step { after: position.as_ref(), rows: length, is_thorough };
        let stretch = store::sweep::look(app.store.read(), table, now, step).await?;
        let looked = began.elapsed();
        if stretch.dead() == 0 {
            rows = next_step(rows, Duration::ZERO, longest);
        } else {
            let (removed, held) = remove(app, table, now, &stretch).await?;
            pass.gone += removed;
            rows = next_step(rows, held, longest);
        }
        let (long, short) = rests(pass.began.elapsed(), pass.gone);
        let removing = began.elapsed().saturating_sub(looked);
        let has_company = stretch.dead() * MANY >= stretch.rows;
        let pause = looked * if has_company { short } else { long } + removing * short;
        (number, is_thorough) = (number + 1, stretch.orphaned > 0 || number % THOROUGH == 0);
        position = stretch.next;
        if position.is_none() {
            return Ok(());
        }
        rest(pause).await;
        pass.lease.hold().await?;
        // a walk may take minutes, and what ends before it gets there goes with it
        now = horizon.now();
    }
}

/// The rests after a look and after a removal, in multiples of what they took, of a pass that has
/// taken so long and removed `gone` rows.
fn rests(taken: Duration, gone: u64) -> (u32, u32) {
    let halved = u32::try_from(taken.as_secs() / PATIENCE.as_secs()).unwrap_or(u32::MAX);
    let backlog = u32::try_from(gone / BACKLOG).unwrap_or(u32::MAX);
    let long = REST.checked_shr(halved).unwrap_or_default();
    (long.max(SHORT_REST), SHORT_REST / backlog.saturating_add(1))
}

/// Answers how many rows went, and how long that took.
async fn remove(
    app: &App,
    table: &Table,
    now: DateTime<Utc>,
    stretch: &Stretch,
) -> Result<(u64, Duration), Fault> {
    store::retrying(|| async {
        let txn = app.store.begin_removal().await?;
        let began = Instant::now();
        let removed = store::sweep::remove(&txn, table, now, stretch).await?;
        let held = began.elapsed();
        txn.commit().await?;
        app.metrics.removed(began.elapsed());
        Ok((removed, held))
    })
    .await
}

/// How many rows the next step looks at, after one of `step` rows whose removal took as long as `held`, and is to take
/// no longer than `longest`.
fn next_step(step: u64, held: Duration, longest: Duration) -> u64 {
    if held > longest {
        let fitting = u128::from(step) * longest.as_nanos() / held.as_nanos();
        u64::try_from(fitting).map_or(step, |fitting| fitting.max(SHORTEST_STEP))
    } else if held < longest / 2 {
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
        let longest = Duration::from_micros(350);
        let next = |step, micros| next_step(step, Duration::from_micros(micros), longest);

        assert_eq!([next(128, 700), next(16, 900_000), next(512, 400)], [64, 8, 448]);
        assert_eq!([next(128, 100), next(512, 100), next(300, 0)], [256, 512, 512]);
        assert_eq!([next(128, 175), next(128, 350)], [128, 128]);
    }

    #[test]
    fn rests_are_shorter_the_longer_a_pass_takes_and_the_more_it_removes() {
        let minutes = |minutes| rests(Duration::from_mins(minutes), 0);

        assert_eq!(
            [0, 4, 5, 10, 15].map(minutes),
            [(127, 20), (127, 20), (63, 20), (31, 20), (20, 20)]
        );
        assert_eq!([20, 600].map(minutes), [(20, 20); 2]);
        let removed = |gone| rests(Duration::ZERO, gone);
        assert_eq!(
            [1_999_999, 2_000_000, 60_000_000].map(removed),
            [(127, 20), (127, 10), (127, 0)]
        );
    }
}
