//! `GET`, `PUT`, `DELETE /oauth/register/{client_id}` (RFC 7592): a client looks after its
//! registration.

use latchkey::{
    audit::Actor,
    clients::{changes, registration},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::register::{open, register, registered};
use crate::support::{Acme, Answer, Browser, CALLBACK, ClientApp, Pkce, Signer, Tokens, World};

/// A client that has registered itself, and what manages it.
struct Managed {
    world: World,
    acme: Acme,
    client: ClientApp,
    token: String,
    metadata: Value,
}

async fn managed() -> Managed {
    let (world, acme, initial) = open().await;
    let metadata = json!({
        "client_name": "Field app",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "leads:read leads:write",
        "contacts": ["ops@client.example"],
    });
    let answer = register(&world, Some(&initial), &metadata).await;
    let client = registered(&world, &answer);
    let token = answer.json()["registration_access_token"].as_str().unwrap().to_owned();
    Managed { world, acme, client, token, metadata }
}

impl Managed {
    async fn send(&self, method: Method, token: Option<&str>, body: Option<&Value>) -> Answer {
        let url = self.world.url(&format!("/oauth/register/{}", self.client.id));
        let mut request = self.world.http.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::to(request).await
    }

    async fn read(&self) -> Answer {
        self.send(Method::GET, Some(&self.token), None).await
    }

    /// Replaces the metadata by these, with its name in them.
    async fn put(&self, mut metadata: Value) -> Answer {
        metadata["client_id"] = self.client.id.as_str().into();
        self.send(Method::PUT, Some(&self.token), Some(&metadata)).await
    }

    async fn tokens(&self) -> Tokens {
        let asked = self.client.authorization();
        let callback = Browser::new(&self.world).authorize(&asked, &self.acme.ada).await;
        Tokens::of(&self.client.exchange(callback.code(), &Pkce::default()).await)
    }
}

/// Who has found the token cannot change where the app sends its users, nor can anybody with it from then on.
#[tokio::test]
async fn a_leaked_management_token_manages_nothing() {
    let it = managed().await;
    it.read().await.expect(200);
    let url = it.world.url("/api/v1/leaked");
    let report = it.world.http.post(url).json(&json!({ "token": it.token }));

    assert_eq!(Answer::to(report).await.status, 202);

    assert_eq!(it.read().await.status, 401);
    assert_eq!(it.put(it.metadata.clone()).await.status, 401);
    it.tokens().await;
    assert_eq!(it.world.audited("credential.leaked").await, 1);
}

/// CS-R5: everything but the secret, of which only the digest is kept.
#[tokio::test]
async fn a_client_reads_what_it_has_registered() {
    let it = managed().await;

    let answer = it.read().await.expect(200);

    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    for (name, value) in it.metadata.as_object().unwrap() {
        assert_eq!(&body[name], value, "{name}");
    }
    assert_eq!(body["client_id"], it.client.id);
    assert_eq!(body["registration_access_token"], it.token);
    assert_eq!(body.get("client_secret"), None);
    assert_eq!(body["client_secret_expires_at"], 0);
}

/// RFC 7592 §2.2: what is left out is as if it had never been said.
#[tokio::test]
async fn a_client_replaces_what_it_has_registered() {
    let it = managed().await;
    let tokens = it.tokens().await;
    let metadata = json!({
        "client_name": "Other app",
        "redirect_uris": [CALLBACK, "https://client.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "leads:read",
        "client_secret": it.client.secret,
        "registration_access_token": it.token,
    });

    let body = it.put(metadata).await.expect(200).json();

    assert_eq!(body["client_name"], "Other app");
    assert_eq!(body["scope"], "leads:read");
    assert_eq!(body.get("contacts"), None);
    assert_eq!(body.get("client_secret"), None, "it is kept, and not told again");
    assert_eq!(it.read().await.json(), body);
    // the secret works on, and what was taken away is gone from the tokens too
    let refreshed = Tokens::of(&it.client.refresh(&tokens.refresh).await);
    assert_eq!(refreshed.scope, "leads:read");
    assert_eq!(it.world.audited("client.update").await, 1);
}

#[tokio::test]
async fn a_secret_comes_and_goes_with_its_method() {
    let it = managed().await;
    let signer = Signer::new("ES256", "k");
    let with = |method: &str| {
        let mut metadata = it.metadata.clone();
        metadata["token_endpoint_auth_method"] = method.into();
        if method == "private_key_jwt" {
            metadata["jwks"] = signer.jwks();
        }
        metadata
    };
    let refused = ("grant_type", "refresh_token");

    let body = it.put(with("private_key_jwt")).await.expect(200).json();
    assert_eq!((body.get("client_secret"), body.get("client_secret_expires_at")), (None, None));
    assert_eq!(it.client.token(&[refused]).await.status, 401);

    let body = it.put(with("client_secret_basic")).await.expect(200).json();
    let secret = body["client_secret"].as_str().unwrap();
    assert_ne!(Some(secret), it.client.secret.as_deref());
    assert_eq!(it.client.token(&[refused]).await.status, 401);
    assert_eq!(it.client.with_secret(Some(secret)).token(&[refused]).await.status, 400);

    let body = it.put(with("none")).await.expect(200).json();
    assert_eq!(body.get("client_secret"), None);
    assert_eq!(it.client.with_secret(Some(secret)).token(&[refused]).await.status, 401);
    assert_eq!(it.client.with_secret(None).token(&[refused]).await.status, 400);
}

#[tokio::test]
async fn a_replacement_names_its_own_client() {
    let it = managed().await;
    let put = async |metadata: Value| it.send(Method::PUT, Some(&it.token), Some(&metadata)).await;
    let with = |name: &str, value: Value| {
        let mut metadata = it.metadata.clone();
        metadata["client_id"] = it.client.id.as_str().into();
        metadata[name] = value;
        metadata
    };

    for metadata in [
        it.metadata.clone(),
        with("client_id", json!("another")),
        with("client_id", json!(7)),
        with("client_secret", json!("lk_cs_x")),
        with("client_secret", json!(7)),
        with("grant_types", json!(["password"])),
        with("jwks_uri", json!("https://127.0.0.1/")),
    ] {
        let answer = put(metadata.clone()).await;
        assert_eq!(answer.status, 400, "{metadata}: {}", answer.body);
        assert_eq!(answer.json()["error"], "invalid_client_metadata");
    }
    let answer = put(with("redirect_uris", json!(["javascript:x"]))).await;
    assert_eq!(answer.json()["error"], "invalid_redirect_uri");
    assert_eq!(it.world.audited("client.update").await, 0);
}

/// What others have settled about a client is not for the client to change.
#[tokio::test]
async fn what_an_administrator_has_settled_stays() {
    let it = managed().await;
    let (app, id) = (&it.world.app, &it.client.id);
    let client = latchkey::clients::listing::find(app, id).await.unwrap().unwrap().0;
    let narrowed = registration::NewClient {
        scope: vec!["leads:read".to_owned()],
        ..changes::editable(&client)
    };
    let changed = changes::update(app, Actor::Operator, id, narrowed).await.unwrap();
    assert_eq!(changed, changes::Change::Done);
    assert!(changes::set_verified(app, Actor::Operator, id, true).await.unwrap());
    let is_verified = async || {
        let found = latchkey::clients::listing::find(app, id).await.unwrap().unwrap().0;
        found.verified_at.is_some()
    };

    let body = it.put(it.metadata.clone()).await.expect(200).json();
    assert_eq!(body["scope"], "leads:read");
    assert!(is_verified().await);

    // nobody has vouched for this name
    let mut renamed = it.metadata.clone();
    renamed["client_name"] = "Your Bank".into();
    it.put(renamed).await.expect(200);
    assert!(!is_verified().await);
}

/// CS-R5.
#[tokio::test]
async fn a_client_ends_its_registration() {
    let it = managed().await;
    let tokens = it.tokens().await;

    let answer = it.send(Method::DELETE, Some(&it.token), None).await;

    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(it.client.refresh(&tokens.refresh).await.status, 401);
    assert_eq!(it.read().await.status, 401);
    assert_eq!(it.send(Method::DELETE, Some(&it.token), None).await.status, 401);
    assert_eq!(it.world.audited("client.delete").await, 1);
}

/// CS-R5: a wrong token, another client's, and none.
#[tokio::test]
async fn nobody_else_manages_it() {
    let it = managed().await;
    let initial = super::register::initial_token(&it.world).await;
    let other = register(&it.world, Some(&initial), &it.metadata).await.json();
    let others = other["registration_access_token"].as_str().unwrap();
    let secret = it.client.secret.as_deref().unwrap();
    let mut named = it.metadata.clone();
    named["client_id"] = it.client.id.as_str().into();

    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for token in [None, Some("x"), Some(others), Some(&*initial), Some(secret)] {
            let answer = it.send(method.clone(), token, Some(&named)).await;

            assert_eq!(answer.status, 401, "{method} {token:?}: {}", answer.body);
            assert_eq!(answer.json()["error"], "invalid_token");
            let challenge = answer.header("www-authenticate").unwrap();
            assert_eq!(challenge.contains("error="), token.is_some(), "{challenge}");
        }
    }
    let posted = it.send(Method::POST, Some(&it.token), Some(&named)).await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, PUT, DELETE")));
    assert_eq!(it.read().await.status, 200);
}

#[tokio::test]
async fn a_disabled_client_manages_nothing() {
    let it = managed().await;
    let disabled = registration::set_disabled(&it.world.app, Actor::Operator, &it.client.id, true);
    assert!(disabled.await.unwrap());

    assert_eq!(it.read().await.status, 401);
    assert_eq!(it.put(it.metadata.clone()).await.status, 401);
    assert_eq!(it.send(Method::DELETE, Some(&it.token), None).await.status, 401);
}
