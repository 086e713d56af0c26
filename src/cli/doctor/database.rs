//! Whether the database answers, is whole, has this version's schema, and keeps what it acknowledges.

use chrono::{DateTime, Utc};

use super::findings::Findings;
use crate::{
    cli::settings::{database_file, secrets_file},
    config::Config,
    crypto::secrets_file::Secrets,
    fault::Fault,
    signing,
    store::{
        Store,
        condition::{self, FileCondition, ServerCondition},
        schema::Schema,
    },
};

const DATABASE: &str = "database";
const SCHEMA: &str = "database schema";
const KEYS: &str = "database keys";
const LOG: &str = "database log";
const DURABILITY: &str = "database durability";
/// The log is copied into the file long before it is so large.
const LARGE_LOG_BYTES: u64 = 256 * 1024 * 1024;
/// The first version of PostgreSQL that is still maintained.
const OLDEST_MAJOR: i32 = 14;

/// Looks at the database; answers what its own clock shows, if it has one.
pub(super) async fn look(config: &Config, findings: &mut Findings) -> Option<DateTime<Utc>> {
    let Some(url) = &config.database_url else {
        file(config, findings).await;
        return None;
    };
    match ask(url).await {
        Ok(Some(server)) => {
            self::server(&server, findings);
            keys(config, &server.sealed_keys, findings);
            Some(server.now)
        }
        Ok(None) => None,
        Err(fault) => {
            let advice = "look whether it runs, whether database_url is right, and whether the way \
                          there is open";
            findings.bad(DATABASE, fault.to_string(), advice);
            None
        }
    }
}

async fn ask(url: &str) -> Result<Option<ServerCondition>, Fault> {
    let store = Store::postgres(url).await?;
    let condition = store.server_condition().await;
    store.close().await?;
    condition
}

async fn file(config: &Config, findings: &mut Findings) {
    let path = database_file(config);
    if !path.exists() {
        let found = format!("{} is not there yet and is made on the first start", path.display());
        findings.good(DATABASE, found);
        return;
    }
    let looked = tokio::task::spawn_blocking(move || condition::of_file(&path)).await;
    match looked.unwrap_or_else(|_| Err(Fault::internal("looking at the file ended in a panic"))) {
        Ok(condition) => {
            whole(&condition, findings);
            keys(config, &condition.sealed_keys, findings);
        }
        Err(fault) => damaged(fault.to_string(), findings),
    }
}

fn damaged(found: String, findings: &mut Findings) {
    let advice = "stop the server, keep a copy of the file, and restore the last backup \
                  (latchkey restore)";
    findings.bad(DATABASE, found, advice);
}

fn whole(condition: &FileCondition, findings: &mut Findings) {
    let FileCondition { version, bytes, log_bytes, .. } = condition;
    if !condition.is_sound {
        return damaged(format!("the file is damaged (SQLite {version} says)"), findings);
    }
    findings.good(DATABASE, format!("SQLite {version}, {bytes} bytes, its pages fit together"));
    schema(&condition.schema, findings);
    if *log_bytes > LARGE_LOG_BYTES {
        let advice = "something reads for long, or the disk is full: look at the server's log";
        findings.warn(LOG, format!("{log_bytes} bytes are not in the file yet"), advice);
    } else {
        findings.good(LOG, format!("{log_bytes} bytes"));
    }
}

fn server(condition: &ServerCondition, findings: &mut Findings) {
    let found = format!("PostgreSQL {}", condition.version);
    if condition.is_standby {
        let advice = "set database_url to the server that takes writes";
        findings.bad(DATABASE, format!("{found}, a standby that cannot be written"), advice);
    } else if condition.major < OLDEST_MAJOR {
        findings.warn(DATABASE, format!("{found} is no longer maintained"), "upgrade it");
    } else {
        findings.good(DATABASE, found);
    }
    schema(&condition.schema, findings);
    let settings: Vec<_> =
        condition.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let is_off = |(_, value): &&(String, String)| value == "off";
    match condition.settings.iter().find(is_off) {
        Some((name, _)) => findings.bad(
            DURABILITY,
            settings.join(", "),
            format!("turn {name} on: without it, what was acknowledged can be lost"),
        ),
        None => findings.good(DURABILITY, settings.join(", ")),
    }
}

/// Whether the secrets are those of this database; what is wrong with the file itself is said elsewhere.
fn keys(config: &Config, sealed: &[(String, Vec<u8>)], findings: &mut Findings) {
    let path = secrets_file(config);
    let Ok(secrets) = Secrets::open_existing(&path) else { return };
    if sealed.is_empty() {
        return;
    }
    let shown = path.display();
    let pairs = sealed.iter().map(|(kid, half)| (kid.as_str(), half.as_slice()));
    if signing::opens(&secrets.sealer, pairs) {
        findings.good(KEYS, format!("{shown} opens what is sealed there"));
    } else {
        let advice = "put the file in place that the other nodes have, or that was kept with the backup \
                      (secrets_file); the server does not start with this one";
        findings.bad(KEYS, format!("{shown} opens nothing that is sealed there"), advice);
    }
}

fn schema(schema: &Schema, findings: &mut Findings) {
    match schema {
        Schema::Current => findings.good(SCHEMA, "is this version's"),
        Schema::Missing => findings.warn(
            SCHEMA,
            "there is none yet",
            "the next start makes it; or run latchkey migrate",
        ),
        Schema::Behind(steps) => findings.warn(
            SCHEMA,
            format!("{steps} steps are to be applied"),
            "the next start applies them; or run latchkey migrate",
        ),
        Schema::Newer(step) | Schema::Outgrown(step) => findings.bad(
            SCHEMA,
            format!("a newer Latchkey has changed it (step {step})"),
            "start that version, or restore a backup made before it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut ServerCondition)) -> Vec<(&'static str, &'static str)> {
        let settings = ["fsync", "synchronous_commit"].map(|it| (it.to_owned(), "on".to_owned()));
        let mut condition = ServerCondition {
            version: "16.4".to_owned(),
            major: 16,
            now: DateTime::default(),
            is_standby: false,
            settings: settings.into(),
            schema: Schema::Current,
            sealed_keys: Vec::new(),
        };
        change(&mut condition);
        let mut findings = Findings::default();
        server(&condition, &mut findings);
        findings.unsound()
    }

    #[test]
    fn what_ails_a_server_is_named() {
        assert_eq!(told(|_| {}), []);
        assert_eq!(told(|it| it.major = 13), [(DATABASE, "warning")]);
        assert_eq!(told(|it| it.is_standby = true), [(DATABASE, "bad")]);
        assert_eq!(told(|it| it.settings[0].1 = "off".to_owned()), [(DURABILITY, "bad")]);
        assert_eq!(told(|it| it.settings[1].1 = "off".to_owned()), [(DURABILITY, "bad")]);
        assert_eq!(told(|it| it.settings[1].1 = "local".to_owned()), []);
        assert_eq!(told(|it| it.schema = Schema::Missing), [(SCHEMA, "warning")]);
        assert_eq!(told(|it| it.schema = Schema::Behind(2)), [(SCHEMA, "warning")]);
        assert_eq!(told(|it| it.schema = Schema::Newer("x".to_owned())), [(SCHEMA, "bad")]);
        assert_eq!(told(|it| it.schema = Schema::Outgrown("x".to_owned())), [(SCHEMA, "bad")]);
    }
}
