//! What poem-openapi cannot say, or says wrongly, set right.

use serde_json::{Value, json};

use super::members;
use crate::api::{fields::FORBIDDEN_FORMAT, gated::SUBSCRIPTION};

/// The strings that Reqflo's clients know by a name of their own: name, format and meaning.
const NAMED_STRINGS: [(&str, &str, &str); 2] = [
    ("Uuid", "uuid", "A UUID (RFC 9562), with its hyphens."),
    ("IsoDateTime", "date-time", "A time (RFC 3339); in answers UTC with whole milliseconds."),
];

/// Makes every schema say what `check` enforces, under the names that clients know.
pub(super) fn schemas(document: &mut Value) {
    let known = document["components"]["schemas"].clone();
    walk(&mut document["components"]["schemas"], &known);
    walk(&mut document["paths"], &known);
    for (name, format, meaning) in NAMED_STRINGS {
        document["components"]["schemas"][name] =
            json!({ "title": name, "type": "string", "format": format, "description": meaning });
    }
}

fn walk(value: &mut Value, known: &Value) {
    if let Some(replacement) = replacement(value, known) {
        *value = replacement;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, known)),
        Value::Object(members) => members.values_mut().for_each(|member| walk(member, known)),
        _ => {}
    }
}

fn replacement(value: &Value, known: &Value) -> Option<Value> {
    if value["format"] == FORBIDDEN_FORMAT {
        return Some(json!({ "description": value["description"], "not": {} }));
    }
    if let Some(reference) = named_string(value) {
        return Some(reference);
    }
    // OpenAPI 3.0.3: `nullable` means something only beside a `type`, and a list of values must
    // have null too
    let reference = value["allOf"][0]["$ref"].as_str().filter(|_| value["nullable"] == true)?;
    let mut schema = known.get(reference.rsplit('/').next()?)?.clone();
    schema["nullable"] = true.into();
    if value["description"].is_string() {
        schema["description"] = value["description"].clone();
    }
    if let Some(values) = schema["enum"].as_array_mut() {
        values.push(Value::Null);
    }
    Some(schema)
}

/// What refers to a named string, in place of one that is written out; one that may be null is a
/// kind of its own and stays.
fn named_string(value: &Value) -> Option<Value> {
    if value["type"] != "string" || value["nullable"] == true {
        return None;
    }
    let (name, ..) = NAMED_STRINGS.iter().find(|(_, format, _)| value["format"] == *format)?;
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    // beside a reference nothing is read
    Some(match &value["description"] {
        Value::String(words) => json!({ "allOf": [reference], "description": words }),
        _ => reference,
    })
}

/// Says the scope an operation needs in its place, and the refusals that follow from what it takes.
pub(super) fn operation(operation: &mut Value) {
    demand_subscription(operation);
    if let Some(scope) = take_scope(operation) {
        let description = operation["description"].as_str().unwrap_or_default();
        let text = format!("{description}\n\nNeeds the scope `{scope}`.");
        operation["description"] = text.trim().into();
        operation["x-scope"] = scope.into();
    }
    // an operation has a way to present a credential for each that a caller may have; the others say
    // in so many words that they need none, and refuse nobody for it
    if operation["security"].as_array().is_none_or(Vec::is_empty) {
        operation["security"] = json!([]);
        if let Some(responses) = operation["responses"].as_object_mut() {
            responses.retain(|status, _| status != "401" && status != "403");
        }
    }
    if operation["requestBody"].is_object() {
        refuse(operation, "413", "The body is too large.");
        refuse(operation, "415", "The body is not JSON.");
    }
    let parameters = operation["parameters"].as_array();
    if parameters.into_iter().flatten().any(|parameter| parameter["in"] == "path") {
        refuse(
            operation,
            "404",
            "There is nothing, or nothing of this workspace, at this address.",
        );
    }
}

/// Demands the subscription key beside each way to present a credential, where
/// [`Gated`](crate::api::gated::Gated) has put it among them.
fn demand_subscription(operation: &mut Value) {
    let Some(ways) = operation["security"].as_array_mut() else { return };
    let all = ways.len();
    ways.retain(|way| way.get(SUBSCRIPTION).is_none());
    if ways.len() < all {
        let is_scope = |way: &Value| members(way).any(|(name, _)| name.contains(':'));
        for way in ways.iter_mut().filter(|way| !is_scope(way)) {
            way[SUBSCRIPTION] = json!([]);
        }
    }
}

/// The scope among the ways to present a credential, where [`Scoped`](crate::api::scoped::Scoped)
/// has put it.
fn take_scope(operation: &mut Value) -> Option<String> {
    let ways = operation["security"].as_array_mut()?;
    let is_scope = |way: &Value| members(way).any(|(name, _)| name.contains(':'));
    let scope = ways.iter().position(is_scope).map(|index| ways.remove(index))?;
    members(&scope).next().map(|(name, _)| name.to_owned())
}

fn refuse(operation: &mut Value, status: &str, description: &str) {
    // every operation has the 400 of the errors; the others look like it
    let content = operation["responses"]["400"]["content"].clone();
    operation["responses"][status] = json!({ "description": description, "content": content });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nullable_reference_is_written_out() {
        let mut document = json!({ "components": { "schemas": {
            "Method": { "type": "string", "enum": ["GET"] },
            "Finding": { "properties": { "method": {
                "allOf": [{ "$ref": "#/components/schemas/Method" }, { "nullable": true }],
                "description": "which", "nullable": true,
            }, "workspace": { "format": FORBIDDEN_FORMAT, "description": "no", "nullable": true } } },
        } }, "paths": {} });

        schemas(&mut document);

        let properties = &document["components"]["schemas"]["Finding"]["properties"];
        assert_eq!(
            properties["method"],
            json!({ "type": "string", "enum": ["GET", null], "nullable": true, "description": "which" })
        );
        assert_eq!(properties["workspace"], json!({ "description": "no", "not": {} }));
    }

    #[test]
    fn a_string_that_has_a_name_is_referred_to_by_it() {
        let uuid = || json!({ "type": "string", "format": "uuid" });
        let described = json!({ "type": "string", "format": "date-time", "description": "when" });
        let or_null = json!({ "type": "string", "format": "uuid", "nullable": true });
        let mut document = json!({ "components": { "schemas": { "Key": { "properties": {
            "id": uuid(), "ids": { "items": uuid() }, "at": described, "owner": or_null.clone(),
        } } } }, "paths": {} });

        schemas(&mut document);

        let schemas = &document["components"]["schemas"];
        let uuid = json!({ "$ref": "#/components/schemas/Uuid" });
        let at = json!({
            "allOf": [{ "$ref": "#/components/schemas/IsoDateTime" }], "description": "when",
        });
        let key = json!({ "id": uuid, "ids": { "items": uuid }, "at": at, "owner": or_null });
        assert_eq!(schemas["Key"]["properties"], key);
        assert_eq!(
            (&schemas["Uuid"]["type"], &schemas["Uuid"]["format"]),
            (&"string".into(), &"uuid".into())
        );
        assert_eq!(schemas["IsoDateTime"]["format"], "date-time");
    }

    #[test]
    fn an_operation_says_its_scope_and_what_follows_from_what_it_takes() {
        let mut operation_ = json!({
            "description": "Does it.",
            "security": [{ "bearer": [] }, { SUBSCRIPTION: [] }, { "leads:write": [] }],
            "requestBody": {},
            "parameters": [{ "in": "path" }],
            "responses": { "400": { "content": "errors" } },
        });

        operation(&mut operation_);

        assert_eq!(operation_["security"], json!([{ "bearer": [], SUBSCRIPTION: [] }]));
        assert_eq!(operation_["x-scope"], "leads:write");
        assert_eq!(operation_["description"], "Does it.\n\nNeeds the scope `leads:write`.");
        for status in ["404", "413", "415"] {
            assert_eq!(operation_["responses"][status]["content"], "errors", "{status}");
        }
    }
}
