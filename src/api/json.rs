//! Reading JSON strictly (RFC 8259): every member once, nothing nested without end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, error::Category};

/// Deeper than any body this API takes.
const MAX_DEPTH: usize = 32;
/// Said by the visitor, looked for in serde's error.
const TOO_DEEP: &str = "too deep";

/// Why a text is not JSON that can be relied on. Nothing in it quotes the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// There is nothing.
    Empty,
    /// It is not JSON.
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is nested more than 32 levels deep.
    TooDeep,
    /// Members that are there twice, by their paths: readers disagree about which one counts
    /// (RFC 8259 §4).
    Repeated(Vec<String>),
}

/// Reads a JSON text.
///
/// # Errors
/// Why it cannot be relied on.
pub fn parse(text: &[u8]) -> Result<Value, Broken> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Broken::Empty);
    }
    let mut place = Place::default();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Node(&mut place)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| match error.classify() {
            Category::Data => Broken::TooDeep,
            _ => Broken::Syntax { line: error.line(), column: error.column() },
        })?;
    if place.repeated.is_empty() { Ok(value) } else { Err(Broken::Repeated(place.repeated)) }
}

/// Appends a member's name to a path.
pub(super) fn push_member(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Appends the place in a list to a path.
pub(super) fn push_item(path: &mut String, index: usize) {
    path.extend(["[", &index.to_string(), "]"]);
}

/// Where the reader is, and what it has noticed.
#[derive(Default)]
struct Place {
    path: String,
    depth: usize,
    repeated: Vec<String>,
}

struct Node<'a>(&'a mut Place);

impl Node<'_> {
    fn descend<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.0.depth += 1;
        if self.0.depth > MAX_DEPTH { Err(E::custom(TOO_DEEP)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        self.descend()?;
        let (length, mut list) = (self.0.path.len(), Vec::new());
        loop {
            push_item(&mut self.0.path, list.len());
            let item = items.next_element_seed(Node(self.0))?;
            self.0.path.truncate(length);
            match item {
                Some(item) => list.push(item),
                None => break,
            }
        }
        self.0.depth -= 1;
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        self.descend()?;
        let (length, mut map) = (self.0.path.len(), Map::new());
        while let Some(name) = members.next_key::<String>()? {
            push_member(&mut self.0.path, &name);
            let value = members.next_value_seed(Node(self.0))?;
            if map.insert(name, value).is_some() && !self.0.repeated.contains(&self.0.path) {
                self.0.repeated.push(self.0.path.clone());
            }
            self.0.path.truncate(length);
        }
        self.0.depth -= 1;
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_is() {
        let value = json!({"a": [1, -1, 1.5, "é\n", null, true, {}], "b": {"c": []}});
        assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
        assert_eq!(parse(b" null "), Ok(Value::Null));
    }

    #[test]
    fn every_repeated_member_is_named_by_its_path() {
        let text = br#"{"a":1,"b":[{"c":1},{"c":1,"c":2,"c":3}],"a":{"x":1,"x":1}}"#;
        let repeated = ["b[1].c", "a.x", "a"].map(str::to_owned).to_vec();
        assert_eq!(parse(text), Err(Broken::Repeated(repeated)));
        // the same name, written differently
        assert_eq!(parse(br#"{"a":1,"\u0061":2}"#), Err(Broken::Repeated(vec!["a".to_owned()])));
    }

    #[test]
    fn what_is_not_json_is_placed_but_not_quoted() {
        for text in [&b"{"[..], b"{'a':1}", b"[1,]", b"{} x", b"\xff", b"\"\xff\"", b"01", b"1e999"]
        {
            assert!(matches!(parse(text), Err(Broken::Syntax { .. })), "{text:?}");
        }
        assert_eq!(parse(b"\n {,"), Err(Broken::Syntax { line: 2, column: 3 }));
        assert_eq!(parse(b" \n"), Err(Broken::Empty));
        assert_eq!(parse(br#""\ud800""#), Err(Broken::Syntax { line: 1, column: 8 }));
    }

    #[test]
    fn nesting_ends_somewhere() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()), Err(Broken::TooDeep));
        assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(Broken::TooDeep));
        assert_eq!(parse("{\"a\":".repeat(100_000).as_bytes()), Err(Broken::TooDeep));
    }
}
