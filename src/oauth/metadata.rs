//! What clients can find out by themselves: authorization server metadata (RFC 8414) and protected
//! resource metadata (RFC 9728).

use std::{collections::BTreeSet, sync::Arc};

use poem::{Request, Response, handler, http::header, web::Data};
use serde_json::{Value, json};

use super::grant_types;
use crate::{app::App, tokens::scopes};

#[handler]
pub fn authorization_server(Data(app): Data<&Arc<App>>) -> Response {
    let client_authentication = ["client_secret_basic", "client_secret_post", "none"];
    public(&json!({
        "issuer": app.config.issuer,
        "authorization_endpoint": app.url("/oauth/authorize"),
        "token_endpoint": app.url("/oauth/token"),
        "revocation_endpoint": app.url("/oauth/revoke"),
        "introspection_endpoint": app.url("/oauth/introspect"),
        "device_authorization_endpoint": app.url("/oauth/device_authorization"),
        "end_session_endpoint": app.url("/oauth/logout"),
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "scopes_supported": scopes_supported(app),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": grant_types::SUPPORTED,
        "token_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "introspection_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "service_documentation": app.url("/docs"),
    }))
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
