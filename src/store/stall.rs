//! A database that stalls, or vanishes: its connections stand, and nothing comes.

use sea_orm::DbErr;

use super::unavailable;
use crate::patience;

/// Waits for an answer of the database, as long as the request's patience lasts. A question that is given up is
/// dropped, and with it the transaction it belongs to.
pub(super) async fn wait<T>(asked: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let answered = patience::wait(asked).await;
    answered.unwrap_or_else(|| Err(unavailable("the database does not answer")))
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_question_without_an_answer_is_given_up() {
        let asked = wait(pending::<Result<(), DbErr>>());

        let given_up = patience::within(Duration::from_millis(5), asked).await.unwrap_err();

        assert!(given_up.to_string().contains("the database does not answer"), "{given_up}");
    }
}
