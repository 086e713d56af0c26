//! What is said from memory is what is said without, word for word.

use latchkey::crypto::digest;
use reqwest::RequestBuilder;

use super::Warm;
use crate::support::{Answer, ClientApp, Tokens, service};

const PATH: &str = "/oauth/introspect";
const FORM: &str = "application/x-www-form-urlencoded";

/// Everything of an answer that is not of its moment.
async fn answer(request: RequestBuilder) -> (u16, Vec<(String, String)>, String) {
    let Answer { status, headers, body } = Answer::to(request).await;
    assert!(headers.contains_key("x-request-id"));
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    let of_its_moment = ["x-request-id", "date"];
    let mut headers: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !of_its_moment.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    headers.sort();
    (status, headers, body)
}

/// What a client may send about a token.
type Ask = fn(&ClientApp, &str) -> RequestBuilder;

const ASKS: [(&str, u16, Ask); 13] = [
    ("as it should", 200, |client, token| client.request(PATH, &[("token", token)])),
    ("with a hint", 200, |client, token| {
        client.request(PATH, &[("token_type_hint", "refresh_token"), ("token", token)])
    }),
    ("with its own name twice", 200, |client, token| {
        client.request(PATH, &[("token", token), ("client_id", &client.id)])
    }),
    ("with its secret in the body", 200, |client, token| {
        let secret = client.secret.as_deref().unwrap();
        let pairs = [("token", token), ("client_secret", secret)];
        client.with_secret(None).request(PATH, &pairs)
    }),
    ("with another's name", 400, |client, token| {
        client.request(PATH, &[("token", token), ("client_id", "somebody")])
    }),
    ("with a wrong secret", 401, |client, token| {
        client.with_secret(Some("lk_secret_wrong")).request(PATH, &[("token", token)])
    }),
    ("with no secret", 401, |client, token| {
        client.with_secret(None).request(PATH, &[("token", token)])
    }),
    ("with its secret in two places", 400, |client, token| {
        let secret = client.secret.as_deref().unwrap();
        client.request(PATH, &[("token", token), ("client_secret", secret)])
    }),
    ("with two headers", 400, |client, token| {
        client.request(PATH, &[("token", token)]).header("authorization", "Basic eDp5")
    }),
    ("about it twice", 400, |client, token| {
        client.request(PATH, &[("token", token), ("token", token)])
    }),
    ("about nothing", 400, |client, _| client.request(PATH, &[])),
    ("about another one", 200, |client, token| {
        client.request(PATH, &[("token", token.to_uppercase().as_str())])
    }),
    ("at length", 413, |client, token| {
        client.request(PATH, &[("token", token), ("x", &"x".repeat(64 * 1024))])
    }),
];

#[tokio::test]
async fn it_is_said_word_for_word() {
    for warm in [Warm::key().await, Warm::token().await, Warm::own_token().await] {
        // this one follows nothing, and remembers nothing
        let cold = warm.world.another_node().await;
        for (how, status, ask) in ASKS {
            let ask = |client: &ClientApp| answer(ask(client, &warm.credential));

            let (said, said_cold) =
                (ask(&warm.introspector).await, ask(&warm.introspector.at(&cold)).await);

            assert_eq!(said, said_cold, "{how}");
            assert_eq!(said.0, status, "{how}: {}", said.2);
        }
    }
}

#[tokio::test]
async fn what_is_no_form_and_no_post_is_refused_all_the_same() {
    let warm = Warm::token().await;
    let cold = warm.world.another_node().await;
    for (method, kind, status) in
        [("POST", "application/json", 415), ("GET", FORM, 405), ("PUT", FORM, 405)]
    {
        let ask = |server: String| {
            let (id, secret) = (&warm.introspector.id, &warm.introspector.secret);
            let request = warm.world.http.request(method.parse().unwrap(), server);
            let body = format!("token={}", warm.credential);
            answer(request.basic_auth(id, secret.as_ref()).header("content-type", kind).body(body))
        };

        let (said, said_cold) = (ask(warm.world.url(PATH)).await, ask(cold.url(PATH)).await);

        assert_eq!(said, said_cold, "{method} {kind}");
        assert_eq!(said.0, status, "{method} {kind}: {}", said.2);
    }
}

/// Who may not ask hears no more of what is known.
#[tokio::test]
async fn what_is_known_is_told_to_nobody_else() {
    let warm = Warm::token().await;
    let stranger = warm.world.client(service(Some(&warm.acme.workspace))).await;
    for _ in 0..2 {
        let answer = stranger.introspect(&warm.credential).await.expect(400);
        assert_eq!(answer.json()["error"], "unauthorized_client");
    }
}

/// That a token is nobody's is remembered for a moment, whoever asks: a dead one that goes on being shown costs nothing.
#[tokio::test]
async fn what_is_dead_is_remembered_as_such() {
    let warm = Warm::token().await;
    let (app, live) = (&warm.world.app, digest::sha256_array(warm.credential.as_bytes()));
    let script = warm.world.script().await;
    let token = Tokens::of(&script.password(&warm.acme.ada).await);
    script.revoke(&token.access).await.expect(200);
    let dead = digest::sha256_array(token.access.as_bytes());
    assert!(!app.cache.is_unknown(&dead, app.now()));

    assert!(!warm.introspector.sees_alive(&token.access).await);

    assert!(app.cache.is_unknown(&dead, app.now()));
    assert!(!app.cache.is_unknown(&live, app.now()));
}
