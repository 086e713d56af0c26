//! What pages say to who sends a form twice.

use chrono::{DateTime, Utc};
use poem::http::StatusCode;
use uuid::Uuid;

use super::moment::Moment;
use crate::{app::App, audit::trail, fault::Fault, forms::Unfit};

/// The field with the id of a form that makes something.
pub const FORM: &str = "form";
/// The field with the version of what a form replaces.
pub const PRESENT: &str = "present";

/// What is said of a form that has made nothing. `made` is what it would have made, with an article, and
/// `then` what is to be done if nobody has that.
#[must_use]
pub fn words(unfit: Unfit, made: &str, then: &str) -> String {
    match unfit {
        Unfit::Repeated => format!(
            "This form was sent before, and has made {made} then; nothing was made now. {then} To make \
             another one, send the form again."
        ),
        Unfit::Stale => {
            "The form was open for too long, and nothing was made. Look through it, and send \
                         it again."
                .to_owned()
        }
    }
}

/// The status of the answer that says so.
#[must_use]
pub fn status(unfit: Unfit) -> StatusCode {
    match unfit {
        Unfit::Repeated => StatusCode::CONFLICT,
        Unfit::Stale => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// What was replaced before a form arrived that was to replace it.
#[derive(Clone, Copy)]
pub struct Replaced<'a> {
    /// Its workspace, if it is in one.
    pub workspace_id: Option<Uuid>,
    /// What the trail calls the replacement.
    pub action: &'static str,
    /// Its id.
    pub id: &'a str,
    /// Until when what it replaced works.
    pub until: Option<DateTime<Utc>>,
}

impl Replaced<'_> {
    /// What is said of it: when, by whom, and what still works. `noun` is what was replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn words(self, app: &App, noun: &str) -> Result<String, Fault> {
        let Self { workspace_id, action, id, until } = self;
        let by = match trail::latest(app, workspace_id, action, id).await? {
            Some(entry) => {
                let who = entry.actor.unwrap_or_else(|| match &*entry.event.actor_kind {
                    "operator" => "the operator of this server".to_owned(),
                    kind => kind.replace('_', " "),
                });
                format!(" by {who}, {}", Moment::of(entry.event.at.0).words)
            }
            None => String::new(),
        };
        let before = match until.filter(|until| *until > app.now()) {
            Some(until) => {
                format!("The {noun} before works until {}.", Moment::of(until).words)
            }
            None => format!("The {noun} before is refused."),
        };
        Ok(format!(
            "Nothing was changed now: the {noun} was replaced already{by}. {before} If nobody has the new \
             one, replace it once more."
        ))
    }
}
