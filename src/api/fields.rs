//! The types of a body's members. Each says its rules in the document, and `check` enforces what
//! the document says.

use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

use crate::resources::Change;

/// Text that PostgreSQL can store.
pub(super) const TEXT_PATTERN: &str = r"^[^\u0000]*$";
/// One line.
pub(super) const LINE_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// In the document it becomes `not: {}`, which poem-openapi cannot say.
pub(super) const FORBIDDEN_FORMAT: &str = "forbidden";
/// RFC 5321 §4.5.3.1.
const MAX_EMAIL_CHARS: usize = 254;

/// Text of `MIN` to `MAX` characters, line breaks included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<const MIN: usize, const MAX: usize>(pub(super) String);

/// One line of `MIN` to `MAX` characters: names, titles, subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<const MIN: usize, const MAX: usize>(pub(super) String);

/// An email address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Email(pub(super) String);

/// A member that must not be sent, such as one that the credential decides; always `Maybe` of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forbidden;

/// A member that may be absent or `null`, which means the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

/// What a value that is there in full says about itself.
macro_rules! value_itself {
    ($name:expr) => {
        const IS_REQUIRED: bool = true;

        type RawValueType = Self;
        type RawElementValueType = Self;

        fn name() -> Cow<'static, str> {
            $name.into()
        }

        fn as_raw_value(&self) -> Option<&Self> {
            Some(self)
        }

        fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
            Box::new(std::iter::once(self))
        }
    };
}

impl<const MIN: usize, const MAX: usize> Type for Text<MIN, MAX> {
    value_itself!("string");

    fn schema_ref() -> MetaSchemaRef {
        sized(MIN, MAX, TEXT_PATTERN)
    }
}

impl<const MIN: usize, const MAX: usize> Type for Line<MIN, MAX> {
    value_itself!("string");

    fn schema_ref() -> MetaSchemaRef {
        sized(MIN, MAX, LINE_PATTERN)
    }
}

impl Type for Email {
    value_itself!("string_email");

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_length: Some(MAX_EMAIL_CHARS),
            ..MetaSchema::new_with_format("string", "email")
        }))
    }
}

impl Type for Forbidden {
    value_itself!(FORBIDDEN_FORMAT);

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("", FORBIDDEN_FORMAT)))
    }
}

impl<const MIN: usize, const MAX: usize> ParseFromJSON for Text<MIN, MAX> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        string(value).map(Self)
    }
}

impl<const MIN: usize, const MAX: usize> ParseFromJSON for Line<MIN, MAX> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        string(value).map(Self)
    }
}

impl ParseFromJSON for Email {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        string(value).map(Self)
    }
}

impl ParseFromJSON for Forbidden {
    fn parse_from_json(_: Option<Value>) -> ParseResult<Self> {
        Err(ParseError::custom("must not be sent"))
    }
}

impl<const MIN: usize, const MAX: usize> ToJSON for Text<MIN, MAX> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_str().into())
    }
}

impl<const MIN: usize, const MAX: usize> ToJSON for Line<MIN, MAX> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_str().into())
    }
}

impl ToJSON for Email {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_str().into())
    }
}

impl ToJSON for Forbidden {
    fn to_json(&self) -> Option<Value> {
        None
    }
}

/// What an optional member passes on to the type it may hold.
macro_rules! perhaps {
    ($option:ident) => {
        const IS_REQUIRED: bool = false;

        type RawValueType = T::RawValueType;
        type RawElementValueType = T::RawElementValueType;

        fn name() -> Cow<'static, str> {
            format!("optional_{}", T::name()).into()
        }

        fn schema_ref() -> MetaSchemaRef {
            T::schema_ref().merge(MetaSchema { nullable: true, ..MetaSchema::ANY })
        }

        fn register(registry: &mut Registry) {
            T::register(registry);
        }

        fn as_raw_value(&self) -> Option<&Self::RawValueType> {
            $option(self).and_then(Type::as_raw_value)
        }

        fn raw_element_iter<'a>(
            &'a self,
        ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
            match $option(self) {
                Some(value) => value.raw_element_iter(),
                None => Box::new(std::iter::empty()),
            }
        }
    };
}

fn held<T>(member: &Maybe<T>) -> Option<&T> {
    member.0.as_ref()
}

fn set<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
    }
}

impl<T: Type> Type for Maybe<T> {
    perhaps!(held);
}

/// A member of a change: absent keeps, `null` clears.
impl<T: Type> Type for Change<T> {
    perhaps!(set);
}

impl<T: ParseFromJSON> ParseFromJSON for Maybe<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let value = value.filter(|value| !value.is_null());
        let parsed = value.map(|value| T::parse_from_json(Some(value))).transpose();
        parsed.map(Self).map_err(ParseError::propagate)
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Change<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            None => Ok(Self::Keep),
            Some(Value::Null) => Ok(Self::Clear),
            value => T::parse_from_json(value).map(Self::Set).map_err(ParseError::propagate),
        }
    }
}

impl<T: ToJSON> ToJSON for Maybe<T> {
    fn to_json(&self) -> Option<Value> {
        self.0.as_ref().and_then(ToJSON::to_json)
    }
}

impl<T: ToJSON> ToJSON for Change<T> {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(Value::Null),
            Self::Set(value) => value.to_json(),
        }
    }
}

fn sized(min: usize, max: usize, pattern: &str) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema {
        min_length: (min > 0).then_some(min),
        max_length: Some(max),
        pattern: Some(pattern.to_owned()),
        ..MetaSchema::new("string")
    }))
}

/// The text, which `check` has found to be one; it is not quoted if it is none.
fn string<T: Type>(value: Option<Value>) -> Result<String, ParseError<T>> {
    match value {
        Some(Value::String(text)) => Ok(text),
        _ => Err(ParseError::custom("must be a string")),
    }
}
