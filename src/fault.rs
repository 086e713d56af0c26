//! The unexpected: what no rule can answer and no caller can mend.

use std::borrow::Cow;

use thiserror::Error;

/// Something outside the rules failed. A face logs it once and answers 503 or 500.
#[derive(Clone, Debug, Error)]
pub enum Fault {
    /// The database or the hashing pool is saturated or gone; the caller may try again (503).
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Another transaction was in the way: the same rule, run again from its start, may succeed. Who
    /// is told of it may try again (503).
    #[error("conflict: {0}")]
    Conflict(String),
    /// A broken invariant; a person must look (500).
    #[error("internal: {0}")]
    Internal(String),
}

impl Fault {
    /// A fault of ours, with what a person needs to find it. Never put a secret in the text.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::Internal(what.into())
    }

    /// A dependency that is saturated or gone.
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable(what.into())
    }

    /// Another transaction that was in the way.
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::Conflict(what.into())
    }

    /// Whether trying again later can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict(_))
    }
}

/// A value that breaks a rule, by the name its sender knows it under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, parameter or flag; inside a JSON body its path, such as `endpoints[3].method`.
    pub field: Cow<'static, str>,
    /// What is wrong with it, never echoing the value.
    pub message: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
