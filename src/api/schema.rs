//! What answers are made of, where the derived types would not tell the truth about them.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

/// A member that is always there and may be `null`. A derived `Option` is documented as one that
/// may be absent and is never `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nullable<T>(pub(super) Option<T>);

impl<T: Type> Type for Nullable<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = T::RawValueType;
    type RawElementValueType = T::RawElementValueType;

    fn name() -> Cow<'static, str> {
        format!("nullable_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref().merge(MetaSchema { nullable: true, ..MetaSchema::ANY })
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.0.as_ref().and_then(Type::as_raw_value)
    }

    fn raw_element_iter<'a>(
        &'a self,
    ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        match &self.0 {
            Some(value) => value.raw_element_iter(),
            None => Box::new(std::iter::empty()),
        }
    }
}

impl<T: ToJSON> ToJSON for Nullable<T> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_ref().and_then(ToJSON::to_json).unwrap_or(Value::Null))
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Nullable<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self(None)),
            value => T::parse_from_json(value)
                .map(|value| Self(Some(value)))
                .map_err(ParseError::propagate),
        }
    }
}

/// An instant on the wire: RFC 3339, UTC, whole milliseconds, with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) DateTime<Utc>);

impl Type for Time {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_date-time".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Time {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.to_rfc3339_opts(SecondsFormat::Millis, true).into())
    }
}

impl ParseFromJSON for Time {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let value = value.unwrap_or_default();
        let text = value.as_str().ok_or_else(|| ParseError::expected_type(value.clone()))?;
        DateTime::parse_from_rfc3339(text)
            .map(|at| Self(at.to_utc()))
            .map_err(|_| ParseError::custom("must be a time as in RFC 3339"))
    }
}

/// What every refusal looks like.
#[derive(Clone, Debug, Object)]
#[oai(rename = "ErrorResponse")]
pub(super) struct ErrorBody {
    /// The error.
    pub(super) error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ErrorDetail {
    /// What a program looks at.
    pub(super) code: Code,
    /// What a person reads.
    pub(super) message: String,
    /// What to quote when asking for help; the same as `X-Request-Id`.
    pub(super) request_id: String,
    /// Every field that is wrong, for `VALIDATION_ERROR`.
    #[oai(skip_serializing_if_is_none)]
    pub(super) details: Option<Vec<FieldProblem>>,
}

/// A field that breaks a rule.
#[derive(Clone, Debug, Object)]
pub(super) struct FieldProblem {
    /// The field or parameter.
    pub(super) field: String,
    /// What is wrong with it.
    pub(super) message: String,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Code {
    /// 400: fields that break a rule, each of them in `details`.
    ValidationError,
    /// 400: two different credentials, or a request that cannot be read.
    InvalidRequest,
    /// 401: no credential, or one that is not valid.
    Unauthorized,
    /// 403: a credential that must not be used for this now.
    Forbidden,
    /// 403: the plan allows no more of these.
    #[oai(rename = "plan_limit_reached")]
    PlanLimitReached,
    /// 403: the account is not on the allow-list of the Comms API.
    #[oai(rename = "comms_api_not_enabled")]
    CommsApiNotEnabled,
    /// 403: the account must be verified first; the message says where.
    #[oai(rename = "trust_required")]
    TrustRequired,
    /// 404: nothing there, or nothing of this workspace.
    NotFound,
    /// 405: the path does not have that method; `Allow` lists those it has.
    MethodNotAllowed,
    /// 409: something else is in its place.
    Conflict,
    /// 413: the body is too large.
    PayloadTooLarge,
    /// 415: the body is of another type than the route takes.
    UnsupportedMediaType,
    /// 429: too many requests in this minute.
    RateLimited,
    /// 500: the server failed.
    InternalError,
    /// 503: the server is busy or its database is away.
    Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_a_z() {
        let at = DateTime::from_timestamp_millis(1_764_000_000_120).unwrap();
        assert_eq!(Time(at).to_json().unwrap(), "2025-11-24T16:00:00.120Z");
    }

    #[test]
    fn null_is_written_and_documented() {
        assert_eq!(Nullable::<String>(None).to_json(), Some(Value::Null));
        assert_eq!(Nullable(Some("a".to_owned())).to_json(), Some("a".into()));
        let schema = Nullable::<Time>::schema_ref();
        let schema = schema.unwrap_inline();
        assert!(schema.nullable);
        assert_eq!((schema.ty, schema.format), ("string", Some("date-time")));
    }
}
