//! `private_key_jwt` (RFC 7523 §2.2, OpenID Connect Core §9): a client proves who it is by what it has
//! signed, once.

use chrono::TimeDelta;
use entity::{
    client_settings::{AuthMethod, Settings},
    signing_key::Algorithm,
};
use latchkey::clients::registration::NewClient;
use serde_json::{Value, json};

use crate::support::{Acme, Answer, ClientApp, Signer, Tokens, World, service};

pub(super) const TYPE: (&str, &str) =
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

/// A client for itself that proves itself by these settings.
pub(super) async fn client_with(world: &World, acme: &Acme, settings: Settings) -> ClientApp {
    let new = NewClient { settings, ..service(Some(&acme.workspace)) };
    world.client(NewClient { may_introspect: true, ..new }).await
}

/// Settings of a client that signs with this key.
pub(super) fn signs_with(signer: &Signer) -> Settings {
    Settings {
        token_endpoint_auth_method: Some(AuthMethod::PrivateKeyJwt),
        jwks: Some(signer.jwks()),
        ..Settings::default()
    }
}

/// A world with a client that signs with ES256.
pub(super) async fn signing() -> (World, Acme, ClientApp, Signer) {
    let (world, acme) = World::of_acme().await;
    let signer = Signer::new("ES256", "one");
    let client = client_with(&world, &acme, signs_with(&signer)).await;
    (world, acme, client, signer)
}

/// What a sound assertion says now.
pub(super) fn claims(world: &World, client: &ClientApp, jti: &str) -> Value {
    let now = world.clock.unix();
    json!({
        "iss": client.id,
        "sub": client.id,
        "aud": world.url("/oauth/token"),
        "iat": now,
        "exp": now + 60,
        "jti": jti,
    })
}

/// A token request of a client that proves itself so.
pub(super) async fn token(client: &ClientApp, assertion: &str) -> Answer {
    let grant = ("grant_type", "client_credentials");
    client.token(&[grant, TYPE, ("client_assertion", assertion)]).await
}

/// CS-T8, CS-D6: by every algorithm that the metadata name.
#[tokio::test]
async fn a_client_proves_itself_by_what_it_has_signed() {
    let (world, acme) = World::of_acme().await;
    for algorithm in Algorithm::ALL {
        let signer = Signer::new(algorithm.name(), "a");
        let client = client_with(&world, &acme, signs_with(&signer)).await;
        assert_eq!(client.secret, None);

        let answer = token(&client, &signer.sign(&claims(&world, &client, "1"))).await;

        Tokens::of(&answer);
    }
}

#[tokio::test]
async fn its_id_may_stand_in_the_assertion_alone() {
    let (world, _, client, signer) = signing().await;
    let assertion = signer.sign(&claims(&world, &client, "1"));
    let body = format!(
        "grant_type=client_credentials&{}={}&client_assertion={assertion}",
        TYPE.0,
        TYPE.1.replace(':', "%3A")
    );
    let request = world.http.post(world.url("/oauth/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);

    Tokens::of(&Answer::to(request).await);
}

/// CS-T8, and the note on audiences: the issuer or the URL of the endpoint, alone or in a list.
#[tokio::test]
async fn an_assertion_is_for_this_server() {
    let (world, _, client, signer) = signing().await;
    let (issuer, url) = (world.url(""), world.url("/oauth/token"));

    for (number, aud) in
        [json!(issuer), json!(url), json!([issuer]), json!([url]), json!([issuer, url])]
            .into_iter()
            .enumerate()
    {
        let mut claims = claims(&world, &client, &format!("{number}"));
        claims["aud"] = aud;

        Tokens::of(&token(&client, &signer.sign(&claims)).await);
    }
}

#[tokio::test]
async fn it_is_good_at_every_endpoint_that_it_names() {
    let (world, _, client, signer) = signing().await;
    let tokens = Tokens::of(&token(&client, &signer.sign(&claims(&world, &client, "1"))).await);
    for (number, path) in ["/oauth/introspect", "/oauth/revoke"].into_iter().enumerate() {
        let token = ("token", tokens.access.as_str());
        for (aud, status) in [
            (world.url("/oauth/token"), 200),
            (world.url(path), 200),
            (world.url(""), 200),
            (world.url("/oauth/par"), 401),
        ] {
            let mut claims = claims(&world, &client, &format!("{number} {aud}"));
            claims["aud"] = aud.as_str().into();
            let assertion = signer.sign(&claims);

            let params = [token, TYPE, ("client_assertion", assertion.as_str())];
            let answer = Answer::to(client.request(path, &params)).await;

            assert_eq!(answer.status, status, "{path} for {aud}: {}", answer.body);
        }
    }
}

/// CS-T8: clocks differ a little.
#[tokio::test]
async fn a_little_skew_is_forgiven() {
    let (world, _, client, signer) = signing().await;
    let now = world.clock.unix();

    for (number, (name, value)) in
        [("exp", now - 9), ("iat", now + 14), ("nbf", now + 14), ("exp", now + 3_600)]
            .into_iter()
            .enumerate()
    {
        let mut claims = claims(&world, &client, &format!("{number}"));
        claims[name] = value.into();

        let answer = token(&client, &signer.sign(&claims)).await;

        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    }
}

/// CS-T8: whoever has read one on its way has nothing.
#[tokio::test]
async fn an_assertion_works_once() {
    let (world, acme, client, signer) = signing().await;
    let claims = claims(&world, &client, "only one");
    let assertion = signer.sign(&claims);

    Tokens::of(&token(&client, &assertion).await);
    for again in [assertion, signer.sign(&claims)] {
        assert_eq!(token(&client, &again).await.status, 401);
    }
    assert_eq!(world.audited("client_assertion.replay").await, 1, "once a minute");

    // another client's assertion may have the same name
    let other = client_with(&world, &acme, signs_with(&signer)).await;
    let mut others = claims.clone();
    others["iss"] = other.id.as_str().into();
    others["sub"] = other.id.as_str().into();
    Tokens::of(&token(&other, &signer.sign(&others)).await);
}

#[tokio::test]
async fn of_many_at_once_one_works() {
    let (world, _, client, signer) = signing().await;
    let assertion = signer.sign(&claims(&world, &client, "1"));

    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (client, assertion) = (client.clone(), assertion.clone());
        tasks.spawn(async move { token(&client, &assertion).await.status });
    }
    let mut statuses = tasks.join_all().await;

    statuses.sort_unstable();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses[1..].iter().all(|status| *status == 401), "{statuses:?}");
}

#[tokio::test]
async fn spent_assertions_are_forgotten_when_they_would_be_refused_anyway() {
    use entity::spent_id::Entity;
    use sea_orm::{EntityTrait, PaginatorTrait};

    let (world, _, client, signer) = signing().await;
    let assertion = signer.sign(&claims(&world, &client, "1"));
    Tokens::of(&token(&client, &assertion).await);
    let count = async || Entity::find().count(world.app.store.read()).await.unwrap();

    world.clock.advance(TimeDelta::seconds(60));
    latchkey::jobs::sweep::run_once(&world.app).await.unwrap();
    assert_eq!((count().await, token(&client, &assertion).await.status), (1, 401));

    world.clock.advance(TimeDelta::seconds(11));
    latchkey::jobs::sweep::run_once(&world.app).await.unwrap();
    assert_eq!((count().await, token(&client, &assertion).await.status), (0, 401));
}
