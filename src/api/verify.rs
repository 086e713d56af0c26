//! `/api/v1/verify`: a gateway asks whether a request may pass (nginx `auth_request`, Traefik
//! `forwardAuth`, Envoy `ext_authz`), or about many credentials at once.

mod batch;

use std::sync::Arc;

use poem::{
    Request,
    http::{HeaderName, Method},
    web::Data,
};
use poem_openapi::{ApiResponse, OpenApi, param::Query, payload::Json};

use self::batch::{Questions, Verdicts};
use super::{body::Body, caller::Caller, error::ApiError};
use crate::{
    access::{self, Demand, Principal},
    app::App,
    fault::FieldError,
    tokens::scopes::Scope,
};

/// Where gateways ask.
pub(super) const PATH: &str = "/api/v1/verify";
const METHOD: HeaderName = HeaderName::from_static("x-http-method-override");
const MAX_ACR_BYTES: usize = 500;
const NO_CLASS: &str = "must be names of classes separated by spaces, at most 500 bytes";
const NO_SCOPE: &str = "must be scope tokens separated by spaces";

/// The routes of `/api/v1/verify`.
pub(super) struct Verify;

#[OpenApi]
impl Verify {
    /// Whether the credential is good, and for what
    ///
    /// For gateways: pass the caller's credential on as it came, and let the request through on 204.
    /// A gateway that asks with the method of the request it asks about, as Envoy does, adds
    /// `X-HTTP-Method-Override: GET`.
    #[oai(path = "/api/v1/verify", method = "get", operation_id = "verify")]
    #[expect(clippy::unused_async, reason = "poem-openapi awaits every operation")]
    #[expect(clippy::too_many_arguments, reason = "one for each parameter of the query")]
    async fn get(
        &self,
        caller: Caller,
        /// Scope tokens the credential must all have, separated by spaces.
        #[oai(default)]
        scope: Query<Vec<String>>,
        /// How many seconds ago the user may have signed in at most (RFC 9470).
        max_age: Query<Option<u32>>,
        /// How strongly the user must have signed in: one of these, separated by spaces (RFC 9470).
        acr_values: Query<Option<String>>,
        app: Data<&Arc<App>>,
    ) -> Result<Verified, ApiError> {
        let required = Scope::parse(&scope.0.join(" "))
            .ok_or_else(|| ApiError::validation(vec![FieldError::new("scope", NO_SCOPE)]))?;
        access::require_all(&caller, &required)?;
        let demand = Demand {
            max_age: max_age.0,
            acr_values: acr_values.0.as_deref().map(classes).transpose()?.unwrap_or_default(),
        };
        access::require_sign_in(&caller, &demand, app.now())?;
        Ok(Verified::of(&caller))
    }

    /// Whether each of up to 100 credentials is good, and for what
    ///
    /// For those who hold credentials that others presented to them. Only credentials of the
    /// caller's own workspace are valid here. Asking is no use of them: it counts as one request of
    /// the caller's, and none of theirs.
    #[oai(path = "/api/v1/verify", method = "post", operation_id = "verifyMany")]
    async fn post(
        &self,
        caller: Caller,
        app: Data<&Arc<App>>,
        questions: Body<Questions>,
    ) -> Result<Json<Verdicts>, ApiError> {
        batch::answer(&app, &caller, &questions.0).await.map(Json)
    }
}

/// The classes that are named. They go into a header, so they are of the letters of scope tokens.
fn classes(text: &str) -> Result<Vec<String>, ApiError> {
    let is_token =
        |class: &str| class.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    let classes: Vec<_> = text.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    if text.len() > MAX_ACR_BYTES || classes.is_empty() || !classes.iter().all(|it| is_token(it)) {
        return Err(ApiError::validation(vec![FieldError::new("acr_values", NO_CLASS)]));
    }
    Ok(classes)
}

/// Makes a question that came with another method than GET the one it is meant to be: Envoy's
/// `ext_authz` asks with the method of the request it asks about, and can add a header.
pub(super) fn unmask(request: &mut Request) {
    let is_get = |value| value == Method::GET.as_str();
    if request.uri().path() == PATH && request.headers().get(METHOD).is_some_and(is_get) {
        request.set_method(Method::GET);
    }
}

/// The good answer, whose headers a gateway may pass on.
#[derive(ApiResponse)]
pub(super) enum Verified {
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
    /// What a gateway hears of a principal.
    pub(super) fn of(principal: &Principal) -> Self {
        Self::Good(
            principal.kind.id(),
            principal.workspace.id.to_string(),
            principal.credential.client_id.clone(),
            principal.scopes.to_string(),
        )
    }
}
