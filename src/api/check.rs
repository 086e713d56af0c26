//! Whether a JSON value is what the document promises to take: the schemas of the document are the
//! rules, so that what is published and what is enforced cannot differ. Every field that breaks one
//! is named, and no value is quoted.

use chrono::DateTime;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    fields::{LINE_PATTERN, TEXT_PATTERN},
    json::{push_item, push_member},
};
use crate::{fault::FieldError, identity::username};

/// More problems than anybody reads; bounds the answer to a hostile body.
const MAX_PROBLEMS: usize = 1_000;
/// What the whole body is called.
const WHOLE: &str = "body";

/// Every field of `value` that breaks a rule of `schema`, a schema of `document`.
pub(super) fn problems(document: &Value, schema: &Value, value: &Value) -> Vec<FieldError> {
    let mut check = Check { document, path: String::new(), problems: Vec::new() };
    check.value(schema, value);
    check.problems
}

struct Check<'a> {
    document: &'a Value,
    path: String,
    problems: Vec<FieldError>,
}

impl<'a> Check<'a> {
    fn refuse(&mut self, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            let field = if self.path.is_empty() { WHOLE.to_owned() } else { self.path.clone() };
            self.problems.push(FieldError::new(field, message));
        }
    }

    fn member(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        push_member(&mut self.path, name);
        check(self);
        self.path.truncate(length);
    }

    fn value(&mut self, schema: &'a Value, value: &Value) {
        let schema = self.follow(schema);
        if schema["not"].is_object() {
            return self.refuse("must not be sent");
        }
        if value.is_null() {
            if schema["nullable"] != true && !is_anything(schema) {
                self.refuse("must not be null");
            }
            return;
        }
        if let Some(kinds) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
            return self.one_of(kinds, value);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.value(part, value);
        }
        match (schema["type"].as_str(), value) {
            (Some("string"), Value::String(text)) => self.string(schema, text),
            (Some("array"), Value::Array(items)) => self.array(schema, items),
            (Some("object"), Value::Object(members)) => self.object(schema, members),
            (Some("boolean"), Value::Bool(_)) => {}
            (Some("integer"), Value::Number(number)) if !number.is_f64() => {
                self.number(schema, value);
            }
            (Some("number"), Value::Number(_)) => self.number(schema, value),
            (Some(kind), _) => self.refuse(format!("must be {}", in_words(kind))),
            (None, _) => self.anything(value),
        }
    }

    fn follow(&self, schema: &'a Value) -> &'a Value {
        let target = schema["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
        target.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(schema)
    }

    /// Unions are of different types: the value's own type says which one is meant.
    fn one_of(&mut self, kinds: &'a [Value], value: &Value) {
        let types: Vec<_> = kinds.iter().map(|kind| &self.follow(kind)["type"]).collect();
        let meant = types.iter().position(|kind| kind.as_str() == Some(type_of(value)));
        if let Some(kind) = meant.and_then(|index| kinds.get(index)) {
            return self.value(kind, value);
        }
        let words: Vec<_> = types.iter().filter_map(|kind| kind.as_str()).map(in_words).collect();
        self.refuse(format!("must be {}", words.join(" or ")));
    }

    fn string(&mut self, schema: &Value, text: &str) {
        if let Some(allowed) = schema["enum"].as_array() {
            if !allowed.iter().any(|item| item == text) {
                let names: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
                self.refuse(format!("must be one of {}", names.join(", ")));
            }
            return;
        }
        let length = text.chars().count() as u64;
        let (min, max) = (schema["minLength"].as_u64(), schema["maxLength"].as_u64());
        if let Some(problem) = size_problem(length, min, max, "characters long") {
            self.refuse(problem);
        } else if let Some(problem) = form_problem(schema, text) {
            self.refuse(problem);
        }
    }

    fn array(&mut self, schema: &'a Value, items: &[Value]) {
        let (min, max) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
        if let Some(problem) = size_problem(items.len() as u64, min, max, "items long") {
            // items past the limit are not looked at
            return self.refuse(problem);
        }
        for (index, item) in items.iter().enumerate() {
            let length = self.path.len();
            push_item(&mut self.path, index);
            self.value(&schema["items"], item);
            self.path.truncate(length);
        }
    }

    fn object(&mut self, schema: &'a Value, members: &Map<String, Value>) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                self.member(name, |it| it.refuse("is required"));
            }
        }
        for (name, value) in members {
            match schema["properties"].get(name) {
                Some(known) => self.member(name, |it| it.value(known, value)),
                None if schema["additionalProperties"] == false => {
                    self.member(name, |it| it.refuse("is not a member of this object"));
                }
                None if schema["properties"].is_object() => {}
                // an object of the sender's own making is stored as it is
                None => self.member(name, |it| {
                    if name.contains('\0') {
                        it.refuse("must not contain U+0000");
                    }
                    it.anything(value);
                }),
            }
        }
    }

    fn number(&mut self, schema: &Value, value: &Value) {
        let (min, max) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
        let Some(number) = value.as_f64() else { return };
        if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
            self.refuse(match (min, max) {
                (Some(min), Some(max)) => format!("must be {min} to {max}"),
                (Some(min), None) => format!("must be at least {min}"),
                (None, max) => format!("must be at most {}", max.unwrap_or_default()),
            });
        }
    }

    /// What has no schema must still be storable: PostgreSQL's text has no U+0000.
    fn anything(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.contains('\0') => self.refuse("must not contain U+0000"),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let length = self.path.len();
                    push_item(&mut self.path, index);
                    self.anything(item);
                    self.path.truncate(length);
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    if name.contains('\0') {
                        self.refuse("must not have a member whose name contains U+0000");
                    }
                    self.member(name, |it| it.anything(value));
                }
            }
            _ => {}
        }
    }
}

fn is_anything(schema: &Value) -> bool {
    ["type", "allOf", "oneOf", "anyOf"].iter().all(|word| schema[*word].is_null())
}

fn size_problem(size: u64, min: Option<u64>, max: Option<u64>, what: &str) -> Option<String> {
    let is_short = min.is_some_and(|min| size < min);
    let is_long = max.is_some_and(|max| size > max);
    if !is_short && !is_long {
        return None;
    }
    Some(match (min, max) {
        (Some(min), Some(max)) if min == max => format!("must be {min} {what}"),
        (Some(1), _) if is_short => "must not be empty".to_owned(),
        (Some(min), Some(max)) => format!("must be {min} to {max} {what}"),
        (Some(min), None) => format!("must be at least {min} {what}"),
        (None, max) => format!("must be at most {} {what}", max.unwrap_or_default()),
    })
}

fn form_problem(schema: &Value, text: &str) -> Option<&'static str> {
    if text.contains('\0') {
        return Some("must not contain U+0000");
    }
    let is_right = match schema["format"].as_str() {
        // hyphenated, as RFC 9562 §4 prints it
        Some("uuid") => text.len() == 36 && Uuid::try_parse(text).is_ok(),
        Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
        Some("email") => username::canonical_email(text).is_some(),
        _ => match schema["pattern"].as_str() {
            Some(LINE_PATTERN) => !text.contains(char::is_control),
            Some(TEXT_PATTERN) | None => true,
            // a pattern that nobody has taught this function lets nothing through
            Some(_) => false,
        },
    };
    (!is_right).then(|| match schema["format"].as_str() {
        Some("uuid") => "must be a UUID",
        Some("date-time") => "must be a time as in RFC 3339, such as 2030-12-31T23:59:59Z",
        Some("email") => "must be an email address",
        _ => "must be one line without control characters",
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn in_words(kind: &str) -> &'static str {
    match kind {
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every problem as `field: message`.
    fn said(schema: &Value, value: &Value) -> Vec<String> {
        let document = json!({ "components": { "schemas": {
            "Method": { "type": "string", "enum": ["GET", "POST"] },
            "Named": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string", "maxLength": 3 } } },
        } } });
        let problems = problems(&document, schema, value);
        problems.iter().map(|it| format!("{}: {}", it.field, it.message)).collect()
    }

    #[test]
    fn every_field_is_named_by_its_path() {
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let schema = json!({ "type": "object", "required": ["id", "list"], "properties": {
            "id": { "type": "string", "format": "uuid" },
            "list": { "type": "array", "maxItems": 3, "items": { "type": "object", "required": ["method"],
                "properties": { "method": reference("Method"), "at": { "type": "string", "format": "date-time", "nullable": true } } } },
            "owner": { "allOf": [reference("Named")], "description": "whose" },
            "count": { "type": "integer", "minimum": 1, "maximum": 9 },
            "banned": { "not": {} },
        } });

        let good = json!({ "id": Uuid::nil(), "list": [{ "method": "GET", "at": null, "more": 1 }],
            "owner": { "name": "abc" }, "count": 9, "unknown": "\u{0}" });
        assert_eq!(said(&schema, &good), Vec::<String>::new());

        let bad = json!({ "id": "urn:uuid:x", "owner": { "name": "abcd" }, "count": 1.5, "banned": null,
            "list": [{ "method": "get", "at": "yesterday" }, {}, null] });
        assert_eq!(
            said(&schema, &bad),
            [
                "banned: must not be sent",
                "count: must be a whole number",
                "id: must be a UUID",
                "list[0].at: must be a time as in RFC 3339, such as 2030-12-31T23:59:59Z",
                "list[0].method: must be one of GET, POST",
                "list[1].method: is required",
                "list[2]: must not be null",
                "owner.name: must be at most 3 characters long",
            ]
        );
        assert_eq!(said(&schema, &json!({})), ["id: is required", "list: is required"]);
        assert_eq!(said(&schema, &json!([])), ["body: must be an object"]);
        let long = json!({ "id": Uuid::nil(), "list": [1, 2, 3, 4], "count": 0 });
        assert_eq!(
            said(&schema, &long),
            ["count: must be 1 to 9", "list: must be at most 3 items long"]
        );
    }

    #[test]
    fn texts_have_sizes_and_forms() {
        let text = |rule: Value| {
            let mut schema = json!({ "type": "string" });
            schema.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
            schema
        };
        for (rule, good, bad, message) in [
            (json!({ "minLength": 1 }), "é", "", "must not be empty"),
            (json!({ "maxLength": 2 }), "éé", "ééé", "must be at most 2 characters long"),
            (json!({ "minLength": 2, "maxLength": 2 }), "ab", "a", "must be 2 characters long"),
            (json!({ "format": "email" }), "a@b.example", "a b@c", "must be an email address"),
            (json!({}), "a", "\0", "must not contain U+0000"),
            (json!({ "pattern": TEXT_PATTERN }), "a\nb", "\0", "must not contain U+0000"),
            (
                json!({ "pattern": LINE_PATTERN }),
                "a b",
                "a\nb",
                "must be one line without control characters",
            ),
        ] {
            assert_eq!(said(&text(rule.clone()), &good.into()), Vec::<String>::new(), "{rule}");
            assert_eq!(said(&text(rule), &bad.into()), [format!("body: {message}")]);
        }
        assert_eq!(said(&text(json!({})), &json!(1)), ["body: must be a string"]);
    }

    #[test]
    fn of_a_union_the_values_own_type_is_meant() {
        let schema = json!({ "oneOf": [
            { "type": "string", "maxLength": 2 }, { "$ref": "#/components/schemas/Named" },
        ] });

        assert_eq!(said(&schema, &json!("abc")), ["body: must be at most 2 characters long"]);
        assert_eq!(said(&schema, &json!({})), ["name: is required"]);
        assert_eq!(said(&schema, &json!(7)), ["body: must be a string or an object"]);
        assert_eq!(said(&schema, &json!(null)), ["body: must not be null"]);
    }

    #[test]
    fn what_is_kept_unread_must_still_be_storable() {
        let schema = json!({ "type": "object" });
        assert_eq!(said(&schema, &json!({ "a": [{ "b": null }] })), Vec::<String>::new());
        assert_eq!(
            said(&schema, &json!({ "a": [{ "b": "\u{0}" }] })),
            ["a[0].b: must not contain U+0000"]
        );
    }

    #[test]
    fn an_answer_stays_small_however_much_is_wrong() {
        let schema = json!({ "type": "array", "items": { "type": "string" } });
        let value: Value = vec![1; 5_000].into();
        assert_eq!(problems(&Value::Null, &schema, &value).len(), MAX_PROBLEMS);
    }
}
