//! Removes what has expired, in small batches, so that no statement holds the writer for long.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{app::App, fault::Fault, store};

/// Rows that one statement removes.
const BATCH: u64 = 500;
/// Failed sign-ins count for minutes; a day later nobody asks.
const FAILURES_KEPT: TimeDelta = TimeDelta::days(1);

/// The tables that have rows to remove.
#[derive(Clone, Copy)]
enum Table {
    AccessTokens,
    AuthorizationRequests,
    BrowserSessions,
    SignInFailures,
    AuthorizationCodes,
}

const TABLES: [Table; 5] = [
    Table::AccessTokens,
    Table::AuthorizationRequests,
    Table::BrowserSessions,
    Table::SignInFailures,
    Table::AuthorizationCodes,
];

/// Removes every row that has expired, and answers how many there were.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    let now = app.now();
    let mut gone = 0;
    for table in TABLES {
        loop {
            let removed = table.remove(app, now).await?;
            gone += removed;
            if removed < BATCH {
                break;
            }
        }
    }
    Ok(gone)
}

impl Table {
    async fn remove(self, app: &App, now: DateTime<Utc>) -> Result<u64, Fault> {
        let txn = app.store.begin().await?;
        let removed = match self {
            Self::AccessTokens => store::access_tokens::sweep(&txn, now, BATCH).await?,
            Self::AuthorizationRequests => {
                store::authorization_requests::sweep(&txn, now, BATCH).await?
            }
            Self::BrowserSessions => store::browser_sessions::sweep(&txn, now, BATCH).await?,
            Self::SignInFailures => {
                store::sign_in_failures::sweep(&txn, now - FAILURES_KEPT, BATCH).await?
            }
            // RFC 6749 §4.1.2: as long as a code's tokens may live, its replay must revoke them
            Self::AuthorizationCodes => {
                let kept = app.config.oauth.refresh_token_absolute_ttl();
                store::authorization_codes::sweep(&txn, now - kept, BATCH).await?
            }
        };
        txn.commit().await?;
        Ok(removed)
    }
}
