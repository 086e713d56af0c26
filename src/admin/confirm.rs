//! The page that asks before something stops, and says what.

use askama::Template;

use crate::web::{frame::Frame, page::Brand};

/// The question.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) brand: Brand,
    pub(super) frame: Frame,
    /// Where "no" leads, and what that is called.
    pub(super) back: String,
    pub(super) back_words: String,
    pub(super) title: Vec<Part>,
    /// What will stop, a sentence each.
    pub(super) points: Vec<String>,
    /// What the button says, and where it sends the form.
    pub(super) button: &'static str,
    pub(super) action: String,
    /// A field of the form that says that what the page warns of was read.
    pub(super) accepts: Option<&'static str>,
    /// Why it was not done.
    pub(super) problem: Option<&'static str>,
}

/// A part of a heading: names stand apart, so that none turns the words around it.
pub(super) enum Part {
    /// Words of ours.
    Words(&'static str),
    /// What somebody typed once.
    Name(String),
}

impl Part {
    /// Words, a name, and words: most headings.
    pub(super) fn around(
        before: &'static str,
        name: impl Into<String>,
        after: &'static str,
    ) -> Vec<Self> {
        vec![Self::Words(before), Self::Name(name.into()), Self::Words(after)]
    }

    fn text(&self) -> &str {
        match self {
            Self::Words(words) => words,
            Self::Name(name) => name,
        }
    }

    fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }
}

/// A number and what is counted.
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
