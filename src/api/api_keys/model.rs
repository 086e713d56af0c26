//! The bodies of the API-key routes, as Reqflo documents them.

use std::collections::BTreeMap;

use entity::{api_key, scope_list::ScopeItem};
use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    access::PrincipalKind,
    api::{
        fields::{Line, Maybe},
        schema::Time,
    },
    keys::listing::Listed,
    resources::Change,
};

/// What stands where a key of another member has its name and its prefix.
const MASK: &str = "••••••••";

/// Metadata of an API key; never the key itself.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ApiKey {
    /// Its UUID; it stays when the key is rotated.
    id: Uuid,
    /// The workspace it is confined to.
    organization_id: Uuid,
    /// What people call it; masked unless it is the caller's own or the caller administers the
    /// workspace, as are prefix and scopes.
    name: String,
    /// The displayable start of the key.
    prefix: String,
    /// What owns it.
    owner_principal_type: Change<OwnerType>,
    /// The user or service account that owns it.
    owner_principal_id: Change<Uuid>,
    /// The owner's username, or the service account's name.
    owner_display_name: Change<String>,
    /// The username of who made it.
    created_by: Change<String>,
    /// What it may do; empty beside `fullAccess`.
    scopes: Vec<ApiKeyScope>,
    /// Whether it may do everything its product offers.
    full_access: bool,
    /// When it ends by itself.
    expires_at: Change<Time>,
    /// When it was last used, true within a minute.
    last_used_at: Change<Time>,
    /// When it was revoked for good.
    revoked_at: Change<Time>,
    /// When it was made.
    created_at: Time,
    /// Whether it is switched on.
    active: bool,
    /// Which data it sees.
    environment: KeyEnvironment,
    /// Whether it has ended, and how; see `active` too.
    status: KeyStatus,
}

/// What owns a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "OwnerPrincipalType", rename_all = "snake_case")]
pub(super) enum OwnerType {
    User,
    ServiceAccount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ApiKeyEnvironment", rename_all = "snake_case")]
pub(super) enum KeyEnvironment {
    Live,
    Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ApiKeyStatus", rename_all = "snake_case")]
enum KeyStatus {
    Active,
    Expired,
    Revoked,
}

/// A permission, and what it is confined to: everything that is named must be so.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ApiKeyScope {
    /// Names it within its key; ignored when a key is made.
    #[oai(skip_serializing_if_is_none)]
    pub(super) id: Option<String>,
    /// A scope of the product's catalogue.
    pub(super) permission: Line<1, 120>,
    /// The kind of resource: `api_key`, `dataset`, `email`, `endpoint`, `guest`, `lead`, `message`,
    /// `scan`, `service` or `subscriber`; another one is none of this server's, and opens nothing here.
    pub(super) resource_type: Change<Line<1, 80>>,
    /// The resource.
    pub(super) resource_id: Change<Uuid>,
    /// The service.
    pub(super) service_id: Change<Uuid>,
    /// The environment.
    pub(super) environment_id: Change<Uuid>,
    /// The workflow.
    pub(super) workflow_id: Change<Uuid>,
    /// Attributes of the resource, each with the value or the list of values it may have.
    #[oai(skip_serializing_if_is_none)]
    pub(super) resource_constraints: Option<BTreeMap<String, Value>>,
}

/// One item of the scopes of a new key.
#[derive(Clone, Debug)]
pub(super) enum ScopeInput {
    /// A scope token.
    Token(String),
    /// A permission and its limits.
    Object(Box<ApiKeyScope>),
}

impl Type for ScopeInput {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> std::borrow::Cow<'static, str> {
        "string_or_ApiKeyScope".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            one_of: vec![Line::<1, 2000>::schema_ref(), ApiKeyScope::schema_ref()],
            ..MetaSchema::ANY
        }))
    }

    fn register(registry: &mut Registry) {
        ApiKeyScope::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for ScopeInput {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(token)) => Ok(Self::Token(token)),
            object => ApiKeyScope::parse_from_json(object)
                .map(|scope| Self::Object(Box::new(scope)))
                .map_err(ParseError::propagate),
        }
    }
}

impl ToJSON for ScopeInput {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Token(token) => Some(token.as_str().into()),
            Self::Object(scope) => scope.to_json(),
        }
    }
}

/// What a new key shall be.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct CreateApiKeyRequest {
    /// The credential's own workspace, if it is said at all.
    pub(super) organization_id: Maybe<Uuid>,
    /// What people call it.
    pub(super) name: Line<1, 120>,
    /// What shall own it.
    pub(super) owner_principal_type: OwnerType,
    /// Which user or service account; without one it is the caller, or a service account that is
    /// called as the key.
    pub(super) owner_principal_id: Maybe<Uuid>,
    /// What it may do: scope tokens, or permissions with what they are confined to.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub(super) scopes: Vec<ScopeInput>,
    /// When it ends by itself.
    pub(super) expires_at: Maybe<Time>,
    /// Which data it sees; without it, the same as the credential.
    pub(super) environment: Option<KeyEnvironment>,
}

/// What shall be different.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ChangeApiKeyRequest {
    /// The credential's own workspace, if it is said at all.
    pub(super) organization_id: Maybe<Uuid>,
    /// A new name.
    pub(super) name: Option<Line<1, 120>>,
    /// Whether it may be used.
    pub(super) active: Option<bool>,
}

/// The workspace a request means.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct RevokeApiKeyRequest {
    /// The credential's own workspace, if it is said at all.
    pub(super) organization_id: Maybe<Uuid>,
}

/// How a key shall be rotated.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct RotateApiKeyRequest {
    /// The credential's own workspace, if it is said at all.
    pub(super) organization_id: Maybe<Uuid>,
    /// For how many seconds the present key is accepted beside the new one; 0 if it is not said, 30
    /// days at most.
    #[oai(validator(minimum(value = "0"), maximum(value = "2592000")))]
    pub(super) overlap_seconds: Option<i64>,
}

/// Every key of the workspace, newest first.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ApiKeyList {
    /// The keys.
    pub(super) api_keys: Vec<ApiKey>,
    /// Who asks.
    pub(super) principal: PrincipalSummary,
}

/// A principal in a word.
#[derive(Debug, Object)]
pub(super) struct PrincipalSummary {
    /// `user`, `service_account` or `client`.
    #[oai(rename = "type")]
    kind: String,
}

/// One key.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ApiKeyResult {
    /// The key's metadata.
    pub(super) api_key: ApiKey,
}

/// A key that was just made, or has just been given a new secret.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct CreatedApiKeyResult {
    /// The key's metadata.
    pub(super) api_key: ApiKey,
    /// Returned once. Store it immediately.
    pub(super) raw_key: String,
    /// What to do with it.
    pub(super) warning: String,
}

fn nullable<T>(value: Option<T>) -> Change<T> {
    value.map_or(Change::Clear, Change::Set)
}

impl ApiKey {
    /// A key as this viewer may see it, at an instant.
    pub(super) fn of(listed: &Listed, now: chrono::DateTime<chrono::Utc>) -> Self {
        let key = &listed.key;
        let shown = |text: &String| if listed.is_visible { text.clone() } else { MASK.to_owned() };
        let scopes = key.scopes.0.iter().filter(|_| listed.is_visible).map(ApiKeyScope::of);
        let owner_type = match (key.owner_user_id, key.service_account_id) {
            (Some(_), _) => Some(OwnerType::User),
            (None, Some(_)) => Some(OwnerType::ServiceAccount),
            (None, None) => None,
        };
        let owner_name = Some(&listed.owner).filter(|name| !name.is_empty());
        Self {
            id: key.id,
            organization_id: key.workspace_id,
            name: shown(&key.name),
            prefix: shown(&key.prefix),
            owner_principal_type: nullable(owner_type),
            owner_principal_id: nullable(key.owner_user_id.or(key.service_account_id)),
            owner_display_name: nullable(owner_name.cloned()),
            created_by: nullable(listed.created_by.clone()),
            scopes: scopes.collect(),
            full_access: listed.is_visible && key.full_access,
            expires_at: nullable(key.expires_at.map(|at| Time(at.0))),
            last_used_at: nullable(key.last_used_at.map(|at| Time(at.0))),
            revoked_at: nullable(key.revoked_at.map(|at| Time(at.0))),
            created_at: Time(key.created_at.0),
            active: key.is_active,
            environment: if key.environment == "test" {
                KeyEnvironment::Test
            } else {
                KeyEnvironment::Live
            },
            status: KeyStatus::of(key, now),
        }
    }
}

impl KeyStatus {
    fn of(key: &api_key::Model, now: chrono::DateTime<chrono::Utc>) -> Self {
        if key.revoked_at.is_some() {
            Self::Revoked
        } else if key.expires_at.is_some_and(|at| at.0 <= now) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

impl ApiKeyScope {
    fn of(item: &ScopeItem) -> Self {
        let blank = |id: String, permission: &str| Self {
            id: Some(id),
            permission: Line(permission.to_owned()),
            resource_type: Change::Clear,
            resource_id: Change::Clear,
            service_id: Change::Clear,
            environment_id: Change::Clear,
            workflow_id: Change::Clear,
            resource_constraints: Some(BTreeMap::new()),
        };
        match item {
            // within a key there is one of each
            ScopeItem::Token(token) => blank(token.clone(), token),
            ScopeItem::Confined(it) => Self {
                resource_type: nullable(it.resource_type.clone().map(Line)),
                resource_id: nullable(it.resource_id),
                service_id: nullable(it.service_id),
                environment_id: nullable(it.environment_id),
                workflow_id: nullable(it.workflow_id),
                resource_constraints: Some(it.resource_constraints.clone()),
                ..blank(it.id.to_string(), &it.permission)
            },
        }
    }
}

impl PrincipalSummary {
    /// Who asks.
    pub(super) fn of(kind: &PrincipalKind) -> Self {
        let kind = match kind {
            PrincipalKind::User { .. } => "user",
            PrincipalKind::ServiceAccount { .. } => "service_account",
            PrincipalKind::Client { .. } => "client",
        };
        Self { kind: kind.to_owned() }
    }
}
