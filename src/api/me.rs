//! `GET /api/v1/me`: whom a credential acts as (FlowEstate).

use poem_openapi::{Enum, Object, OpenApi, payload::Json};
use uuid::Uuid;

use super::{
    caller::Caller,
    error::ApiError,
    schema::{Nullable, Time},
};
use crate::{
    access::{CredentialKind, Principal, PrincipalKind},
    config,
};

/// The route of `/api/v1/me`.
pub(super) struct Me;

#[OpenApi]
impl Me {
    /// Whom the credential acts as
    ///
    /// Needs no scope: answered whenever authentication is fine.
    #[oai(path = "/api/v1/me", method = "get", operation_id = "me")]
    #[expect(clippy::unused_async, reason = "poem-openapi awaits every operation")]
    async fn get(&self, caller: Caller) -> Result<Json<Identity>, ApiError> {
        Ok(Json(Identity::of(&caller)))
    }
}

/// Whom a credential acts as, where, and what it may do.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Identity {
    /// Who acts.
    pub(super) principal: Acting,
    /// The workspace every read and write is confined to.
    pub(super) workspace: Home,
    /// The workspace's product.
    pub(super) product: String,
    /// Which data is seen.
    pub(super) environment: Environment,
    /// What the request came with.
    pub(super) credential: Means,
    /// What it may do now, sorted.
    pub(super) scopes: Vec<String>,
    /// Whether it may do everything its product offers.
    pub(super) full_access: bool,
}

/// Who acts.
#[derive(Debug, Object)]
#[oai(rename = "Principal")]
pub(super) struct Acting {
    /// Who it is.
    #[oai(rename = "type")]
    kind: ActingKind,
    /// A user's or service account's UUID, or a `client_id`.
    id: String,
    /// A name to show; a user without one has the username here.
    name: String,
    /// A user's `pin/email` or `email`; `null` for others.
    username: Nullable<String>,
}

#[derive(Debug, Enum)]
#[oai(rename = "PrincipalType", rename_all = "snake_case")]
enum ActingKind {
    User,
    ServiceAccount,
    Client,
}

/// A workspace.
#[derive(Debug, Object)]
#[oai(rename = "Workspace")]
pub(super) struct Home {
    /// Its UUID.
    id: Uuid,
    /// Its name in addresses.
    slug: String,
    /// Its name to show.
    name: String,
}

/// Which data is seen.
#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum Environment {
    Live,
    Test,
}

/// What a request came with.
#[derive(Debug, Object)]
#[oai(rename = "Credential", rename_all = "camelCase")]
pub(super) struct Means {
    /// What it is.
    #[oai(rename = "type")]
    kind: MeansKind,
    /// The key's id, or that of the chain of tokens an access token belongs to.
    id: Uuid,
    /// A key's name; `null` for access tokens.
    name: Nullable<String>,
    /// The client an access token was issued to; `null` for keys.
    client_id: Nullable<String>,
    /// When it ends by itself; `null` if never.
    expires_at: Nullable<Time>,
}

#[derive(Debug, Enum)]
#[oai(rename = "CredentialType", rename_all = "snake_case")]
enum MeansKind {
    AccessToken,
    ApiKey,
}

impl Identity {
    /// How a principal is described.
    pub(super) fn of(principal: &Principal) -> Self {
        let workspace = &principal.workspace;
        Self {
            principal: Acting::of(&principal.kind),
            workspace: Home {
                id: workspace.id,
                slug: workspace.slug.clone(),
                name: workspace.name.clone(),
            },
            product: workspace.product.clone(),
            environment: match principal.environment {
                config::Environment::Live => Environment::Live,
                config::Environment::Test => Environment::Test,
            },
            credential: Means::of(principal),
            scopes: principal.scopes.iter().map(str::to_owned).collect(),
            full_access: principal.full_access,
        }
    }
}

impl Acting {
    fn of(kind: &PrincipalKind) -> Self {
        Self {
            id: kind.id(),
            name: kind.name().to_owned(),
            username: Nullable(kind.username().map(str::to_owned)),
            kind: match kind {
                PrincipalKind::User { .. } => ActingKind::User,
                PrincipalKind::ServiceAccount { .. } => ActingKind::ServiceAccount,
                PrincipalKind::Client { .. } => ActingKind::Client,
            },
        }
    }
}

impl Means {
    fn of(principal: &Principal) -> Self {
        let credential = &principal.credential;
        Self {
            kind: match credential.kind {
                CredentialKind::AccessToken => MeansKind::AccessToken,
                CredentialKind::ApiKey => MeansKind::ApiKey,
            },
            id: credential.id,
            name: Nullable(credential.name.clone()),
            client_id: Nullable(credential.client_id.clone()),
            expires_at: Nullable(credential.expires_at.map(Time)),
        }
    }
}
