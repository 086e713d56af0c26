//! Clients whose id is the address of a document that describes them
//! (draft-ietf-oauth-client-id-metadata-document), as MCP clients have.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    Acme, Browser, CALLBACK, ClientApp, Host, Page, Pkce, Reply, Signer, Tokens, World,
};

pub(super) const PATH: &str = "/client.json";

/// A server that knows such clients, and the host of one.
pub(super) async fn hosted() -> (World, Acme, Host) {
    let world = World::with(|config| {
        config.oauth.client_id_metadata_documents = true;
        config.http.allow_private_fetches = true;
    })
    .await;
    let acme = world.acme().await;
    (world, acme, Host::new().await)
}

/// What the document of a client says.
pub(super) fn document(host: &Host) -> Value {
    json!({
        "client_id": host.url(PATH),
        "client_name": "Assistant",
        "client_uri": "https://assistant.example/",
        "redirect_uris": [CALLBACK, "https://assistant.example/cb"],
        "grant_types": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "leads:read",
    })
}

pub(super) fn client_of(world: &World, host: &Host) -> ClientApp {
    let mut client = ClientApp::new(world, &host.url(PATH), None);
    CALLBACK.clone_into(&mut client.redirect_uri);
    client
}

/// The first page that a stranger gets to see: 303 to sign in, or 400.
pub(super) async fn arrive(world: &World, client: &ClientApp) -> Page {
    Browser::new(world).get(&client.authorization().path()).await
}

/// CS-X4.
#[tokio::test]
async fn a_client_that_nobody_registered_is_described_by_its_document() {
    let (world, acme, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.text("h1").contains("Assistant"));
    let warning = page.text("#document-host");
    assert!(warning.contains("127.0.0.1"), "{warning}");
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read");
    Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(host.asked(PATH), 1);
    assert_eq!(world.audited("client.register").await, 1);
    // it is an app like every other on the pages of the user and of whoever runs the server
    let apps = browser.get("/settings/connected-apps").await;
    assert!(apps.body.contains("Assistant"), "{}", apps.body);
}

#[tokio::test]
async fn an_administrator_sees_it_and_may_stop_it() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);
    assert_eq!(arrive(&world, &client).await.status, 303);
    let admin = latchkey::identity::users::NewUser {
        username: "admin@latchkey.example".to_owned(),
        is_admin: true,
        ..Default::default()
    };
    let admin = world.person_of(admin).await;
    let mut browser = Browser::of(&world, &admin).await;

    let list = browser.get("/admin/clients").await;
    let link = list.link("td.title a");
    let page = browser.get(&link).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Assistant"), "{link}");
    let stopped = browser.confirm_link(&page, "#disable-client", "#confirm").await;
    assert_eq!(stopped.status, 303, "{}", stopped.body);
    assert_eq!(arrive(&world, &client).await.status, 400);
    world.clock.advance(TimeDelta::days(2));
    assert_eq!(arrive(&world, &client).await.status, 400);
    assert_eq!(host.asked(PATH), 1);
}

#[tokio::test]
async fn it_may_prove_itself_by_a_key() {
    let (world, acme, host) = hosted().await;
    let signer = Signer::new("ES256", "k");
    let mut described = document(&host);
    described["token_endpoint_auth_method"] = "private_key_jwt".into();
    described["jwks_uri"] = host.url("/jwks").into();
    host.says(PATH, Reply::Json(described.to_string()));
    host.says("/jwks", Reply::Json(signer.jwks().to_string()));
    let client = client_of(&world, &host);
    let callback = Browser::new(&world).authorize(&client.authorization(), &acme.ada).await;
    let assertion = signer.sign(&super::private_key_jwt::claims(&world, &client, "1"));
    let exchange = [
        ("redirect_uri", CALLBACK),
        ("code_verifier", &*Pkce::default().verifier),
        super::private_key_jwt::TYPE,
        ("client_assertion", &*assertion),
    ];

    Tokens::of(&client.exchange_with(callback.code(), &exchange).await);
}

/// What it says is kept as long as it says, within bounds; then it is asked again.
#[tokio::test]
async fn a_document_is_fetched_again_when_it_is_old() {
    let (world, _, host) = hosted().await;
    let client = client_of(&world, &host);
    for (header, minutes) in [
        ("cache-control: max-age=600", 10),
        ("cache-control: no-store", 5),
        ("cache-control: max-age=1", 5),
        ("cache-control: max-age=99999999", 24 * 60),
        ("x: y", 60),
    ] {
        let body = document(&host).to_string();
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        let whole = format!("{head}{header}\r\ncontent-length: {length}\r\n\r\n{body}");
        host.says(PATH, Reply::Raw(whole));
        world.clock.advance(TimeDelta::days(1));
        assert_eq!(arrive(&world, &client).await.status, 303);
        let asked = host.asked(PATH);

        world.clock.advance(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
        arrive(&world, &client).await;
        assert_eq!(host.asked(PATH), asked, "{header}");
        world.clock.advance(TimeDelta::seconds(1));
        arrive(&world, &client).await;
        assert_eq!(host.asked(PATH), asked + 1, "{header}");
    }
}

#[tokio::test]
async fn what_vanishes_from_a_document_stops_working() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);
    assert_eq!(arrive(&world, &client).await.status, 303);
    let mut moved = document(&host);
    moved["redirect_uris"] = json!(["https://assistant.example/cb"]);
    host.says(PATH, Reply::Json(moved.to_string()));

    assert_eq!(arrive(&world, &client).await.status, 303);
    world.clock.advance(TimeDelta::hours(1));
    let page = arrive(&world, &client).await;

    assert_eq!(page.status, 400);
    assert!(page.body.contains("redirect_uri"), "{}", page.body);
    assert_eq!(world.audited("client.update").await, 1);
}

#[tokio::test]
async fn a_host_that_is_away_takes_nothing_away_for_a_day() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);
    assert_eq!(arrive(&world, &client).await.status, 303);
    let away = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    host.says(PATH, Reply::Raw(away.to_owned()));

    world.clock.advance(TimeDelta::hours(1));
    for _ in 0..3 {
        assert_eq!(arrive(&world, &client).await.status, 303);
    }
    assert_eq!(host.asked(PATH), 2, "a host that is away is left in peace for a minute");
    world.clock.advance(TimeDelta::hours(24));
    assert_eq!(arrive(&world, &client).await.status, 400);

    host.says(PATH, Reply::Json(document(&host).to_string()));
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(arrive(&world, &client).await.status, 303);
}

#[tokio::test]
async fn a_document_that_goes_wrong_ends_its_client_at_once() {
    let (world, _, host) = hosted().await;
    host.says(PATH, Reply::Json(document(&host).to_string()));
    let client = client_of(&world, &host);
    assert_eq!(arrive(&world, &client).await.status, 303);
    host.says(PATH, Reply::Json("{}".to_owned()));

    world.clock.advance(TimeDelta::hours(1));

    assert_eq!(arrive(&world, &client).await.status, 400);
}
