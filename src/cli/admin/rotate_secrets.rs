//! `latchkey admin rotate-secrets`: replaces the keys of `secrets.toml`, and signs nobody out.
//!
//! 1. `--prepare` adds the next keys to the file. A node that has read them believes them and does not use them.
//! 2. Without a flag, those are used from now on, or new ones, and the old ones are believed.
//! 3. `--finish` seals everything anew that is stored sealed, and takes those of the old keys away that protect
//!    nothing any more. What is kept, and why, is printed; it can be run again later.
//!
//! After each of the first two every node gets the file and is restarted. A single server needs no step 1.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;

use super::{Failure, Format};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    cli::{
        output::{self, Record},
        settings,
    },
    crypto::secrets_file::rotation::{self, Replaced},
    fault::Fault,
    jobs::reseal,
    store,
};

/// How long nodes with the file before may run beside those with the new one.
const RESTARTED: TimeDelta = TimeDelta::days(1);
/// As long as a session and what it shows can last.
const FORMS: TimeDelta = TimeDelta::days(14);
/// Longer than any link in a letter works.
const LINKS: TimeDelta = TimeDelta::days(14);

const DERIVATION: &str = "refresh tokens and their successors";
const SEALING: &str = "authenticator apps, private signing keys and queued letters";
const CSRF: &str = "forms that are open, cursors of lists and nonces";
const LINK: &str = "links in letters, and sign-ins that wait for a second factor";
const RECOVERY: &str = "recovery codes on paper";
const TRAIL: &str = "the audit trail";

/// `rotate-secrets`.
#[derive(Args)]
pub(crate) struct RotateSecrets {
    /// Add the next keys to the file, to be known by every node before any node uses them
    #[arg(long, conflicts_with_all = ["finish", "at_once"])]
    prepare: bool,
    /// Seal everything under the present keys, and take away the old ones that are not needed
    #[arg(long, conflicts_with = "at_once")]
    finish: bool,
    /// Use new keys that no other node knows: there is one node, or all of them stop meanwhile
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    format: Format,
}

impl RotateSecrets {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let file = settings::secrets_file(&app.config);
        if self.finish {
            return self.finish(app).await;
        }
        if self.prepare {
            if !rotation::prepare(&file, &*app.random)? {
                return Err(Failure::new("the next keys are in the file already"));
            }
            record(app, "secrets.prepare", None).await?;
            return self.say("prepared", "Give the file to every node, restart each, then rotate");
        }
        let has_one_node = app.config.database_url.is_none() || self.at_once;
        if !has_one_node && !rotation::is_prepared(&file)? {
            return Err(Failure::new(
                "other nodes would not know the new keys: begin with --prepare, or stop them and say --at-once",
            ));
        }
        // what has happened until now is signed with the keys until now
        audit::chain::extend(app, u64::MAX).await?;
        rotation::replace(&file, &*app.random, app.now())?;
        record(app, "secrets.replace", None).await?;
        self.say(
            "replaced",
            "Give the file to every node, restart each within a day, then --finish",
        )
    }

    fn say(&self, state: &'static str, next: &'static str) -> Result<(), Failure> {
        output::record(Record::new().with("keys", state).with("next", next), self.format.json)
    }

    async fn finish(&self, app: &App) -> Result<(), Failure> {
        let file = settings::secrets_file(&app.config);
        let sealed = reseal::run_once(app).await?;
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for replaced in rotation::list(&file)? {
            for name in &replaced.names {
                match needed(app, &replaced, name).await? {
                    Some(why) => kept.push((replaced.at, *name, why)),
                    None => dropped.push((replaced.at, *name)),
                }
            }
        }
        rotation::drop_unneeded(&file, &*app.random, |at, name| !dropped.contains(&(at, name)))?;
        if sealed.renewed > 0 || !dropped.is_empty() {
            let what = format!("{} sealed anew, {} keys dropped", sealed.renewed, dropped.len());
            record(app, "secrets.finish", Some(what)).await?;
        }
        let keys = kept.into_iter().map(|(at, name, why)| {
            Record::new().with("key", name).with("replaced_at", moment(at)).with("kept", why)
        });
        let gone = dropped.into_iter().map(|(at, name)| {
            Record::new()
                .with("key", name)
                .with("replaced_at", moment(at))
                .with("kept", None::<String>)
        });
        output::list(keys.chain(gone).collect(), self.format.json)?;
        match sealed.unreadable {
            0 => Ok(()),
            number => {
                Err(Failure::new(format!("{number} sealed values open under no key and were left")))
            }
        }
    }
}

/// What a replaced key still protects, and until when; `None` if nothing.
async fn needed(app: &App, replaced: &Replaced, name: &str) -> Result<Option<String>, Fault> {
    let (db, now) = (app.store.read(), app.now());
    // a node that was restarted late has used the old keys until then
    let used_until = replaced.at + RESTARTED;
    let until =
        |end: DateTime<Utc>, what| (now < end).then(|| format!("until {}: {what}", moment(end)));
    Ok(match name {
        "derivation_key" => {
            let lives = store::token_families::any_live_from_before(db, used_until, now).await?;
            lives.then(|| format!("while sign-ins from before go on: {DERIVATION}"))
        }
        "recovery_codes_key" => {
            let lives = store::recovery_codes::any_unused_from_before(db, used_until).await?;
            lives.then(|| {
                format!(
                    "while codes from before are unused, which nobody can sign anew: {RECOVERY}"
                )
            })
        }
        "sealing_key" => until(used_until, SEALING),
        "csrf_key" => until(used_until + FORMS, CSRF),
        "link_key" => until(used_until + LINKS, LINK),
        _ => Some(format!("always: what happened before is signed with it: {TRAIL}")),
    })
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn record(app: &App, action: &'static str, detail: Option<String>) -> Result<(), Fault> {
    let txn = app.store.begin().await?;
    let event = Event::new(action, Actor::Operator, Target::new("secrets", "keys"));
    let event = match detail {
        Some(detail) => event.because(detail),
        None => event,
    };
    audit::record(app, &txn, event).await?;
    Ok(txn.commit().await?)
}
