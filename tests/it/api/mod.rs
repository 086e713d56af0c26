//! The sibling API (contract §4 and §5).

mod api_keys;
mod api_keys_ends;
mod api_keys_refusals;
mod audit;
mod bodies;
mod checkin;
mod comms;
mod confined;
mod datasets;
mod docs;
mod documented_errors;
mod emails;
mod ended;
mod errors;
mod every_route;
mod gates;
mod guesses;
mod imported_keys;
mod leads;
mod leaked;
mod leaked_github;
mod leaked_refusals;
mod me;
mod openapi;
mod place;
mod rate_limits;
mod scans;
mod scans_limits;
mod scopes;
mod subscribers;
mod transports;
mod verify;
mod verify_gateway;
mod verify_many;
mod verify_sign_in;

use entity::{member::Role, workspace};
use latchkey::{
    keys::manage::{KeyOwner, NewKey},
    workspaces::NewWorkspace,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Acme, Answer, Person, World, new_key, workspace_named};

/// Every route that a credential opens.
const ROUTES: [&str; 2] = ["/api/v1/me", "/api/v1/verify"];

/// The answer is an error in the API's one shape, and exactly this one.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str, message: &str) {
    let id = request_id(answer);
    let body = json!({ "error": { "code": code, "message": message, "requestId": id } });
    assert_eq!((answer.status, answer.json()), (status, body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_is_private(answer);
}

/// What a credential opens, and the refusal of one, is nobody else's.
#[track_caller]
fn assert_is_private(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// What to quote when asking for help.
#[track_caller]
fn request_id(answer: &Answer) -> String {
    let id = answer.header("x-request-id").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    id.to_owned()
}

/// `WWW-Authenticate` of a request to this path, with these attributes after the address of the path's
/// metadata (RFC 9728 §3.3).
fn challenge(world: &World, path: &str, attributes: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let metadata = world.url(&format!("/.well-known/oauth-protected-resource{path}"));
    format!("Bearer resource_metadata=\"{metadata}\"{attributes}")
}

/// That of a credential that was presented and is not valid (RFC 6750 §3.1).
fn invalid_token(world: &World, path: &str) -> String {
    challenge(world, path, ", error=\"invalid_token\"")
}

/// A workspace of that product, and the user who owns it.
async fn home_of_product(world: &World, product: &str) -> (workspace::Model, Person) {
    let home = NewWorkspace { product: product.to_owned(), ..workspace_named(product) };
    let home = world.workspace_of(home).await;
    let username = format!("{product}@example.com");
    let owner = world.person(&username, &[(&home, Role::Owner)]).await;
    (home, owner)
}

/// A key of a workspace of that product, and the user who owns both.
async fn key_of_product(world: &World, product: &str, scope: &str) -> (String, Uuid) {
    let (home, owner) = home_of_product(world, product).await;
    (world.key(&home, &owner, scope).await, owner.id)
}

/// A live key of Ada's that may read leads.
pub fn adas_key(acme: &Acme) -> NewKey {
    new_key(&acme.workspace, KeyOwner::User(acme.ada.id), "leads:read")
}

/// An error of the API, whole.
fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({ "error": { "code": code, "message": message, "requestId": "<id>" } }))
}

fn unauthorized(message: &str) -> (u16, Value) {
    refused(401, "UNAUTHORIZED", message)
}

fn forbidden(message: &str) -> (u16, Value) {
    refused(403, "FORBIDDEN", message)
}

/// A validation error with these fields and messages, whole.
fn invalid(details: &[(&str, &str)]) -> (u16, Value) {
    let details: Vec<_> = details
        .iter()
        .map(|(field, message)| json!({ "field": field, "message": message }))
        .collect();
    let message = "the request breaks a rule; see details";
    let error = json!({
        "code": "VALIDATION_ERROR", "message": message, "requestId": "<id>", "details": details,
    });
    (400, json!({ "error": error }))
}

fn lacks(scope: &str) -> (u16, Value) {
    forbidden(&format!("the credential lacks scope: {scope}"))
}

fn nothing_there() -> (u16, Value) {
    refused(404, "NOT_FOUND", "there is nothing at this address")
}
