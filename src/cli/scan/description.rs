//! The description that is scanned: read from its file, understood as JSON or YAML, recognised as
//! OpenAPI 3.0, OpenAPI 3.1 or Swagger 2.0.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde_json::Value;

use super::canonical;
use crate::cli::Failure;

/// The largest file that is read.
const MAX_BYTES: u64 = 10 * 1024 * 1024;
const TOO_LARGE: &str = "OpenAPI spec is too large: the CLI currently limits spec files to 10 MB.";
/// Nested deeper, nothing is an API description any more.
const MAX_DEPTH: usize = 128;
/// More than ten million bytes can be made of.
const MAX_NODES: usize = 4_000_000;
/// What aliases may add to a file: enough for shared pieces, too little for a bomb.
const MAX_ALIASED_NODES: usize = 1_000_000;

/// An API description.
#[derive(Debug)]
pub(super) struct Description {
    root: Value,
    dialect: Dialect,
    version: String,
}

/// Which specification a description follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAPI 3.0 or 3.1.
    OpenApi3,
    /// Swagger 2.0.
    Swagger2,
}

impl Description {
    /// Reads a description from a file of at most 10 MB.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: io::Error| {
            Failure::new(format!("--spec {} cannot be read: {error}", path.display()))
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Failure::said(TOO_LARGE));
        }
        let refused = |what| Failure::new(format!("--spec {} {what}", path.display()));
        let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8 text".to_owned()))?;
        let is_json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
        Self::parse(&text, is_json).map_err(refused)
    }

    /// Reads a description from a text.
    pub(super) fn parse(text: &str, is_json: bool) -> Result<Self, String> {
        let root = parse(text.trim_start_matches('\u{feff}'), is_json)?;
        Self::of(root).map_err(str::to_owned)
    }

    /// Recognises a description.
    pub(super) fn of(root: Value) -> Result<Self, &'static str> {
        const UNKNOWN: &str = "is not an OpenAPI 3.0, OpenAPI 3.1 or Swagger 2.0 description";
        let version = |name: &str| scalar(&root[name]);
        let (dialect, version) = match (version("openapi"), version("swagger")) {
            (Some(version), _) if is_of(&version, "3.0") || is_of(&version, "3.1") => {
                (Dialect::OpenApi3, version)
            }
            (None, Some(version)) if is_of(&version, "2.0") || version == "2" => {
                (Dialect::Swagger2, version)
            }
            _ => return Err(UNKNOWN),
        };
        Ok(Self { root, dialect, version })
    }

    /// The whole of it.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// Which specification it follows.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The version of that specification.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// `OpenAPI 3.1.0`.
    pub(super) fn kind(&self) -> String {
        let name = match self.dialect {
            Dialect::OpenApi3 => "OpenAPI",
            Dialect::Swagger2 => "Swagger",
        };
        format!("{name} {}", self.version)
    }

    /// What the API is called.
    pub(super) fn title(&self) -> Option<String> {
        scalar(&self.root["info"]["title"])
    }

    /// The SHA-256 of its canonical text.
    pub(super) fn sha256(&self) -> String {
        canonical::sha256(&self.root)
    }
}

/// Whether `version` is `series` or a patch of it.
fn is_of(version: &str, series: &str) -> bool {
    version.strip_prefix(series).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A text, or a number where YAML makes one of an unquoted text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn parse(text: &str, is_json: bool) -> Result<Value, String> {
    // JSON is YAML too, but for the escapes of characters outside the basic plane
    let as_json = is_json || text.trim_start().starts_with('{');
    if as_json {
        match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            Err(error) if is_json => return Err(format!("is not JSON: {error}")),
            Err(_) => {}
        }
    }
    yaml(text).map_err(|error| format!("is not YAML: {error}"))
}

fn yaml(text: &str) -> Result<Value, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED_NODES,
        },
    };
    serde_saphyr::from_str_with_options(text, options)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recognised(root: Value) -> Option<(Dialect, String)> {
        Description::of(root).ok().map(|it| (it.dialect(), it.version().to_owned()))
    }

    #[test]
    fn three_specifications_are_recognised() {
        let is = |dialect, version: &str| Some((dialect, version.to_owned()));

        assert_eq!(recognised(json!({"openapi": "3.0.3"})), is(Dialect::OpenApi3, "3.0.3"));
        assert_eq!(recognised(json!({"openapi": "3.1.0"})), is(Dialect::OpenApi3, "3.1.0"));
        assert_eq!(recognised(json!({"openapi": 3.1})), is(Dialect::OpenApi3, "3.1"));
        assert_eq!(recognised(json!({"swagger": "2.0"})), is(Dialect::Swagger2, "2.0"));
        assert_eq!(recognised(json!({"swagger": 2.0})), is(Dialect::Swagger2, "2.0"));
        for other in [
            json!({}),
            json!([]),
            json!("3.1.0"),
            json!({"openapi": "2.0"}),
            json!({"openapi": "3.10.0"}),
            json!({"openapi": "3.2.0"}),
            json!({"openapi": null}),
            json!({"swagger": "1.2"}),
            json!({"asyncapi": "3.0.0"}),
        ] {
            assert_eq!(recognised(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn json_and_yaml_of_the_same_description_have_the_same_digest() {
        let yaml = "openapi: 3.1.0\ninfo: {title: Billing API, version: '1'}\n\
            paths:\n  /charges:\n    post:\n      responses:\n        200: {description: yes}\n";
        let json = r#"{"info":{"version":"1","title":"Billing API"},"paths":{"/charges":{"post":
            {"responses":{"200":{"description":"yes"}}}}},"openapi":"3.1.0"}"#;
        let digest = |text| Description::of(parse(text, false).unwrap()).unwrap().sha256();

        assert_eq!(digest(yaml), digest(json));
        assert_ne!(digest(yaml), digest(&yaml.replace("Billing", "Filling")));
    }

    #[test]
    fn yaml_is_read_as_its_version_1_2() {
        let text = "a: &it {on: no}\nb: *it\nc: 2026-01-01\nd: 0x10\ne: \"\\u00e9 😀\"\n200: ~\n";

        let value = parse(text, false).unwrap();

        assert_eq!(value["a"], json!({"on": "no"}));
        assert_eq!(value["b"], value["a"]);
        assert_eq!(value["c"], "2026-01-01");
        assert_eq!(value["e"], "é 😀");
        assert_eq!(value["200"], Value::Null);
    }

    #[test]
    fn json_keeps_its_escapes_and_a_flow_mapping_is_yaml() {
        assert_eq!(parse(r#"{"a": "\ud83d\ude00"}"#, false).unwrap(), json!({"a": "😀"}));
        assert_eq!(parse("{a: b}", false).unwrap(), json!({"a": "b"}));
        assert!(parse("{a: b}", true).unwrap_err().starts_with("is not JSON"));
    }

    #[test]
    fn what_is_neither_json_nor_yaml_or_never_ends_is_refused() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, of) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip("abcdefgh".chars()) {
            let items = vec![format!("*{of}"); 9].join(", ");
            bomb.extend([name, ": &", name, " [", items.as_str(), "]\n"]);
        }
        let deep = "[".repeat(100_000);
        for bad in ["a: [", "a: 1\na: 2\n", "a: b: c", "a: 1\n---\nb: 2\n", &deep, &bomb] {
            let start: String = bad.chars().take(20).collect();
            assert!(parse(bad, false).unwrap_err().starts_with("is not YAML"), "{start}");
        }
        assert!(parse(&"[".repeat(100_000), true).is_err());
    }
}
