//! A JSON body, read strictly: its type first (415), then its size (413), then JSON with every
//! member once, then every rule of the document about it (400, with each failing field).

use std::marker::PhantomData;

use poem::{
    Body as RawBody, Request, RequestBody, Result,
    http::{HeaderMap, HeaderName, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry},
    types::ParseFromJSON,
};
use serde_json::Value;

use super::{
    DOCUMENT, check,
    error::ApiError,
    json::{self, Broken},
};
use crate::{
    fault::{Fault, FieldError},
    web::body::{self, BodyError},
};

/// What a body may have unless its route says otherwise.
pub(super) const MAX_BODY_BYTES: usize = 256 * 1024;
const JSON: &str = "application/json";

/// The body of a request, of at most `MAX` bytes. It must come after
/// [`Scoped`](super::scoped::Scoped) in a route's parameters: who may not ask is not read.
pub(super) struct Body<T, const MAX: usize = MAX_BODY_BYTES>(pub(super) T);

impl<'a, T: ParseFromJSON, const MAX: usize> ApiExtractor<'a> for Body<T, MAX> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let value = parse(&read(request.headers(), body, MAX).await?)?;
        Ok(Self(interpret(value)?))
    }
}

/// A body of which something must be known before it is held to its rules.
pub(super) struct Draft<T> {
    value: Value,
    kind: PhantomData<fn() -> T>,
}

impl<T: ParseFromJSON> Draft<T> {
    /// Whether it has that member, and not `null`.
    pub(super) fn has(&self, member: &str) -> bool {
        self.value.get(member).is_some_and(|value| !value.is_null())
    }

    /// The body, if it keeps every rule.
    pub(super) fn checked(self) -> Result<T, ApiError> {
        interpret(self.value)
    }
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for Draft<T> {
    const TYPES: &'static [ApiExtractorType] = Body::<T>::TYPES;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Body::<T>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Body::<T>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let value = parse(&read(request.headers(), body, MAX_BODY_BYTES).await?)?;
        Ok(Self { value, kind: PhantomData })
    }
}

/// A body that need not be there; an empty one is none.
pub(super) struct MaybeBody<T>(pub(super) Option<T>);

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for MaybeBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Body::<T>::request_meta().map(|meta| MetaRequest { required: false, ..meta })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            let bytes = take(request.headers(), body, MAX_BODY_BYTES).await?;
            return if bytes.is_empty() {
                Ok(Self(None))
            } else {
                Err(ApiError::unsupported_media_type().into())
            };
        }
        let is_empty = request.headers().get(header::CONTENT_LENGTH).is_some_and(|it| it == "0");
        if is_empty {
            return Ok(Self(None));
        }
        Body::<T>::from_request(request, body, options).await.map(|body| Self(Some(body.0)))
    }
}

/// The bytes of a JSON body: its type first, then its size.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut RequestBody,
    max: usize,
) -> Result<Vec<u8>, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::unsupported_media_type());
    }
    take(headers, body, max).await
}

async fn take(
    headers: &HeaderMap,
    body: &mut RequestBody,
    max: usize,
) -> Result<Vec<u8>, ApiError> {
    let body = body.take().unwrap_or_else(|_| RawBody::empty());
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let is_too_long =
        length.and_then(|text| text.parse().ok()).is_some_and(|it: u64| it > max as u64);
    // RFC 9110 §10.1.1: who asks before sending is told at once
    if is_too_long && headers.contains_key(header::EXPECT) {
        return Err(ApiError::payload_too_large(max));
    }
    body::read(body, max).await.map_err(|error| match error {
        BodyError::TooLarge => ApiError::payload_too_large(max),
        BodyError::TooSlow => ApiError::unreadable("the body did not arrive in time"),
        BodyError::Broken => ApiError::unreadable("the body could not be read"),
    })
}

/// `application/json`, or a type built on it (RFC 6839 §3.1); not compressed.
fn is_json(headers: &HeaderMap) -> bool {
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value.filter(|_| values.next().is_none())
    };
    let is_plain = !headers.contains_key(header::CONTENT_ENCODING)
        || one(header::CONTENT_ENCODING).is_some_and(|it| it.eq_ignore_ascii_case("identity"));
    let media_type = one(header::CONTENT_TYPE).and_then(|value| value.split(';').next());
    let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
    let is_built_on_json = media_type
        .strip_prefix("application/")
        .and_then(|subtype| subtype.strip_suffix("+json"))
        .is_some_and(|name| !name.is_empty());
    is_plain && (media_type == JSON || is_built_on_json)
}

/// Reads JSON strictly.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    json::parse(bytes).map_err(|broken| match broken {
        Broken::Empty => ApiError::unreadable("a JSON body is required"),
        Broken::TooDeep => ApiError::unreadable("the body is nested too deep"),
        Broken::Syntax { line, column } => {
            ApiError::unreadable(format!("the body is not JSON (line {line}, column {column})"))
        }
        Broken::Repeated(paths) => {
            let twice = |path| FieldError::new(path, "is there more than once");
            ApiError::validation(paths.into_iter().map(twice).collect::<Vec<FieldError>>())
        }
    })
}

fn interpret<T: ParseFromJSON>(value: Value) -> Result<T, ApiError> {
    let schema = match T::schema_ref() {
        MetaSchemaRef::Reference(name) => DOCUMENT.schema(&name),
        MetaSchemaRef::Inline(_) => None,
    };
    let schema = schema.ok_or_else(|| Fault::internal("a body without its schema"))?;
    let problems = check::problems(DOCUMENT.json(), schema, &value);
    if !problems.is_empty() {
        return Err(ApiError::validation(problems));
    }
    T::parse_from_json(Some(value)).map_err(|_| {
        tracing::error!("a body passed its schema and could not be read");
        ApiError::unreadable("the body is not what this path takes")
    })
}
