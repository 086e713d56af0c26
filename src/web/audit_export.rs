//! The audit trail as a file that people take away: a table, or JSON lines.

use std::{io, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream;
use poem::{
    Body, Response,
    http::{HeaderValue, Uri, header},
};
use serde_json::json;
use tracing::Span;
use uuid::Uuid;

use super::{audit_words, query};
use crate::{
    app::App,
    audit::trail::{self, Entry, Filter, Wanted},
    fault::Fault,
};

/// Events that one piece of an export reads.
const PIECE: u64 = 500;
/// The columns of an export as a table.
const COLUMNS: [&str; 12] = [
    "at",
    "action",
    "words",
    "actor_kind",
    "actor_id",
    "actor",
    "workspace",
    "target_kind",
    "target_id",
    "target",
    "detail",
    "id",
];

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    JsonLines,
    /// A table (RFC 4180).
    Csv,
}

impl Format {
    /// The format that an address names.
    #[must_use]
    pub fn asked(uri: &Uri) -> Option<Self> {
        match query::get(uri, "format").as_deref() {
            Some("jsonl") => Some(Self::JsonLines),
            Some("csv") => Some(Self::Csv),
            _ => None,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    fn piece(self, entries: &[Entry], is_first: bool) -> Result<Vec<u8>, Fault> {
        match self {
            Self::JsonLines => Ok(entries.iter().flat_map(json_line).collect()),
            Self::Csv => csv_rows(entries, is_first)
                .map_err(|error| Fault::internal(format!("a table cannot be written: {error}"))),
        }
    }
}

/// Every event that a filter means, as a file that is written while it is sent. One that breaks off
/// ends without its last chunk, so nobody takes it for whole. What happens meanwhile is newer than
/// where it begins, and not in it. That `by` took it away is itself an event.
///
/// # Errors
/// When the database fails.
pub async fn export(
    app: &Arc<App>,
    by: Uuid,
    filter: Filter,
    (format, name): (Format, &str),
) -> Result<Response, Fault> {
    trail::note_export(app, by, filter.workspace_id).await?;
    let day = app.now().format("%Y-%m-%d");
    let file = format!("attachment; filename=\"{name}-{day}.{}\"", format.extension());
    let begin = Some((Wanted { rows: PIECE, ..Wanted::default() }, true));
    let app = Arc::clone(app);
    // pieces are made when the request has been answered, and belong to it all the same
    let span = Span::current();
    let pieces = stream::try_unfold(begin, move |place| {
        let (app, filter, span) = (Arc::clone(&app), filter.clone(), span.clone());
        async move {
            let Some((wanted, is_first)) = place else { return Ok(None) };
            let piece = next_piece(&app, &filter, (wanted, is_first), format).await;
            piece.map(Some).map_err(|fault| {
                span.in_scope(|| {
                    tracing::warn!("an export of the audit trail broke off: {fault}");
                });
                io::Error::other("the export broke off")
            })
        }
    });
    let response = Response::builder()
        .content_type(format.media_type())
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let mut response = response.body(Body::from_bytes_stream(pieces));
    if let Ok(value) = HeaderValue::try_from(file) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

type Next = Option<(Wanted, bool)>;

async fn next_piece(
    app: &App,
    filter: &Filter,
    (wanted, is_first): (Wanted, bool),
    format: Format,
) -> Result<(Vec<u8>, Next), Fault> {
    let found = trail::page(app, filter, &wanted).await?;
    let bytes = format.piece(&found.rows, is_first)?;
    let next = found.next.map(|after| (Wanted { after: Some(after), ..wanted }, false));
    Ok((bytes, next))
}

fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn json_line(entry: &Entry) -> Vec<u8> {
    let event = &entry.event;
    let mut line = json!({
        "id": event.id,
        "at": machine(event.at.0),
        "action": event.action,
        "words": audit_words::words(&event.action),
        "actor": { "kind": event.actor_kind, "id": event.actor_id, "name": entry.actor },
        "workspace": entry.workspace,
        "target": { "kind": event.target_kind, "id": event.target_id, "name": entry.target },
        "detail": event.detail,
    })
    .to_string();
    line.push('\n');
    line.into_bytes()
}

fn csv_rows(entries: &[Entry], is_first: bool) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        writer.write_record(COLUMNS)?;
    }
    for entry in entries {
        let event = &entry.event;
        let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
        writer.write_record([
            machine(event.at.0),
            cell(&event.action),
            cell(&audit_words::words(&event.action)),
            cell(&event.actor_kind),
            text(&event.actor_id),
            text(&entry.actor),
            text(&entry.workspace),
            cell(&event.target_kind),
            text(&event.target_id),
            text(&entry.target),
            text(&event.detail),
            event.id.to_string(),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A text as a table takes it: programs that show tables calculate what begins like a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\t=1", "'\t=1"),
            ("ada@acme.example", "ada@acme.example"),
            ("", ""),
        ] {
            assert_eq!(cell(text), safe);
        }
    }
}
