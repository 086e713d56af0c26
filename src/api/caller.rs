//! The principal of a request, as a parameter of a route; and, in the document, the three ways a
//! credential may travel.

use std::{ops::Deref, sync::Arc};

use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::error::ApiError;
use crate::{
    access::{Principal, presented},
    fault::Fault,
    resources::Tenant,
};

const BEARER: &str = "bearer";
const HEADER: &str = "apiKeyHeader";
const QUERY: &str = "apiKeyQuery";

/// Who asks; the guard has found out before the route is called.
pub(super) struct Caller(Arc<Principal>);

impl Caller {
    /// Whose data is read and written: the credential's own workspace and environment.
    pub(super) fn tenant(&self) -> Tenant {
        Tenant { workspace_id: self.workspace.id, environment: self.environment }
    }
}

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let blank = |ty, description| MetaSecurityScheme {
            ty,
            description: Some(description),
            name: None,
            key_in: None,
            scheme: None,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        let bearer = blank("http", "An access token or an API key (RFC 6750 §2.1).");
        registry.create_security_scheme(
            BEARER,
            MetaSecurityScheme { scheme: Some("bearer"), ..bearer },
        );
        let header = blank("apiKey", "An API key.");
        registry.create_security_scheme(
            HEADER,
            MetaSecurityScheme { name: Some("X-API-Key"), key_in: Some("header"), ..header },
        );
        let query = blank("apiKey", "An API key of a product that allows it; logs may keep it.");
        registry.create_security_scheme(
            QUERY,
            MetaSecurityScheme {
                name: Some(presented::QUERY_PARAMETER),
                key_in: Some("query"),
                ..query
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, HEADER, QUERY]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        match request.data::<Arc<Principal>>() {
            Some(principal) => Ok(Self(Arc::clone(principal))),
            None => Err(ApiError::from(Fault::internal("an API route without its guard")).into()),
        }
    }
}
