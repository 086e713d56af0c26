//! The OAuth face: one file an endpoint, and one a grant type of the token endpoint; where there is
//! much to say, a further one for refusals.

mod app_policies;
mod app_requests;
mod authorization_details;
mod authorize;
mod authorize_flood;
mod authorize_refusals;
mod claims;
mod client_documents;
mod client_documents_refusals;
mod consent;
mod consent_choice;
mod device;
mod device_approval;
mod device_page;
mod dpop;
mod dpop_api;
mod dpop_refusals;
mod enterprise_clients;
mod fapi2;
mod id_token;
mod introspect;
mod introspect_refusals;
mod jarm;
mod jwks;
mod logout;
mod logout_back_channel;
mod logout_front_channel;
mod logout_rp;
mod many_workspaces;
mod mcp;
mod metadata;
mod openid_configuration;
mod par;
mod par_flood;
mod par_refusals;
mod private_key_jwt;
mod private_key_jwt_keys;
mod private_key_jwt_refusals;
mod prompt;
mod protected_resource;
mod register;
mod register_manage;
mod register_refusals;
mod request_object;
mod resource;
mod revoke;
mod spending;
mod strength;
mod token_client_credentials;
mod token_code;
mod token_exchange;
mod token_password;
mod token_password_names;
mod token_password_throttle;
mod token_refresh;
mod token_refresh_refusals;
mod token_refresh_reuse;
mod token_request;
mod token_request_client;
mod userinfo;
mod userinfo_limits;

use reqwest::Url;
use serde_json::{Value, json};

use crate::support::{Acme, Authorization, Browser, ClientApp, Page, Tokens, World};

/// Ada, signed in at a client by the password grant.
async fn signed_in() -> (World, Acme, ClientApp, Tokens) {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    (world, acme, script, tokens)
}

/// A browser that has never been here, and a client that will send it here.
async fn at_authorize() -> (World, Acme, ClientApp, Browser) {
    let (world, acme) = World::of_acme().await;
    let client = world.web().await;
    let browser = Browser::new(&world);
    (world, acme, client, browser)
}

/// The one refusal of the password grant.
fn password_refused() -> (u16, Value) {
    invalid_grant("the username or password is not valid")
}

/// The one refusal of a refresh token.
fn refresh_refused() -> (u16, Value) {
    invalid_grant("the refresh token is not valid")
}

/// The one refusal of an authorization code.
fn code_refused() -> (u16, Value) {
    invalid_grant("the code is not valid for this request")
}

fn invalid_grant(description: &str) -> (u16, Value) {
    (400, json!({ "error": "invalid_grant", "error_description": description }))
}

/// The authorization request as a form.
async fn post_authorize(browser: &mut Browser, world: &World, request: &Authorization) -> Page {
    let url = Url::parse(&world.url("/oauth/authorize")).unwrap();
    let form = world.http.post(url.clone());
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    browser.send(url, form.body(request.urlencoded())).await
}

/// A page that no cache keeps, no frame shows and no injected script can use.
#[track_caller]
fn assert_sealed_page(page: &Page) {
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
}
