//! What goes on in the background: letters leave, expired rows go.

pub mod deliver;
pub mod sweep;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

use crate::{app::App, fault::Fault};

#[derive(Clone, Copy, Debug)]
enum Job {
    Deliver,
    Sweep,
}

impl Job {
    const ALL: [Self; 2] = [Self::Deliver, Self::Sweep];

    const fn period(self) -> Duration {
        match self {
            Self::Deliver => Duration::from_secs(2),
            Self::Sweep => Duration::from_mins(1),
        }
    }

    async fn run_once(self, app: &App) -> Result<u64, Fault> {
        match self {
            Self::Deliver => deliver::run_once(app).await,
            Self::Sweep => sweep::run_once(app).await,
        }
    }

    async fn run(self, app: Arc<App>, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(self.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // a sender that is gone stops the job too
                _ = stop.wait_for(|is_stopping| *is_stopping) => return,
                _ = ticks.tick() => {}
            }
            let run = self.run_once(&app);
            let outcome = match self {
                Self::Deliver => run.await,
                // a pass may be long, and leaves nothing half done
                Self::Sweep => tokio::select! {
                    biased;
                    _ = stop.wait_for(|is_stopping| *is_stopping) => return,
                    outcome = run => outcome,
                },
            };
            match outcome {
                Ok(_) => {}
                Err(fault) if fault.is_transient() => {
                    tracing::warn!(job = ?self, %fault, "a background job failed for now");
                }
                Err(fault) => tracing::error!(job = ?self, %fault, "a background job failed"),
            }
        }
    }
}

/// Starts every job. After `stop` turns true each ends as soon as the run it is in is over, or cut.
#[must_use]
pub fn spawn(app: &Arc<App>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    for job in Job::ALL {
        jobs.spawn(job.run(Arc::clone(app), stop.clone()));
    }
    jobs
}
