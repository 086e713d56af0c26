//! What commands print: lines for people, or JSON for programs.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::Failure;

/// One thing, as named values in the order in which they are read.
pub(super) struct Record(Vec<(&'static str, Value)>);

impl Record {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// The same record, with one value more.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    fn json(self) -> Value {
        let members = self.0.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::Object(members.collect::<Map<_, _>>())
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_null()) {
            text.extend([name, ": ", &plain(value), "\n"]);
        }
        text
    }
}

/// A value as people read it, always on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().filter(|c| !c.is_control()).collect(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Prints one line.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    write(&format!("{text}\n"))
}

/// Prints one thing.
pub(super) fn record(record: Record, as_json: bool) -> Result<(), Failure> {
    if as_json { line(&record.json().to_string()) } else { write(&record.lines()) }
}

/// Prints several things of one kind: a table, or a JSON array.
pub(super) fn list(records: Vec<Record>, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let items = records.into_iter().map(Record::json).collect();
        return line(&Value::Array(items).to_string());
    }
    write(&table(&records))
}

fn table(records: &[Record]) -> String {
    let Some(first) = records.first() else {
        return String::new();
    };
    let heading: Vec<_> = first.0.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows =
        records.iter().map(|record| record.0.iter().map(|(_, value)| plain(value)).collect());
    let rows: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..first.0.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<_> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Prints text as it is.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> Record {
        Record::new()
            .with("username", "ada@acme.example")
            .with("name", None::<String>)
            .with("scope", vec!["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn one_thing_is_lines_or_an_object() {
        assert_eq!(ada().lines(), "username: ada@acme.example\nscope: a b\n");
        assert_eq!(
            ada().json(),
            json!({ "username": "ada@acme.example", "name": null, "scope": ["a", "b"] })
        );
    }

    #[test]
    fn several_things_are_a_table() {
        let joe = Record::new().with("username", "joe").with("name", "Joe\n").with("scope", "c");

        assert_eq!(
            table(&[ada(), joe]),
            "username          name  scope\n\
             ada@acme.example  -     a b\n\
             joe               Joe   c\n"
        );
        assert_eq!(table(&[]), "");
    }
}
