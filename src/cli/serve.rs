//! `latchkey serve`.

use std::{io, sync::Arc};

use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::{
    Failure, certificate, demo, log, output,
    settings::{self, Settings},
    traces,
};
use crate::{config::Config, server, web::listener::Listener};

/// Serves until SIGTERM or SIGINT, then drains; a second signal ends at once. SIGHUP has the certificate
/// read again, if there is one, and ends nothing.
pub(super) async fn run(settings: &Settings, is_demo: bool) -> Result<(), Failure> {
    let mut config = if is_demo { settings.load_over(demo::PRODUCTS)? } else { settings.load()? };
    log::begin(&config.log);
    let hangup = signal(SignalKind::hangup())?;
    // before anything is written: a second server on the same port must change nothing
    let tls = certificate::open(&config)?;
    let listener = bind(&mut config).await?;
    let mut signals = Signals::new()?;
    let traces = traces::begin(&config)?;
    let app = settings::open_to_serve(config).await?;
    if is_demo {
        demo::run(&app).await?;
    }
    let tls = certificate::keep_fresh(tls, Arc::clone(&app.clock), hangup);
    output::line(&format!(
        "Latchkey {} listens on {} as {}",
        env!("CARGO_PKG_VERSION"),
        listener.local_addr()?,
        app.config.issuer
    ))?;
    let listener = Listener::new(listener, tls);
    let (stop, stopping) = watch::channel(false);
    let mut serving = tokio::spawn(server::run(app, listener, stopping));
    tokio::select! {
        ended = &mut serving => return finished(ended),
        () = signals.next() => {}
    }
    tracing::info!("stopping: open requests may finish");
    // a receiver that is gone has stopped already
    let _ = stop.send(true);
    let ending = async {
        let ended = serving.await;
        traces::end(traces).await;
        ended
    };
    tokio::select! {
        ended = ending => finished(ended),
        () = signals.next() => Err(Failure::new("stopped by a second signal before all requests ended")),
    }
}

type Ended = Result<Result<(), crate::fault::Fault>, tokio::task::JoinError>;

fn finished(ended: Ended) -> Result<(), Failure> {
    match ended {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::new(format!("the server ended in a panic: {error}"))),
    }
}

/// Opens the port. Port 0 means any; the issuer that was derived from it follows.
async fn bind(config: &mut Config) -> Result<TcpListener, Failure> {
    let asked = config.listen;
    let listener = TcpListener::bind(asked)
        .await
        .map_err(|error| Failure::new(format!("listen {asked} cannot be used: {error}")))?;
    let address = listener.local_addr()?;
    let was_derived = config.own_url().is_ok_and(|url| url == config.issuer);
    config.listen = address;
    if was_derived && asked != address {
        config.issuer = config.own_url()?;
    }
    Ok(listener)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
