//! How every route reads its body (contract §4): who asks and what they may come first, then the
//! type (415), the size (413), JSON (400), and every field (400).

use reqwest::Method;
use serde_json::{Value, json};

use super::{invalid, refused};
use crate::support::{Answer, ApiCaller, World};

const PATH: &str = "/api/v1/leads";
const JSON: &str = "application/json";
const MAX_BYTES: usize = 256 * 1024;

async fn caller() -> (World, ApiCaller) {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read leads:write").await;
    let caller = ApiCaller::key(&world, &key);
    (world, caller)
}

fn unsupported() -> (u16, Value) {
    let message = "the body must be application/json, not compressed";
    refused(415, "UNSUPPORTED_MEDIA_TYPE", message)
}

fn too_large() -> (u16, Value) {
    refused(413, "PAYLOAD_TOO_LARGE", "the body must be at most 262144 bytes long")
}

fn unreadable(message: &str) -> (u16, Value) {
    refused(400, "INVALID_REQUEST", message)
}

async fn count(caller: &ApiCaller) -> usize {
    caller.get(PATH).await.json()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn json_and_what_is_built_on_it_is_read() {
    let (_world, caller) = caller().await;

    for media_type in [
        JSON,
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.acme.lead+json",
    ] {
        let body = b" {\"name\": \"\\u00e9\"}\n".to_vec();
        let answer = caller.post_bytes(PATH, media_type, body).await;
        assert_eq!((answer.status, &answer.json()["name"]), (201, &json!("é")), "{media_type}");
    }
}

#[tokio::test]
async fn another_type_is_415() {
    let (_world, caller) = caller().await;

    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/+json",
        "application",
        "",
        "text/json",
        "multipart/form-data; boundary=x",
    ] {
        let answer = caller.post_bytes(PATH, media_type, br#"{"name":"x"}"#.to_vec()).await;
        assert_eq!(answer.shown(), unsupported(), "{media_type:?}");
    }
    let post = || caller.with_method(Method::POST, PATH).body(r#"{"name":"x"}"#);
    assert_eq!(Answer::to(post()).await.shown(), unsupported());
    let compressed = post().header("content-type", JSON).header("content-encoding", "gzip");
    assert_eq!(Answer::to(compressed).await.shown(), unsupported());
    let twice = post().header("content-type", JSON).header("content-type", "text/plain");
    assert_eq!(Answer::to(twice).await.shown(), unsupported());
    assert_eq!(count(&caller).await, 0);
}

#[tokio::test]
async fn a_body_has_at_most_256_kib_counted_as_they_arrive() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read leads:write").await;
    let caller = ApiCaller::key(&world, &key);
    let padded = |bytes: usize| {
        let mut body = br#"{"name":"x"}"#.to_vec();
        body.resize(bytes, b' ');
        body
    };
    let chunked = async |bytes: usize| {
        let mut request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: {JSON}\r\n\
             Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        .into_bytes();
        for chunk in padded(bytes).chunks(1_000) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        let answer = world.raw(&request).await;
        answer.split(' ').nth(1).unwrap().to_owned()
    };

    assert_eq!(caller.post_bytes(PATH, JSON, padded(MAX_BYTES)).await.status, 201);
    assert_eq!(chunked(MAX_BYTES).await, "201");
    assert_eq!(caller.post_bytes(PATH, JSON, padded(MAX_BYTES + 1)).await.shown(), too_large());
    assert_eq!(chunked(MAX_BYTES + 1).await, "413");
    // it is not JSON either, but nobody has looked
    let noise = vec![b'['; 12 * 1024 * 1024];
    assert_eq!(caller.post_bytes(PATH, JSON, noise).await.shown(), too_large());
    assert_eq!(count(&caller).await, 2);
}

#[tokio::test]
async fn who_asks_before_sending_is_told_without_sending() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:write").await;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: {JSON}\r\n\
         Expect: 100-continue\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n"
    );

    let answer = world.raw(head.as_bytes()).await;

    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn what_is_not_json_is_placed_and_not_quoted() {
    let (_world, caller) = caller().await;

    for (body, message) in [
        (&b""[..], "a JSON body is required"),
        (b"  \n", "a JSON body is required"),
        (b"{\"name\": hunter2}", "the body is not JSON (line 1, column 10)"),
        (b"{\"name\": \"x\"} {}", "the body is not JSON (line 1, column 15)"),
        (b"\xff\xfe", "the body is not JSON (line 1, column 1)"),
    ] {
        let answer = caller.post_bytes(PATH, JSON, body.to_vec()).await;
        assert_eq!(answer.shown(), unreadable(message), "{body:?}");
    }
    for deep in ["[".repeat(100_000), "{\"a\":".repeat(40_000)] {
        let answer = caller.post_bytes(PATH, JSON, deep.into_bytes()).await;
        assert_eq!(answer.shown(), unreadable("the body is nested too deep"));
    }
    assert_eq!(count(&caller).await, 0);
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_named() {
    let (_world, caller) = caller().await;
    let body = br#"{"name":"a","email":"a@x.example","na\u006de":"b","x":{"y":[{"z":1,"z":1}]}}"#;

    let answer = caller.post_bytes(PATH, JSON, body.to_vec()).await;

    let twice = "is there more than once";
    assert_eq!(answer.shown(), invalid(&[("name", twice), ("x.y[0].z", twice)]));
    assert_eq!(count(&caller).await, 0);
}

/// The order of checks: credential, scope, and only then the body.
#[tokio::test]
async fn nothing_of_a_body_is_looked_at_before_who_asks() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    // a body that is announced and never sent: an answer shows that nobody waited for it
    let post = async |credential: &str| {
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\n{credential}Content-Type: text/plain\r\n\
             Content-Length: 1000\r\nConnection: close\r\n\r\n"
        );
        world.raw(head.as_bytes()).await
    };

    let anonymous = post("").await;
    let reader = post(&format!("X-API-Key: {key}\r\n")).await;

    assert!(anonymous.starts_with("HTTP/1.1 401 "), "{anonymous}");
    assert!(reader.starts_with("HTTP/1.1 403 "), "{reader}");
    assert!(reader.contains("the credential lacks scope: leads:write"), "{reader}");
}

/// Every route that takes a body states its scope first.
#[tokio::test]
async fn every_route_with_a_body_checks_its_scope_before_it() {
    let (world, acme) = World::of_acme().await;
    let key = world.test_key(&acme.workspace, &acme.ada, "tags:read").await;
    let caller = ApiCaller::key(&world, &key);
    let document = ApiCaller::anonymous(&world).get("/openapi.json").await.json();
    let mut tried = 0;

    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["requestBody"].is_null() || operation["x-scope"].is_null() {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", &uuid::Uuid::nil().to_string());
            let request = caller.with_method(method, &path).header("content-type", "text/plain");
            let answer = Answer::to(request.body("not JSON")).await;
            assert!(![400, 404, 413, 415].contains(&answer.status), "{path}: {}", answer.body);
            tried += 1;
        }
    }
    assert!(tried >= 5, "{tried}");
}
