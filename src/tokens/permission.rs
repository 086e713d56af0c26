//! The grammar of one scope token, the same for API keys and access tokens: a permission of the
//! product's catalogue, and what it is confined to, if to anything:
//!
//! ```text
//! scope-token = permission [ "?" limit *( "&" limit ) ]
//! limit       = name "=" value        ; as in a query string, each name once and in this order:
//! name        = resourceType | resourceId | serviceId | environmentId | workflowId
//!             | resourceConstraints   ; a JSON object
//! ```
//! Every such token is a scope token of RFC 6749 §3.3. Who only knows plain tokens finds that a
//! confined one is none of them: a limit that is not understood gives nothing.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

/// The longest permission, in characters.
const MAX_PERMISSION_CHARS: usize = 120;
/// The longest scope token with its limits, in characters.
const MAX_TOKEN_CHARS: usize = 2_000;
/// The longest `resourceType`, in characters.
pub const MAX_TYPE_CHARS: usize = 80;
/// How many attributes `resourceConstraints` may name, and how many values one may have.
const MAX_ATTRIBUTES: usize = 20;
/// What separates a permission from its limits.
const SEPARATOR: char = '?';

/// One scope token, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The permission, one of a product's catalogue.
    pub permission: String,
    /// What it is confined to.
    pub limits: Limits,
}

/// What a permission is confined to: everything that is named here must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The kind of resource, such as `dataset`.
    pub resource_type: Option<String>,
    /// The resource.
    pub resource_id: Option<Uuid>,
    /// The service it belongs to.
    pub service_id: Option<Uuid>,
    /// The environment it belongs to.
    pub environment_id: Option<Uuid>,
    /// The workflow it belongs to.
    pub workflow_id: Option<Uuid>,
    /// Its attributes, each with the value or the list of values it may have.
    pub resource_constraints: BTreeMap<String, Value>,
}

/// What a request is about, as far as it is known. A limit on what is not known is not met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resource<'a> {
    /// The kind of resource, such as `dataset`.
    pub resource_type: Option<&'a str>,
    /// The resource; `None` while there is none yet.
    pub resource_id: Option<Uuid>,
    /// The service it belongs to.
    pub service_id: Option<Uuid>,
    /// The environment it belongs to.
    pub environment_id: Option<Uuid>,
    /// The workflow it belongs to.
    pub workflow_id: Option<Uuid>,
    /// Its attributes by name.
    pub attributes: &'a [(&'a str, &'a str)],
}

impl Permission {
    /// A permission without limits.
    #[must_use]
    pub fn everywhere(permission: impl Into<String>) -> Self {
        Self { permission: permission.into(), limits: Limits::default() }
    }

    /// Reads a scope token; `None` if it is none. Each permission has one spelling.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let (permission, limits) = match token.split_once(SEPARATOR) {
            None => (token, Limits::default()),
            Some((permission, query)) => (permission, Limits::parse(query)?),
        };
        let read = Self { permission: permission.to_owned(), limits };
        let is_spelled_so = || !token.contains(SEPARATOR) || read.to_string() == token;
        (is_permission(permission) && token.len() <= MAX_TOKEN_CHARS && is_spelled_so())
            .then_some(read)
    }

    /// Whether whoever has this also has `other`: the same permission within the same limits or
    /// narrower ones.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.permission == other.permission && self.limits.cover(&other.limits)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.permission)?;
        if self.limits.is_none() {
            return Ok(());
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.limits.pairs());
        write!(f, "{SEPARATOR}{}", query.finish())
    }
}

impl Limits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Each limit with its name, in the order of the grammar.
    fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string());
        let attributes = (!self.resource_constraints.is_empty())
            .then(|| serde_json::json!(self.resource_constraints).to_string());
        [
            ("resourceType", self.resource_type.clone()),
            ("resourceId", id(self.resource_id)),
            ("serviceId", id(self.service_id)),
            ("environmentId", id(self.environment_id)),
            ("workflowId", id(self.workflow_id)),
            ("resourceConstraints", attributes),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Each limit as a member of a JSON object.
    pub fn members(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.pairs().map(|(name, value)| match name {
            "resourceConstraints" => (name, serde_json::json!(self.resource_constraints)),
            _ => (name, value.into()),
        })
    }

    fn parse(query: &str) -> Option<Self> {
        let mut limits = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            limits.put(&name, &value)?;
        }
        (!limits.is_none()).then_some(limits)
    }

    fn put(&mut self, name: &str, value: &str) -> Option<()> {
        let id = || Uuid::try_parse(value).ok();
        match name {
            "resourceType" => self.resource_type = Some(value.to_owned()),
            "resourceId" => self.resource_id = Some(id()?),
            "serviceId" => self.service_id = Some(id()?),
            "environmentId" => self.environment_id = Some(id()?),
            "workflowId" => self.workflow_id = Some(id()?),
            "resourceConstraints" => {
                self.resource_constraints = serde_json::from_str(value).ok()?;
            }
            _ => return None,
        }
        self.problem().is_none().then_some(())
    }

    /// The first limit that is not one, and what is wrong with it.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let is_type = |text: &String| {
            (1..=MAX_TYPE_CHARS).contains(&text.chars().count())
                && !text.chars().any(char::is_control)
        };
        if self.resource_type.as_ref().is_some_and(|text| !is_type(text)) {
            return Some(("resourceType", "must be one line of 1 to 80 characters"));
        }
        let is_attribute = |(name, value): (&String, &Value)| {
            (1..=MAX_TYPE_CHARS).contains(&name.chars().count())
                && !name.contains('\0')
                && match value {
                    Value::Array(values) => {
                        (1..=MAX_ATTRIBUTES).contains(&values.len()) && values.iter().all(is_plain)
                    }
                    value => is_plain(value),
                }
        };
        let attributes = &self.resource_constraints;
        if attributes.len() > MAX_ATTRIBUTES || !attributes.iter().all(is_attribute) {
            let message = "must be an object of at most 20 members, each a string, a number, true, \
                           false, or a list of up to 20 of these";
            return Some(("resourceConstraints", message));
        }
        None
    }

    /// Whether everything that `other` allows is allowed by these limits too.
    fn cover(&self, other: &Self) -> bool {
        fn covers<T: PartialEq>(mine: Option<&T>, other: Option<&T>) -> bool {
            mine.is_none_or(|mine| other == Some(mine))
        }
        let attribute = |(name, mine): (&String, &Value)| {
            let theirs = other.resource_constraints.get(name);
            theirs.is_some_and(|theirs| {
                values(theirs).iter().all(|value| values(mine).contains(value))
            })
        };
        covers(self.resource_type.as_ref(), other.resource_type.as_ref())
            && covers(self.resource_id.as_ref(), other.resource_id.as_ref())
            && covers(self.service_id.as_ref(), other.service_id.as_ref())
            && covers(self.environment_id.as_ref(), other.environment_id.as_ref())
            && covers(self.workflow_id.as_ref(), other.workflow_id.as_ref())
            && self.resource_constraints.iter().all(attribute)
    }

    /// The first limit that a resource does not meet.
    #[must_use]
    pub fn unmet(&self, resource: &Resource<'_>) -> Option<&'static str> {
        let id = |mine: Option<Uuid>, theirs: Option<Uuid>| mine.is_some() && mine != theirs;
        let attribute = |(name, allowed): (&String, &Value)| {
            let mut attributes = resource.attributes.iter();
            let theirs = attributes.find(|(known, _)| known == name).map(|(_, value)| *value);
            !theirs.is_some_and(|theirs| values(allowed).iter().any(|value| is_text(value, theirs)))
        };
        let is_other_type =
            self.resource_type.as_ref().is_some_and(|mine| resource.resource_type != Some(mine));
        [
            ("resourceType", is_other_type),
            ("resourceId", id(self.resource_id, resource.resource_id)),
            ("serviceId", id(self.service_id, resource.service_id)),
            ("environmentId", id(self.environment_id, resource.environment_id)),
            ("workflowId", id(self.workflow_id, resource.workflow_id)),
            ("resourceConstraints", self.resource_constraints.iter().any(attribute)),
        ]
        .into_iter()
        .find_map(|(name, is_unmet)| is_unmet.then_some(name))
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() <= MAX_PERMISSION_CHARS && !text.contains('\0'),
        Value::Number(_) | Value::Bool(_) => true,
        _ => false,
    }
}

fn values(value: &Value) -> Cow<'_, [Value]> {
    match value {
        Value::Array(values) => Cow::Borrowed(values),
        value => Cow::Owned(vec![value.clone()]),
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        value => *value == text,
    }
}

/// RFC 6749 §3.3: printable ASCII without space, `"` and `\`; and, here, without what begins the
/// limits.
fn is_permission(text: &str) -> bool {
    (1..=MAX_PERMISSION_CHARS).contains(&text.len())
        && !text.contains(SEPARATOR)
        && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// The permission of a scope token, whatever it is confined to.
#[must_use]
pub fn name_of(token: &str) -> &str {
    token.split(SEPARATOR).next().unwrap_or(token)
}

/// What a scope token is confined to, for people: `serviceId …, workflowId …`.
#[must_use]
pub fn limits_of(token: &str) -> Option<String> {
    let limits = Permission::parse(token)?.limits;
    let words: Vec<_> = limits.pairs().map(|(name, value)| format!("{name} {value}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "00000000-0000-0000-0000-00000000000a";
    const B: &str = "00000000-0000-0000-0000-00000000000b";

    fn read(token: &str) -> Permission {
        Permission::parse(token).unwrap_or_else(|| panic!("{token}"))
    }

    #[test]
    fn a_token_has_one_spelling() {
        for token in [
            "leads:read".to_owned(),
            format!("leads:read?serviceId={A}"),
            format!(
                "x?resourceType=a+b&resourceId={A}&serviceId={A}&environmentId={A}&workflowId={B}"
            ),
            "x?resourceConstraints=%7B%22method%22%3A%5B%22GET%22%2C1%5D%7D".to_owned(),
        ] {
            assert_eq!(read(&token).to_string(), token);
        }
        for token in [
            String::new(),
            "a b".to_owned(),
            "leads:read?".to_owned(),
            "leads:read?serviceId=".to_owned(),
            "leads:read?serviceId=1".to_owned(),
            format!("?serviceId={A}"),
            format!("leads:read?serviceId={}", A.to_uppercase()),
            format!("leads:read?serviceId={A}&serviceId={A}"),
            format!("leads:read?workflowId={A}&serviceId={A}"),
            format!("leads:read?serviceId={A}&other=1"),
            format!("leads:read?serviceId={A}?serviceId={A}"),
            "x?resourceType=".to_owned(),
            "x?resourceConstraints=%7B%7D".to_owned(),
            "x?resourceConstraints=%7B%22a%22%3Anull%7D".to_owned(),
            "x?resourceConstraints=1".to_owned(),
            format!("x?resourceType={}", "a".repeat(81)),
            "a".repeat(121),
        ] {
            assert_eq!(Permission::parse(&token), None, "{token}");
        }
    }

    #[test]
    fn a_wider_permission_covers_a_narrower_one() {
        for (held, asked, covers) in [
            ("x".to_owned(), "x".to_owned(), true),
            ("x".to_owned(), format!("x?serviceId={A}"), true),
            (format!("x?serviceId={A}"), "x".to_owned(), false),
            (format!("x?serviceId={A}"), format!("x?serviceId={A}"), true),
            (format!("x?serviceId={A}"), format!("x?serviceId={B}"), false),
            (format!("x?serviceId={A}"), format!("x?serviceId={A}&workflowId={B}"), true),
            (format!("x?serviceId={A}&workflowId={B}"), format!("x?serviceId={A}"), false),
            ("x".to_owned(), format!("y?serviceId={A}"), false),
        ] {
            assert_eq!(read(&held).covers(&read(&asked)), covers, "{held} {asked}");
        }
        let methods = |value: Value| Permission {
            permission: "x".to_owned(),
            limits: Limits {
                resource_constraints: BTreeMap::from([("method".to_owned(), value)]),
                ..Limits::default()
            },
        };
        let held = methods(serde_json::json!(["GET", "HEAD"]));
        assert!(held.covers(&methods("GET".into())));
        assert!(!held.covers(&methods("POST".into())));
        assert!(!held.covers(&read("x")));
    }

    #[test]
    fn what_is_not_known_meets_no_limit() {
        let (a, b) = (A.parse().ok(), B.parse().ok());
        let about = Resource { service_id: a, resource_type: Some("scan"), ..Resource::default() };
        for (token, unmet) in [
            ("x".to_owned(), None),
            (format!("x?serviceId={A}"), None),
            (format!("x?serviceId={B}"), Some("serviceId")),
            (format!("x?resourceType=scan&serviceId={A}"), None),
            (format!("x?resourceType=lead&serviceId={A}"), Some("resourceType")),
            (format!("x?serviceId={A}&workflowId={B}"), Some("workflowId")),
            (
                "x?resourceConstraints=%7B%22method%22%3A%22GET%22%7D".to_owned(),
                Some("resourceConstraints"),
            ),
        ] {
            assert_eq!(read(&token).limits.unmet(&about), unmet, "{token}");
        }
        assert_eq!(
            read(&format!("x?serviceId={A}")).limits.unmet(&Resource::default()),
            Some("serviceId")
        );
        let get =
            Resource { service_id: b, attributes: &[("method", "GET")], ..Resource::default() };
        assert_eq!(
            read("x?resourceConstraints=%7B%22method%22%3A%22GET%22%7D").limits.unmet(&get),
            None
        );
    }
}
