//! What clients can find out by themselves: authorization server metadata (RFC 8414), the same as
//! OpenID Connect Discovery has it, and protected resource metadata (RFC 9728).

use std::{collections::BTreeSet, sync::Arc};

use entity::signing_key::Algorithm;
use poem::{IntoResponse, Request, Response, handler, http::header, web::Data};
use serde_json::{Value, json};

use super::{
    authorize, device_authorization, error::OAuthError, grant_types, introspect, jwks, par,
    redirect::ResponseMode, register, revoke, token, userinfo,
};
use crate::{
    app::App,
    config::RegistrationMode,
    openid::claims,
    tokens::{acr, authorization_details, dpop, scopes},
    web::{links, resource},
};

/// Where RFC 8414 §3 has the server's description.
pub const OAUTH_SERVER: &str = "/.well-known/oauth-authorization-server";
/// Where OpenID Connect Discovery §4 has it.
pub const OPENID_PROVIDER: &str = "/.well-known/openid-configuration";

/// The server itself. An issuer with a path has it at the end of this address (RFC 8414 §3.1); every
/// other path there is another server's.
#[handler]
pub fn authorization_server(Data(app): Data<&Arc<App>>, req: &Request) -> Response {
    let path = req.uri().path();
    let [oauth, openid] = [OAUTH_SERVER, OPENID_PROVIDER].map(|known| path.strip_prefix(known));
    let named = oauth.or(openid).unwrap_or_default();
    if !named.is_empty() && named != app.issuer_path() {
        return OAuthError::not_found("there is no such path").into_response();
    }
    public(&description(app))
}

fn description(app: &App) -> Value {
    let client_authentication =
        ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    let confidential = &client_authentication[..3];
    let algorithms = Algorithm::ALL.map(Algorithm::name);
    let mut description = json!({
        "issuer": app.config.issuer,
        "authorization_endpoint": app.url(authorize::PATH),
        "token_endpoint": app.url(token::PATH),
        "pushed_authorization_request_endpoint": app.url(par::PATH),
        "require_pushed_authorization_requests": false,
        "revocation_endpoint": app.url(revoke::PATH),
        "introspection_endpoint": app.url(introspect::PATH),
        "device_authorization_endpoint": app.url(device_authorization::PATH),
        "end_session_endpoint": app.url(links::logout()),
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "scopes_supported": scopes_supported(app),
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::NAMES,
        "grant_types_supported": grant_types::SUPPORTED,
        "token_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "introspection_endpoint_auth_methods_supported": confidential,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "authorization_signing_alg_values_supported": Algorithm::ALL,
        "request_parameter_supported": true,
        // said, because a client takes the silence about it for a yes
        "request_uri_parameter_supported": false,
        "request_object_signing_alg_values_supported": Algorithm::ALL,
        "require_signed_request_object": false,
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "authorization_details_types_supported": [authorization_details::TYPE],
        "service_documentation": app.url(links::api_docs()),
    });
    if app.config.oauth.registration != RegistrationMode::Off {
        description["registration_endpoint"] = app.url(register::PATH).into();
    }
    if app.config.oauth.client_id_metadata_documents {
        description["client_id_metadata_document_supported"] = true.into();
    }
    if let (Value::Object(all), Value::Object(openid)) = (&mut description, openid(app)) {
        all.extend(openid);
    }
    description
}

/// What OpenID Connect adds (Discovery §3).
fn openid(app: &App) -> Value {
    let algorithms = Algorithm::ALL.map(Algorithm::name);
    json!({
        "userinfo_endpoint": app.url(userinfo::PATH),
        "jwks_uri": app.url(jwks::PATH),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "acr_values_supported": acr::SUPPORTED,
        "claim_types_supported": ["normal"],
        "claims_supported": claims::supported().collect::<Vec<_>>(),
        "claims_parameter_supported": true,
    })
}

/// The API itself, as a protected resource of this server; or the part of it whose path follows,
/// by its own name, as clients demand (RFC 9728 §3.3).
#[handler]
pub fn protected_resource(Data(app): Data<&Arc<App>>, req: &Request) -> Response {
    let Some(resource) = resource::described_at(app, req.uri().path()) else {
        return OAuthError::not_found("there is no such path").into_response();
    };
    public(&json!({
        "resource": resource,
        "authorization_servers": [app.config.issuer],
        "scopes_supported": scopes_supported(app),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "dpop_bound_access_tokens_required": false,
        "authorization_details_types_supported": [authorization_details::TYPE],
        "resource_name": app.config.brand.name,
        "resource_documentation": app.url(links::api_docs()),
    }))
}

fn scopes_supported(app: &App) -> Vec<String> {
    let catalogues = app.config.products.iter().flat_map(|product| product.scopes.keys().cloned());
    let tokens: BTreeSet<_> =
        catalogues.chain(scopes::identity_tokens().map(str::to_owned)).collect();
    tokens.into_iter().collect()
}

/// A document that everybody may read, from any site, and keep for a while.
pub(super) fn public(body: &Value) -> Response {
    Response::builder()
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "public, max-age=300")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .body(body.to_string())
}
