//! `/api/api-keys`: keys manage keys (Reqflo, SubscribeFlow). Whoever asks sees and changes keys of
//! the credential's own workspace only, and gives no more than the credential has.

mod ask;
mod model;

use std::sync::Arc;

use chrono::TimeDelta;
use entity::api_key;
use poem::web::Data;
use poem_openapi::{
    OpenApi, Tags,
    param::{Path, Query},
    payload::Json,
};
use uuid::Uuid;

use self::{
    ask::{PlanRoom, ceiling, new_key, own_workspace, viewer},
    model::{
        ApiKey, ApiKeyList, ApiKeyResult, ChangeApiKeyRequest, CreateApiKeyRequest,
        CreatedApiKeyResult, PrincipalSummary, RevokeApiKeyRequest, RotateApiKeyRequest,
    },
};
use super::{
    answers::{Created, Done, OrConflict},
    body::{Body, MaybeBody},
    error::ApiError,
    scoped::{ApiKeysManage, ApiKeysRead, Scoped},
};
use crate::{
    access::Principal,
    app::App,
    config::Environment,
    fault::{Fault, FieldError},
    keys::{
        RawKey,
        listing::{self, Listed},
        manage::{self, Change, Changed, Creation, How, Rotation},
    },
};

const WARNING: &str = "Store this key now. It is shown only once and cannot be retrieved later; if \
                       it is lost, rotate it or create another one.";

#[derive(Tags)]
enum Tag {
    /// Create, list, inspect, and revoke API keys.
    #[oai(rename = "API Keys")]
    ApiKeys,
}

/// The routes of `/api/api-keys`.
pub(super) struct ApiKeys;

#[OpenApi(tag = "Tag::ApiKeys")]
impl ApiKeys {
    /// List API keys
    ///
    /// Every key of the workspace, newest first. Other members' keys are masked unless the caller
    /// administers the workspace.
    #[oai(path = "/api/api-keys", method = "get", operation_id = "listApiKeys")]
    async fn list(
        &self,
        caller: Scoped<ApiKeysRead>,
        app: Data<&Arc<App>>,
        /// The credential's own workspace, if it is said at all.
        #[oai(name = "organizationId")]
        organization_id: Query<Option<Uuid>>,
    ) -> Result<Json<ApiKeyList>, ApiError> {
        let workspace_id = own_workspace(&caller, [organization_id.0])?;
        let listed = listing::list(&app, workspace_id, viewer(&app, &caller, None).await?).await?;
        let now = app.now();
        let seen = listed.iter().filter(|listed| is_in_sight(&caller, &listed.key));
        Ok(Json(ApiKeyList {
            api_keys: seen.map(|listed| ApiKey::of(listed, now)).collect(),
            principal: PrincipalSummary::of(&caller.kind),
        }))
    }

    /// Create an API key
    ///
    /// Creates a scoped key and returns the raw key once. Store the raw key immediately. A
    /// credential gives no more than it has.
    #[oai(path = "/api/api-keys", method = "post", operation_id = "createApiKey")]
    async fn create(
        &self,
        caller: Scoped<ApiKeysManage>,
        app: Data<&Arc<App>>,
        _room: PlanRoom,
        body: Body<CreateApiKeyRequest>,
    ) -> Result<Created<CreatedApiKeyResult>, ApiError> {
        own_workspace(&caller, [body.0.organization_id.0])?;
        let new = new_key(&app, &caller, &body.0)?;
        let made = manage::create_within(&app, caller.actor(), new, ceiling(&caller)).await?;
        match made {
            Creation::Created { key, raw } => {
                shown_once(&app, &caller, key.id, &raw).await.map(Created)
            }
            Creation::PlanLimitReached { limit } => Err(ApiError::plan_limit_reached(limit)),
            Creation::BeyondCredential(excess) => Err(ApiError::beyond_credential(&excess)),
            Creation::Invalid(problems) => Err(ApiError::validation(renamed(problems))),
        }
    }

    /// Get API key metadata
    #[oai(path = "/api/api-keys/:apiKeyId", method = "get", operation_id = "getApiKey")]
    async fn get(
        &self,
        caller: Scoped<ApiKeysRead>,
        app: Data<&Arc<App>>,
        /// The key's UUID.
        #[oai(name = "apiKeyId")]
        id: Path<Uuid>,
        /// The credential's own workspace, if it is said at all.
        #[oai(name = "organizationId")]
        organization_id: Query<Option<Uuid>>,
    ) -> Result<Json<ApiKeyResult>, ApiError> {
        own_workspace(&caller, [organization_id.0])?;
        shown(&app, &caller, id.0).await
    }

    /// Rename an API key, or switch it off or on
    #[oai(path = "/api/api-keys/:apiKeyId", method = "patch", operation_id = "changeApiKey")]
    async fn change(
        &self,
        caller: Scoped<ApiKeysManage>,
        app: Data<&Arc<App>>,
        /// The key's UUID.
        #[oai(name = "apiKeyId")]
        id: Path<Uuid>,
        body: Body<ChangeApiKeyRequest>,
    ) -> Result<Json<ApiKeyResult>, OrConflict> {
        let workspace_id = own_workspace(&caller, [body.0.organization_id.0])?;
        find(&app, &caller, id.0).await?;
        let change = Change { name: body.0.name.map(|name| name.0), is_active: body.0.active };
        match manage::change(&app, caller.actor(), workspace_id, id.0, change).await? {
            Changed::Done => Ok(shown(&app, &caller, id.0).await?),
            Changed::Unknown => Err(ApiError::not_found().into()),
            Changed::Revoked => {
                Err(ApiError::conflict("the API key is revoked and stays so").into())
            }
            Changed::Invalid(problems) => Err(ApiError::validation(problems).into()),
        }
    }

    /// Revoke an API key
    ///
    /// It is refused from now on and stays listed. Revoking it again changes nothing.
    #[oai(path = "/api/api-keys/:apiKeyId/revoke", method = "post", operation_id = "revokeApiKey")]
    async fn revoke(
        &self,
        caller: Scoped<ApiKeysManage>,
        app: Data<&Arc<App>>,
        /// The key's UUID.
        #[oai(name = "apiKeyId")]
        id: Path<Uuid>,
        body: MaybeBody<RevokeApiKeyRequest>,
    ) -> Result<Json<ApiKeyResult>, ApiError> {
        let said = body.0.and_then(|body| body.organization_id.0);
        let workspace_id = own_workspace(&caller, [said])?;
        find(&app, &caller, id.0).await?;
        manage::revoke(&app, caller.actor(), workspace_id, id.0).await?;
        shown(&app, &caller, id.0).await
    }

    /// Rotate an API key
    ///
    /// The key gets a new secret, returned once, and keeps its id, scopes and expiry. What it was
    /// before is accepted for `overlapSeconds` more.
    #[oai(path = "/api/api-keys/:apiKeyId/rotate", method = "post", operation_id = "rotateApiKey")]
    async fn rotate(
        &self,
        caller: Scoped<ApiKeysManage>,
        app: Data<&Arc<App>>,
        /// The key's UUID.
        #[oai(name = "apiKeyId")]
        id: Path<Uuid>,
        body: MaybeBody<RotateApiKeyRequest>,
    ) -> Result<Json<CreatedApiKeyResult>, OrConflict> {
        let (said, overlap) =
            body.0.map_or((None, None), |body| (body.organization_id.0, body.overlap_seconds));
        let workspace_id = own_workspace(&caller, [said])?;
        find(&app, &caller, id.0).await?;
        let overlap = TimeDelta::seconds(overlap.unwrap_or(0));
        let key = (workspace_id, id.0);
        let how = How { overlap, allowed: ceiling(&caller), of: None };
        match manage::rotate(&app, caller.actor(), key, how).await? {
            Rotation::Rotated { key, raw } => {
                Ok(Json(shown_once(&app, &caller, key.id, &raw).await?))
            }
            Rotation::Replaced => {
                Err(ApiError::conflict("the API key was rotated just now").into())
            }
            Rotation::Unknown => Err(ApiError::not_found().into()),
            Rotation::Revoked => {
                Err(ApiError::conflict("the API key is revoked and stays so").into())
            }
            Rotation::Expired => Err(ApiError::conflict("the API key has expired").into()),
            Rotation::BeyondCredential(excess) => Err(ApiError::beyond_credential(&excess).into()),
            Rotation::Invalid(problems) => Err(ApiError::validation(problems).into()),
        }
    }

    /// Delete an API key
    ///
    /// It is refused from now on and cannot be recovered. Its place in the plan is free again.
    #[oai(path = "/api/api-keys/:apiKeyId", method = "delete", operation_id = "deleteApiKey")]
    async fn delete(
        &self,
        caller: Scoped<ApiKeysManage>,
        app: Data<&Arc<App>>,
        /// The key's UUID.
        #[oai(name = "apiKeyId")]
        id: Path<Uuid>,
        /// The credential's own workspace, if it is said at all.
        #[oai(name = "organizationId")]
        organization_id: Query<Option<Uuid>>,
    ) -> Result<Done, ApiError> {
        let workspace_id = own_workspace(&caller, [organization_id.0])?;
        find(&app, &caller, id.0).await?;
        if manage::delete(&app, caller.actor(), workspace_id, id.0).await? {
            Ok(Done)
        } else {
            Err(ApiError::not_found())
        }
    }
}

/// Whether a key is there for this credential: from the sandbox no live key is seen.
fn is_in_sight(principal: &Principal, key: &api_key::Model) -> bool {
    principal.environment == Environment::Live || key.environment == Environment::Test.as_str()
}

async fn find(app: &App, principal: &Principal, id: Uuid) -> Result<Listed, ApiError> {
    let viewer = viewer(app, principal, Some(id)).await?;
    let found = listing::get(app, principal.workspace.id, id, viewer).await?;
    found.filter(|listed| is_in_sight(principal, &listed.key)).ok_or_else(ApiError::not_found)
}

async fn shown(app: &App, principal: &Principal, id: Uuid) -> Result<Json<ApiKeyResult>, ApiError> {
    let listed = find(app, principal, id).await?;
    Ok(Json(ApiKeyResult { api_key: ApiKey::of(&listed, app.now()) }))
}

async fn shown_once(
    app: &App,
    principal: &Principal,
    id: Uuid,
    raw: &RawKey,
) -> Result<CreatedApiKeyResult, ApiError> {
    let viewer = viewer(app, principal, Some(id)).await?;
    let listed = listing::get(app, principal.workspace.id, id, viewer).await?;
    let listed = listed.ok_or_else(|| Fault::unavailable("the key was deleted just now"))?;
    Ok(CreatedApiKeyResult {
        api_key: ApiKey::of(&listed, app.now()),
        raw_key: raw.reveal().to_owned(),
        warning: WARNING.to_owned(),
    })
}

/// The rules' names of fields as the request has them.
fn renamed(problems: Vec<FieldError>) -> Vec<FieldError> {
    let rename = |problem: FieldError| match &*problem.field {
        "owner" => FieldError { field: "ownerPrincipalId".into(), ..problem },
        _ => problem,
    };
    problems.into_iter().map(rename).collect()
}
