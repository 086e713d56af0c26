//! The data directory, the secrets and the database file: whether they are there, and who may look in.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use chrono::{DateTime, Utc};

use super::findings::Findings;
use crate::{
    cli::settings::{database_file, secrets_file},
    config::Config,
    crypto::secrets_file::Secrets,
};

const DIRECTORY: &str = "data directory";
const SECRETS: &str = "secrets";
const FILE: &str = "database file";
/// What is written into the data directory and taken out again.
const PROBE: &str = ".doctor";

pub(super) fn look(config: &Config, now: DateTime<Utc>, findings: &mut Findings) {
    directory(&config.data_dir, findings);
    let file = database_file(config);
    let has_database = config.database_url.is_some() || file.exists();
    secrets(config, has_database, findings);
    if config.database_url.is_none() && file.exists() {
        database(&file, now, findings);
    }
}

fn directory(path: &Path, findings: &mut Findings) {
    let shown = path.display();
    let Ok(found) = fs::metadata(path) else {
        findings
            .good(DIRECTORY, format!("{shown} is not there yet and is made on the first start"));
        return;
    };
    if !found.is_dir() {
        findings.bad(DIRECTORY, format!("{shown} is no directory"), "set data_dir to a directory");
        return;
    }
    let probe = path.join(PROBE);
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&probe);
    if let Err(error) = made {
        let advice = "give it to the user that the server runs as";
        findings.bad(DIRECTORY, format!("{shown} cannot be written: {error}"), advice);
        return;
    }
    // nobody else reads it; what cannot be taken out is found by the next doctor
    let _ = fs::remove_file(probe);
    match found.permissions().mode() & 0o077 {
        0 => findings.good(DIRECTORY, format!("{shown} is its owner's alone")),
        _ => findings.warn(
            DIRECTORY,
            format!("{shown} has mode {:04o}: others may look in", mode(&found)),
            format!("chmod 700 {shown}"),
        ),
    }
}

fn secrets(config: &Config, has_database: bool, findings: &mut Findings) {
    let path = secrets_file(config);
    if !path.exists() {
        let found = format!("{} is not there", path.display());
        if has_database || config.secrets_file.is_some() {
            let advice = "put back the copy that you keep apart from the database; with new keys \
                          people and apps have to sign in again, and second factors are lost";
            findings.bad(SECRETS, found, advice);
        } else {
            findings.good(SECRETS, format!("{found} yet and is made on the first start"));
        }
        return;
    }
    match Secrets::open_existing(&path) {
        Ok(_) => findings.good(SECRETS, format!("{} holds every key", path.display())),
        Err(error) => {
            let advice =
                "mend the file, or put back the copy that you keep; the server does not start";
            findings.bad(SECRETS, error.to_string(), advice);
        }
    }
}

fn database(file: &Path, now: DateTime<Utc>, findings: &mut Findings) {
    let shown = file.display();
    match fs::metadata(file) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => findings.warn(
            FILE,
            format!("{shown} has mode {:04o}: others may read it", mode(&found)),
            format!("chmod 600 {shown}"),
        ),
        Ok(found) if found.modified().is_ok_and(|at| DateTime::<Utc>::from(at) > now) => findings
            .warn(
                FILE,
                format!("{shown} was last written in the future"),
                "look at this machine's clock: it was set back, or is wrong",
            ),
        Ok(_) => findings.good(FILE, format!("{shown} is its owner's alone")),
        Err(error) => {
            let advice = "give it to the user that the server runs as";
            findings.bad(FILE, format!("{shown} cannot be read: {error}"), advice);
        }
    }
}

fn mode(found: &fs::Metadata) -> u32 {
    found.permissions().mode() & 0o7777
}
