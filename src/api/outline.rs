//! The document as people read it: operations in order, bodies as lists of fields.

use serde_json::Value;

use super::document::{Document, members};

/// How deep a body is followed; deeper is left to the document itself.
const MAX_DEPTH: usize = 4;

/// What `/docs` and `/llms.txt` show.
pub(super) struct Outline {
    /// What holds for every operation.
    pub(super) description: String,
    /// Every operation.
    pub(super) operations: Vec<Operation>,
    /// Every error code with what it means.
    pub(super) codes: Vec<String>,
}

/// One method of one path.
pub(super) struct Operation {
    /// The method, in capitals.
    pub(super) method: String,
    /// The path.
    pub(super) path: String,
    /// What it does, in a few words.
    pub(super) summary: String,
    /// What it does, in more.
    pub(super) description: String,
    /// What may be asked.
    pub(super) parameters: Vec<Parameter>,
    /// What is answered.
    pub(super) responses: Vec<Answer>,
}

/// A parameter.
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: String,
    /// Where it goes: `query`, `path` or `header`.
    pub(super) place: String,
    /// What it means.
    pub(super) description: String,
}

/// An answer.
pub(super) struct Answer {
    /// The status.
    pub(super) status: String,
    /// When it comes.
    pub(super) description: String,
    /// Its headers.
    pub(super) headers: Vec<String>,
    /// Its body; empty for errors, which all look alike.
    pub(super) fields: Vec<Field>,
}

/// A member of a body.
pub(super) struct Field {
    /// Where it is, dotted.
    pub(super) name: String,
    /// What it holds.
    pub(super) holds: String,
    /// What it means.
    pub(super) description: String,
}

impl Outline {
    /// The outline of a document.
    pub(super) fn of(document: &Document) -> Self {
        let document = document.json();
        let operations = members(&document["paths"]).flat_map(|(path, item)| {
            members(item)
                .map(move |(method, operation)| Operation::of(document, (path, method), operation))
        });
        let codes = document.pointer("/components/schemas/Code/enum").and_then(Value::as_array);
        Self {
            description: text(&document["info"]["description"]),
            operations: operations.collect(),
            codes: codes.into_iter().flatten().map(text).collect(),
        }
    }
}

impl Operation {
    fn of(document: &Value, (path, method): (&str, &str), operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            description: text(&operation["description"]),
            parameters: parameters
                .map(|parameter| Parameter {
                    name: text(&parameter["name"]),
                    place: text(&parameter["in"]),
                    description: text(&parameter["description"]),
                })
                .collect(),
            responses: members(&operation["responses"])
                .map(|(status, response)| Answer::of(document, status, response))
                .collect(),
        }
    }
}

impl Answer {
    fn of(document: &Value, status: &str, response: &Value) -> Self {
        let mut fields = Vec::new();
        if status.starts_with('2') {
            let body = members(&response["content"]).next();
            if let Some((_, media)) = body {
                list(document, &media["schema"], "", &mut fields);
            }
        }
        Self {
            description: text(&response["description"]),
            status: status.to_owned(),
            headers: members(&response["headers"]).map(|(name, _)| name.to_owned()).collect(),
            fields,
        }
    }
}

/// Lists the members of a body, those of its objects after a dot.
fn list(document: &Value, schema: &Value, prefix: &str, fields: &mut Vec<Field>) {
    let schema = follow(document, schema);
    for (name, member) in members(&schema["properties"]) {
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let target = follow(document, member);
        let is_nested = target["properties"].is_object() && name.matches('.').count() < MAX_DEPTH;
        if is_nested {
            list(document, member, &name, fields);
        } else {
            let description = text(&member["description"]);
            let holds = holds(target, member["nullable"] == true);
            fields.push(Field { name, holds, description });
        }
    }
}

fn follow<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    // a reference with a description beside it is wrapped in `allOf`
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    reference
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
        .unwrap_or(schema)
}

fn holds(schema: &Value, is_nullable: bool) -> String {
    let mut holds = match schema["enum"].as_array() {
        Some(values) => values.iter().map(text).collect::<Vec<_>>().join(" | "),
        None if schema["type"] == "array" => format!("list of {}", text(&schema["items"]["type"])),
        None => match schema["format"].as_str() {
            Some("date-time") => "time (RFC 3339)".to_owned(),
            Some("uuid") => "UUID".to_owned(),
            _ => text(&schema["type"]),
        },
    };
    if is_nullable {
        holds.push_str(" or null");
    }
    holds
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::service;

    #[test]
    fn bodies_are_listed_field_by_field() {
        let outline = Outline::of(&Document::of(&service()));
        let me =
            outline.operations.iter().find(|operation| operation.path == "/api/v1/me").unwrap();
        let fields = &me.responses[0].fields;
        let holds = |name: &str| {
            fields.iter().find(|field| field.name == name).map(|field| field.holds.as_str())
        };

        assert_eq!(me.method, "GET");
        assert_eq!(holds("principal.type"), Some("user | service_account | client"));
        assert_eq!(holds("credential.expiresAt"), Some("time (RFC 3339) or null"));
        assert_eq!(holds("workspace.id"), Some("UUID"));
        assert_eq!(holds("scopes"), Some("list of string"));
        assert!(outline.codes.iter().any(|code| code == "RATE_LIMITED"));
    }
}
