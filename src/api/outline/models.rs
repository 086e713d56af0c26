//! The named schemas as people read them: each with its own members.

use serde_json::Value;

use super::{Field, holds, list_of, members, reference, strings, text};

/// A named schema.
pub(in crate::api) struct Model {
    /// Its name.
    pub(in crate::api) name: String,
    /// What it holds.
    pub(in crate::api) holds: String,
    /// What it means.
    pub(in crate::api) description: String,
    /// Its own members; what they consist of is under their name.
    pub(in crate::api) fields: Vec<Field>,
}

impl Model {
    pub(super) fn of(document: &Value, name: &str, schema: &Value) -> Self {
        let required: Vec<_> = strings(&schema["required"]).collect();
        let fields = members(&schema["properties"]).map(|(name, member)| Field {
            name: name.to_owned(),
            holds: named(document, member),
            is_optional: !required.contains(&name),
            description: text(&member["description"]),
        });
        Self {
            name: name.to_owned(),
            holds: holds(document, schema),
            description: text(&schema["description"]),
            fields: fields.collect(),
        }
    }
}

/// The name of a schema that has one; else what it holds.
fn named(document: &Value, schema: &Value) -> String {
    if let Some((_, name)) = reference(schema).and_then(|reference| reference.rsplit_once('/')) {
        return name.to_owned();
    }
    if schema["type"] == "array" {
        return list_of(&named(document, &schema["items"]), schema);
    }
    holds(document, schema)
}

#[cfg(test)]
mod tests {
    use super::super::Outline;
    use crate::api::{document::Document, service};

    #[test]
    fn a_schema_is_listed_with_its_members_by_their_names() {
        let outline = Outline::of(&Document::of(&service()));
        let payload = outline.schemas.iter().find(|it| it.name == "ScanIngestionPayload").unwrap();
        let said = |name: &str| {
            let field = payload.fields.iter().find(|field| field.name == name).unwrap();
            (field.holds.as_str(), field.is_optional)
        };

        assert_eq!(payload.holds, "object");
        assert_eq!(said("spec"), ("ScanSpec", false));
        assert_eq!(said("endpoints"), ("list of NormalizedEndpoint, at most 2000 items", false));
        assert_eq!(said("organizationId"), ("nothing: it must not be sent", true));
        let uuid = outline.schemas.iter().find(|it| it.name == "Uuid").unwrap();
        assert_eq!((uuid.holds.as_str(), uuid.fields.len()), ("UUID", 0));
    }
}
