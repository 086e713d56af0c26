//! From a request to what the rules are asked: whose key, which scopes, which workspace.

use std::sync::Arc;

use poem::{Request, RequestBody, Result};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use uuid::Uuid;

use super::model::{ApiKeyScope, CreateApiKeyRequest, KeyEnvironment, OwnerType, ScopeInput};
use crate::{
    access::{Principal, PrincipalKind},
    api::{
        error::ApiError,
        fields::Line,
        scoped::{ApiKeysManage, Needed, demand_about},
    },
    app::App,
    config::{Environment, Product},
    fault::{Fault, FieldError},
    keys::{
        listing::{self, Viewer},
        manage::{self, KeyOwner, NewKey},
    },
    resources::Change,
    tokens::{
        permission::{Limits, Permission},
        scopes::Scope,
    },
    web,
};

/// There is room for one more key in the plan. It stands before the body among a route's parameters:
/// the plan is looked at before what is asked (contract §4).
pub(in crate::api) struct PlanRoom;

impl<'a> ApiExtractor<'a> for PlanRoom {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let app = web::app::of(request)?;
        let principal = request
            .data::<Arc<Principal>>()
            .ok_or_else(|| ApiError::from(Fault::internal("an API route without its guard")))?;
        let workspace = &principal.workspace;
        let reached = manage::plan_limit_reached(app, workspace.id, &workspace.plan).await;
        match reached.map_err(ApiError::from)? {
            Some(limit) => Err(ApiError::plan_limit_reached(limit).into()),
            None => Ok(Self),
        }
    }
}

/// `organizationId`, in the query or the body, may be absent and is else the credential's own
/// workspace: the credential decides, not the request.
pub(super) fn own_workspace(
    principal: &Principal,
    said: impl IntoIterator<Item = Option<Uuid>>,
) -> Result<Uuid, ApiError> {
    let own = principal.workspace.id;
    if said.into_iter().flatten().any(|id| id != own) {
        return Err(ApiError::forbidden("the credential belongs to another organization"));
    }
    Ok(own)
}

/// How much of others' keys is seen, or how much of this one.
pub(super) async fn viewer(
    app: &App,
    principal: &Principal,
    id: Option<Uuid>,
) -> Result<Viewer, ApiError> {
    let service_account_id = match principal.kind {
        PrincipalKind::User { id, .. } => {
            return Ok(listing::viewer(app, principal.workspace.id, id).await?);
        }
        PrincipalKind::ServiceAccount { id, .. } => Some(id),
        PrincipalKind::Client { .. } => None,
    };
    let may_manage = demand_about::<ApiKeysManage>(principal, &[ApiKeysManage::about(id)]).is_ok();
    Ok(Viewer::Machine { service_account_id, may_manage })
}

/// What the credential can pass on; `None` is everything.
pub(super) fn ceiling(principal: &Principal) -> Option<&Scope> {
    (!principal.full_access).then_some(&principal.scopes)
}

/// The key that a body describes, or every field of it that does not describe anything.
pub(super) fn new_key(
    app: &App,
    principal: &Principal,
    body: &CreateApiKeyRequest,
) -> Result<NewKey, ApiError> {
    let environment = match body.environment {
        None => principal.environment,
        Some(KeyEnvironment::Test) => Environment::Test,
        Some(KeyEnvironment::Live) if principal.environment == Environment::Test => {
            return Err(ApiError::forbidden("a test key cannot make a live one"));
        }
        Some(KeyEnvironment::Live) => Environment::Live,
    };
    let user_id = match principal.kind {
        PrincipalKind::User { id, .. } => Some(id),
        _ => None,
    };
    let mut problems = Vec::new();
    let owner = match (body.owner_principal_type, body.owner_principal_id.0) {
        (OwnerType::User, Some(id)) => Some(KeyOwner::User(id)),
        (OwnerType::User, None) => user_id.map(KeyOwner::User),
        (OwnerType::ServiceAccount, Some(id)) => Some(KeyOwner::ServiceAccount(id)),
        (OwnerType::ServiceAccount, None) => Some(KeyOwner::Namesake),
    };
    if owner.is_none() {
        let message = "is required: the credential acts for no user";
        problems.push(FieldError::new("ownerPrincipalId", message));
    }
    let product = app.config.products.get(&principal.workspace.product);
    let product = product.ok_or_else(|| Fault::internal("a principal without its product"))?;
    let scopes = scopes(product, &body.scopes, &mut problems);
    match owner {
        Some(owner) if problems.is_empty() => Ok(NewKey {
            workspace_id: principal.workspace.id,
            name: body.name.0.clone(),
            scopes,
            full_access: false,
            environment,
            owner,
            created_by: user_id,
            expires_at: body.expires_at.0.map(|at| at.0),
        }),
        _ => Err(ApiError::validation(problems)),
    }
}

/// Each item is one of the product's; those that are not are named by their place.
fn scopes(product: &Product, items: &[ScopeInput], problems: &mut Vec<FieldError>) -> Scope {
    let mut scope = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let (place, permission) = match item {
            ScopeInput::Token(token) => (format!("scopes[{index}]"), Permission::parse(token)),
            ScopeInput::Object(it) => {
                let permission = permission(it);
                if let Some((member, message)) = permission.limits.problem() {
                    problems.push(FieldError::new(format!("scopes[{index}].{member}"), message));
                    continue;
                }
                (format!("scopes[{index}].permission"), Some(permission))
            }
        };
        let token = permission
            .filter(|it| product.scopes.contains_key(&it.permission))
            .map(|it| it.to_string());
        match token {
            Some(token) if Permission::parse(&token).is_some() => scope.push(token),
            Some(_) => {
                let message = "has limits that are too long";
                problems.push(FieldError::new(format!("scopes[{index}]"), message));
            }
            None => {
                let offered: Vec<_> = product.scopes.keys().map(String::as_str).collect();
                let message =
                    format!("must be a scope of this product: one of {}", offered.join(", "));
                problems.push(FieldError::new(place, message));
            }
        }
    }
    scope.into_iter().collect()
}

fn permission(scope: &ApiKeyScope) -> Permission {
    fn set<T: Clone>(member: &Change<T>) -> Option<T> {
        match member {
            Change::Set(value) => Some(value.clone()),
            Change::Keep | Change::Clear => None,
        }
    }
    Permission {
        permission: scope.permission.0.clone(),
        limits: Limits {
            resource_type: set(&scope.resource_type).map(|Line(text)| text),
            resource_id: set(&scope.resource_id),
            service_id: set(&scope.service_id),
            environment_id: set(&scope.environment_id),
            workflow_id: set(&scope.workflow_id),
            resource_constraints: scope.resource_constraints.clone().unwrap_or_default(),
        },
    }
}
