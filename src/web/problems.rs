//! What is wrong with a form, field by field, for the page that shows it again.

use crate::fault::FieldError;

/// The fields that break a rule.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<FieldError>);

impl Problems {
    /// What is wrong with a field: ends of sentences that begin with its name.
    pub fn all<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |problem| problem.field == field).map(|problem| &*problem.message)
    }

    /// Whether a field is wrong.
    #[must_use]
    pub fn invalid(&self, field: &str) -> bool {
        self.all(field).next().is_some()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with anything that the page has no field for.
    pub fn others<'a>(&'a self, fields: &'a [&'a str]) -> impl Iterator<Item = &'a FieldError> {
        self.0.iter().filter(|problem| !fields.contains(&&*problem.field))
    }
}

impl From<Vec<FieldError>> for Problems {
    fn from(problems: Vec<FieldError>) -> Self {
        Self(problems)
    }
}
