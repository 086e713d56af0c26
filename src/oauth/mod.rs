//! The OAuth 2.0 and OpenID Connect face: authorization, token, userinfo, revocation, introspection,
//! registration, keys, metadata.

mod approval;
mod asked;
mod authorize;
mod authorize_post;
pub mod client_auth;
mod consent;
mod consent_page;
mod consent_scopes;
mod device;
mod device_authorization;
mod dpop;
mod error;
mod flow;
mod from_memory;
mod grant_types;
mod introspect;
mod jwks;
mod logout;
mod metadata;
mod openid_params;
mod other_sites;
mod par;
pub mod params;
mod pkce;
mod prompt;
mod redirect;
mod register;
mod registered;
mod registrar;
mod revoke;
mod token;
mod userinfo;
mod workspace_finder;

use poem::{Route, RouteMethod, get, post};

pub use self::from_memory::{answer as answer_from_memory, may_answer as may_answer_from_memory};
use crate::web::{
    links::{self, PROTECTED_RESOURCE},
    methods::only,
};

/// The routes of this face; `Arc<App>` must be in the request's data.
#[must_use]
pub fn routes() -> Route {
    const USERINFO: &str = "GET, HEAD, POST, OPTIONS";
    const REGISTERED: &str = "GET, PUT, DELETE";
    let authorization_server = || only("GET, HEAD", get(metadata::authorization_server));
    let userinfo = get(userinfo::get).post(userinfo::post).options(userinfo::options);
    let registered = get(register::get).put(register::put).delete(register::delete);
    Route::new()
        .at(
            authorize::PATH,
            only("GET, HEAD, POST", get(authorize::get).post(authorize_post::post)),
        )
        .at("/oauth/consent", only("GET, HEAD, POST", get(consent::get).post(consent::post)))
        .at(approval::PATH, only("POST", post(approval::post)))
        .at(links::logout(), only("GET, HEAD, POST", get(logout::get).post(logout::post)))
        .at(par::PATH, posted(post(par::post)))
        .at(links::device(), only("GET, HEAD, POST", get(device::ask).post(device::look)))
        .at("/device/decision", only("POST", post(device::decide)))
        .at(device::APPROVAL, only("POST", post(device::ask_for_approval)))
        .at("/device/:code", only("GET, HEAD", get(device::ask_filled)))
        .at(device_authorization::PATH, posted(post(device_authorization::post)))
        .at(token::PATH, posted(post(token::post)))
        .at(revoke::PATH, posted(post(revoke::post)))
        .at(introspect::PATH, error::json_405("POST", post(introspect::post)))
        .at(jwks::PATH, only("GET, HEAD", get(jwks::get)))
        .at(userinfo::PATH, only(USERINFO, userinfo))
        .at(metadata::OAUTH_SERVER, authorization_server())
        .at(format!("{}/*path", metadata::OAUTH_SERVER), authorization_server())
        .at(metadata::OPENID_PROVIDER, authorization_server())
        .at(format!("{}/*path", metadata::OPENID_PROVIDER), authorization_server())
        .at(register::PATH, posted(post(register::post)))
        .at(
            format!("{}/:client_id", register::PATH),
            other_sites::open(REGISTERED, error::json_405(REGISTERED, registered)),
        )
        .at(PROTECTED_RESOURCE, metadata_of_the_api())
        .at(format!("{PROTECTED_RESOURCE}/*path"), metadata_of_the_api())
}

/// An endpoint that is sent to, also by pages of other sites.
fn posted(routes: RouteMethod) -> impl poem::Endpoint {
    other_sites::open("POST", error::json_405("POST", routes))
}

fn metadata_of_the_api() -> impl poem::Endpoint {
    only("GET, HEAD", get(metadata::protected_resource))
}
