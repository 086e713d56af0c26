//! `/.well-known/openid-configuration` (OpenID Connect Discovery), which is the same document as RFC
//! 8414's.

use serde_json::{Value, json};

use crate::support::{Answer, ApiCaller, World};

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

async fn get(world: &World, path: &str) -> Answer {
    ApiCaller::anonymous(world).get(path).await
}

async fn document(world: &World) -> Value {
    get(world, OPENID).await.expect(200).json()
}

async fn named(issuer: &str) -> World {
    World::with(|config| issuer.clone_into(&mut config.issuer)).await
}

#[track_caller]
fn has(document: &Value, member: &str, values: &[&str]) {
    let list: Vec<_> = document[member].as_array().unwrap_or_else(|| panic!("{member}")).clone();
    for value in values {
        assert!(list.contains(&json!(value)), "{member}: {value} is not in {list:?}");
    }
}

/// CS-D1, CS-D2, CS-D3: the issuer as it was configured, and everything of it under it.
#[tokio::test]
async fn the_provider_describes_itself_under_its_issuer() {
    let world = named("https://id.example").await;

    let document = document(&world).await;

    assert_eq!(document["issuer"], "https://id.example");
    let endpoints = document.as_object().unwrap().iter();
    let endpoints =
        endpoints.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    assert!(endpoints.clone().count() >= 6);
    for (name, url) in endpoints {
        assert!(url.as_str().unwrap().starts_with("https://id.example/oauth/"), "{name}: {url}");
    }
    assert_eq!(document["userinfo_endpoint"], "https://id.example/oauth/userinfo");
    assert_eq!(document["jwks_uri"], "https://id.example/oauth/jwks.json");
}

/// CS-D4: nothing is null, lists are lists of texts, and what is a yes or no is one.
#[tokio::test]
async fn members_have_the_types_that_they_must_have() {
    let document = document(&World::new().await).await;

    for (name, value) in document.as_object().unwrap() {
        let is_right = match value {
            Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_string),
            Value::String(text) => !text.is_empty(),
            Value::Bool(_) => true,
            _ => false,
        };
        assert!(is_right, "{name}: {value}");
    }
}

/// CS-D5, CS-D9, CS-D12, CS-D13, CS-D14, CS-D17.
#[tokio::test]
async fn what_works_is_listed() {
    let document = document(&World::new().await).await;

    has(&document, "response_types_supported", &["code"]);
    has(&document, "response_modes_supported", &["query", "form_post"]);
    has(&document, "grant_types_supported", &["authorization_code", "refresh_token"]);
    for member in ["id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported"]
    {
        has(&document, member, &["RS256", "PS256", "ES256", "EdDSA"]);
        assert!(!document[member].as_array().unwrap().contains(&json!("none")));
    }
    assert_eq!(document["subject_types_supported"], json!(["public"]));
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
}

/// CS-D6, CS-D18: how clients prove who they are, endpoint by endpoint.
#[tokio::test]
async fn client_authentication_is_listed() {
    let document = document(&World::new().await).await;

    let secrets = ["client_secret_basic", "client_secret_post"];
    has(&document, "token_endpoint_auth_methods_supported", &[&secrets[..], &["none"]].concat());
    has(&document, "revocation_endpoint_auth_methods_supported", &secrets);
    has(&document, "introspection_endpoint_auth_methods_supported", &secrets);
    assert!(document["introspection_endpoint"].is_string());
    assert!(document["revocation_endpoint"].is_string());
}

/// CS-D7, CS-D8, CS-D10, CS-D11: scopes, claims and strengths that can be asked for; what is not
/// supported is said to be so, since silence about `request_uri` means yes.
#[tokio::test]
async fn scopes_claims_and_strengths_are_listed() {
    let document = document(&World::new().await).await;

    let scopes = ["openid", "profile", "email", "address", "phone", "offline_access"];
    has(&document, "scopes_supported", &scopes);
    let claims =
        ["sub", "name", "email", "email_verified", "address", "phone_number", "acr", "sid"];
    has(&document, "claims_supported", &claims);
    assert_eq!(document["claims_supported"].as_array().unwrap().len(), 11 + 14 + 2 + 1 + 2);
    assert_eq!(document["claims_parameter_supported"], true);
    assert!(document["request_parameter_supported"].is_boolean());
    assert!(document["request_uri_parameter_supported"].is_boolean());
    let strengths = json!(["urn:latchkey:acr:mfa", "urn:latchkey:acr:pwd"]);
    assert_eq!(document["acr_values_supported"], strengths);
}

/// CS-X3.
#[tokio::test]
async fn both_well_known_documents_are_the_same() {
    let world = named("https://id.example").await;

    let (openid, oauth) = (get(&world, OPENID).await, get(&world, OAUTH).await);

    assert_eq!(openid.body, oauth.body);
    for name in ["content-type", "cache-control", "access-control-allow-origin"] {
        assert_eq!(openid.header(name), oauth.header(name), "{name}");
    }
}

/// CS-D19: RFC 8414 §3.1, the path of the issuer follows the well-known part; a proxy in front strips
/// it where OpenID Connect has it before.
#[tokio::test]
async fn an_issuer_with_a_path_is_found_by_it() {
    let world = named("https://id.example/tenant/one").await;

    for known in [OPENID, OAUTH] {
        let document = get(&world, &format!("{known}/tenant/one")).await.expect(200).json();
        assert_eq!(document["issuer"], "https://id.example/tenant/one", "{known}");
        assert_eq!(get(&world, known).await.expect(200).json(), document, "{known}");
        for other in ["/tenant", "/tenant/one/", "/tenant/two", "/x"] {
            let answer = get(&world, &format!("{known}{other}")).await;
            assert_eq!(answer.status, 404, "{known}{other}");
        }
    }
    let plain = World::new().await;
    assert_eq!(get(&plain, &format!("{OPENID}/tenant/one")).await.status, 404);
}
