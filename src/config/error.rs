//! Why a configuration is refused: which key, where it stands, what is wrong; never a secret.

use std::{fmt, io, path::PathBuf};

use thiserror::Error;

/// Keys whose values hold passwords and are never quoted.
const SECRET_KEYS: [&str; 4] = ["database_url", "redis_url", "mail.smtp_url", "http.metrics_token"];

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File(PathBuf),
    /// An environment variable, by its name.
    Variable(String),
    /// The command line.
    Flag,
    /// Several of them together.
    Together,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::Variable(name) => write!(f, "in the variable {name}"),
            Self::Flag => f.write_str("on the command line"),
            Self::Together => f.write_str("in file, variables and flags together"),
        }
    }
}

/// A configuration that must not start a server.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser met; never the text of the line, which may hold a password.
        message: String,
    },
    /// A key that does not exist, or whose value is of the wrong kind.
    #[error("{key} ({origin}): {message}")]
    Key {
        /// The full path of the key.
        key: String,
        /// Where it was written.
        origin: Origin,
        /// What is wrong with it.
        message: String,
    },
    /// A value that breaks a rule.
    #[error("{key}: {message}")]
    Invalid {
        /// The full path of the key.
        key: String,
        /// The rule.
        message: String,
    },
}

impl ConfigError {
    pub(super) fn invalid(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { key: key.into(), message: message.into() }
    }

    /// What serde found wrong at `key`, without any text the operator wrote as a value.
    pub(super) fn key(key: String, origin: Origin, message: &str) -> Self {
        let message = if SECRET_KEYS.contains(&key.as_str()) {
            "must be a string".to_owned()
        } else {
            without_values(message)
        };
        Self::Key { key, origin, message }
    }
}

/// serde quotes strings of the wrong kind; one of them may be a URL with a password that was written
/// under the wrong key.
fn without_values(message: &str) -> String {
    let Some((before, after)) = message.split_once("string \"") else {
        return if message.contains("://") {
            "is not valid".to_owned()
        } else {
            message.to_owned()
        };
    };
    match after.rsplit_once("\", expected ") {
        Some((_, expected)) => format!("{before}a string, expected {expected}"),
        None => "is not valid".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_quoted() {
        assert_eq!(
            without_values(r#"invalid type: string "smtp://u:p\", expected x@h", expected u32"#),
            "invalid type: a string, expected u32"
        );
        assert_eq!(
            without_values("unknown variant `smtp://u:p@h`, expected `all`"),
            "is not valid"
        );
        assert_eq!(
            without_values("unknown field `oath`, expected `oauth`"),
            "unknown field `oath`, expected `oauth`"
        );
    }
}
