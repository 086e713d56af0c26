//! Where the tests of every route are: a workspace with two things of each kind that has an address,
//! and every operation of the document that needs a permission.

use std::collections::BTreeMap;

use latchkey::{audit::Actor, workspaces};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{gates, scans};
use crate::support::{Acme, Answer, ApiCaller, Subscriber, World};

/// Every permission that some route needs.
pub const PERMISSIONS: [&str; 18] = [
    "api-keys:manage",
    "api-keys:read",
    "checkin:write",
    "comms:read",
    "comms:send",
    "datasets:read",
    "datasets:write",
    "emails:send",
    "endpoints:write",
    "leads:read",
    "leads:write",
    "scans:create",
    "services:create",
    "services:read",
    "services:update",
    "subscribers:delete",
    "subscribers:read",
    "subscribers:write",
];

/// What a permission is about, as `resourceType` says it.
pub fn kind(permission: &str) -> &'static str {
    match permission.split(':').next().unwrap() {
        "api-keys" => "api_key",
        "checkin" => "guest",
        "comms" => "message",
        "datasets" => "dataset",
        "emails" => "email",
        "endpoints" => "endpoint",
        "leads" => "lead",
        "scans" => "scan",
        "services" => "service",
        "subscribers" => "subscriber",
        _ => panic!("{permission}"),
    }
}

/// Acme, allow-listed, enabled and verified, and a caller with every permission.
pub struct Place {
    pub world: World,
    pub acme: Acme,
    pub caller: Subscriber,
    things: BTreeMap<&'static str, [String; 2]>,
}

impl Place {
    pub async fn new() -> Self {
        let (world, acme, caller) = gates::of_acme().await;
        workspaces::verify_user(&world.app, Actor::Operator, acme.ada.id).await.unwrap();
        let key = world.key(&acme.workspace, &acme.ada, &PERMISSIONS.join(" ")).await;
        let caller = caller.with_bearer(&key);
        let things = two_of_each(&caller).await;
        Self { world, acme, caller, things }
    }

    /// Two things of a kind.
    pub fn two(&self, kind: &str) -> &[String; 2] {
        &self.things[kind]
    }

    /// A caller with every permission, each confined to what `limits` says of it.
    pub async fn confined(&self, limits: impl Fn(&str) -> String) -> Subscriber {
        let token = |permission: &&str| format!("{permission}?{}", limits(permission));
        let scope: Vec<_> = PERMISSIONS.iter().map(token).collect();
        let key = self.world.key(&self.acme.workspace, &self.acme.ada, &scope.join(" ")).await;
        self.caller.with_bearer(&key)
    }

    /// A caller with this scope and no subscription key.
    pub async fn caller(&self, scope: &str) -> ApiCaller {
        let key = self.world.key(&self.acme.workspace, &self.acme.ada, scope).await;
        ApiCaller::key(&self.world, &key)
    }

    /// Every operation that needs a permission; what ends a thing comes last.
    pub async fn operations(&self) -> Vec<Operation> {
        let document = ApiCaller::anonymous(&self.world).get("/openapi.json").await.json();
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(permission) = operation["x-scope"].as_str() {
                    operations.push(
                        Operation {
                            id: operation["operationId"].as_str().unwrap().to_owned(),
                            method: method.to_uppercase().parse().unwrap(),
                            path: path.clone(),
                            permission: permission.to_owned(),
                            body: operation["requestBody"]["content"]["application/json"]["schema"]
                                ["$ref"]
                                .as_str()
                                .map(|schema| document.pointer(&schema[1..]).unwrap().clone()),
                        },
                    );
                }
            }
        }
        operations.sort_by_key(|it| (it.method == Method::DELETE, it.id == "revokeApiKey"));
        assert!(operations.len() >= 25, "{}", operations.len());
        operations
    }
}

/// Makes two things of each kind that has an address.
pub async fn two_of_each(caller: &Subscriber) -> BTreeMap<&'static str, [String; 2]> {
    let mut things = BTreeMap::new();
    for (kind, path, operation, pointer) in [
        ("api_key", "/api/api-keys", "createApiKey", "/apiKey/id"),
        ("dataset", "/v1/datasets", "createDataset", "/id"),
        ("subscriber", "/api/v1/subscribers", "createSubscriber", "/id"),
        ("scan", "/api/scans/ingest", "ingestScan", "/scanId"),
    ] {
        let mut pair = Vec::new();
        for name in ["one", "two"] {
            let body = body_of(operation, name).unwrap();
            let made = caller.post(path, &body).await.expect(201).json();
            pair.push(made.pointer(pointer).unwrap().as_str().unwrap().to_owned());
        }
        things.insert(kind, pair.try_into().unwrap());
    }
    things
}

/// What a caller can do.
pub struct Operation {
    pub id: String,
    pub permission: String,
    /// The schema of its body, if it takes one.
    pub body: Option<Value>,
    pub method: Method,
    path: String,
}

impl Operation {
    /// The kind of thing that its path names, if it names one.
    pub fn names(&self) -> Option<&'static str> {
        let is_scan = || self.path.contains("/scans/");
        let kind = || if is_scan() { "scan" } else { kind(&self.permission) };
        self.path.contains('{').then(kind)
    }

    /// Does it, to the thing with this id if to any.
    pub async fn done(&self, caller: &Subscriber, id: &str) -> Answer {
        let request = self.request(caller, id);
        Answer::to(match body_of(&self.id, "three") {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// A request for it without its body.
    pub fn request(&self, caller: &Subscriber, id: &str) -> RequestBuilder {
        caller.request(self.method.clone(), &self.path_to(id))
    }

    /// Its path, to the thing with this id if to any.
    pub fn path_to(&self, id: &str) -> String {
        let path = self.path.replace("{id}", id).replace("{apiKeyId}", id);
        assert!(!path.contains('{'), "{path}: these tests do not know the parameter");
        path
    }

    /// Does it to the first thing of its kind, if to any.
    pub async fn done_in(&self, place: &Place, caller: &Subscriber) -> Answer {
        self.done(caller, self.first_in(place)).await
    }

    /// The first thing of its kind, if it is about one.
    pub fn first_in<'a>(&self, place: &'a Place) -> &'a str {
        self.names().map_or("", |kind| &place.two(kind)[0])
    }
}

/// What is sent to an operation that takes something.
fn body_of(operation: &str, name: &str) -> Option<Value> {
    let email = format!("{name}@guest.example");
    Some(match operation {
        "createApiKey" => {
            let limited = json!({ "permission": "leads:read", "resourceType": "lead" });
            json!({ "name": name, "ownerPrincipalType": "user", "scopes": [limited] })
        }
        "changeApiKey" | "createDataset" | "createLead" | "checkInGuest" => json!({ "name": name }),
        "createSubscriber" => json!({ "email": email }),
        "updateSubscriber" => json!({ "firstName": name }),
        "sendEmail" => json!({ "to": email, "subject": name, "text": name }),
        "sendMessage" => json!({ "to": email, "text": name }),
        "ingestScan" => scans::with("/service/name", name.into()),
        _ => return None,
    })
}
