//! A database that stalls, or vanishes: its connections stand, and nothing comes.
//!
//! A question that is given up leaves its connection in the middle of an answer. The pool would wait for the end of it
//! for as long as the system believes in the connection, which is a quarter of an hour, and could use it no more until
//! then. Here a connection has to answer in time or is closed, which asks nobody's consent.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use sea_orm::{
    ConnectOptions, DbErr,
    sqlx::{Connection, PgConnection},
};
use tokio::time::{Instant, timeout};

use super::{connect::STATEMENT_TIMEOUT, unavailable};
use crate::{
    patience,
    traces::{self, Step},
};

/// How long a connection may take to come to the end of what was asked before it is closed: longer than PostgreSQL
/// takes to end a statement by itself, after which the connection is as good as new.
const LAST_ANSWER: Duration = STATEMENT_TIMEOUT.saturating_add(Duration::from_millis(600));
/// How long a connection that rested through a stall may take to say that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_millis(400);

/// When a question was given up the last time, in milliseconds since the first look at the clock; 0 is never.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// When a server took no writes the last time; as above.
static ASTRAY: AtomicU64 = AtomicU64::new(0);

/// Waits for an answer of the database, as long as the request's patience lasts. A question that is given up is
/// dropped, and with it the transaction it belongs to.
pub(super) async fn wait<T>(asked: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let step = traces::step(Step::Database);
    let Some(answered) = patience::wait(asked).await else {
        doubt();
        return step.ended(Err(unavailable("the database does not answer")));
    };
    step.ended(answered)
}

/// From now on no connection is asked that has not answered since, or proves that it lives.
pub(super) fn doubt() {
    GIVEN_UP.store(millis_at(Instant::now()), Relaxed);
}

/// From now on no connection is asked that was opened before: it may lead to a server whose place another has taken.
pub(super) fn renew() {
    ASTRAY.store(millis_at(Instant::now()), Relaxed);
}

/// Has a pool give up connections that do not answer any more.
pub(super) fn gives_up(options: &mut ConnectOptions) {
    options
        // the pool would wait five minutes for one that it makes in advance, in one of its places
        .min_connections(0)
        .map_sqlx_postgres_before_acquire(|connection, found| {
            Box::pin(async move { Ok(is_fit(connection, found.idle_for, found.age).await) })
        });
}

/// Waits for the last that a connection is asked; `None` if it does not answer in time.
pub(super) async fn last_answer<T>(asked: impl Future<Output = T>) -> Option<T> {
    timeout(LAST_ANSWER, asked).await.ok()
}

/// Whether a connection out of the pool can be asked, which was heard and opened so long ago. One that has answered since a question was given up needs no
/// proof; the others may be dead, and whoever asked one of them would lose all patience over it.
pub(super) async fn is_fit(
    connection: &mut PgConnection,
    idle_for: Duration,
    age: Duration,
) -> bool {
    let before = |ago| Instant::now().checked_sub(ago).map_or(0, millis_at);
    let astray = ASTRAY.load(Relaxed);
    if astray > 0 && before(age) <= astray {
        return false;
    }
    if before(idle_for) > GIVEN_UP.load(Relaxed) {
        return true;
    }
    matches!(timeout(SIGN_OF_LIFE, connection.ping()).await, Ok(Ok(())))
}

/// Milliseconds, counted from 1 at the first call.
fn millis_at(moment: Instant) -> u64 {
    static FIRST: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let since = moment.saturating_duration_since(*FIRST.get_or_init(Instant::now));
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_question_without_an_answer_is_given_up() {
        let asked = wait(pending::<Result<(), DbErr>>());

        let given_up = patience::within(Duration::from_millis(5), asked).await.unwrap_err();

        assert!(given_up.to_string().contains("the database does not answer"), "{given_up}");
        assert!(GIVEN_UP.load(Relaxed) > 0);
    }
}
