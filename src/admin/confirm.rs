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
    pub(super) title: String,
    /// What will stop, a sentence each.
    pub(super) points: Vec<String>,
    /// What the button says, and where it sends the form.
    pub(super) button: &'static str,
    pub(super) action: String,
    /// Why it was not done.
    pub(super) problem: Option<&'static str>,
}
