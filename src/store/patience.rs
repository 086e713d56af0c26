//! How long the database is waited for. One that stalls does not say so: its connections stand, and
//! nothing comes. Whoever asks must have a 503 within three seconds all the same (contract §4).

use std::{cell::Cell, time::Duration};

use sea_orm::DbErr;
use tokio::time::{Instant, timeout};

use super::unavailable;
use crate::traces::{self, Step};

/// For one question, and for all questions of one request together: less than the three seconds.
pub(super) const PATIENCE: Duration = Duration::from_millis(2_500);
/// An answer within this costs a request nothing: many questions are not a stall.
const PROMPT: Duration = Duration::from_millis(100);

tokio::task_local! {
    /// What is left of a request's patience.
    static LEFT: Cell<Duration>;
}

/// Runs a request: however often it has to wait for the database, all of it together does not take
/// longer than one question may. Outside of it each question has a patience of its own.
pub async fn shared<T>(request: impl Future<Output = T>) -> T {
    LEFT.scope(Cell::new(PATIENCE), request).await
}

/// Waits for an answer of the database. A question that is given up is dropped, and with it the
/// transaction it belongs to.
pub(super) async fn wait<T>(asked: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let left = LEFT.try_with(Cell::get).unwrap_or(PATIENCE);
    let begun = Instant::now();
    let step = traces::step(Step::Database);
    let answered = timeout(left, asked).await;
    let took = begun.elapsed();
    if took > PROMPT {
        // without a request nobody keeps count
        let _ = LEFT.try_with(|it| it.set(left.saturating_sub(took)));
    }
    step.ended(answered.unwrap_or_else(|_| Err(unavailable("the database does not answer"))))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    async fn slow() -> Result<(), DbErr> {
        tokio::time::sleep(PROMPT + Duration::from_millis(20)).await;
        Ok(())
    }

    async fn within<T>(left: Duration, request: impl Future<Output = T>) -> T {
        LEFT.scope(Cell::new(left), request).await
    }

    #[tokio::test]
    async fn a_question_without_an_answer_is_given_up() {
        let asked = wait(pending::<Result<(), DbErr>>());

        let given_up = within(Duration::from_millis(5), asked).await.unwrap_err();

        assert!(given_up.to_string().contains("the database does not answer"), "{given_up}");
    }

    #[tokio::test]
    async fn all_questions_of_a_request_share_one_patience() {
        within(PROMPT * 2, async {
            wait(slow()).await.unwrap();
            assert!(wait(slow()).await.is_err());
        })
        .await;
        // a request has a patience of its own
        shared(async { wait(slow()).await.unwrap() }).await;
    }

    #[tokio::test]
    async fn prompt_answers_cost_nothing() {
        within(PROMPT, async {
            for _ in 0..10 {
                wait(async { Ok(()) }).await.unwrap();
            }
            assert_eq!(LEFT.with(Cell::get), PROMPT);
        })
        .await;
    }
}
