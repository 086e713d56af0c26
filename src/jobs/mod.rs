//! What goes on in the background: letters leave, expired rows go, keys that are about to expire are
//! told of, clients hear that sessions end, keys are replaced, uses are written down, events are put into
//! the chain of the audit trail, nodes hear of each other.

pub mod chain;
pub mod deliver;
pub mod expiry;
pub mod follow;
pub mod logout;
pub mod reseal;
pub mod share;
pub mod signing_keys;
pub mod sweep;
pub mod usage;
pub mod warm;

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::watch, task::JoinSet, time::MissedTickBehavior};

use crate::{app::App, fault::Fault};

/// How long a job that failed waits, unless it runs less often.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Job {
    Chain,
    Deliver,
    Expiry,
    Logout,
    Share,
    SigningKeys,
    Sweep,
    Usage,
}

impl Job {
    const ALL: [Self; 8] = [
        Self::Chain,
        Self::Deliver,
        Self::Expiry,
        Self::Logout,
        Self::Share,
        Self::SigningKeys,
        Self::Sweep,
        Self::Usage,
    ];

    const fn period(self) -> Duration {
        match self {
            Self::Logout => Duration::from_secs(1),
            Self::Chain | Self::Deliver | Self::Usage => Duration::from_secs(2),
            // several nodes go over a limit by what comes in this time
            Self::Share => Duration::from_millis(50),
            Self::Sweep => Duration::from_mins(1),
            Self::Expiry | Self::SigningKeys => Duration::from_mins(10),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Deliver => "deliver",
            Self::Expiry => "expiry",
            Self::Logout => "logout",
            Self::Share => "share",
            Self::SigningKeys => "signing_keys",
            Self::Sweep => "sweep",
            Self::Usage => "usage",
        }
    }

    /// Whether this server has such work at all.
    fn is_wanted(self, app: &App) -> bool {
        match self {
            Self::Share => app.limiter.is_shared(),
            Self::Chain
            | Self::Deliver
            | Self::Expiry
            | Self::Logout
            | Self::SigningKeys
            | Self::Sweep
            | Self::Usage => true,
        }
    }

    async fn run_once(self, app: &Arc<App>) -> Result<u64, Fault> {
        match self {
            Self::Chain => chain::run_once(app).await,
            Self::Deliver => deliver::run_once(app).await,
            Self::Expiry => expiry::run_once(app).await,
            Self::Logout => logout::run_once(app).await,
            Self::Share => share::run_once(app).await,
            Self::SigningKeys => signing_keys::run_once(app).await,
            Self::Sweep => sweep::run_paced(app, &app.pace).await,
            Self::Usage => usage::run_once(app).await,
        }
    }

    async fn run(self, app: Arc<App>, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(self.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_out = false;
        loop {
            tokio::select! {
                biased;
                // a sender that is gone stops the job too
                _ = stop.wait_for(|is_stopping| *is_stopping) => return,
                _ = ticks.tick() => {}
            }
            let run = self.run_once(&app);
            let outcome = match self {
                // a pass may be long, and leaves nothing half done
                Self::Sweep => tokio::select! {
                    biased;
                    _ = stop.wait_for(|is_stopping| *is_stopping) => return,
                    outcome = run => outcome,
                },
                _ => run.await,
            };
            app.metrics.ran(self.name(), outcome.as_ref().ok().copied());
            is_out = self.report(&outcome, is_out);
            if outcome.is_err() {
                ticks.reset_after(self.period().max(PAUSE_AFTER_FAILURE));
            }
        }
    }

    /// Writes down that a job begins to fail for now, and that it is well again: once an outage,
    /// not once a run. Answers whether there is an outage.
    fn report(self, outcome: &Result<u64, Fault>, was_out: bool) -> bool {
        match outcome {
            Ok(_) if was_out => {
                tracing::info!(job = ?self, "a background job works again");
                false
            }
            Ok(_) => false,
            Err(fault) if fault.is_transient() => {
                if !was_out {
                    tracing::warn!(job = ?self, %fault, "a background job fails for now");
                }
                true
            }
            Err(fault) => {
                tracing::error!(job = ?self, %fault, "a background job failed");
                was_out
            }
        }
    }
}

/// Starts every job. After `stop` turns true each ends as soon as the run it is in is over, or cut.
#[must_use]
pub fn spawn(app: &Arc<App>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(follow::run(Arc::clone(app), stop.clone()));
    jobs.spawn(warm::run(Arc::clone(app), stop.clone()));
    for job in Job::ALL.into_iter().filter(|job| job.is_wanted(app)) {
        let run = job.run(Arc::clone(app), stop.clone());
        match job {
            // its statements run where they are asked: not on a thread that requests wait for
            Job::Sweep => {
                let runtime = Handle::current();
                jobs.spawn_blocking(move || runtime.block_on(run));
            }
            _ => {
                jobs.spawn(run);
            }
        }
    }
    jobs
}
