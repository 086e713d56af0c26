//! The OAuth 2.0 face: authorization, token, revocation, introspection, metadata.

mod approval;
mod authorize;
mod client_auth;
mod consent;
mod consent_page;
mod device;
mod device_authorization;
mod error;
mod flow;
mod grant_types;
mod introspect;
mod logout;
mod metadata;
mod params;
mod pkce;
mod redirect;
mod registrar;
mod revoke;
mod token;

use poem::{Route, get, post};

use crate::web::methods::only;

/// The routes of this face; `Arc<App>` must be in the request's data.
#[must_use]
pub fn routes() -> Route {
    let authorization_server = || only("GET, HEAD", get(metadata::authorization_server));
    Route::new()
        .at("/oauth/authorize", only("GET, HEAD, POST", get(authorize::get).post(authorize::post)))
        .at("/oauth/consent", only("GET, HEAD, POST", get(consent::get).post(consent::post)))
        .at("/oauth/consent/approval", only("POST", post(approval::post)))
        .at("/oauth/logout", only("GET, HEAD, POST", get(logout::get).post(logout::post)))
        .at("/device", only("GET, HEAD, POST", get(device::ask).post(device::look)))
        .at("/device/decision", only("POST", post(device::decide)))
        .at("/device/:code", only("GET, HEAD", get(device::ask_filled)))
        .at(
            "/oauth/device_authorization",
            error::json_405("POST", post(device_authorization::post)),
        )
        .at("/oauth/token", error::json_405("POST", post(token::post)))
        .at("/oauth/revoke", error::json_405("POST", post(revoke::post)))
        .at("/oauth/introspect", error::json_405("POST", post(introspect::post)))
        .at("/.well-known/oauth-authorization-server", authorization_server())
        .at(metadata::PROTECTED_RESOURCE, metadata_of_the_api())
        .at(format!("{}/*path", metadata::PROTECTED_RESOURCE), metadata_of_the_api())
}

fn metadata_of_the_api() -> impl poem::Endpoint {
    only("GET, HEAD", get(metadata::protected_resource))
}
