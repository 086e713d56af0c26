//! Why a command failed: one line that names what to mend.

use std::io::{self, Write};

use crate::{
    config::ConfigError,
    crypto::{certificate::CertificateError, secrets_file::SecretsError},
    fault::{Fault, FieldError},
};

/// What ends a command: a line for whoever typed it.
#[derive(Debug)]
pub(super) struct Failure {
    line: String,
    /// Printed as it is, because programs and people look for how it begins.
    is_whole: bool,
}

impl Failure {
    pub(super) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), is_whole: false }
    }

    /// A line that is a contract: it begins with its own words and not with the program's name.
    pub(super) fn said(line: impl Into<String>) -> Self {
        Self { line: line.into(), is_whole: true }
    }

    /// A field whose value cannot be used.
    pub(super) fn field(field: &str, problem: &str) -> Self {
        Self::new(format!("{field} {problem}"))
    }

    /// Something that a flag names and that does not exist.
    pub(super) fn unknown(field: &str) -> Self {
        Self::field(field, "does not exist")
    }

    /// The same failure, with what it means.
    pub(super) fn because(self, meaning: &str) -> Self {
        Self { line: format!("{} ({meaning})", self.line), ..self }
    }

    /// Writes the line to standard error.
    pub(super) fn report(&self) {
        // whoever started us does not read it: there is nobody else to tell
        let name = if self.is_whole { "" } else { "latchkey: " };
        let _ = writeln!(io::stderr(), "{name}{}", self.line());
    }

    /// The failure as one line.
    pub(super) fn line(&self) -> String {
        // a server's words, too, may be in it: nothing there may steer the terminal
        let is_break = |c: char| c.is_whitespace() || c.is_control();
        let words: Vec<_> = self.line.split(is_break).filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }
}

impl From<Vec<FieldError>> for Failure {
    fn from(problems: Vec<FieldError>) -> Self {
        let problems: Vec<_> = problems
            .iter()
            .map(|problem| format!("{} {}", problem.field, problem.message))
            .collect();
        Self::new(problems.join("; "))
    }
}

macro_rules! told_as_is {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.to_string())
            }
        }
    )*};
}

told_as_is!(ConfigError, CertificateError, SecretsError, io::Error, serde_json::Error);

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            // which kind it is matters to a server and not to who typed a command
            Fault::Unavailable(what) | Fault::Conflict(what) | Fault::Internal(what) => {
                Self::new(what)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_named_on_one_line() {
        let problems = vec![
            FieldError::new("slug", "is taken"),
            FieldError::new("name", "must not\nbe empty"),
        ];

        assert_eq!(Failure::from(problems).line(), "slug is taken; name must not be empty");
    }
}
