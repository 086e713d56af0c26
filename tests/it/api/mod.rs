//! The API face: one file an endpoint, and one for what all of them have in common.

mod bodies;
mod datasets;
mod emails;
mod errors;
mod leads;
mod me;
mod subscribers;

use latchkey::{
    config::Environment,
    keys::manage::{KeyOwner, NewKey},
};
use serde_json::{Value, json};

use crate::support::{Acme, World};

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

fn new_key(acme: &Acme) -> NewKey {
    NewKey {
        workspace_id: acme.workspace.id,
        name: "a key".to_owned(),
        scopes: ["leads:read".to_owned()].into_iter().collect(),
        full_access: false,
        environment: Environment::Live,
        owner: KeyOwner::User(acme.ada.id),
        created_by: None,
        expires_at: None,
    }
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

/// One `GET /api/v1/me` with this header, byte for byte.
async fn get_with(world: &World, header: &str) -> String {
    let request = format!(
        "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n"
    );
    world.raw(request.as_bytes()).await
}
