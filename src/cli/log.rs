//! The log of `latchkey serve`, on standard error: for people, or an object a line for programs.

use std::{
    io::{self, IsTerminal},
    panic::{self, PanicHookInfo},
};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::config::{LogConfig, LogFormat};

/// Logs what `RUST_LOG` says, in the format of the configuration. The name of a request is on every line
/// that belongs to it: as a part of its span, or in JSON in `spans`.
pub(super) fn begin(config: &LogConfig) {
    let log = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(io::stderr);
    // somebody who logs already, as a test may, keeps doing so
    let _ = match config.format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => {
            panic::set_hook(Box::new(panicked));
            log.json().flatten_event(true).with_current_span(false).try_init()
        }
    };
}

/// What `RUST_LOG` says; but never the dialogue with the mail server, which has its password in it.
fn filter() -> EnvFilter {
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    match "lettre=info".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    }
}

/// A panic is a line like every other, and not the text of the standard library.
fn panicked(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("a panic without words");
    tracing::error!(panic.location = location, "panicked: {message}");
}
