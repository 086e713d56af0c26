//! Has the keys that sign ready, or makes them where there are none yet, so that nobody who signs in
//! waits for that. The server answers in the meantime.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::{app::App, signing};

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(2);

/// Tries until the keys are there, or `stop` turns true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let work = async {
        while let Err(fault) = signing::keys(&app).await {
            // whoever needs them tries by themselves and says what is wrong
            tracing::warn!(%fault, "the signing keys are not ready yet");
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        biased;
        // a sender that is gone stops the job too
        _ = stop.wait_for(|is_stopping| *is_stopping) => {}
        () = work => {}
    }
}
