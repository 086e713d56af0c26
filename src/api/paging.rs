//! Lists in pages: `limit`, `cursor` and `{"items":[…],"nextCursor":…|null}`.
//!
//! A cursor names the last item seen, by its id, and is signed for one list of one workspace and
//! environment: made up, altered or taken elsewhere it is refused. It allows nothing by itself,
//! because every page is looked for anew among what the caller may see.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, Object,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
    types::{ParseFromJSON, ToJSON},
};
use url::form_urlencoded;
use uuid::Uuid;

use super::{error::ApiError, schema::Nullable};
use crate::{
    app::App,
    crypto::{digest, mac::Mac},
    fault::FieldError,
    resources::{Listing, Tenant, Window},
};

const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 100;
const PURPOSE: &str = "cursor";
const ID_BYTES: usize = 16;
const MAC_BYTES: usize = 16;
/// Of a cursor as text: what 32 bytes make in base64url.
const CURSOR_CHARS: usize = 43;

/// One page of a list.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Page<T: ParseFromJSON + ToJSON> {
    /// The items, newest first.
    items: Vec<T>,
    /// What to ask for the next page with; `null` on the last one.
    next_cursor: Nullable<String>,
}

impl<T: ParseFromJSON + ToJSON> Page<T> {
    /// The page of `list` that shows a listing.
    pub(super) fn of<R>(app: &App, list: &str, tenant: &Tenant, listing: Listing<R>) -> Self
    where
        T: From<R>,
    {
        let next = listing.next.map(|id| Cursors::of(app, list, tenant).write(id));
        Self {
            items: listing.items.into_iter().map(T::from).collect(),
            next_cursor: Nullable(next),
        }
    }
}

/// The parameter `limit`, as it came.
pub(super) struct Limit(Given);

/// The parameter `cursor`, as it came.
pub(super) struct Cursor(Given);

/// A query parameter as it came.
enum Given {
    Absent,
    Once(String),
    Repeated,
}

/// Which part of `list` is asked for.
///
/// # Errors
/// 400, naming each parameter that is wrong.
pub(super) fn window(
    app: &App,
    list: &str,
    tenant: &Tenant,
    (limit, cursor): (Limit, Cursor),
) -> Result<Window, ApiError> {
    let limit = match limit.0 {
        Given::Absent => Some(DEFAULT_LIMIT),
        Given::Once(text) => read_limit(&text),
        Given::Repeated => None,
    };
    let after = match cursor.0 {
        Given::Absent => Some(None),
        Given::Once(text) => Cursors::of(app, list, tenant).read(&text).map(Some),
        Given::Repeated => None,
    };
    if let (Some(limit), Some(after)) = (limit, after) {
        return Ok(Window { limit, after });
    }
    let mut problems = Vec::new();
    if limit.is_none() {
        problems.push(FieldError::new("limit", format!("must be 1 to {MAX_LIMIT}")));
    }
    if after.is_none() {
        problems.push(FieldError::new("cursor", "must be a nextCursor of this list"));
    }
    Err(ApiError::validation(problems))
}

fn read_limit(text: &str) -> Option<u64> {
    // `parse` alone would take a plus sign
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)?;
    digits.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
}

/// Writes and reads the cursors of one list of one tenant.
pub struct Cursors {
    mac: Mac,
    context: Vec<u8>,
}

impl Cursors {
    /// Those of `list` as this tenant sees it.
    #[must_use]
    pub fn of(app: &App, list: &str, tenant: &Tenant) -> Self {
        let environment = tenant.environment.as_str();
        let head = format!("{list}\n{environment}\n{}\n", tenant.workspace_id);
        Self { mac: app.secrets.csrf.for_purpose(PURPOSE), context: head.into_bytes() }
    }

    /// The cursor of what comes after an item.
    #[must_use]
    pub fn write(&self, id: Uuid) -> String {
        let mut bytes = id.as_bytes().to_vec();
        bytes.extend(self.mac.sign(&self.signed(id)).iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The item that a cursor of this list names.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, tag) = bytes.split_at_checked(ID_BYTES)?;
        let id = Uuid::from_slice(id).ok()?;
        // a list may be walked on after the keys were replaced
        let tags = self.mac.each(&self.signed(id));
        let is_ours =
            |whole: &Vec<u8>| whole.get(..MAC_BYTES).is_some_and(|it| digest::equal(tag, it));
        tags.iter().any(is_ours).then_some(id)
    }

    fn signed(&self, id: Uuid) -> Vec<u8> {
        [&self.context[..], id.as_bytes()].concat()
    }
}

impl Given {
    fn of(request: &Request, name: &str) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (None, _) => Self::Absent,
            (Some((_, value)), None) => Self::Once(value.into_owned()),
            _ => Self::Repeated,
        }
    }
}

impl<'a> ApiExtractor<'a> for Limit {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = u64;
    type ParamRawType = u64;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            minimum: Some(1.0),
            maximum: Some(100.0),
            default: Some(DEFAULT_LIMIT.into()),
            ..MetaSchema::new("integer")
        })))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<u64>,
    ) -> Result<Self> {
        Ok(Self(Given::of(request, options.name)))
    }
}

impl<'a> ApiExtractor<'a> for Cursor {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_length: Some(CURSOR_CHARS),
            ..MetaSchema::new("string")
        })))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<String>,
    ) -> Result<Self> {
        Ok(Self(Given::of(request, options.name)))
    }
}
