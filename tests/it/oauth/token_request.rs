//! `POST /oauth/token`, whatever the grant type: how a request must look (RFC 6749 §3.2, contract §3).
//! The order of the checks is method, content type, size, parameters, client, grant type.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};

use super::signed_in;
use crate::support::{Acme, Answer, ClientApp, Tokens, World, service};

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const GRANT: &str = "grant_type=client_credentials";
const MAX_BYTES: usize = 64 * 1024;

/// A client that has everything it needs in its credentials.
pub(super) async fn client() -> (World, Acme, ClientApp) {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    (world, acme, client)
}

pub(super) fn secret(client: &ClientApp) -> &str {
    client.secret.as_deref().unwrap()
}

/// The client's proof, and a grant that needs nothing else, as a body.
pub(super) fn proof(client: &ClientApp) -> String {
    format!("{GRANT}&client_id={}&client_secret={}", client.id, secret(client))
}

pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A token request with that content type and body, byte for byte.
pub(super) fn post(world: &World, content_type: &str, body: impl Into<Body>) -> RequestBuilder {
    world.http.post(world.url("/oauth/token")).header("content-type", content_type).body(body)
}

pub(super) async fn sent(world: &World, body: impl Into<Body>) -> Answer {
    Answer::to(post(world, FORM, body)).await
}

/// With that `Authorization`.
pub(super) async fn sent_as(world: &World, authorization: &str, body: &str) -> Answer {
    let request = post(world, FORM, body.to_owned());
    Answer::to(request.header("authorization", authorization)).await
}

pub(super) fn refused(status: u16, error: &str, description: &str) -> (u16, Value) {
    (status, json!({ "error": error, "error_description": description }))
}

fn invalid_client() -> (u16, Value) {
    refused(401, "invalid_client", "client authentication failed")
}

pub(super) fn invalid_request(description: &str) -> (u16, Value) {
    refused(400, "invalid_request", description)
}

/// A refused client, told how to do better (RFC 6749 §5.2).
#[track_caller]
pub(super) fn assert_challenged(answer: &Answer, case: &str) {
    assert_eq!(answer.shown(), invalid_client(), "{case}");
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Basic realm="latchkey", charset="UTF-8""#), "{case}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
}

#[tokio::test]
async fn the_content_type_may_have_parameters_and_any_case() {
    let (world, _, client) = client().await;

    for content_type in [
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=utf-8",
        "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded ; x=y",
    ] {
        Tokens::of(&Answer::to(post(&world, content_type, proof(&client))).await);
    }
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let (world, _, client) = client().await;

    for more in ["no_such=x", "=x", "x", "&&&", "audience=elsewhere", "%e2%82%ac=%f0%9f%94%91"] {
        let answer = sent(&world, format!("{}&{more}", proof(&client))).await;

        assert_eq!(answer.status, 200, "{more}: {}", answer.body);
    }
}

/// CS-T1: POST and nothing else, and even the refusal is not to be stored.
#[tokio::test]
async fn only_post_is_answered() {
    let (world, _, client) = client().await;

    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "QUERY"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let url = world.url(&format!("{path}?{}", proof(&client)));

            let answer = Answer::to(world.http.request(method.clone(), url)).await;

            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
            if method != Method::HEAD {
                assert_eq!(answer.shown(), refused(405, "invalid_request", "use POST"));
            }
        }
    }
}

#[tokio::test]
async fn there_is_nothing_beside_it() {
    let (world, _, client) = client().await;

    for path in ["/oauth/token/", "/oauth/tokens", "/oauth/Token", "/oauth"] {
        let request = world.http.post(world.url(path)).header("content-type", FORM);
        let answer = Answer::to(request.body(proof(&client))).await;

        let body = refused(404, "invalid_request", "there is no such path");
        assert_eq!(answer.shown(), body, "{path}");
    }
}

#[tokio::test]
async fn another_content_type_is_refused() {
    let (world, _, client) = client().await;
    let expected = refused(
        415,
        "invalid_request",
        "the content type must be application/x-www-form-urlencoded",
    );

    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded2",
        "x-www-form-urlencoded",
        "application/json; application/x-www-form-urlencoded",
        "application/json, application/x-www-form-urlencoded",
        "",
    ] {
        for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
            let request = world.http.post(world.url(path)).header("content-type", content_type);
            let answer = Answer::to(request.body(proof(&client))).await;

            assert_eq!(answer.shown(), expected, "{content_type} {path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    let bare = world.http.post(world.url("/oauth/token")).body(proof(&client));
    assert_eq!(Answer::to(bare).await.shown(), expected);
    // before the size is looked at
    let large = post(&world, "application/json", "x".repeat(MAX_BYTES + 1));
    assert_eq!(Answer::to(large).await.shown(), expected);
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_no_more() {
    let (world, _, client) = client().await;
    let proof = proof(&client);
    let of_size = |size: usize| format!("{proof}&x={}", "y".repeat(size - proof.len() - 3));
    let expected = refused(413, "invalid_request", "the body is larger than 64 KiB");

    Tokens::of(&sent(&world, of_size(MAX_BYTES)).await);
    for size in [MAX_BYTES + 1, 4 * MAX_BYTES] {
        let answer = sent(&world, of_size(size)).await;

        assert_eq!(answer.shown(), expected, "{size}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // before the parameters are looked at
    assert_eq!(sent(&world, "a=1&".repeat(MAX_BYTES)).await.shown(), expected);
    for path in ["/oauth/revoke", "/oauth/introspect"] {
        let request = world.http.post(world.url(path)).header("content-type", FORM);
        assert_eq!(Answer::to(request.body(of_size(MAX_BYTES + 1))).await.shown(), expected);
    }
}

/// A body that does not say how long it is counts as it arrives.
#[tokio::test]
async fn a_body_in_chunks_is_limited_too() {
    let (world, _, client) = client().await;
    let proof = proof(&client);
    let request = |padding: usize| {
        let first = format!("{:x}\r\n{proof}&x=\r\n", proof.len() + 3);
        let chunks = first + &format!("400\r\n{}\r\n", "y".repeat(1024)).repeat(padding);
        format!(
            "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
        )
    };

    let small = world.raw(request(60).as_bytes()).await;
    let large = world.raw(request(64).as_bytes()).await;

    assert!(small.starts_with("HTTP/1.1 200 "), "{small}");
    assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
}

#[tokio::test]
async fn a_parameter_comes_once() {
    let (world, _, client) = client().await;
    let proof = proof(&client);
    let description = "a parameter is given more than once";

    for more in [
        "grant_type=client_credentials",
        "grant_type=password",
        "grant_type=",
        "%67rant_type=client_credentials",
        "client_id=x",
        "client_secret=",
        "scope=leads:read&scope=leads:read",
        "resource=a&resource=b",
        "no_such=1&no_such=2",
    ] {
        let answer = sent(&world, format!("{proof}&{more}")).await;

        assert_eq!(answer.shown(), invalid_request(description), "{more}");
    }
}

/// What is refused before the client is known tells nothing about it.
#[tokio::test]
async fn a_repeated_parameter_spends_nothing() {
    let (world, _, script, first) = signed_in().await;
    let twice = [("scope", "leads:read"), ("scope", "leads:read")];

    for caller in [&script, &script.with_secret(None), &world.script().await] {
        let answer = caller.refresh_with(&first.refresh, &twice).await;

        let description = "a parameter is given more than once";
        assert_eq!(answer.shown(), invalid_request(description));
    }
    Tokens::of(&script.refresh(&first.refresh).await);
}

#[tokio::test]
async fn what_is_not_text_is_refused() {
    let (world, _, client) = client().await;
    let proof = proof(&client);
    let with = |more: &[u8]| [proof.as_bytes(), b"&", more].concat();

    for more in [
        &b"scope=%00"[..],
        b"scope=leads:read%00",
        b"%00=x",
        b"scope=%ff",
        b"scope=%c3%28",
        b"scope=\xff\xfe",
        b"scope=%ed%a0%80",
        b"x=\0",
    ] {
        let answer = sent(&world, with(more)).await;

        assert_eq!(answer.shown(), invalid_request("a parameter is not valid text"), "{more:?}");
    }
}

#[tokio::test]
async fn headers_that_no_server_reads_do_not_hang_it() {
    let (world, _, client) = client().await;
    let body = proof(&client);
    let length = body.len();

    for headers in [
        format!("Content-Length: {length}\r\nContent-Length: {}", length - 1),
        "Content-Length: -1".to_owned(),
        "Content-Length: x".to_owned(),
        "Content-Length: 99999999999999999999999".to_owned(),
        "Transfer-Encoding: chunked".to_owned(),
        "Transfer-Encoding: nonsense".to_owned(),
        format!("X: {}", "y".repeat(1 << 20)),
        format!("Content-Length: {length}\r\nBad Header: x"),
        format!("Content-Length: {length}\r\nX: \0"),
    ] {
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: {FORM}\r\n{headers}\r\n\r\n{body}"
        );

        let answer = world.raw_or_reset(request.as_bytes()).await;

        let status = answer.get(9..12).unwrap_or_default();
        assert!(status.is_empty() || status.starts_with('4'), "{headers:.80} {answer}");
    }
    Tokens::of(&sent(&world, body).await);
}

#[tokio::test]
async fn a_grant_type_must_be_named_and_known() {
    let (world, _, client) = client().await;
    let header = basic(&client.id, secret(&client));
    let missing = invalid_request("grant_type is missing");
    let unknown = "the grant type is not supported by this server";
    let unknown = refused(400, "unsupported_grant_type", unknown);

    for (body, expected) in [
        ("", &missing),
        ("grant_type=", &missing),
        ("Grant_Type=client_credentials", &missing),
        ("grant_type=implicit", &unknown),
        ("grant_type=Client_Credentials", &unknown),
        ("grant_type=client_credentials+", &unknown),
        ("grant_type=client_credentials+password", &unknown),
        ("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", &unknown),
        ("grant_type=%F0%9F%94%91", &unknown),
    ] {
        let answer = sent_as(&world, &header, body).await;

        assert_eq!(&answer.shown(), expected, "{body}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn who_is_not_known_learns_nothing_about_grant_types() {
    let (world, _, client) = client().await;

    for grant_type in ["implicit", "password", ""] {
        let body = format!("grant_type={grant_type}&client_id={}&client_secret=x", client.id);

        assert_challenged(&sent(&world, body).await, grant_type);
    }
}

/// A page of another site, as a single-page app is, may ask for tokens and read the answer.
#[tokio::test]
async fn pages_of_other_sites_may_ask() {
    let world = World::new().await;
    let script = world.script().await;
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/par", "/oauth/register"] {
        let asked = world
            .http
            .request(reqwest::Method::OPTIONS, world.url(path))
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "dpop,content-type");
        let asked = Answer::to(asked).await.expect(204);
        let answer = Answer::to(script.request(path, &[])).await;

        assert_eq!(asked.header("access-control-allow-methods"), Some("POST"), "{path}");
        for answer in [&asked, &answer] {
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        }
    }
    let closed = Answer::to(script.request("/oauth/introspect", &[])).await;
    assert_eq!(closed.header("access-control-allow-origin"), None);
}
