//! File, then variables, then flags.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, ConfigError, Origin, traces};

const PREFIX: &str = "LATCHKEY_";
/// Variables of other commands.
const NOT_SETTINGS: [&str; 3] = ["LATCHKEY_API_KEY", "LATCHKEY_API_URL", "LATCHKEY_CONFIG"];
const DEFAULT_FILE: &str = "./latchkey.toml";

/// Every variable of the environment. The only function that reads it.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// The names of those variables that are settings, in order.
#[must_use]
pub fn names(environment: &[(String, String)]) -> Vec<String> {
    let names = environment.iter().map(|(name, _)| name);
    let mut names: Vec<_> =
        names.filter(|name| is_setting(name) || traces::is_variable(name)).cloned().collect();
    names.sort();
    names
}

/// The file that is read when `asked` is asked for: that, or `./latchkey.toml` if there is one.
#[must_use]
pub fn file_in_use(asked: Option<PathBuf>) -> Option<PathBuf> {
    asked.or_else(|| Path::new(DEFAULT_FILE).exists().then(|| PathBuf::from(DEFAULT_FILE)))
}

fn is_setting(name: &str) -> bool {
    name.starts_with(PREFIX) && !NOT_SETTINGS.contains(&name)
}

/// Reads the configuration: the file at `path` (or `./latchkey.toml`, if there is one), then
/// the standard variables of traces, then `LATCHKEY_…` variables, then `flags`, a table nested like
/// the file.
///
/// # Errors
/// When the file cannot be read, a key is unknown or a value breaks a rule; the error names the key
/// and where it was written, and never quotes a secret.
pub fn load(
    path: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Table,
) -> Result<Config, ConfigError> {
    let mut settings = match file(path)? {
        Some((path, table)) => understood(table, &Origin::File(path))?,
        None => Table::new(),
    };
    let mut variables: Vec<_> = environment.into_iter().collect();
    variables.sort();
    for (name, table) in traces::from_variables(&variables, &settings)? {
        merge(&mut settings, understood(table, &Origin::Variable(name.to_owned()))?);
    }
    for (name, value) in variables.into_iter().filter(|(name, _)| is_setting(name)) {
        merge(&mut settings, variable(&name, &value)?);
    }
    merge(&mut settings, understood(flags, &Origin::Flag)?);
    read(settings, &Origin::Together)?.checked()
}

fn file(path: Option<&Path>) -> Result<Option<(PathBuf, Table)>, ConfigError> {
    let (path, must_exist) = match path {
        Some(path) => (path, true),
        None => (Path::new(DEFAULT_FILE), false),
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return Ok(None),
        Err(source) => {
            return Err(ConfigError::Unreadable { path: path.to_owned(), source });
        }
    };
    // the error's own Display prints the line, which may hold a password
    let table = text.parse::<Table>().map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(&text, span.start)),
        message: error.message().to_owned(),
    })?;
    Ok(Some((path.to_owned(), table)))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The table that one variable spells: `LATCHKEY_SECTION__NAME` is `section.name`.
fn variable(name: &str, value: &str) -> Result<Table, ConfigError> {
    let key = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase();
    let origin = Origin::Variable(name.to_owned());
    let table = |value| nested(&key, value);
    let as_text = Value::String(value.to_owned());
    let Some(typed) = typed(value) else {
        return understood(table(as_text), &origin);
    };
    // `2024` may be a number or the name of a brand: the setting's own type decides
    understood(table(typed), &origin)
        .or_else(|refused| understood(table(as_text), &origin).map_err(|_| refused))
}

fn nested(key: &str, value: Value) -> Table {
    let mut parts = key.rsplit("__");
    let last = parts.next().unwrap_or_default().to_owned();
    let table = Table::from_iter([(last, value)]);
    parts.fold(table, |inner, part| Table::from_iter([(part.to_owned(), Value::Table(inner))]))
}

/// The value that `text` spells in TOML, unless it is a string.
fn typed(text: &str) -> Option<Value> {
    let value = text.trim().parse().ok()?;
    let is_typed =
        matches!(value, Value::Boolean(_) | Value::Integer(_) | Value::Array(_) | Value::Table(_));
    is_typed.then_some(value)
}

/// `table`, once it is sure that every key in it exists and has a value of its kind.
fn understood(table: Table, origin: &Origin) -> Result<Table, ConfigError> {
    read(table.clone(), origin).map(|_| table)
}

fn read(table: Table, origin: &Origin) -> Result<Config, ConfigError> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(Value::Table(table), &mut track);
    Config::deserialize(tracked).map_err(|error| {
        ConfigError::key(track.path().to_string(), origin.clone(), error.message())
    })
}

/// Lays `over` upon `under`: tables are joined, everything else is replaced.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
