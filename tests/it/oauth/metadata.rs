//! `/.well-known/oauth-authorization-server` (RFC 8414) and `/.well-known/oauth-protected-resource`
//! (RFC 9728): what clients find out by themselves.

use std::collections::BTreeSet;

use latchkey::config::RegistrationMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, ApiCaller, Tokens, World, service};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

async fn get(world: &World, path: &str) -> Answer {
    ApiCaller::anonymous(world).get(path).await
}

/// A world that is known by another name than the one it listens at.
async fn behind_a_proxy() -> World {
    World::with(|config| "https://id.example".clone_into(&mut config.issuer)).await
}

/// Takes the scopes out of a document: in order, without duplicates, of every product.
#[track_caller]
fn take_scopes(document: &mut Value) -> Vec<String> {
    let scopes = document.as_object_mut().unwrap().remove("scopes_supported").unwrap();
    let scopes: Vec<String> = serde_json::from_value(scopes).unwrap();
    assert!(scopes.windows(2).all(|two| two[0] < two[1]), "{scopes:?}");
    scopes
}

/// What OpenID Connect adds, which is looked at in `openid_configuration`.
const OF_OPENID: [&str; 9] = [
    "userinfo_endpoint",
    "jwks_uri",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "userinfo_signing_alg_values_supported",
    "acr_values_supported",
    "claim_types_supported",
    "claims_supported",
    "claims_parameter_supported",
];

/// Every member of its own, but for the scopes.
fn told_by_the_server() -> Value {
    json!({
        "issuer": "https://id.example",
        "authorization_endpoint": "https://id.example/oauth/authorize",
        "token_endpoint": "https://id.example/oauth/token",
        "revocation_endpoint": "https://id.example/oauth/revoke",
        "introspection_endpoint": "https://id.example/oauth/introspect",
        "device_authorization_endpoint": "https://id.example/oauth/device_authorization",
        "end_session_endpoint": "https://id.example/oauth/logout",
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "password",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "revocation_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported":
            ["RS256", "PS256", "ES256", "EdDSA"],
        "introspection_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported":
            ["RS256", "PS256", "ES256", "EdDSA"],
        "registration_endpoint": "https://id.example/oauth/register",
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "pushed_authorization_request_endpoint": "https://id.example/oauth/par",
        "require_pushed_authorization_requests": false,
        "authorization_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "request_object_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "require_signed_request_object": false,
        "dpop_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
        "authorization_details_types_supported": ["latchkey_permission"],
        "service_documentation": "https://id.example/docs",
    })
}

/// CS-D12, CS-D14, CS-D15. CS-D16.
#[tokio::test]
async fn the_authorization_server_describes_itself() {
    let world = behind_a_proxy().await;

    let answer = get(&world, SERVER).await.expect(200);

    let mut document = answer.json();
    let scopes = take_scopes(&mut document);
    for scope in ["openid", "offline_access", "leads:read", "comms:send", "subscribers:delete"] {
        assert!(scopes.iter().any(|known| known == scope), "{scope}: {scopes:?}");
    }
    let body = told_by_the_server();
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(document[name], *value, "{name}");
    }
    let expected: BTreeSet<_> =
        body.as_object().unwrap().keys().map(String::as_str).chain(OF_OPENID).collect();
    let told: BTreeSet<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(told, expected, "nothing else is promised");
}

#[tokio::test]
async fn the_api_describes_itself() {
    let world = behind_a_proxy().await;

    let answer = get(&world, RESOURCE).await.expect(200);

    let mut document = answer.json();
    let scopes = take_scopes(&mut document);
    assert!(scopes.contains(&"leads:read".to_owned()), "{scopes:?}");
    let body = json!({
        "resource": "https://id.example",
        "authorization_servers": ["https://id.example"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
        "dpop_bound_access_tokens_required": false,
        "authorization_details_types_supported": ["latchkey_permission"],
        "resource_name": world.app.config.brand.name,
        "resource_documentation": "https://id.example/docs",
    });
    assert_eq!(document, body);
}

/// RFC 9728 §3.3: it names the resource whose path was asked for, or clients must not use it.
#[tokio::test]
async fn a_part_of_the_api_describes_itself_by_its_own_name() {
    let world = behind_a_proxy().await;
    let mut whole = get(&world, RESOURCE).await.json();

    for path in ["/api/v1/me", "/v1/datasets", "/mcp", "/a%20b/%C3%A9"] {
        let answer = get(&world, &format!("{RESOURCE}{path}")).await.expect(200);

        whole["resource"] = format!("https://id.example{path}").into();
        assert_eq!(answer.json(), whole, "{path}");
    }
}

/// RFC 8414 §3.3: what it says of itself is what the server is.
#[tokio::test]
async fn what_it_promises_is_there() {
    let (world, acme) = World::of_acme().await;
    let document = get(&world, SERVER).await.json();
    let path = |member: &str| {
        let url = document[member].as_str().unwrap();
        url.strip_prefix(&world.url("")).unwrap().to_owned()
    };

    for member in [
        "token_endpoint",
        "pushed_authorization_request_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    ] {
        let answer = get(&world, &path(member)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{member}");
    }
    for (member, status) in [("authorization_endpoint", 400), ("service_documentation", 200)] {
        assert_eq!(get(&world, &path(member)).await.status, status, "{member}");
    }
    let client = world.client(service(Some(&acme.workspace))).await;
    let secret = client.secret.as_deref().unwrap();
    let by_post = [("grant_type", "client_credentials"), ("client_secret", secret)];
    Tokens::of(&client.with_secret(None).token(&by_post).await);
    // the challenge of the API leads to the other document, which leads here
    let me = ApiCaller::anonymous(&world).me().await;
    let challenge = me.header("www-authenticate").unwrap().to_owned();
    let (_, rest) = challenge.split_once("resource_metadata=\"").unwrap();
    let url = rest.split('"').next().unwrap().strip_prefix(&world.url("")).unwrap().to_owned();
    let resource = get(&world, &url).await.expect(200).json();
    assert_eq!(resource["authorization_servers"], json!([document["issuer"]]));
}

#[tokio::test]
async fn every_origin_may_read_it_and_caches_may_keep_it() {
    let world = World::new().await;

    for path in [SERVER, RESOURCE, &format!("{RESOURCE}/api")] {
        let request = ApiCaller::anonymous(&world).request(path).header("origin", "https://a.b");
        let answer = Answer::to(request).await.expect(200);

        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"), "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}

/// The issuer is configuration; no header of a request changes it.
#[tokio::test]
async fn the_host_header_is_not_believed() {
    let world = World::new().await;
    for path in [SERVER, RESOURCE] {
        let request = ApiCaller::anonymous(&world)
            .request(path)
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("forwarded", "host=evil.example;proto=https");
        let answer = Answer::to(request).await.expect(200);

        assert!(!answer.body.contains("evil"), "{}", answer.body);
        assert_eq!(answer.json(), get(&world, path).await.json());
    }
}

#[tokio::test]
async fn it_is_only_read() {
    let world = World::new().await;

    for path in [SERVER, RESOURCE, &format!("{RESOURCE}/api")] {
        let head = Answer::to(world.http.head(world.url(path))).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = Answer::to(world.http.request(method, world.url(path))).await;

            let body = json!({
                "error": "invalid_request",
                "error_description": "this path does not have that method",
            });
            assert_eq!(answer.shown(), (405, body), "{path}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{path}");
        }
    }
    for path in ["/.well-known/openid-federation", "/.well-known/", "/.well-known"] {
        let body =
            json!({ "error": "invalid_request", "error_description": "there is no such path" });
        assert_eq!(get(&world, path).await.shown(), (404, body), "{path}");
    }
}

/// CS-X4, RFC 8414 §3.1: an issuer with a path is described at that path too, and nobody else is.
#[tokio::test]
async fn an_issuer_with_a_path_is_described_there_too() {
    let world =
        World::with(|config| "https://id.example/auth".clone_into(&mut config.issuer)).await;

    let there = get(&world, &format!("{SERVER}/auth")).await.expect(200).json();

    assert_eq!(there, get(&world, SERVER).await.expect(200).json());
    assert_eq!(there["token_endpoint"], "https://id.example/auth/oauth/token");
    for other in ["/", "/auth/", "/other", "/auth/x", "/api"] {
        assert_eq!(get(&world, &format!("{SERVER}{other}")).await.status, 404, "{other}");
    }
}

#[tokio::test]
async fn what_is_switched_off_is_not_promised() {
    let world = World::with(|config| {
        config.oauth.registration = RegistrationMode::Off;
        config.oauth.client_id_metadata_documents = true;
    })
    .await;

    let document = get(&world, SERVER).await.json();

    assert_eq!(document.get("registration_endpoint"), None);
    assert_eq!(document["client_id_metadata_document_supported"], true);
}
