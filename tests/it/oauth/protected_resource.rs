//! Names of what this server protects (RFC 9728): wherever a client begins, at a challenge or at the
//! well-known address, it finds the same one, may ask for it, and may come with a token for it.

use latchkey::clients::registration::NewClient;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Acme, Answer, ApiCaller, Browser, CALLBACK, ClientApp, Pkce, Tokens, World, texts, web,
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// Parts of the API, and what it is not.
const PARTS: [&str; 5] =
    ["/api/v1/me", "/v1/datasets", "/api/api-keys", "/api/v1/verify", "/oauth/userinfo"];
const SCOPE: &str = "openid leads:read datasets:read api-keys:read";

/// Where the challenge of an answer leads.
#[track_caller]
fn metadata_of(answer: &Answer) -> String {
    let challenge = answer.header("www-authenticate").unwrap();
    let (_, rest) = challenge.split_once("resource_metadata=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The name in the metadata at an address.
async fn name_at(world: &World, url: &str) -> String {
    let document = Answer::to(world.http.get(url)).await.expect(200).json();
    assert_eq!(document["authorization_servers"], json!([world.app.config.issuer]));
    document["resource"].as_str().unwrap().to_owned()
}

async fn client_of_everything(world: &World) -> ClientApp {
    world.client(NewClient { scope: texts(&SCOPE.split(' ').collect::<Vec<_>>()), ..web() }).await
}

/// Ada's tokens for a resource, which was named at every step (RFC 8707 §2).
async fn tokens_for(at: (&World, &Acme, &ClientApp), resource: &str) -> Tokens {
    let (world, acme, client) = at;
    let asked = client.authorization().with("resource", resource).with("scope", SCOPE);
    let callback = Browser::new(world).authorize(&asked, &acme.ada).await;
    let pkce = Pkce::default();
    let more =
        [("redirect_uri", CALLBACK), ("code_verifier", &*pkce.verifier), ("resource", resource)];
    Tokens::of(&client.exchange_with(callback.code(), &more).await)
}

/// CS-X4, RFC 9728 §3.3: the name is the address that was asked for, and the one from which the
/// well-known address is made; and a token for it opens it.
#[tokio::test]
async fn a_challenge_and_the_well_known_address_agree_and_the_name_is_good() {
    let (world, acme) = World::of_acme().await;
    let client = client_of_everything(&world).await;
    let introspector = world.introspector().await;

    for part in PARTS {
        let refused = ApiCaller::anonymous(&world).get(&format!("{part}?a=b")).await.expect(401);
        let url = metadata_of(&refused);
        assert_eq!(url, world.url(&format!("{WELL_KNOWN}{part}")));
        let resource = name_at(&world, &url).await;
        assert_eq!(resource, world.url(part));

        let tokens = tokens_for((&world, &acme, &client), &resource).await;

        let described = introspector.introspect(&tokens.access).await.json();
        assert_eq!(described["aud"], resource.as_str(), "{part}");
        let opened = ApiCaller::bearer(&world, &tokens.access).get(part).await;
        assert!([200, 204].contains(&opened.status), "{part}: {}", opened.body);
        let refreshed = client.refresh_with(&tokens.refresh, &[("resource", &resource)]).await;
        let refreshed = Tokens::of(&refreshed);
        let opened = ApiCaller::bearer(&world, &refreshed.access).get(part).await;
        assert!([200, 204].contains(&opened.status), "{part}: {}", opened.body);
    }
}

/// Every challenge is that of the address, whatever was wrong.
#[tokio::test]
async fn every_refusal_leads_to_the_same_metadata() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let datasets = world.url(&format!("{WELL_KNOWN}/v1/datasets"));

    for caller in [
        ApiCaller::anonymous(&world),
        ApiCaller::bearer(&world, "x"),
        ApiCaller::bearer(&world, &key),
        ApiCaller::key(&world, &key),
    ] {
        let answer = caller.post("/v1/datasets", &json!({ "name": "A" })).await;
        assert!([401, 403].contains(&answer.status), "{}", answer.body);
        assert_eq!(metadata_of(&answer), datasets);
    }
}

/// A client that holds tokens for the whole server, and later finds a part of it by its own name, goes
/// on with what it has (RFC 8707 §2.2); what it has for a part does not become one for more.
#[tokio::test]
async fn a_refresh_narrows_the_whole_to_a_part_and_nothing_else() {
    let (world, acme) = World::of_acme().await;
    let client = client_of_everything(&world).await;
    let introspector = world.introspector().await;
    let whole = name_at(&world, &world.url(WELL_KNOWN)).await;
    assert_eq!(whole, world.url(""));
    let tokens = tokens_for((&world, &acme, &client), &whole).await;
    let aud = async |token: &str| introspector.introspect(token).await.json()["aud"].clone();

    let part = world.url("/api/v1/me");
    let narrowed = client.refresh_with(&tokens.refresh, &[("resource", &part)]).await;
    let narrowed = Tokens::of(&narrowed);

    assert_eq!(aud(&narrowed.access).await, part.as_str());
    ApiCaller::bearer(&world, &narrowed.access).me().await.expect(200);
    // what was granted is what it was
    assert_eq!(aud(&narrowed.refresh).await, whole.as_str());
    let again = Tokens::of(&client.refresh(&narrowed.refresh).await);
    assert_eq!(aud(&again.access).await, whole.as_str());
    let of_part = tokens_for((&world, &acme, &client), &world.url("/api")).await;
    for wrong in ["", "/v1/datasets", "/apis", "/api/../v1/datasets", "/api/%2e%2E/v1"] {
        let answer =
            client.refresh_with(&of_part.refresh, &[("resource", &world.url(wrong))]).await;
        assert_eq!(answer.expect(400).json()["error"], "invalid_target", "{wrong}");
    }
    let below = client.refresh_with(&of_part.refresh, &[("resource", &part)]).await;
    assert_eq!(aud(&Tokens::of(&below).access).await, part.as_str());
}

/// RFC 9728 §3.1: the well-known part stands between the host and the path of the issuer.
#[tokio::test]
async fn an_issuer_with_a_path_names_its_parts_below_it() {
    let issuer = "https://id.example/auth";
    let world = World::with(|config| issuer.clone_into(&mut config.issuer)).await;

    let refused = ApiCaller::anonymous(&world).me().await;

    let path = format!("{WELL_KNOWN}/auth/api/v1/me");
    assert_eq!(metadata_of(&refused), format!("https://id.example{path}"));
    for (path, name) in [
        (path, format!("{issuer}/api/v1/me")),
        (format!("{WELL_KNOWN}/auth"), issuer.to_owned()),
        (WELL_KNOWN.to_owned(), issuer.to_owned()),
    ] {
        assert_eq!(name_at(&world, &world.url(&path)).await, name);
    }
    for other in ["/api", "/authority", "/auth2/api", "/"] {
        let answer = Answer::to(world.http.get(world.url(&format!("{WELL_KNOWN}{other}")))).await;
        assert_eq!(answer.status, 404, "{other}");
    }
}

/// What could not be asked for is no name, and goes into no header.
#[tokio::test]
async fn no_name_is_published_that_would_be_refused() {
    let world = World::new().await;
    let long = "x".repeat(1_100);

    for id in ["a\"b", "{a}", &long] {
        let answer = world
            .raw(
                format!("GET /api/api-keys/{id} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                    .as_bytes(),
            )
            .await;
        let head = answer.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 401 "), "{id}: {head}");
        let whole = format!("resource_metadata=\"{}\"\r\n", world.url(WELL_KNOWN));
        assert!(head.contains(&whole), "{id}: {head}");
    }
    let url = world.url(&format!("{WELL_KNOWN}/{long}"));
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(Answer::to(world.http.request(method, &url)).await.status, 404);
    }
}
