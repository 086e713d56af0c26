//! Follows the log of changes, so that this node forgets what another one has changed, the command
//! line included.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    app::App,
    fault::Fault,
    store::invalidations::{self, Position},
};

/// How often the log is read; on PostgreSQL also when somebody says that there is something.
const PERIOD: Duration = Duration::from_millis(100);

/// How long to wait for another try to have a listener.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads what was changed since `position` and forgets it.
///
/// # Errors
/// When the database fails; soon nothing in memory is trusted any more.
pub async fn run_once(app: &App, position: &mut Position) -> Result<usize, Fault> {
    // what is committed after this instant may not be seen yet
    let at = app.now();
    let changed = invalidations::follow(app.store.read(), position).await?;
    let stamps = app.store.stamps();
    for subject in &changed {
        stamps.change(subject);
    }
    app.cache.followed(at);
    Ok(changed.len())
}

/// Follows until `stop` turns true.
pub(super) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut position, mut listener, mut is_lost) = (Position::default(), None, false);
    // beside the reading: where there is no connection for a listener, the log is read all the same
    let (mut connecting, mut tried) = (JoinSet::new(), None::<Instant>);
    loop {
        tokio::select! {
            biased;
            // a sender that is gone stops the job too
            _ = stop.wait_for(|is_stopping| *is_stopping) => return,
            _ = ticks.tick() => {}
            () = invalidations::word(&mut listener) => {}
            Some(found) = connecting.join_next() => listener = found.unwrap_or_default(),
        }
        let followed = run_once(&app, &mut position).await;
        match &followed {
            Ok(_) if is_lost => tracing::info!("the log of changes is followed again"),
            Err(fault) if !is_lost => {
                tracing::warn!(%fault, "the log of changes cannot be read: nothing is answered \
                    from memory until it can");
            }
            _ => {}
        }
        is_lost = followed.is_err();
        let is_due = tried.is_none_or(|tried| tried.elapsed() > PAUSE);
        if listener.is_none() && connecting.is_empty() && is_due && !is_lost {
            tried = Some(Instant::now());
            let app = Arc::clone(&app);
            let listen = async move { invalidations::listen(&app.store).await.unwrap_or_default() };
            connecting.spawn(listen);
        }
    }
}
