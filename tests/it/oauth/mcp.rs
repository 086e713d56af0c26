//! The way of an MCP client that knows nothing but the address of the API (RFC 9728, 8414, 7591, 8707):
//! a bare 401, the resource's metadata, the server's, a registration, a code with PKCE for the
//! resource, a token for it.

use serde_json::{Value, json};

use super::{client_documents, register};
use crate::support::{
    Answer, ApiCaller, Authorization, Browser, CALLBACK, ClientApp, Pkce, Reply, Tokens, World,
};

async fn document(world: &World, url: &str) -> Value {
    Answer::to(world.http.get(url)).await.expect(200).json()
}

/// What a client finds out from a 401: the server's metadata and the name of the resource.
async fn discovered(world: &World) -> (Value, String) {
    let refused = ApiCaller::anonymous(world).me().await;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap().to_owned();
    // RFC 6750 §3.1: nothing was presented, so nothing was wrong
    assert!(!challenge.contains("error="), "{challenge}");
    let (_, rest) = challenge.split_once("resource_metadata=\"").unwrap();
    let resource = document(world, rest.split('"').next().unwrap()).await;
    let server = resource["authorization_servers"][0].as_str().unwrap();
    let metadata =
        document(world, &format!("{server}/.well-known/oauth-authorization-server")).await;
    assert_eq!(metadata["issuer"], server);
    (metadata, resource["resource"].as_str().unwrap().to_owned())
}

fn request(client: &ClientApp, resource: &str) -> Authorization {
    client.authorization().with("resource", resource).with("scope", "leads:read")
}

async fn exchanged(client: &ClientApp, code: &str, resource: &str) -> Tokens {
    let pkce = Pkce::default();
    let more =
        [("redirect_uri", CALLBACK), ("code_verifier", &*pkce.verifier), ("resource", resource)];
    Tokens::of(&client.exchange_with(code, &more).await)
}

/// CS-X4, CS-R1.
#[tokio::test]
async fn a_client_that_registers_itself_finds_its_way() {
    let world = register::open_to_all().await;
    let acme = world.acme().await;
    let (server, resource) = discovered(&world).await;
    assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
    let metadata = json!({
        "client_name": "MCP client",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let endpoint = server["registration_endpoint"].as_str().unwrap();
    let answer = Answer::to(world.http.post(endpoint).json(&metadata)).await;
    let client = register::registered(&world, &answer);

    let asked = request(&client, &resource);
    let callback = Browser::new(&world).authorize(&asked, &acme.ada).await;
    let tokens = exchanged(&client, callback.code(), &resource).await;

    let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
    assert_eq!(me["credential"]["clientId"], client.id);
    // what the scope does not reach is said in the challenge (RFC 6750 §3.1)
    let leads = world.http.post(world.url("/api/v1/leads")).bearer_auth(&tokens.access);
    let refused = Answer::to(leads.json(&json!({"name": "x"}))).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains("leads:write"), "{challenge}");
}

/// CS-X4.
#[tokio::test]
async fn a_client_that_is_described_by_a_document_finds_its_way() {
    let (world, acme, host) = client_documents::hosted().await;
    let described = client_documents::document(&host).to_string();
    host.says(client_documents::PATH, Reply::Json(described));
    let (server, resource) = discovered(&world).await;
    assert_eq!(server["client_id_metadata_document_supported"], true);
    let client = client_documents::client_of(&world, &host);

    let asked = request(&client, &resource);
    let callback = Browser::new(&world).authorize(&asked, &acme.ada).await;
    let tokens = exchanged(&client, callback.code(), &resource).await;

    ApiCaller::bearer(&world, &tokens.access).me().await.expect(200);
}

/// CS-X4, RFC 8707 §2: a token is for what it was asked for, and for nothing else.
#[tokio::test]
async fn a_resource_that_is_not_ours_is_refused() {
    let world = register::open_to_all().await;
    let metadata = json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"});
    let client = register::registered(&world, &register::register(&world, None, &metadata).await);

    let asked = request(&client, "https://evil.example/mcp");
    let page = Browser::new(&world).get(&asked.path()).await;

    assert_eq!(page.callback().params["error"], "invalid_target");
}
