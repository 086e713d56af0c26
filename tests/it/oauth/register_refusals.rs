//! What is not registered, in the order in which it is looked at.

use latchkey::{
    audit::Actor, clients::initial_tokens, config::RegistrationMode, store::paging::Wanted,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::register::{initial_token, open, register, registered};
use crate::support::{Answer, Browser, CALLBACK, Signer, World};

async fn sent(world: &World, token: &str, content_type: &str, body: String) -> Answer {
    let request = world.http.post(world.url("/oauth/register")).bearer_auth(token);
    Answer::to(request.header("content-type", content_type).body(body)).await
}

/// CS-R6.
#[tokio::test]
async fn without_an_initial_access_token_nobody_registers() {
    let (world, _, token) = open().await;
    let metadata = json!({"redirect_uris": [CALLBACK]});
    let revoked = initial_token(&world).await;
    let ids = initial_tokens::page(&world.app, &Wanted::default()).await.unwrap().rows;
    let id = &ids.iter().find(|it| it.note == "tests").unwrap().id;
    assert_eq!(ids.len(), 2);
    let mut typo = token.clone();
    typo.pop();

    let nothing = register(&world, None, &metadata).await;
    assert_eq!(nothing.status, 401);
    assert_eq!(nothing.header("www-authenticate"), Some(r#"Bearer realm="latchkey""#));
    assert_eq!(nothing.header("cache-control"), Some("no-store"));
    for wrong in [typo.as_str(), "x", "", "lk_ir_", &format!("{token} "), "\u{1f511}"] {
        let request = world.http.post(world.url("/oauth/register")).json(&metadata);
        let header = format!("Bearer {wrong}");
        let answer = Answer::to(request.header("authorization", header.as_bytes())).await;
        // a header's outer blanks are not part of it
        if wrong.trim_end() == token {
            assert_eq!(answer.status, 201);
            continue;
        }
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.json()["error"], "invalid_token");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
    }
    let both = world.http.post(world.url("/oauth/register")).json(&metadata);
    let both = both.bearer_auth(&token).header("authorization", "Bearer x");
    assert_eq!(Answer::to(both).await.json()["error"], "invalid_request");

    // a token that is revoked is none, and the other one is not touched
    assert!(initial_tokens::revoke(&world.app, Actor::Operator, id).await.unwrap());
    assert!(!initial_tokens::revoke(&world.app, Actor::Operator, id).await.unwrap());
    let mut statuses = Vec::new();
    for token in [&token, &revoked] {
        statuses.push(register(&world, Some(token), &metadata).await.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401]);
}

#[tokio::test]
async fn where_nobody_registers_there_is_nothing() {
    let world = World::with(|config| config.oauth.registration = RegistrationMode::Off).await;
    let token = initial_token(&world).await;

    for token in [None, Some(token.as_str()), Some("x")] {
        let answer = register(&world, token, &json!({"redirect_uris": [CALLBACK]})).await;
        assert_eq!(answer.status, 404, "{}", answer.body);
    }
}

#[tokio::test]
async fn the_body_is_a_json_object() {
    let (world, _, token) = open().await;
    let good = json!({"redirect_uris": [CALLBACK]}).to_string();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(65_536));

    for (content_type, body, status, error) in [
        ("text/plain", good.clone(), 415, "invalid_client_metadata"),
        ("application/x-www-form-urlencoded", good.clone(), 415, "invalid_client_metadata"),
        ("application/jsonp", good.clone(), 415, "invalid_client_metadata"),
        ("application/json", large, 413, "invalid_request"),
        ("application/json", String::new(), 400, "invalid_client_metadata"),
        ("application/json", "{".to_owned(), 400, "invalid_client_metadata"),
        ("application/json", "[]".to_owned(), 400, "invalid_client_metadata"),
        ("application/json", "null".to_owned(), 400, "invalid_client_metadata"),
        ("application/json", "\"x\"".to_owned(), 400, "invalid_client_metadata"),
        ("application/json", deep, 400, "invalid_client_metadata"),
        ("application/json", format!("{good}x"), 400, "invalid_client_metadata"),
    ] {
        let answer = sent(&world, &token, content_type, body.clone()).await;
        let case = &body[..body.len().min(60)];
        assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{case}");
    }
    let answer = sent(&world, &token, "Application/JSON; charset=utf-8", good).await;
    assert_eq!(answer.status, 201);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = Answer::to(world.http.request(method, world.url("/oauth/register"))).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
}

/// CS-R4: each refusal has its code, and what was sent is not repeated.
#[tokio::test]
async fn redirect_uris_are_looked_at() {
    let (world, _, token) = open().await;

    for uri in [
        "https://evil.example/cb#fragment",
        "https://evil.example/cb#",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://evil.example/cb",
        "http://10.0.0.1/cb",
        "https://user@evil.example/cb",
        "https://*.evil.example/cb",
        "https://evil.example/a/../cb",
        "evil://cb",
        "/cb",
        "https://evil.example/\u{0}",
        "<script>evil</script>",
    ] {
        let answer = register(&world, Some(&token), &json!({"redirect_uris": [uri]})).await;

        assert_eq!(answer.status, 400, "{uri}");
        assert_eq!(answer.json()["error"], "invalid_redirect_uri", "{uri}");
        assert!(!answer.body.contains("evil"), "{}", answer.body);
    }
    let many = json!(vec![CALLBACK; 21]);
    for uris in [json!([]), json!([CALLBACK, CALLBACK]), many, json!(CALLBACK), json!([7])] {
        let answer = register(&world, Some(&token), &json!({"redirect_uris": uris})).await;
        assert_eq!(answer.json()["error"], "invalid_redirect_uri", "{uris}");
    }
    let nothing = register(&world, Some(&token), &json!({})).await;
    assert_eq!(nothing.json()["error"], "invalid_redirect_uri");
}

/// Members whose words or numbers cannot be registered.
fn bad_words() -> Vec<(&'static str, Value)> {
    let many = |text: &str, times: usize| json!(vec![text; times]);
    vec![
        ("client_name", json!("x".repeat(121))),
        ("client_name", json!("a\u{202e}b")),
        ("client_name", json!(["x"])),
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!(["password"])),
        ("grant_types", json!(["authorization_code", "client_credentials"])),
        ("grant_types", json!(["authorization_code", "password"])),
        ("grant_types", json!(["urn:ietf:params:oauth:grant-type:token-exchange"])),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!("authorization_code")),
        ("response_types", json!(["token"])),
        ("response_types", json!(["code", "code id_token"])),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_signing_alg", json!("none")),
        ("token_endpoint_auth_signing_alg", json!("HS256")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("userinfo_signed_response_alg", json!("none")),
        ("request_object_signing_alg", json!("none")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP")),
        ("subject_type", json!("pairwise")),
        ("application_type", json!("desktop")),
        ("scope", json!("leads:burn")),
        ("scope", json!(["openid"])),
        ("request_uris", json!(["http://client.example/r"])),
        ("contacts", many("ops@client.example", 11)),
        ("contacts", json!(["a\nb"])),
        ("default_max_age", json!(-1)),
        ("default_max_age", json!("60")),
        ("default_max_age", json!(1e12)),
        ("require_auth_time", json!("yes")),
        ("default_acr_values", json!(["with blank"])),
        ("default_acr_values", many("x", 2)),
        ("software_id", json!("a\u{200b}b")),
    ]
}

/// Members whose keys or addresses cannot be.
fn bad_addresses() -> Vec<(&'static str, Value)> {
    let mut private = Signer::new("ES256", "k").jwk();
    private["d"] = "AQAB".into();
    let long = format!("https://client.example/{}", "x".repeat(2_000));
    vec![
        ("jwks", json!({"keys": [private]})),
        ("jwks", json!({"keys": []})),
        ("jwks", json!([])),
        ("jwks", json!("x")),
        ("jwks_uri", json!("http://client.example/jwks")),
        ("jwks_uri", json!("https://127.0.0.1/jwks")),
        ("jwks_uri", json!("https://169.254.169.254/")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("logo_uri", json!("http://client.example/logo.png")),
        ("policy_uri", json!(long)),
        ("tos_uri", json!("data:text/html,x")),
        ("client_uri", json!("javascript:alert(1)")),
        ("initiate_login_uri", json!("http://client.example/login")),
        ("sector_identifier_uri", json!("http://client.example/sector")),
        ("sector_identifier_uri", json!("https://127.0.0.1/sector")),
        ("post_logout_redirect_uris", json!(["javascript:alert(1)"])),
        ("post_logout_redirect_uris", json!(["https://client.example/#a"])),
        ("post_logout_redirect_uris", json!(vec!["https://client.example/bye"; 2])),
        ("backchannel_logout_uri", json!("http://client.example/back")),
        ("backchannel_logout_uri", json!("https://10.0.0.1/back")),
        ("backchannel_logout_session_required", json!(true)),
        ("frontchannel_logout_uri", json!("javascript:alert(1)")),
        ("frontchannel_logout_uri", json!("com.example.app:/out")),
    ]
}

/// CS-R4, CS-R8: everything else.
#[tokio::test]
async fn other_metadata_are_looked_at() {
    let (world, _, token) = open().await;
    let signer = Signer::new("ES256", "k");

    for (name, value) in bad_words().into_iter().chain(bad_addresses()) {
        let mut metadata = json!({"redirect_uris": [CALLBACK]});
        metadata[name] = value.clone();

        let answer = register(&world, Some(&token), &metadata).await;

        assert_eq!(answer.status, 400, "{name}: {value}: {}", answer.body);
        let body = answer.json();
        assert_eq!(body["error"], "invalid_client_metadata", "{name}: {value}");
        let description = body["error_description"].as_str().unwrap();
        assert!(
            description.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{description}"
        );
    }
    let both = json!({
        "redirect_uris": [CALLBACK],
        "jwks": signer.jwks(),
        "jwks_uri": "https://client.example/jwks",
    });
    assert_eq!(register(&world, Some(&token), &both).await.status, 400);
    assert_eq!(world.audited("client.register").await, 0);
}

/// RFC 7591 §3.2.2.
#[tokio::test]
async fn nobodys_software_statements_count() {
    let (world, _, token) = open().await;
    let statement = Signer::new("ES256", "k").sign(&json!({"software_id": "x"}));

    for (statement, error) in [
        (json!(statement), "unapproved_software_statement"),
        (json!("x"), "invalid_software_statement"),
        (json!({"software_id": "x"}), "invalid_software_statement"),
    ] {
        let metadata = json!({"redirect_uris": [CALLBACK], "software_statement": statement});
        let answer = register(&world, Some(&token), &metadata).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)));
    }
}

/// A name is a name, whatever is in it, on every page that shows it.
#[tokio::test]
async fn markup_in_a_name_is_text() {
    let (world, acme, token) = open().await;
    let name = "<script>alert(1)</script>&amp;\"'";
    let metadata: Value = json!({
        "client_name": name,
        "redirect_uris": [CALLBACK],
        "scope": "leads:read",
    });
    let client = registered(&world, &register(&world, Some(&token), &metadata).await);
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    assert_eq!(page.status, 200, "{}", page.body);
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    assert!(page.text("h1").contains(name), "{}", page.text("h1"));
}
