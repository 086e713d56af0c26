//! Envoy with `examples/envoy.yaml` (`ext_authz`) before an API. Envoy is not installed where these tests
//! run: what it does with that file is done here, as its documentation has it, and Latchkey and the API
//! are real.

use std::{fs, path::Path};

use latchkey::config::Config;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use super::backend::Backend;
use crate::support::{Acme, Answer, ClientApp, Holder, Tokens, World, http, service};

/// Where clients find Envoy.
const HOST: &str = "api.example";

/// What the example says of one listener.
struct Envoy {
    manager: Value,
}

/// A request on its way through the filters.
struct Passing {
    method: Method,
    path: String,
    headers: HeaderMap,
}

impl Envoy {
    fn of_the_example() -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/envoy.yaml");
        let text = fs::read_to_string(example).unwrap();
        let whole: Value = serde_saphyr::from_str(&text).unwrap();
        let chain = &whole["static_resources"]["listeners"][0]["filter_chains"][0];
        Self { manager: chain["filters"][0]["typed_config"].clone() }
    }

    /// The filters in the order in which a request passes them.
    fn filters(&self) -> Vec<(&str, &Value)> {
        let filters = self.manager["http_filters"].as_array().unwrap().iter();
        filters.map(|it| (it["name"].as_str().unwrap(), &it["typed_config"])).collect()
    }

    /// The HTTP connection manager: what it writes itself it takes from nobody else.
    fn receive(&self, passing: &mut Passing) {
        assert_eq!(self.manager["use_remote_address"], true, "or a client could say how it came");
        passing.headers.insert("x-forwarded-proto", "http".parse().unwrap());
        passing.headers.insert("host", HOST.parse().unwrap());
    }

    /// What the route takes away at the end.
    fn route(&self, passing: &mut Passing) {
        let host = &self.manager["route_config"]["virtual_hosts"][0];
        let is_for =
            |route: &&Value| passing.path.starts_with(route["match"]["prefix"].as_str().unwrap());
        let route = host["routes"].as_array().unwrap().iter().find(is_for).unwrap();
        for name in route["request_headers_to_remove"].as_array().unwrap() {
            passing.headers.remove(name.as_str().unwrap());
        }
    }
}

/// `envoy.filters.http.header_mutation`.
fn mutate(config: &Value, passing: &mut Passing) {
    for mutation in config["mutations"]["request_mutations"].as_array().unwrap() {
        if let Some(name) = mutation["remove"].as_str() {
            passing.headers.remove(name);
            continue;
        }
        let append = &mutation["append"];
        assert_eq!(append["append_action"], "OVERWRITE_IF_EXISTS_OR_ADD");
        let value = match append["header"]["value"].as_str().unwrap() {
            "%REQ(:METHOD)%" => passing.method.to_string(),
            "%REQ(:AUTHORITY)%" => HOST.to_owned(),
            "%REQ(:PATH)%" => passing.path.clone(),
            other => panic!("{other}"),
        };
        let name = append["header"]["key"].as_str().unwrap().parse::<reqwest::header::HeaderName>();
        passing.headers.insert(name.unwrap(), value.parse().unwrap());
    }
}

/// Whether a list of string matchers has a name.
fn matches(patterns: &Value, name: &str) -> bool {
    patterns["patterns"].as_array().unwrap().iter().any(|pattern| {
        pattern["exact"].as_str().is_some_and(|exact| exact == name)
            || pattern["prefix"].as_str().is_some_and(|prefix| name.starts_with(prefix))
    })
}

/// `envoy.filters.http.ext_authz` with an HTTP service: its answer, if the request goes no further.
async fn authorize(config: &Value, world: &World, passing: &mut Passing) -> Option<Answer> {
    let service = &config["http_service"];
    let path = format!("{}{}", service["path_prefix"].as_str().unwrap(), passing.path);
    let mut request = world.http.request(passing.method.clone(), world.url(&path));
    for (name, value) in &passing.headers {
        let is_always = ["host", "authorization"].contains(&name.as_str());
        if is_always || matches(&config["allowed_headers"], name.as_str()) {
            request = request.header(name, value);
        }
    }
    for header in service["authorization_request"]["headers_to_add"].as_array().unwrap() {
        let text = |name: &str| header[name].as_str().unwrap();
        request = request.header(text("key"), text("value"));
    }
    let answer = Answer::to(request.header("content-length", "0")).await;
    let allowed = &service["authorization_response"];
    if !(200..300).contains(&answer.status) {
        // besides these Envoy keeps status, body and a few of its own
        let is_told = |name: &str| {
            ["content-length", "date"].contains(&name)
                || matches(&allowed["allowed_client_headers"], name)
        };
        let headers = answer.headers.iter().filter(|(name, _)| is_told(name.as_str()));
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        return Some(Answer { headers, ..answer });
    }
    for (name, value) in &answer.headers {
        if matches(&allowed["allowed_upstream_headers"], name.as_str()) {
            passing.headers.insert(name, value.clone());
        }
    }
    None
}

/// A world, and Envoy between its people and an API.
struct Scene {
    world: World,
    acme: Acme,
    envoy: Envoy,
    backend: Backend,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|config| {
            config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let world = World::with(change).await;
        let acme = world.acme().await;
        Self { world, acme, envoy: Envoy::of_the_example(), backend: Backend::start().await }
    }

    /// A request of a client: what it hears.
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut passing = Passing { method, path: path.to_owned(), headers: HeaderMap::new() };
        for (name, value) in headers {
            let name = name.parse::<reqwest::header::HeaderName>().unwrap();
            passing.headers.append(name, value.parse().unwrap());
        }
        self.envoy.receive(&mut passing);
        for (name, config) in self.envoy.filters() {
            match name {
                "envoy.filters.http.header_mutation" => mutate(config, &mut passing),
                "envoy.filters.http.ext_authz" => {
                    if let Some(refusal) = authorize(config, &self.world, &mut passing).await {
                        return refusal;
                    }
                }
                "envoy.filters.http.router" => self.envoy.route(&mut passing),
                other => panic!("{other}"),
            }
        }
        let url = format!("http://{}{}", self.backend.address, passing.path);
        Answer::to(http().request(passing.method, url).headers(passing.headers)).await
    }

    async fn service(&self) -> ClientApp {
        self.world.client(service(Some(&self.acme.workspace))).await
    }

    /// A token of a service that is bound to a key.
    async fn bound(&self, holder: &Holder) -> String {
        let service = self.service().await;
        let request = service.request("/oauth/token", &[("grant_type", "client_credentials")]);
        let request = request.header("dpop", holder.proof(&self.world, "/oauth/token"));
        Tokens::of(&Answer::to(request).await).access
    }

    /// A proof for a request to the API, as a client makes it that knows of no Latchkey.
    fn proof(&self, holder: &Holder, (method, path): (&str, &str), token: &str) -> String {
        let draft = holder.draft(&self.world, method, "").of_token(token);
        holder.sign(&draft.with("htu", format!("http://{HOST}{path}")))
    }
}

#[tokio::test]
async fn what_latchkey_lets_through_reaches_the_api_with_who_asks_and_without_the_secret() {
    let scene = Scene::new().await;
    let token = scene.service().await.token(&[("grant_type", "client_credentials")]).await;
    let bearer = format!("Bearer {}", Tokens::of(&token).access);

    for method in [Method::GET, Method::POST, Method::DELETE] {
        let headers = [("authorization", &*bearer), ("x-latchkey-subject", "forged")];
        let answer = scene.send(method.clone(), "/leads/7?page=2", &headers).await;

        let seen = answer.expect(200).json();
        assert_eq!(
            (&seen["method"], &seen["uri"]),
            (&json!(method.as_str()), &json!("/leads/7?page=2"))
        );
        let headers = &seen["headers"];
        assert_eq!(headers["x-latchkey-workspace"], scene.acme.workspace.id.to_string());
        assert_eq!(headers["authorization"], Value::Null);
        assert!(!headers.to_string().contains("forged"), "{headers}");
    }
}

/// RFC 9449 §7: the proof is for the client's own request, whatever its method.
#[tokio::test]
async fn a_token_that_is_bound_to_a_key_passes_with_a_proof_for_the_clients_request() {
    let (scene, holder) = (Scene::new().await, Holder::new());
    let token = scene.bound(&holder).await;
    let credential = format!("DPoP {token}");

    for method in ["GET", "POST", "DELETE"] {
        let proof = scene.proof(&holder, (method, "/leads/7"), &token);
        let headers = [("authorization", &*credential), ("dpop", &*proof)];
        let answer = scene.send(method.parse().unwrap(), "/leads/7?page=2", &headers).await;

        let seen = answer.expect(200).json();
        assert_eq!(seen["method"], method);
        assert_eq!(seen["headers"]["x-latchkey-scopes"], "leads:read leads:write");
        for secret in ["authorization", "dpop"] {
            assert_eq!(seen["headers"][secret], Value::Null);
        }
    }
}

/// What a client says of the request that it makes is not believed.
#[tokio::test]
async fn a_proof_for_another_request_does_not_pass() {
    let (scene, holder) = (Scene::new().await, Holder::new());
    let token = scene.bound(&holder).await;
    let credential = format!("DPoP {token}");
    let other = ("GET", "/leads/8");
    let forged = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-host", HOST),
        ("x-forwarded-uri", "/leads/8"),
        ("x-forwarded-proto", "https"),
    ];

    for (method, path) in [(Method::DELETE, "/leads/8"), (Method::GET, "/leads/7")] {
        let proof = scene.proof(&holder, other, &token);
        let own = [("authorization", &*credential), ("dpop", &*proof)];
        let headers = [&own[..], &forged].concat();
        let answer = scene.send(method, path, &headers).await.expect(401);

        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_dpop_proof\""), "{challenge}");
    }
    let bearer = format!("Bearer {token}");
    scene.send(Method::GET, "/leads/7", &[("authorization", &bearer)]).await.expect(401);
}

#[tokio::test]
async fn refusals_are_latchkeys() {
    let scene = Scene::new().await;
    let key = scene.world.key(&scene.acme.workspace, &scene.acme.ada, "datasets:read").await;

    let nothing = scene.send(Method::POST, "/leads", &[]).await;
    let lacking = scene.send(Method::POST, "/leads", &[("x-api-key", &key)]).await;

    for (answer, status, code) in [(nothing, 401, "UNAUTHORIZED"), (lacking, 403, "FORBIDDEN")] {
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)));
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer resource_metadata="), "{challenge}");
    }
}

/// Of an Envoy that is not trusted nothing is believed, and it is told what is missing.
#[tokio::test]
async fn an_envoy_that_is_not_trusted_is_told_so() {
    let (scene, holder) = (Scene::with(|_| {}).await, Holder::new());
    let token = scene.bound(&holder).await;
    let credential = format!("DPoP {token}");
    let proof = scene.proof(&holder, ("GET", "/leads/7"), &token);

    let headers = [("authorization", &*credential), ("dpop", &*proof)];
    let answer = scene.send(Method::GET, "/leads/7", &headers).await.expect(401);

    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("trusted proxy"), "{message}");
}
