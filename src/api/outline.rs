//! The document as people read it: operations in order, bodies as lists of fields.

mod models;

use serde_json::Value;

use self::models::Model;
use super::document::{Document, members};

/// How deep a body is followed; deeper is left to the document itself.
const MAX_DEPTH: usize = 4;

/// What `/docs` and `/llms.txt` show.
pub(super) struct Outline {
    /// What holds for every operation.
    pub(super) description: String,
    /// Every operation.
    pub(super) operations: Vec<Operation>,
    /// Every named schema, by its name.
    pub(super) schemas: Vec<Model>,
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
    /// The body it takes; empty if it takes none.
    pub(super) body: Vec<Field>,
    /// What is answered.
    pub(super) responses: Vec<Answer>,
}

/// A parameter.
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: String,
    /// Where it goes: `query`, `path` or `header`.
    pub(super) place: String,
    /// What it holds.
    pub(super) holds: String,
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
    /// Where it is, dotted; `[]` stands for every item of a list.
    pub(super) name: String,
    /// What it holds.
    pub(super) holds: String,
    /// Whether it may be absent.
    pub(super) is_optional: bool,
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
            schemas: members(&document["components"]["schemas"])
                .map(|(name, schema)| Model::of(document, name, schema))
                .collect(),
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
                    holds: holds(document, &parameter["schema"]),
                    description: text(&parameter["description"]),
                })
                .collect(),
            body: fields(document, &operation["requestBody"]),
            responses: members(&operation["responses"])
                .map(|(status, response)| Answer::of(document, status, response))
                .collect(),
        }
    }
}

impl Answer {
    fn of(document: &Value, status: &str, response: &Value) -> Self {
        let is_good = status.starts_with('2');
        Self {
            description: text(&response["description"]),
            status: status.to_owned(),
            headers: members(&response["headers"]).map(|(name, _)| name.to_owned()).collect(),
            fields: if is_good { fields(document, response) } else { Vec::new() },
        }
    }
}

/// The members of what a request or an answer consists of.
fn fields(document: &Value, parcel: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some((_, media)) = members(&parcel["content"]).next() {
        list(document, &media["schema"], "", &mut fields);
    }
    fields
}

/// Lists the members of an object, those of its objects after a dot.
fn list(document: &Value, schema: &Value, prefix: &str, fields: &mut Vec<Field>) {
    let schema = follow(document, schema);
    let required: Vec<_> = strings(&schema["required"]).collect();
    for (name, member) in members(&schema["properties"]) {
        let is_optional = !required.contains(&name);
        let mut path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let is_shallow = path.matches('.').count() < MAX_DEPTH;
        fields.push(Field {
            name: path.clone(),
            holds: holds(document, member),
            is_optional,
            description: text(&member["description"]),
        });
        let mut inner = follow(document, member);
        while inner["type"] == "array" {
            path.push_str("[]");
            inner = follow(document, &inner["items"]);
        }
        for kind in kinds(document, inner) {
            if is_shallow && kind["properties"].is_object() {
                list(document, kind, &path, fields);
            }
        }
    }
}

/// The alternatives of a union, or the schema itself.
fn kinds<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let union = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    match union {
        Some(kinds) => kinds.iter().map(|kind| follow(document, kind)).collect(),
        None => vec![schema],
    }
}

fn follow<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    reference(schema)
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
        .unwrap_or(schema)
}

fn reference(schema: &Value) -> Option<&str> {
    // a reference with a description beside it is wrapped in `allOf`
    schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())
}

fn list_of(items: &str, schema: &Value) -> String {
    format!("list of {items}{}", limits(schema, ("minItems", "maxItems"), "items"))
}

/// What a value may be, with its limits, in words.
fn holds(document: &Value, schema: &Value) -> String {
    let target = follow(document, schema);
    if target["not"].is_object() {
        return "nothing: it must not be sent".to_owned();
    }
    let union = kinds(document, target);
    let words: Vec<_> = if union.len() > 1 {
        union.into_iter().map(|kind| holds(document, kind)).collect()
    } else {
        vec![one_kind(document, target)]
    };
    let mut words = words.join(" or ");
    if schema["nullable"] == true || target["nullable"] == true {
        words.push_str(" or null");
    }
    words
}

fn one_kind(document: &Value, schema: &Value) -> String {
    if schema["enum"].is_array() {
        return strings(&schema["enum"]).collect::<Vec<_>>().join(" | ");
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => list_of(&holds(document, &schema["items"]), schema),
        (_, Some("date-time")) => "time (RFC 3339)".to_owned(),
        (_, Some("uuid")) => "UUID".to_owned(),
        (_, Some("email")) => "email address".to_owned(),
        (Some("string"), _) => {
            format!("string{}", limits(schema, ("minLength", "maxLength"), "characters"))
        }
        (Some(kind @ ("integer" | "number")), _) => {
            format!("{kind}{}", limits(schema, ("minimum", "maximum"), ""))
        }
        (Some(kind), _) => kind.to_owned(),
        (None, _) => "anything".to_owned(),
    }
}

/// `, 1 to 100 items`; nothing where there is no limit.
fn limits(schema: &Value, (min, max): (&str, &str), unit: &str) -> String {
    let limit = |name: &str| schema[name].as_f64();
    let words = match (limit(min), limit(max)) {
        (Some(min), Some(max)) => format!(", {min} to {max} {unit}"),
        (None, Some(max)) => format!(", at most {max} {unit}"),
        (Some(min), None) => format!(", at least {min} {unit}"),
        (None, None) => String::new(),
    };
    words.trim_end().to_owned()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        assert_eq!(holds("credential"), Some("object"));
        assert!(outline.codes.iter().any(|code| code == "RATE_LIMITED"));
    }

    #[test]
    fn what_is_taken_is_listed_with_its_limits() {
        let outline = Outline::of(&Document::of(&service()));
        let is_it = |operation: &&Operation| {
            (operation.method.as_str(), operation.path.as_str()) == ("POST", "/api/v1/verify")
        };
        let verify = outline.operations.iter().find(is_it).unwrap();
        let said: Vec<_> = verify
            .body
            .iter()
            .map(|field| (field.name.as_str(), field.holds.as_str(), field.is_optional))
            .collect();

        assert_eq!(
            said,
            [
                ("credentials", "list of object, at most 100 items", false),
                ("credentials[].credential", "string, at most 4096 characters", false),
                ("credentials[].scope", "string, at most 4096 characters or null", true),
            ]
        );
        let answered = &verify.responses[0].fields;
        assert!(answered.iter().any(|field| field.name == "results[].principal.type"));
    }

    #[test]
    fn every_kind_of_schema_has_its_words() {
        let words = |schema: Value| holds(&Value::Null, &schema);

        assert_eq!(words(json!({ "not": {} })), "nothing: it must not be sent");
        assert_eq!(
            words(json!({ "oneOf": [{ "type": "string" }, { "type": "object" }] })),
            "string or object"
        );
        assert_eq!(
            words(json!({ "type": "integer", "minimum": 1, "maximum": 100 })),
            "integer, 1 to 100"
        );
        assert_eq!(words(json!({ "type": "number", "minimum": 0.5 })), "number, at least 0.5");
        assert_eq!(words(json!({ "enum": ["a", null], "nullable": true })), "a or null");
        assert_eq!(words(json!({ "type": "string", "format": "email" })), "email address");
        assert_eq!(words(json!({})), "anything");
        let list = json!({ "type": "array", "items": { "type": "string", "format": "uuid" } });
        assert_eq!(words(list), "list of UUID");
    }
}
