//! `$ref`: what a description says in one place and means in another.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// More steps than any honest chain of references has.
const MAX_STEPS: usize = 16;

/// What stands at the end of a chain of references.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target<'a> {
    /// The value itself.
    Value(&'a Value),
    /// Another file, which is not read.
    Elsewhere,
    /// Nothing, or a circle.
    Nothing,
}

/// Follows a value's `$ref`, if it has one, to its end.
pub(super) fn follow<'a>(root: &'a Value, mut value: &'a Value) -> Target<'a> {
    for _ in 0..MAX_STEPS {
        let Some(reference) = reference_of(value) else {
            return Target::Value(value);
        };
        match find(root, reference) {
            Target::Value(next) => value = next,
            end => return end,
        }
    }
    Target::Nothing
}

/// The reference that stands in a value's place.
pub(super) fn reference_of(value: &Value) -> Option<&str> {
    value.get("$ref").and_then(Value::as_str)
}

/// What one reference leads to (RFC 6901 §6).
pub(super) fn find<'a>(root: &'a Value, reference: &str) -> Target<'a> {
    match reference.strip_prefix('#') {
        None => Target::Elsewhere,
        // a name that a schema gives itself (JSON Schema's `$anchor`): where it is, only the
        // schema's own rules say
        Some(fragment) if !fragment.is_empty() && !fragment.starts_with('/') => Target::Elsewhere,
        Some(fragment) => {
            let pointer = percent_decode_str(fragment).decode_utf8().ok();
            let found = pointer.and_then(|pointer| root.pointer(&pointer));
            found.map_or(Target::Nothing, Target::Value)
        }
    }
}

/// Every reference of a description, each with the names and places that lead to it.
pub(super) fn all(root: &Value) -> Vec<(Vec<&str>, &str)> {
    let mut found = Vec::new();
    collect(root, &mut Vec::new(), &mut found);
    found
}

fn collect<'a>(
    value: &'a Value,
    path: &mut Vec<&'a str>,
    found: &mut Vec<(Vec<&'a str>, &'a str)>,
) {
    // what an example or an extension holds is nobody's reference
    let is_opaque = |name: &str| matches!(name, "example" | "examples") || name.starts_with("x-");
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str().filter(|_| name == "$ref") {
                    Some(reference) => found.push((path.clone(), reference)),
                    None if is_opaque(name) => {}
                    None => {
                        path.push(name);
                        collect(member, path, found);
                        path.pop();
                    }
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn chains_are_followed_to_their_end_and_circles_are_left() {
        let root = json!({
            "a": {"$ref": "#/b"}, "b": {"$ref": "#/c~1d/0"}, "c/d": [7], "é x": 8,
            "round": {"$ref": "#/trip"}, "trip": {"$ref": "#/round"},
        });
        let follow = |reference: &str| follow(&root, &json!({"$ref": reference})).clone_of();

        assert_eq!(follow("#/a"), Ok(json!(7)));
        assert_eq!(follow("#/%C3%A9%20x"), Ok(json!(8)));
        assert_eq!(follow("#/round"), Err("nothing"));
        assert_eq!(follow("#/none"), Err("nothing"));
        assert_eq!(follow("#/%zz"), Err("nothing"));
        assert_eq!(follow("other.yaml#/a"), Err("elsewhere"));
        assert_eq!(follow("#anchor"), Err("elsewhere"));
    }

    #[test]
    fn references_are_found_wherever_they_count() {
        let root = json!({
            "paths": {"/a": {"get": {"parameters": [{"$ref": "#/p"}]}}},
            "example": {"$ref": "#/no"}, "x-y": {"$ref": "#/no"},
            "properties": {"$ref": {"$ref": "#/s"}},
        });

        let mut found = all(&root);
        found.sort();

        assert_eq!(
            found,
            [
                (vec!["paths", "/a", "get", "parameters"], "#/p"),
                (vec!["properties", "$ref"], "#/s"),
            ]
        );
    }

    impl Target<'_> {
        fn clone_of(self) -> Result<Value, &'static str> {
            match self {
                Self::Value(value) => Ok(value.clone()),
                Self::Elsewhere => Err("elsewhere"),
                Self::Nothing => Err("nothing"),
            }
        }
    }
}
