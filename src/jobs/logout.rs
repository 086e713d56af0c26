//! Tells clients that a session of theirs ended (OpenID Connect Back-Channel Logout §2.5). Like a letter,
//! each is claimed before an attempt and due again by itself: a crash delays it and never loses it, and no
//! two nodes tell it at once. A client that is slow holds up nobody else.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::logout_delivery::Model;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::{authentication, policy::Policy},
    fault::Fault,
    outbound::OutboundError,
    signing, store,
};

/// How many one look at the queue takes, and tells at once.
const BATCH: u64 = 16;
/// The pauses after each failure, in seconds: the first is longer than an attempt takes. After the last
/// attempt it is given up.
const PAUSES_SECS: [i64; 5] = [10, 30, 120, 600, 3600];
/// After so many seconds one is tried that found others on their way.
const BUSY_SECS: i64 = 1;
/// How long a logout token is good for.
const LIFETIME: TimeDelta = TimeDelta::minutes(2);
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a logout token says (§2.4); never a nonce.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    sub: String,
    sid: String,
    events: serde_json::Value,
}

/// Tells every client that is due, and answers how many have heard.
///
/// # Errors
/// When the database fails.
pub async fn run_once(app: &Arc<App>) -> Result<u64, Fault> {
    let (mut heard, db) = (0, app.store.read());
    // before the first attempt it waits for no other
    let longest = [0].into_iter().chain(PAUSES_SECS).map(TimeDelta::seconds).collect::<Vec<_>>();
    loop {
        let now = app.now();
        let due = store::logout_deliveries::list_due(db, (&longest, now), BATCH).await?;
        if due.is_empty() {
            return Ok(heard);
        }
        let mut attempts = JoinSet::new();
        for delivery in due {
            if claim(app, &delivery).await? {
                attempts.spawn(attempt(Arc::clone(app), delivery));
            }
        }
        while let Some(outcome) = attempts.join_next().await {
            let outcome = outcome.map_err(|error| Fault::internal(error.to_string()))?;
            heard += u64::from(outcome?);
        }
    }
}

async fn claim(app: &App, delivery: &Model) -> Result<bool, Fault> {
    let attempt = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
    let pause = PAUSES_SECS.get(attempt).or(PAUSES_SECS.last()).copied().unwrap_or_default();

    let retry_at = app.now() + TimeDelta::seconds(pause);
    let txn = app.store.begin().await?;
    let is_ours = store::logout_deliveries::claim(&txn, delivery, retry_at).await?;
    txn.commit().await?;
    Ok(is_ours)
}

/// Makes a claimed attempt and notes what became of it; `true` if the client has heard.
async fn attempt(app: Arc<App>, delivery: Model) -> Result<bool, Fault> {
    let outcome = tell(&app, &delivery).await?;
    let txn = app.store.begin().await?;
    let has_heard = matches!(outcome, Told::Heard);
    match outcome {
        Told::Heard => store::logout_deliveries::delete(&txn, delivery.id).await?,
        Told::Nothing => {
            let soon = app.now() + TimeDelta::seconds(BUSY_SECS);
            store::logout_deliveries::postpone(&txn, &delivery, soon).await?;
        }
        Told::InVain(error) => {
            let attempts = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
            let is_final = attempts >= PAUSES_SECS.len();
            store::logout_deliveries::fail(&txn, delivery.id, &error, is_final).await?;
            report(&delivery, &error, is_final);
            if is_final {
                let target = Target::new("client", &delivery.client_id);
                let event = Event::new("logout.undelivered", Actor::System, target);
                audit::record(&app, &txn, event.because(error)).await?;
            }
        }
    }
    txn.commit().await?;
    Ok(has_heard)
}

/// What became of an attempt.
enum Told {
    /// The client has heard, or does not want to any more.
    Heard,
    /// Others are on their way to its host: nothing was tried.
    Nothing,
    /// It did not take it.
    InVain(String),
}

/// Sends the token.
async fn tell(app: &Arc<App>, delivery: &Model) -> Result<Told, Fault> {
    let Some(client) = authentication::find_enabled(app, &delivery.client_id).await? else {
        return Ok(Told::Heard);
    };
    let Some(uri) = &client.settings.backchannel_logout_uri else { return Ok(Told::Heard) };
    let now = app.now();
    let claims = Claims {
        iss: &app.config.issuer,
        aud: &client.id,
        iat: now.timestamp(),
        exp: (now + LIFETIME).timestamp(),
        // the same at every attempt: who has heard it before can tell
        jti: delivery.id.to_string(),
        sub: delivery.user_id.to_string(),
        sid: delivery.session_id.to_string(),
        events: json!({ EVENT: {} }),
    };
    let algorithm = Policy::of(app, &client).id_token_algorithm();
    let token = signing::keys(app).await?.sign(algorithm, ("logout+jwt", &claims), now)?;
    Ok(match app.outbound.post_form(uri, &[("logout_token", token.as_str())]).await {
        Ok(200..=299) => Told::Heard,
        Ok(status) => Told::InVain(format!("answers with status {status}")),
        Err(OutboundError::Busy) => Told::Nothing,
        Err(error) => Told::InVain(error.to_string()),
    })
}

fn report(delivery: &Model, error: &str, is_final: bool) {
    let (id, client) = (delivery.id, &delivery.client_id);
    if is_final {
        tracing::error!(logout.id = %id, client.id = %client, %error, "a client was not told of a logout");
    } else {
        tracing::warn!(logout.id = %id, client.id = %client, %error, "a logout must wait");
    }
}
