//! The certificate of `latchkey serve`: read before anything is begun, and again when it is replaced.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    signal::unix::Signal,
    time::{MissedTickBehavior, interval},
};

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    crypto::certificate::{Certificate, PemFiles},
    web::listener::Tls,
};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The files that the configuration names, if it names any.
pub(super) fn files(config: &Config) -> Option<PemFiles> {
    let (certificates, key) =
        (config.http.tls_cert_file.clone()?, config.http.tls_key_file.clone()?);
    Some(PemFiles { certificates, key })
}

/// A certificate that was read, and what shows it.
pub(super) type Opened = (Tls, Certificate);

/// The certificate that the configuration names, if it names one.
pub(super) fn open(config: &Config) -> Result<Option<Opened>, Failure> {
    Ok(files(config).map(Tls::open).transpose()?)
}

/// Has new files taken up within a minute, or at once on SIGHUP. What is broken is told of, and what
/// was there before goes on being shown.
pub(super) fn keep_fresh(
    opened: Option<Opened>,
    clock: Arc<dyn Clock>,
    hangup: Signal,
) -> Option<Arc<Tls>> {
    let Some((tls, certificate)) = opened else {
        tokio::spawn(say_that_nothing_is_read(hangup));
        return None;
    };
    tell("the certificate", &certificate, clock.now());
    let tls = Arc::new(tls);
    tokio::spawn(look(Arc::clone(&tls), clock, hangup));
    Some(tls)
}

/// To a process that does not listen to SIGHUP it is the end, and whoever rotates logs or has changed a
/// setting sends it by habit.
async fn say_that_nothing_is_read(mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        tracing::info!(
            "SIGHUP: there is no certificate to read again; settings are read at the start only"
        );
    }
}

async fn look(tls: Arc<Tls>, clock: Arc<dyn Clock>, mut hangup: Signal) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_asked = tokio::select! {
            _ = ticks.tick() => false,
            _ = hangup.recv() => true,
        };
        let looked = Arc::clone(&tls);
        // a disk may take its time
        let found = tokio::task::spawn_blocking(move || looked.look_again()).await;
        match found {
            Ok(Ok(Some(certificate))) => tell("a new certificate", &certificate, clock.now()),
            Ok(Ok(None)) if is_asked => {
                tracing::info!("the files of the certificate say what they said before");
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the certificate cannot be replaced; the one before goes on");
            }
            Err(error) => tracing::error!(%error, "looking at the certificate ended in a panic"),
        }
    }
}

fn tell(which: &str, certificate: &Certificate, now: DateTime<Utc>) {
    let (names, until) = (certificate.names.join(", "), certificate.not_after);
    tracing::info!("{which} is shown: for {names}, until {until}");
    if let Some(problem) = certificate.untimely(now) {
        tracing::warn!("the certificate for {names} {problem}");
    }
}
