//! What clients can find out by themselves: authorization server metadata (RFC 8414) and protected
//! resource metadata (RFC 9728).

use std::{collections::BTreeSet, sync::Arc};

use entity::signing_key::Algorithm;
use poem::{IntoResponse, Request, Response, handler, http::header, web::Data};
use serde_json::{Value, json};

use super::{error::OAuthError, grant_types};
use crate::{app::App, config::RegistrationMode, tokens::scopes};

/// Where this server describes itself (RFC 8414 §3).
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

/// An issuer with a path has it at the end of this address (RFC 8414 §3.1); every other path there is
/// another server's.
#[handler]
pub fn authorization_server(Data(app): Data<&Arc<App>>, req: &Request) -> Response {
    let part = req.uri().path().strip_prefix(AUTHORIZATION_SERVER).unwrap_or_default();
    if !part.is_empty() && part != app.issuer_path() {
        return OAuthError::not_found("there is no such path").into_response();
    }
    public(&server(app))
}

fn server(app: &App) -> Value {
    let client_authentication =
        ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    let confidential = &client_authentication[..3];
    let algorithms = Algorithm::ALL.map(Algorithm::name);
    let mut document = json!({
        "issuer": app.config.issuer,
        "authorization_endpoint": app.url("/oauth/authorize"),
        "token_endpoint": app.url("/oauth/token"),
        "revocation_endpoint": app.url("/oauth/revoke"),
        "introspection_endpoint": app.url("/oauth/introspect"),
        "scopes_supported": scopes_supported(app),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": grant_types::SUPPORTED,
        "token_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "introspection_endpoint_auth_methods_supported": confidential,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "service_documentation": app.url("/docs"),
    });
    if app.config.oauth.registration != RegistrationMode::Off {
        document["registration_endpoint"] = app.url("/oauth/register").into();
    }
    if app.config.oauth.client_id_metadata_documents {
        document["client_id_metadata_document_supported"] = true.into();
    }
    document
}

/// Where the API describes itself, and under it every part of the API.
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The API itself, as a protected resource of this server; or the part of it whose path follows,
/// by its own name, as clients demand (RFC 9728 §3.3).
#[handler]
pub fn protected_resource(Data(app): Data<&Arc<App>>, req: &Request) -> Response {
    let part = req.uri().path().strip_prefix(PROTECTED_RESOURCE).unwrap_or_default();
    public(&json!({
        "resource": app.url(part),
        "authorization_servers": [app.config.issuer],
        "scopes_supported": scopes_supported(app),
        "bearer_methods_supported": ["header"],
        "resource_name": app.config.brand.name,
        "resource_documentation": app.url("/docs"),
    }))
}

fn scopes_supported(app: &App) -> Vec<String> {
    let catalogues = app.config.products.iter().flat_map(|product| product.scopes.keys().cloned());
    let tokens: BTreeSet<_> =
        catalogues.chain(scopes::identity_tokens().map(str::to_owned)).collect();
    tokens.into_iter().collect()
}

fn public(body: &Value) -> Response {
    Response::builder()
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "public, max-age=300")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .body(body.to_string())
}
