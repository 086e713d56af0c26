//! Files that no server starts on: it says which file and why, and leaves it as it is.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Command, Output},
};

use bench_support::{Result, installation::Installation};
use rusqlite::Connection;

use crate::{reply::demand, site::PROGRAM};

/// What is done to a data directory, and what the start then says.
struct Case {
    name: &'static str,
    spoil: fn(&Path) -> Result<()>,
    file: &'static str,
    says: &'static str,
}

const DATABASE: &str = "latchkey.db";
const CASES: [Case; 9] = [
    Case {
        name: "a directory that cannot be written, still empty",
        spoil: |data| {
            for name in [DATABASE, "secrets.toml"] {
                fs::remove_file(data.join(name))?;
            }
            mode(data, 0o500)
        },
        file: "secrets.toml",
        says: "Permission denied",
    },
    Case {
        name: "a file that can only be read",
        spoil: |data| mode(&data.join(DATABASE), 0o400),
        file: DATABASE,
        says: "Permission denied",
    },
    Case {
        name: "a file of nobody's",
        spoil: |data| mode(&data.join(DATABASE), 0o000),
        file: DATABASE,
        says: "Permission denied",
    },
    Case {
        name: "secrets that cannot be read",
        spoil: |data| mode(&data.join("secrets.toml"), 0o000),
        file: "secrets.toml",
        says: "Permission denied",
    },
    Case {
        name: "a letter",
        spoil: |data| Ok(fs::write(data.join(DATABASE), "Dear reader, ".repeat(500))?),
        file: DATABASE,
        says: "is damaged, or no database",
    },
    Case {
        name: "another program's database",
        spoil: |data| {
            fs::remove_file(data.join(DATABASE))?;
            let other = Connection::open(data.join(DATABASE))?;
            other.execute_batch("create table note (text); insert into note values ('mine')")?;
            Ok(())
        },
        file: DATABASE,
        says: "belongs to another program",
    },
    Case {
        name: "half of the file",
        spoil: |data| cut(&data.join(DATABASE), |length| length / 2),
        file: DATABASE,
        says: "is damaged, or no database",
    },
    Case {
        name: "all but the last page",
        spoil: |data| cut(&data.join(DATABASE), |length| length - 4096),
        file: DATABASE,
        says: "is damaged, or no database",
    },
    Case {
        name: "the first fifty bytes",
        spoil: |data| cut(&data.join(DATABASE), |_| 50),
        file: DATABASE,
        says: "is damaged, or no database",
    },
];

/// Answers how many starts were refused as they should be.
pub(super) fn run() -> Result<usize> {
    for case in &CASES {
        let told = start(case).map_err(|failure| format!("{}: {failure}", case.name))?;
        let (told, code) = (String::from_utf8_lossy(&told.stderr).into_owned(), told.status.code());
        let last = told.lines().last().unwrap_or_default();
        let is_clear = code == Some(1) && last.contains(case.file) && last.contains(case.says);
        demand(is_clear, || format!("{}: ended with {code:?}, saying {last:?}", case.name))?;
    }
    Ok(CASES.len())
}

fn start(case: &Case) -> Result<Output> {
    let installation = Installation::new(PROGRAM, None)?;
    // the first administration makes the secrets, too
    let made = installation.command(&["admin", "create-enterprise", "--pin", "a1", "--name", "A"]);
    ended(&made).and_then(|output| {
        demand(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())
    })?;
    let data = installation.data_dir();
    (case.spoil)(&data)?;
    let before = fingerprint(&data)?;
    let output =
        ended(&unprivileged(&installation.command(&["serve", "--listen", "127.0.0.1:0"]))?);
    mode(&data, 0o700)?;
    demand(fingerprint(&data)? == before, || "the file is not as it was".to_owned())?;
    output
}

/// A server that starts all the same ends by itself.
fn ended(command: &Command) -> Result<Output> {
    let mut limited = Command::new("timeout");
    limited.args(["--signal=KILL", "20"]).arg(command.get_program()).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    limited.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    Ok(limited.output()?)
}

/// Modes bind everybody but root: root's right to ignore them is taken away.
fn unprivileged(command: &Command) -> Result<Command> {
    if !is_root()? {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        copy_directory(command, &mut same);
        return Ok(same);
    }
    let mut without = Command::new("setpriv");
    without.arg("--bounding-set=-dac_override,-dac_read_search");
    without.arg(command.get_program()).args(command.get_args());
    copy_directory(command, &mut without);
    Ok(without)
}

fn copy_directory(from: &Command, to: &mut Command) {
    if let Some(directory) = from.get_current_dir() {
        to.current_dir(directory);
    }
}

/// Whether these are root's processes.
pub(super) fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

fn mode(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}

fn cut(path: &Path, length: fn(u64) -> u64) -> Result<()> {
    let file = fs::File::options().write(true).open(path)?;
    Ok(file.set_len(length(file.metadata()?.len()))?)
}

/// What the database file holds, if it is there and readable.
fn fingerprint(data: &Path) -> Result<Option<Vec<u8>>> {
    let file = data.join(DATABASE);
    if !file.exists() {
        return Ok(None);
    }
    let modes = fs::metadata(&file)?.permissions();
    mode(&file, 0o600)?;
    let bytes = fs::read(&file)?;
    fs::set_permissions(&file, modes)?;
    Ok(Some(bytes))
}
