//! What every route of the document does with what it must not take: hostile bodies, two
//! credentials, a key in the query; and that nothing of the sandbox is seen from outside.

use latchkey::clients::registration::NewClient;
use serde_json::{Value, json};

use super::{
    invalid, nothing_there,
    place::{Operation, PERMISSIONS, Place, two_of_each},
    refused, unauthorized,
};
use crate::support::{Answer, ApiCaller, Tokens, script, texts};

const JSON: &str = "application/json";
const MAX_DEPTH: usize = 32;

/// Every operation that takes a body.
async fn with_bodies(place: &Place) -> Vec<Operation> {
    let mut operations = place.operations().await;
    operations.retain(|operation| operation.body.is_some());
    assert!(operations.len() >= 10, "{}", operations.len());
    operations
}

/// Sends these bytes to an operation, as one who may do it.
async fn sent(place: &Place, operation: &Operation, body: impl Into<Vec<u8>>) -> Answer {
    let request = operation.request(&place.caller, operation.first_in(place));
    Answer::to(request.header("content-type", JSON).body(body.into())).await
}

/// The failing fields and their messages.
#[track_caller]
fn details(answer: &Answer) -> Vec<(String, String)> {
    let error = answer.json()["error"].clone();
    assert_eq!((answer.status, &error["code"]), (400, &json!("VALIDATION_ERROR")), "{error}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |detail: &Value| (text(&detail["field"]), text(&detail["message"]));
    error["details"].as_array().unwrap().iter().map(pair).collect()
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    let place = Place::new().await;
    let twice = invalid(&[("a", "is there more than once"), ("b[0].c", "is there more than once")]);

    for operation in with_bodies(&place).await {
        let body = r#"{"a": 1, "\u0061": 1, "b": [{"c": null, "c": null}]}"#;
        assert_eq!(sent(&place, &operation, body).await.shown(), twice, "{}", operation.id);
    }
}

/// 32 levels are read, and no more.
#[tokio::test]
async fn nesting_without_end_is_refused() {
    let place = Place::new().await;
    let too_deep = refused(400, "INVALID_REQUEST", "the body is nested too deep");
    let nested = |depth: usize| {
        // the body itself is the first level
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!("{{\"a\": {open}{close}}}")
    };

    for operation in with_bodies(&place).await {
        let id = &operation.id;
        assert_eq!(sent(&place, &operation, nested(MAX_DEPTH + 1)).await.shown(), too_deep, "{id}");
        let endless = "{\"a\":".repeat(20_000);
        assert_eq!(sent(&place, &operation, endless).await.shown(), too_deep, "{id}");
        let allowed = sent(&place, &operation, nested(MAX_DEPTH)).await;
        assert_ne!(allowed.shown(), too_deep, "{id}");
    }
}

/// 413 comes before anything is parsed: these bodies are not even JSON.
#[tokio::test]
async fn a_body_that_is_too_large_is_not_parsed() {
    let place = Place::new().await;

    for operation in with_bodies(&place).await {
        let limit = if operation.id == "ingestScan" { 8 << 20 } else { 256 << 10 };
        let message = format!("the body must be at most {limit} bytes long");
        let too_large = refused(413, "PAYLOAD_TOO_LARGE", &message);

        let answer = sent(&place, &operation, vec![b'{'; limit + 1]).await;
        let largest = sent(&place, &operation, vec![b'{'; limit]).await;

        assert_eq!(answer.shown(), too_large, "{}", operation.id);
        assert_eq!(largest.status, 400, "{}", operation.id);
    }
}

#[tokio::test]
async fn null_is_taken_only_where_the_document_says_so() {
    let place = Place::new().await;
    let mut tried = 0;

    for operation in with_bodies(&place).await {
        let whole = sent(&place, &operation, "null").await;
        assert_eq!(whole.shown(), invalid(&[("body", "must not be null")]), "{}", operation.id);
        let schema = operation.body.as_ref().unwrap();
        for (name, member) in schema["properties"].as_object().unwrap() {
            let answer = sent(&place, &operation, json!({ name: null }).to_string()).await;
            let is_refused =
                answer.status == 400 && details(&answer).iter().any(|(field, _)| field == name);
            let may_be_null = member["nullable"] == true;
            assert_eq!(is_refused, !may_be_null, "{}.{name}: {}", operation.id, answer.body);
            tried += usize::from(!may_be_null);
        }
    }
    assert!(tried >= 20, "{tried}");
}

/// Also those that differ in their case alone.
#[tokio::test]
async fn an_unknown_value_of_an_enumeration_is_refused() {
    let place = Place::new().await;
    let document = ApiCaller::anonymous(&place.world).get("/openapi.json").await.json();
    let values = |member: &Value| {
        let named = member["$ref"].as_str().or_else(|| member["allOf"][0]["$ref"].as_str());
        let schema = named.map_or(member, |named| document.pointer(&named[1..]).unwrap());
        schema["enum"].as_array().cloned()
    };
    let mut tried = Vec::new();

    for operation in with_bodies(&place).await {
        let schema = operation.body.as_ref().unwrap();
        for (name, member) in schema["properties"].as_object().unwrap() {
            let Some(values) = values(member) else {
                continue;
            };
            let known = values[0].as_str().unwrap();
            let cased = known.to_uppercase();
            for value in [json!("nonsense"), json!(""), json!(cased), json!(0), json!([known])] {
                let body = json!({ name: value }).to_string();
                let fields = details(&sent(&place, &operation, body).await);
                assert!(fields.iter().any(|(field, _)| field == name), "{}.{name}", operation.id);
            }
            tried.push(name.clone());
        }
    }
    assert_eq!(tried, ["environment", "ownerPrincipalType"]);
}

#[tokio::test]
async fn two_credentials_are_refused() {
    let place = Place::new().await;
    let other = place.world.key(&place.acme.workspace, &place.acme.ada, "leads:read").await;
    let message = "two different credentials were presented";

    for operation in place.operations().await {
        let request = operation.request(&place.caller, operation.first_in(&place));
        let answer = Answer::to(request.header("x-api-key", &other)).await;
        assert_eq!(answer.shown(), refused(400, "INVALID_REQUEST", message), "{}", operation.id);
    }
}

/// The default product takes no key in the query, however good, and however else one came.
#[tokio::test]
async fn a_key_in_the_query_is_refused_where_its_product_forbids_it() {
    let place = Place::new().await;
    let key = place.world.key(&place.acme.workspace, &place.acme.ada, "leads:read").await;
    let message = "keys of this product are not accepted in a query";

    let anonymous = ApiCaller::anonymous(&place.world);

    for operation in place.operations().await {
        let path = format!("{}?api-key={key}", operation.path_to(operation.first_in(&place)));
        let answer = Answer::to(anonymous.with_method(operation.method.clone(), &path)).await;
        assert_eq!(answer.shown(), unauthorized(message), "{}", operation.id);
    }
}

/// SF-3: what a test key has made is not there for a live key or for an access token, which is live,
/// by any route that names it.
#[tokio::test]
async fn the_sandbox_is_not_seen_from_outside() {
    let place = Place::new().await;
    let test =
        place.world.test_key(&place.acme.workspace, &place.acme.ada, &PERMISSIONS.join(" ")).await;
    let test = place.caller.with_bearer(&test);
    let sandbox = two_of_each(&test).await;
    let new = NewClient { scope: texts(&PERMISSIONS), ..script() };
    let tokens = Tokens::of(&place.world.client(new).await.password(&place.acme.ada).await);
    let token = place.caller.with_bearer(&tokens.access);
    let mut tried = 0;

    for operation in place.operations().await {
        // a key in the sandbox is a key of the workspace too
        let Some(kind) = operation.names().filter(|kind| *kind != "api_key") else {
            continue;
        };
        for (caller, id) in [
            (&place.caller, &sandbox[kind][0]),
            (&token, &sandbox[kind][0]),
            (&test, &place.two(kind)[0]),
        ] {
            let answer = operation.done(caller, id).await;
            assert_eq!(answer.shown(), nothing_there(), "{}", operation.id);
        }
        let own = operation.done(&token, &place.two(kind)[1]).await;
        assert!(own.status < 300, "{}: {}", operation.id, own.body);
        tried += 1;
    }
    assert_eq!(tried, 6);
}
