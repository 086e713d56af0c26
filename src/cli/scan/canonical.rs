//! One text for one description, however it was written: members sorted, no white space, numbers
//! without superfluous zeros, after the JSON Canonicalization Scheme (RFC 8785).

use serde_json::Value;

use crate::crypto::digest;

/// The SHA-256 of a description's canonical text, in hexadecimal digits.
pub(super) fn sha256(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    digest::hex(&digest::sha256(text.as_bytes()))
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // RFC 8785 §3.2.3: by UTF-16 code units
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                separate(index, text);
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
        Value::Number(number) => {
            let text_of_number = number.to_string();
            // RFC 8785 §3.2.2.3: 1.0 is 1
            text.push_str(text_of_number.strip_suffix(".0").unwrap_or(&text_of_number));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let mut text = String::new();
        write(value, &mut text);
        text
    }

    #[test]
    fn the_same_value_has_one_text() {
        let value =
            json!({ "b": [1.0, 1.5, -2, true, null], "a": { "é": "\n\"", "z": {} }, "": [] });

        assert_eq!(
            canonical(&value),
            r#"{"":[],"a":{"z":{},"é":"\n\""},"b":[1,1.5,-2,true,null]}"#
        );
        // a member outside the basic plane sorts before U+FB33 (the example of RFC 8785 §3.2.3)
        assert_eq!(canonical(&json!({"\u{fb33}": 1, "😀": 2})), "{\"😀\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn the_digest_is_that_of_the_canonical_text() {
        // printf '{"a":1}' | sha256sum
        assert_eq!(
            sha256(&json!({ "a": 1.0 })),
            "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
        );
    }
}
