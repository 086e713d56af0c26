//! Addresses and documents that describe no client.

use chrono::TimeDelta;
use latchkey::config::RegistrationMode;
use serde_json::json;

use super::{
    client_documents::{PATH, arrive, client_of, document, hosted},
    register::register,
};
use crate::support::{Answer, Browser, CALLBACK, ClientApp, Host, Reply, World};

async fn status_of(world: &World, client_id: &str) -> u16 {
    let mut client = ClientApp::new(world, client_id, None);
    CALLBACK.clone_into(&mut client.redirect_uri);
    arrive(world, &client).await.status
}

/// The operator decides whether there are such clients.
#[tokio::test]
async fn unless_they_are_switched_on_there_are_none() {
    let world = World::with(|config| config.http.allow_private_fetches = true).await;
    let host = Host::new().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));

    assert_eq!(arrive(&world, &client_of(&world, &host)).await.status, 400);
    assert_eq!(host.asked(PATH), 0);
}

#[tokio::test]
async fn an_address_has_one_way_to_be_written() {
    let (world, _, host) = hosted().await;
    let url = host.url("");
    for path in [PATH, "/", "/a/../client.json", "/./client.json", "/%2e%2e/client.json"] {
        host.says(path, Reply::Json(document(&host).to_string()));
    }
    let authority = url.strip_prefix("http://").unwrap();

    for bad in [
        url.clone(),
        format!("{url}/"),
        format!("{url}/a/../client.json"),
        format!("{url}/./client.json"),
        format!("{url}/%2e%2e/client.json"),
        format!("{url}{PATH}#a"),
        format!("{url}{PATH}#"),
        format!("http://user@{authority}{PATH}"),
        format!("http://user:pw@{authority}{PATH}"),
        format!("HTTP://{authority}{PATH}"),
        format!("{url}\\client.json"),
        format!("{url}{PATH}\u{0}"),
        format!("{url}/{}", "x".repeat(300)),
        format!("ftp://{authority}{PATH}"),
        "javascript:alert(1)".to_owned(),
    ] {
        assert_eq!(status_of(&world, &bad).await, 400, "{bad}");
    }
    assert_eq!(host.asked(PATH), 0);
    assert_eq!(host.asked("/"), 0);
}

#[tokio::test]
async fn private_addresses_are_not_gone_to() {
    let world = World::with(|config| config.oauth.client_id_metadata_documents = true).await;
    let host = Host::new().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let port = host.url("").rsplit(':').next().unwrap().to_owned();

    for bad in [
        host.url(PATH),
        format!("https://127.0.0.1:{port}{PATH}"),
        format!("https://localhost:{port}{PATH}"),
        format!("https://[::1]:{port}{PATH}"),
        "https://169.254.169.254/latest".to_owned(),
        "https://10.0.0.1/client.json".to_owned(),
    ] {
        assert_eq!(status_of(&world, &bad).await, 400, "{bad}");
    }
    assert_eq!(host.asked(PATH), 0);
}

/// The draft's §4: it says whose it is, has redirect URIs, and no secret that both sides would know.
#[tokio::test]
async fn a_document_must_be_right() {
    let (world, _, host) = hosted().await;
    let client = client_of(&world, &host);
    let other = Host::new().await;
    let with = |name: &str, value: serde_json::Value| {
        let mut described = document(&host);
        described[name] = value;
        Reply::Json(described.to_string())
    };
    let good = document(&host).to_string();
    let answered = |head: &str, body: &str| {
        let length = body.len();
        Reply::Raw(format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    let json = "content-type: application/json";
    other.says(PATH, Reply::Json(good.clone()));

    for (number, reply) in [
        with("client_id", json!("https://other.example/client.json")),
        with("client_id", json!(format!("{}?", host.url(PATH)))),
        with("client_id", json!(null)),
        with("redirect_uris", json!([])),
        with("redirect_uris", json!(["javascript:alert(1)"])),
        with("redirect_uris", json!(["https://a.example/#f"])),
        with("redirect_uris", json!(null)),
        with("client_secret", json!("x")),
        with("token_endpoint_auth_method", json!("client_secret_basic")),
        with("token_endpoint_auth_method", json!("client_secret_post")),
        with("token_endpoint_auth_method", json!("client_secret_jwt")),
        with("token_endpoint_auth_method", json!("private_key_jwt")),
        with("grant_types", json!(["client_credentials"])),
        with("grant_types", json!(["password"])),
        with("client_name", json!("a\u{202e}b")),
        with("jwks_uri", json!("ftp://a.example/")),
        with("logo_uri", json!("javascript:alert(1)")),
        with("software_statement", json!("x")),
        Reply::Json("[]".to_owned()),
        Reply::Json("no JSON".to_owned()),
        Reply::Json(String::new()),
        answered("200 OK\r\ncontent-type: text/html", &good),
        answered("200 OK", &good),
        answered(&format!("404 Not Found\r\n{json}"), &good),
        answered(&format!("302 Found\r\n{json}\r\nlocation: {}", other.url(PATH)), &good),
        answered(&format!("200 OK\r\n{json}"), &format!("{good}{}", " ".repeat(9_000))),
        Reply::Raw("garbage\r\n\r\n".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        host.says(PATH, reply.clone());
        let asked = host.asked(PATH);

        assert_eq!(arrive(&world, &client).await.status, 400, "{number}: {reply:?}");
        // that, too, is remembered
        assert_eq!(arrive(&world, &client).await.status, 400, "{number}: {reply:?}");
        assert_eq!(host.asked(PATH), asked + 1, "{number}: {reply:?}");
        world.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(other.asked(PATH), 0);
    assert_eq!(world.audited("client.register").await, 0);
    host.says(PATH, answered("200 OK\r\ncontent-type: application/cimd+json", &good));
    assert_eq!(arrive(&world, &client).await.status, 303);
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Silence);
    let client = client_of(&world, &host);

    assert_eq!(arrive(&world, &client).await.status, 400);
    assert_eq!(arrive(&world, &client).await.status, 400);

    assert_eq!(host.asked(PATH), 1);
}

/// That many are on their way to a host says nothing about the document: nothing is remembered.
#[tokio::test]
async fn a_host_that_is_busy_is_asked_again() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);
    let mut crowd = host.crowded_by(&world).await;

    assert_eq!(arrive(&world, &client).await.status, 503);

    assert_eq!(host.asked(PATH), 0);
    crowd.shutdown().await;
    assert_eq!(arrive(&world, &client).await.status, 303);
}

/// Each document that nobody has come with before has us fetch something and may stay: one network brings only so many,
/// by whatever door, and registrations count with them. Who is known is not counted.
#[tokio::test]
async fn one_network_brings_only_so_many() {
    let world = World::with(|config| {
        config.oauth.client_id_metadata_documents = true;
        config.oauth.registration = RegistrationMode::Open;
        config.http.allow_private_fetches = true;
    })
    .await;
    let host = Host::new().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let known = client_of(&world, &host);
    assert_eq!(arrive(&world, &known).await.status, 303);
    let metadata = json!({ "redirect_uris": [CALLBACK] });
    register(&world, None, &metadata).await.expect(201);
    for number in 2..60 {
        assert_eq!(status_of(&world, &host.url(&format!("/{number}"))).await, 400);
    }

    let one_more = ClientApp::new(&world, &host.url("/60"), None);
    let page = arrive(&world, &one_more).await;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("3600")), "{}", page.body);
    let refused = Answer::to(one_more.request("/oauth/device_authorization", &[])).await;
    assert_eq!(refused.shown(), (429, json!({ "error": "too_many_requests" })));
    assert_eq!(register(&world, None, &metadata).await.status, 429);
    assert_eq!(host.asked("/60"), 0);
    assert_eq!(arrive(&world, &known).await.status, 303);
    world.clock.advance(TimeDelta::hours(2));
    assert_eq!(arrive(&world, &known).await.status, 303, "it is fetched again");
    assert_eq!(arrive(&world, &one_more).await.status, 400);
    assert_eq!(host.asked(PATH), 2);
}

/// Nobody is met where no client has business who was not met before.
#[tokio::test]
async fn signing_out_meets_nobody() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);

    let params = [("client_id", client.id.as_str()), ("post_logout_redirect_uri", CALLBACK)];
    Browser::new(&world).log_out_with(&params).await;

    assert_eq!(host.asked(PATH), 0);
}

/// Such a client gets no tokens but through its users.
#[tokio::test]
async fn it_has_nothing_of_its_own() {
    let (world, acme, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);

    for grant in ["client_credentials", "password"] {
        let username = ("username", acme.ada.username.as_str());
        let password = ("password", acme.ada.password.as_str());
        let answer = client.token(&[("grant_type", grant), username, password]).await;
        assert_eq!(answer.json()["error"], "unauthorized_client", "{grant}");
    }
    let introspected = client.introspect("x").await;
    assert_eq!(introspected.status, 401);
    // and what it is called elsewhere is of no use to anybody else
    let secret = client.with_secret(Some("x"));
    assert_eq!(secret.token(&[("grant_type", "refresh_token")]).await.status, 401);
}
