//! `POST /api/v1/leaked`: what is refused, in the order of the checks.

use chrono::TimeDelta;
use latchkey::crypto::secret::with_checksum;
use serde_json::{Value, json};

use super::{
    invalid,
    leaked::{LEAKED, received, reported},
    refused,
};
use crate::support::{Answer, ApiCaller, World};

const NO_CREDENTIAL: &str = "is no API key, token, client secret or subscription key of this \
    server: its beginning or its checksum is wrong";

/// Of the form of an access token; there is none like it.
fn token() -> String {
    with_checksum(format!("lk_at_{}", "a".repeat(43)))
}

async fn posted(world: &World, body: &Value) -> Answer {
    ApiCaller::anonymous(world).post(LEAKED, body).await
}

#[tokio::test]
async fn it_is_only_posted() {
    let world = World::new().await;

    let answer = ApiCaller::anonymous(&world).get(LEAKED).await;

    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

/// Addresses are counted apart from credentials, and wait for the next minute.
#[tokio::test]
async fn an_address_reports_sixty_times_a_minute() {
    let world = World::new().await;
    for left in (0..60).rev() {
        let answer = reported(&world, &token()).await;
        assert_eq!(answer.shown(), received(1));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left.to_string().as_str()));
    }

    let answer = reported(&world, &token()).await;

    let message = "too many requests; wait for the next minute";
    assert_eq!(answer.shown(), refused(429, "RATE_LIMITED", message));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(ApiCaller::anonymous(&world).me().await.status, 401);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(reported(&world, &token()).await.shown(), received(1));
}

/// It need not be good, or even be one: whoever reports is nobody.
#[tokio::test]
async fn a_credential_beside_it_is_not_looked_at() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    for caller in [ApiCaller::bearer(&world, "nonsense"), ApiCaller::key(&world, &key)] {
        let answer = caller.post(LEAKED, &json!({ "token": token() })).await;
        assert_eq!(answer.shown(), received(1));
        assert_eq!(answer.header("x-ratelimit-limit"), Some("60"));
    }

    let me = ApiCaller::key(&world, &key).me().await;
    assert_eq!(me.header("x-ratelimit-remaining"), Some("999"));
}

#[tokio::test]
async fn another_content_type_and_a_large_body_are_refused() {
    let world = World::new().await;
    let caller = ApiCaller::anonymous(&world);

    let form = caller.post_bytes(LEAKED, "application/x-www-form-urlencoded", b"token=a".to_vec());
    let large = caller.post_bytes(LEAKED, "application/json", vec![b' '; (256 << 10) + 1]);

    assert_eq!(form.await.status, 415);
    assert_eq!(large.await.status, 413);
}

#[tokio::test]
async fn a_body_that_names_nothing_is_refused() {
    let world = World::new().await;
    let missing = invalid(&[("token", "must be there, or tokens must")]);

    for body in [json!({}), json!({ "token": null }), json!({ "tokens": [] }), json!({ "a": 1 })] {
        assert_eq!(posted(&world, &body).await.shown(), missing, "{body}");
    }
    for (body, field) in [
        (json!({ "token": "" }), "token"),
        (json!({ "token": 7 }), "token"),
        (json!({ "token": "a".repeat(257) }), "token"),
        (json!({ "tokens": token() }), "tokens"),
        (json!({ "tokens": vec![token(); 51] }), "tokens"),
        (json!({ "tokens": [token(), null] }), "tokens[1]"),
    ] {
        let answer = posted(&world, &body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["error"]["details"][0]["field"], field, "{body}");
    }
    let twice = format!(r#"{{"token":"{0}","token":"{0}"}}"#, token());
    let anonymous = ApiCaller::anonymous(&world);
    let twice = anonymous.post_bytes(LEAKED, "application/json", twice.into()).await;
    assert_eq!(twice.shown(), invalid(&[("token", "is there more than once")]));
}

/// What is not repeated in the answer, either.
#[tokio::test]
async fn what_is_no_credential_of_ours_is_named_by_its_field() {
    let (world, acme) = World::of_acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let typo = format!("{}x", &key[..key.len() - 1]);
    let code = with_checksum(format!("lk_ac_{}", "a".repeat(43)));

    for text in ["password", "ghp_0123456789abcdef", " ", "\u{1f511}", &typo, &code] {
        let answer = posted(&world, &json!({ "token": text })).await;
        assert_eq!(answer.shown(), invalid(&[("token", NO_CREDENTIAL)]), "{text}");
    }
    // nothing is done about the good ones beside it
    let answer = posted(&world, &json!({ "tokens": [key, typo, "x"] })).await;
    let both = [("tokens[1]", NO_CREDENTIAL), ("tokens[2]", NO_CREDENTIAL)];
    assert_eq!(answer.shown(), invalid(&both));
    assert_eq!(ApiCaller::bearer(&world, &key).me().await.status, 200);
}
