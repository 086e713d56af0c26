//! A client that we did not write: the crate `oauth2` drives the flows against a running server.

use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EndpointNotSet, EndpointSet, HttpClientError, HttpRequest, HttpResponse,
    IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, RevocationUrl, Scope,
    StandardErrorResponse, StandardRevocableToken, TokenIntrospectionResponse, TokenResponse,
    TokenUrl,
    basic::{BasicClient, BasicErrorResponseType, BasicTokenType},
};
use serde_json::Value;

use crate::support::{
    Acme, Answer, ApiCaller, Browser, CALLBACK, Callback, ClientApp, World, service,
};

/// A client that knows every endpoint.
type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;

/// What becomes of a request of the crate's.
type Proxied = Result<HttpResponse, HttpClientError<reqwest::Error>>;

async fn world() -> (World, Acme) {
    let world = World::new().await;
    let acme = world.acme().await;
    (world, acme)
}

/// What a third party does: reads the metadata and takes the endpoints from there.
async fn client(world: &World, registered: &ClientApp) -> Client {
    let metadata = world.http.get(world.url("/.well-known/oauth-authorization-server"));
    let metadata: Value = Answer::to(metadata).await.expect(200).json();
    let endpoint = |name: &str| metadata[name].as_str().unwrap().to_owned();
    let client = BasicClient::new(ClientId::new(registered.id.clone()))
        .set_auth_uri(AuthUrl::new(endpoint("authorization_endpoint")).unwrap())
        .set_token_uri(TokenUrl::new(endpoint("token_endpoint")).unwrap())
        .set_revocation_url(RevocationUrl::new(endpoint("revocation_endpoint")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(endpoint("introspection_endpoint")).unwrap())
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap());
    match &registered.secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.clone())),
        None => client,
    }
}

fn scope(names: &[&str]) -> Vec<Scope> {
    names.iter().map(|name| Scope::new((*name).to_owned())).collect()
}

/// The error of an error response.
fn refusal<E: std::error::Error + 'static>(
    error: RequestTokenError<E, StandardErrorResponse<BasicErrorResponseType>>,
) -> BasicErrorResponseType {
    match error {
        RequestTokenError::ServerResponse(response) => response.error().clone(),
        other => panic!("{other:?}"),
    }
}

async fn username_at(world: &World, token: &AccessToken) -> (u16, Value) {
    let me = ApiCaller::bearer(world, token.secret()).me().await;
    (me.status, me.json()["principal"]["username"].clone())
}

#[tokio::test]
async fn password_then_refresh() {
    let (world, acme) = world().await;
    let registered = world.script().await;

    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = client(&world, &registered).await.set_auth_type(auth_type);
        let username = ResourceOwnerUsername::new(acme.ada.username.clone());
        let password = ResourceOwnerPassword::new(acme.ada.password.clone());
        let first = client
            .exchange_password(&username, &password)
            .add_scopes(scope(&["leads:read"]))
            .request_async(&world.http)
            .await
            .unwrap();
        assert_eq!(first.token_type(), &BasicTokenType::Bearer);
        assert_eq!(first.expires_in().unwrap().as_secs(), 3600);
        assert_eq!(first.scopes(), Some(&scope(&["leads:read"])));
        let ada = Value::from("acme/ada@acme.example");
        assert_eq!(username_at(&world, first.access_token()).await, (200, ada.clone()));

        let second = client
            .exchange_refresh_token(first.refresh_token().unwrap())
            .request_async(&world.http)
            .await
            .unwrap();

        assert_ne!(
            second.refresh_token().unwrap().secret(),
            first.refresh_token().unwrap().secret()
        );
        assert_eq!(second.scopes(), Some(&scope(&["leads:read"])));
        assert_eq!(username_at(&world, second.access_token()).await, (200, ada));
    }
}

#[tokio::test]
async fn a_wrong_password_is_an_error_it_understands() {
    let (world, acme) = world().await;
    let client = client(&world, &world.script().await).await;
    let username = ResourceOwnerUsername::new(acme.ada.username.clone());
    let password = ResourceOwnerPassword::new("wrong".to_owned());

    let answer = client.exchange_password(&username, &password).request_async(&world.http).await;

    assert_eq!(refusal(answer.unwrap_err()), BasicErrorResponseType::InvalidGrant);
}

#[tokio::test]
async fn a_wrong_secret_is_an_error_it_understands() {
    let (world, acme) = world().await;
    let registered = world.script().await.with_secret(Some("wrong"));
    let client = client(&world, &registered).await;
    let username = ResourceOwnerUsername::new(acme.ada.username.clone());
    let password = ResourceOwnerPassword::new(acme.ada.password.clone());

    let answer = client.exchange_password(&username, &password).request_async(&world.http).await;

    assert_eq!(refusal(answer.unwrap_err()), BasicErrorResponseType::InvalidClient);
}

#[tokio::test]
async fn client_credentials() {
    let (world, acme) = world().await;
    let registered = world.client(service(Some(&acme.workspace))).await;
    let client = client(&world, &registered).await;

    let tokens = client
        .exchange_client_credentials()
        .add_scopes(scope(&["leads:write"]))
        .request_async(&world.http)
        .await
        .unwrap();

    assert_eq!(tokens.scopes(), Some(&scope(&["leads:write"])));
    assert!(tokens.refresh_token().is_none());
    let me = ApiCaller::bearer(&world, tokens.access_token().secret()).me().await.json();
    assert_eq!(me["principal"]["id"], registered.id);
}

/// Sends the browser off and takes back what it brings.
async fn sign_in_and_allow(
    world: &World,
    client: &Client,
    acme: &Acme,
) -> (Callback, PkceCodeVerifier) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scope(&["leads:read", "leads:write"]))
        .set_pkce_challenge(challenge)
        .url();
    let mut browser = Browser::new(world);

    let login = browser.open(address.as_str()).await;
    assert_eq!(login.text("h1"), "Sign in");
    let consent = browser.sign_in_on(&login, &acme.ada).await;
    let callback = browser.submit(&consent, "#consent-allow", &[]).await.callback();

    assert_eq!(callback.to, CALLBACK);
    assert_eq!(callback.params["state"], *state.secret());
    // RFC 9207
    assert_eq!(callback.params["iss"], world.url(""));
    (callback, verifier)
}

#[tokio::test]
async fn code_and_pkce_then_refresh_for_confidential_and_public_clients() {
    let (world, acme) = world().await;

    for registered in [world.web().await, world.spa().await] {
        let client = client(&world, &registered).await;
        let (callback, verifier) = sign_in_and_allow(&world, &client, &acme).await;

        let first = client
            .exchange_code(AuthorizationCode::new(callback.code().to_owned()))
            .set_pkce_verifier(verifier)
            .request_async(&world.http)
            .await
            .unwrap();

        assert_eq!(first.scopes(), Some(&scope(&["leads:read", "leads:write"])));
        let ada = Value::from("acme/ada@acme.example");
        assert_eq!(username_at(&world, first.access_token()).await, (200, ada.clone()));
        let second = client
            .exchange_refresh_token(first.refresh_token().unwrap())
            .add_scopes(scope(&["leads:read"]))
            .request_async(&world.http)
            .await
            .unwrap();
        assert_eq!(second.scopes(), Some(&scope(&["leads:read"])));
        assert_eq!(username_at(&world, second.access_token()).await, (200, ada));
    }
}

#[tokio::test]
async fn a_code_with_the_wrong_verifier_is_an_error_it_understands() {
    let (world, acme) = world().await;
    let client = client(&world, &world.web().await).await;
    let (callback, _) = sign_in_and_allow(&world, &client, &acme).await;
    let (_, other) = PkceCodeChallenge::new_random_sha256();

    let answer = client
        .exchange_code(AuthorizationCode::new(callback.code().to_owned()))
        .set_pkce_verifier(other)
        .request_async(&world.http)
        .await;

    assert_eq!(refusal(answer.unwrap_err()), BasicErrorResponseType::InvalidGrant);
}

/// What a proxy in front of the server does that ends TLS: the crate revokes by https only.
async fn without_tls(world: &World, mut request: HttpRequest) -> Proxied {
    let inside = world.url(request.uri().path());
    *request.uri_mut() = inside.parse().unwrap();
    world.http.call(request).await
}

#[tokio::test]
async fn revocation_of_either_token() {
    let world = World::with(|config| config.issuer = "https://id.example".to_owned()).await;
    let acme = world.acme().await;
    let client = client(&world, &world.script().await).await;
    assert_eq!(client.token_uri().as_str(), "https://id.example/oauth/token");
    let http = |request| without_tls(&world, request);
    let username = ResourceOwnerUsername::new(acme.ada.username.clone());
    let password = ResourceOwnerPassword::new(acme.ada.password.clone());
    let sign_in =
        async || client.exchange_password(&username, &password).request_async(&http).await.unwrap();
    let revoke = async |token: StandardRevocableToken| {
        client.revoke_token(token).unwrap().request_async(&http).await.unwrap();
    };

    let one = sign_in().await;
    revoke(one.access_token().into()).await;
    assert_eq!(username_at(&world, one.access_token()).await.0, 401);
    let refresh = client.exchange_refresh_token(one.refresh_token().unwrap());
    refresh.request_async(&http).await.unwrap();

    let two = sign_in().await;
    revoke(two.refresh_token().unwrap().into()).await;
    assert_eq!(username_at(&world, two.access_token()).await.0, 401);
    let refresh = client.exchange_refresh_token(two.refresh_token().unwrap());
    let refused = refresh.request_async(&http).await.unwrap_err();
    assert_eq!(refusal(refused), BasicErrorResponseType::InvalidGrant);
    // RFC 7009 §2.2: an unknown token is no error
    revoke(RefreshToken::new("nobody's".to_owned()).into()).await;
}

#[tokio::test]
async fn introspection_of_live_and_dead_tokens() {
    let (world, acme) = world().await;
    let registered = world.script().await;
    let owner = client(&world, &registered).await;
    let observer = client(&world, &world.introspector().await).await;
    let username = ResourceOwnerUsername::new(acme.ada.username.clone());
    let password = ResourceOwnerPassword::new(acme.ada.password.clone());
    let tokens =
        owner.exchange_password(&username, &password).request_async(&world.http).await.unwrap();
    let introspect = async |token: &AccessToken| {
        observer.introspect(token).request_async(&world.http).await.unwrap()
    };

    let live = introspect(tokens.access_token()).await;

    assert!(live.active());
    assert_eq!(live.client_id().unwrap().as_str(), registered.id);
    assert_eq!(live.username(), Some("acme/ada@acme.example"));
    assert_eq!(live.scopes(), Some(&scope(&["leads:read", "leads:write"])));
    assert_eq!(live.sub(), Some(acme.ada.id.to_string().as_str()));
    let lifetime = live.exp().unwrap() - live.iat().unwrap();
    assert_eq!(lifetime.num_seconds(), 3600);
    registered.revoke(tokens.access_token().secret()).await.expect(200);
    let dead = introspect(tokens.access_token()).await;
    assert!(!dead.active() && dead.username().is_none() && dead.scopes().is_none());
}
