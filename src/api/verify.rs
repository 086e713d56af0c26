//! `GET /api/v1/verify`: a gateway asks whether a request may pass (nginx `auth_request`, Traefik
//! `forwardAuth`, Envoy `ext_authz`).

use poem_openapi::{ApiResponse, OpenApi, param::Query};

use super::{caller::Caller, error::ApiError};
use crate::{
    access::{self, Principal},
    fault::FieldError,
    tokens::scopes::Scope,
};

/// The route of `/api/v1/verify`.
pub(super) struct Verify;

#[OpenApi]
impl Verify {
    /// Whether the credential is good, and for what
    ///
    /// For gateways: pass the caller's credential on as it came, and let the request through on 204.
    #[oai(path = "/api/v1/verify", method = "get", operation_id = "verify")]
    #[expect(clippy::unused_async, reason = "poem-openapi awaits every operation")]
    async fn get(
        &self,
        caller: Caller,
        /// Scope tokens the credential must all have, separated by spaces.
        #[oai(default)]
        scope: Query<Vec<String>>,
    ) -> Result<Verified, ApiError> {
        let required = Scope::parse(&scope.0.join(" ")).ok_or_else(|| {
            let message = "must be scope tokens separated by spaces";
            ApiError::validation(vec![FieldError::new("scope", message)])
        })?;
        access::require_all(&caller, &required)?;
        Ok(Verified::of(&caller))
    }
}

/// The good answer, whose headers a gateway may pass on.
#[derive(ApiResponse)]
enum Verified {
    /// The credential is good and has every scope that was demanded.
    #[oai(status = 204)]
    Good(
        /// The id of whom it acts as.
        #[oai(header = "X-Latchkey-Subject")]
        String,
        /// The id of the workspace it is confined to.
        #[oai(header = "X-Latchkey-Workspace")]
        String,
        /// The client an access token was issued to; absent for keys.
        #[oai(header = "X-Latchkey-Client")]
        Option<String>,
        /// What it may do now, separated by spaces.
        #[oai(header = "X-Latchkey-Scopes")]
        String,
    ),
}

impl Verified {
    fn of(principal: &Principal) -> Self {
        Self::Good(
            principal.kind.id(),
            principal.workspace.id.to_string(),
            principal.credential.client_id.clone(),
            principal.scopes.to_string(),
        )
    }
}
