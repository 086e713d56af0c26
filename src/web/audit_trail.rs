//! The audit trail as a page shows it: one workspace's or the server's.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use poem::http::{StatusCode, Uri};
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::{
    audit_words::{self, ACTIONS},
    listing::{self, List},
    moment::Moment,
    problems::Problems,
    query,
};
use crate::{
    app::App,
    audit::trail::{self, Entry, Filter, Wanted},
    fault::{Fault, FieldError},
};

/// The longest text that a filter takes, in bytes.
const MAX_FILTER_BYTES: usize = 200;

/// What an address asks for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    action: String,
    actor: String,
    from: String,
    until: String,
}

/// A part of a trail, ready to print.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The page's path.
    pub path: String,
    /// The events, newest first.
    pub rows: Vec<Row>,
    /// The actions to choose from.
    pub actions: Vec<Choice>,
    /// A part of the name of who did it, as typed.
    pub actor: String,
    /// The first day, as typed.
    pub from: String,
    /// The last day, as typed.
    pub until: String,
    /// The slug of the workspace, as typed; `None` where it cannot be chosen.
    pub workspace: Option<String>,
    /// Whether anything is filtered.
    pub is_filtered: bool,
    /// The ways to other pages.
    pub list: List,
    /// Where the same events are had as files: with a `&format=` to come.
    pub export: String,
    /// What is wrong with the filters.
    pub problems: Problems,
}

/// An action to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name.
    pub value: &'static str,
    /// In words.
    pub words: &'static str,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Row {
    /// When.
    pub at: Moment,
    /// What, in words.
    pub words: String,
    /// What, by name.
    pub action: String,
    /// Who.
    pub actor: String,
    /// To what: its kind.
    pub target_kind: String,
    /// To what: its name, or its id.
    pub target: String,
    /// The slug of the workspace.
    pub workspace: Option<String>,
    /// A few words more.
    pub detail: Option<String>,
}

impl Asked {
    /// What the address of a page or an export asks for.
    #[must_use]
    pub fn of(uri: &Uri) -> Self {
        let text = |name| {
            let text = query::get(uri, name).unwrap_or_default();
            let is_fit = text.len() <= MAX_FILTER_BYTES && !text.chars().any(char::is_control);
            if is_fit { text.trim().to_owned() } else { String::new() }
        };
        Self { action: text("action"), actor: text("actor"), from: text("from"), until: text("to") }
    }

    /// The events that it means, in this workspace or anywhere.
    ///
    /// # Errors
    /// The fields that are no days.
    pub fn filter(&self, workspace_id: Option<Uuid>) -> Result<Filter, Vec<FieldError>> {
        let mut problems = Vec::new();
        let mut day = |field, text: &str, days| {
            if text.is_empty() {
                return None;
            }
            let begins = day(text, days);
            if begins.is_none() {
                problems.push(FieldError::new(field, "must be a day, as in 2027-03-05"));
            }
            begins
        };
        // the last day counts as a whole
        let (from, until) = (day("from", &self.from, 0), day("to", &self.until, 1));
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            problems.push(FieldError::new("to", "must not be before the first day"));
        }
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let (action, actor) = (some(&self.action), some(&self.actor));
        let filter = Filter { workspace_id, action, actor, from, until };
        if problems.is_empty() { Ok(filter) } else { Err(problems) }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("action", &self.action),
            ("actor", &self.actor),
            ("from", &self.from),
            ("to", &self.until),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name, value.clone())).collect()
    }
}

/// When a day begins that is written as `2027-03-05`, or so many days later.
fn day(text: &str, later: u64) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // what is before 1970 or after 9999 is a typing error
    let day = Some(day).filter(|day| (1970..=9999).contains(&day.year()))?;
    Some(day.checked_add_days(Days::new(later))?.and_time(NaiveTime::MIN).and_utc())
}

/// Where a trail is shown, and of which workspace it is.
pub struct Place {
    /// The one workspace whose events are shown; `None` for all.
    pub workspace_id: Option<Uuid>,
    /// The slug that was typed to choose it; `None` where it cannot be chosen.
    pub workspace: Option<String>,
    /// What is wrong with that slug.
    pub problem: Option<FieldError>,
}

/// The part of a trail that an address asks for.
///
/// # Errors
/// When the database fails.
pub async fn read(app: &App, uri: &Uri, place: Place) -> Result<Trail, Fault> {
    let (asked, wanted) = (Asked::of(uri), Wanted { search: None, ..listing::wanted(uri) });
    let mut problems: Vec<_> = place.problem.into_iter().collect();
    let filter = asked.filter(place.workspace_id);
    let (rows, next) = match filter {
        Ok(filter) if problems.is_empty() => {
            let found = trail::page(app, &filter, &wanted).await?;
            (found.rows.into_iter().map(Row::of).collect(), found.next)
        }
        Ok(_) => (Vec::new(), None),
        Err(more) => {
            problems.extend(more);
            (Vec::new(), None)
        }
    };
    let mut pairs = asked.pairs();
    pairs.extend(
        place
            .workspace
            .iter()
            .filter(|slug| !slug.is_empty())
            .map(|slug| ("workspace", slug.clone())),
    );
    let query = Serializer::new(String::new()).extend_pairs(&pairs).finish();
    Ok(Trail {
        path: uri.path().to_owned(),
        rows,
        actions: choices(&asked.action),
        is_filtered: !pairs.is_empty(),
        export: format!("{}/export?{query}", uri.path()),
        list: List::filtered(uri, &wanted, next.as_deref(), pairs),
        actor: asked.actor,
        from: asked.from,
        until: asked.until,
        workspace: place.workspace,
        problems: problems.into(),
    })
}

/// Every action, with the one that was asked for.
fn choices(asked: &str) -> Vec<Choice> {
    let choice = |(value, words): &(&'static str, &'static str)| Choice {
        value,
        words,
        is_chosen: *value == asked,
    };
    ACTIONS.iter().map(choice).collect()
}

impl Trail {
    /// The status of the page that shows it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        if self.problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }
}

impl Row {
    fn of(entry: Entry) -> Self {
        let Entry { event, actor, target, workspace } = entry;
        let kind = audit_words::actor_words(&event.actor_kind).to_owned();
        let id = event.actor_id.map(|id| format!("{kind} {id}"));
        Self {
            at: Moment::of(event.at.0),
            words: audit_words::words(&event.action),
            action: event.action,
            actor: actor.or(id).unwrap_or(kind),
            target_kind: event.target_kind.replace('_', " "),
            target: target.or(event.target_id).unwrap_or_default(),
            workspace,
            detail: event.detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole() {
        let asked = Asked::of(&Uri::from_static("/x?from=2027-03-05&to=2027-03-05&actor=+a+"));

        let filter = asked.filter(None).unwrap();

        assert_eq!(filter.from.unwrap().to_rfc3339(), "2027-03-05T00:00:00+00:00");
        assert_eq!(filter.until.unwrap().to_rfc3339(), "2027-03-06T00:00:00+00:00");
        assert_eq!(filter.actor.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_no_day_is_named() {
        for bad in ["5.3.2027", "2027-02-30", "0000-01-01", "99999-01-01", "yesterday"] {
            let uri = format!("/x?from={bad}").parse::<Uri>().unwrap();
            let problems = Asked::of(&uri).filter(None).unwrap_err();
            assert_eq!(problems[0].field, "from", "{bad}");
        }
        let uri = Uri::from_static("/x?from=2027-03-06&to=2027-03-05");
        let problems = Asked::of(&uri).filter(None).unwrap_err();
        assert_eq!((problems.len(), &*problems[0].field), (1, "to"));
    }
}
