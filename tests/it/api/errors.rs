//! What the API refuses before it looks at what a credential is worth: paths, methods, headers, and
//! credentials that cannot be this server's. In the order of the checks.

use latchkey::{
    audit::Actor,
    crypto::secret::{AccessToken, Secret, with_checksum},
    keys::manage::{self, KeyOwner},
};
use reqwest::Method;

use super::{ROUTES, assert_refused, challenge, invalid_token, request_id};
use crate::support::{Answer, ApiCaller, Tokens, World, new_key};

const NOT_BEARER: &str = "the Authorization header must be: Bearer, a space, and a credential";
const NOT_VALID: &str = "the credential is not valid";

/// The credentials of a world.
struct Credentials {
    token: String,
    refresh_token: String,
    key: String,
}

async fn world() -> (World, Credentials) {
    let world = World::new().await;
    let acme = world.acme().await;
    let tokens = Tokens::of(&world.script().await.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    (world, Credentials { token: tokens.access, refresh_token: tokens.refresh, key })
}

/// A GET of a route with these headers, as bytes.
async fn get(world: &World, path: &str, headers: &[(&str, &[u8])]) -> Answer {
    let mut request = world.http.get(world.url(path));
    for (name, value) in headers {
        let value = reqwest::header::HeaderValue::from_bytes(value).unwrap();
        request = request.header(*name, value);
    }
    Answer::to(request).await
}

#[tokio::test]
async fn an_unknown_path_is_404_whoever_asks() {
    let (world, credentials) = world().await;
    let anonymous = ApiCaller::anonymous(&world);
    let caller = ApiCaller::key(&world, &credentials.key);

    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/me/",
        "/api/v1//me",
        "/api/V1/me",
        "/api/v1/me%2f",
        "/v1/nothing",
        "/comms",
        "/checkin/v1",
    ] {
        for caller in [&anonymous, &caller] {
            let answer = caller.get(path).await;

            assert_refused(&answer, 404, "NOT_FOUND", "there is nothing at this address");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_says_which_are_right() {
    let (world, credentials) = world().await;

    for (path, allow) in [("/api/v1/me", "GET, HEAD"), ("/api/v1/verify", "GET, POST, HEAD")] {
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let request = world.http.request(method, world.url(path)).bearer_auth(&credentials.key);

            let answer = Answer::to(request).await;

            let message = "this path does not have that method";
            assert_refused(&answer, 405, "METHOD_NOT_ALLOWED", message);
            assert_eq!(answer.header("allow"), Some(allow));
        }
    }
}

/// FE-1, FE-19.
#[tokio::test]
async fn no_credential_is_401_without_an_error_code() {
    let (world, _) = world().await;

    for path in ROUTES {
        let answer = ApiCaller::anonymous(&world).get(path).await;

        let message = "a credential is required: Authorization: Bearer, or X-API-Key";
        assert_refused(&answer, 401, "UNAUTHORIZED", message);
        // RFC 6750 §3.1: nothing was presented, so there is nothing to call wrong
        assert_eq!(answer.header("www-authenticate"), Some(challenge(&world, path, "").as_str()));
    }
}

#[tokio::test]
async fn the_challenge_names_metadata_that_is_there() {
    let (world, _) = world().await;
    let answer = ApiCaller::anonymous(&world).me().await;
    let challenge = answer.header("www-authenticate").unwrap();
    let metadata = challenge.split('"').nth(1).unwrap();

    let metadata = Answer::to(world.http.get(metadata)).await.expect(200).json();

    // RFC 9728 §3.3: of exactly what was asked for
    assert_eq!(metadata["resource"], world.url("/api/v1/me"));
    assert_eq!(metadata["authorization_servers"][0], world.url(""));
}

/// FE-1, FE-19.
#[tokio::test]
async fn a_malformed_authorization_header_is_401() {
    let (world, Credentials { token, key, .. }) = world().await;

    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRhOnBhc3N3b3Jk",
        "Token abc",
        "Digest username=\"ada\"",
        "Bearer\tabc",
        "Bearer, abc",
        &token,
        &key,
        &format!("Bearer{token}"),
        &format!("Bearer:{token}"),
        &format!("\"Bearer {token}\""),
    ] {
        for path in ROUTES {
            let answer = get(&world, path, &[("authorization", value.as_bytes())]).await;

            assert_refused(&answer, 401, "UNAUTHORIZED", NOT_BEARER);
            let expected = challenge(&world, path, "");
            assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()), "{value:?}");
        }
    }
}

#[tokio::test]
async fn a_header_that_is_not_text_is_401() {
    let (world, Credentials { key, .. }) = world().await;
    let bytes = [b"Bearer ".as_slice(), b"\xff\xfe", key.as_bytes()].concat();

    let bearer = get(&world, "/api/v1/me", &[("authorization", &bytes)]).await;
    let header = get(&world, "/api/v1/me", &[("x-api-key", &bytes)]).await;

    assert_refused(&bearer, 401, "UNAUTHORIZED", NOT_BEARER);
    assert_refused(&header, 401, "UNAUTHORIZED", NOT_VALID);
}

#[tokio::test]
async fn a_malformed_header_is_not_made_up_for_by_a_good_one() {
    let (world, Credentials { token, key, .. }) = world().await;
    let bearer = format!("Bearer {token}");

    for headers in [
        [("authorization", "Basic YWRh"), ("x-api-key", &key)],
        [("authorization", "Basic YWRh"), ("authorization", &bearer)],
        [("authorization", &bearer), ("authorization", "Bearer")],
    ] {
        let headers = headers.map(|(name, value)| (name, value.as_bytes()));

        let answer = get(&world, "/api/v1/me", &headers).await;

        assert_refused(&answer, 401, "UNAUTHORIZED", NOT_BEARER);
    }
}

#[tokio::test]
async fn an_empty_key_is_401() {
    let (world, Credentials { token, .. }) = world().await;
    let bearer = format!("Bearer {token}");

    let header = get(&world, "/api/v1/me", &[("x-api-key", b"")]).await;
    let blank = get(&world, "/api/v1/me", &[("x-api-key", b"  ")]).await;
    let query = get(&world, "/api/v1/me?api-key=", &[]).await;
    let beside = [("authorization", bearer.as_bytes()), ("x-api-key", b"")];
    let beside = get(&world, "/api/v1/me", &beside).await;

    for answer in [header, blank, query, beside] {
        assert_refused(&answer, 401, "UNAUTHORIZED", "the API key is empty");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(challenge(&world, "/api/v1/me", "").as_str())
        );
    }
}

#[tokio::test]
async fn two_credentials_are_400_even_if_both_are_good() {
    let (world, Credentials { token, key, .. }) = world().await;
    let (bearer, bearer_key) = (format!("Bearer {token}"), format!("Bearer {key}"));
    let query = format!("?api-key={key}");

    for (query, headers) in [
        ("", &[("authorization", bearer.as_str()), ("x-api-key", &key)][..]),
        ("", &[("authorization", &bearer), ("authorization", &bearer_key)]),
        ("", &[("x-api-key", &key), ("x-api-key", "lk_live_other")]),
        ("", &[("authorization", &bearer_key), ("x-api-key", "x")]),
        ("", &[("authorization", "Bearer x"), ("x-api-key", "y")]),
        (&query, &[("authorization", &bearer)]),
        (&query, &[("x-api-key", "x")]),
        ("?api-key=x&api-key=y", &[]),
    ] {
        for path in ROUTES {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();

            let answer = get(&world, &format!("{path}{query}"), &headers).await;

            let message = "two different credentials were presented";
            assert_refused(&answer, 400, "INVALID_REQUEST", message);
            assert_eq!(answer.header("www-authenticate"), None);
        }
    }
}

#[tokio::test]
async fn what_is_nobodys_credential_is_401_invalid_token() {
    let (world, Credentials { token, refresh_token, key }) = world().await;
    let unknown = Secret::<AccessToken>::from_entropy(&[9; 32]);
    let changed = format!("{}x", &token[..token.len() - 1]);
    let long = "x".repeat(513);
    let key_of_nobody = with_checksum(format!("lk_live_{}", "a".repeat(30)));

    for (credential, message) in [
        ("x", NOT_VALID),
        ("null", NOT_VALID),
        (&long, NOT_VALID),
        (&changed, NOT_VALID),
        (&token[..token.len() - 1], NOT_VALID),
        (&format!("{token}, {token}"), NOT_VALID),
        (&token.to_uppercase(), NOT_VALID),
        (&refresh_token, NOT_VALID),
        ("lk_at_", NOT_VALID),
        ("fe_k_0123456789abcdef0123456789ABCDEF", NOT_VALID),
        ("fe_k_0123456789abcdef", NOT_VALID),
        (&format!("{key}x"), NOT_VALID),
        (&format!("{key} x"), NOT_VALID),
        (&format!("{key},"), NOT_VALID),
        (&format!("\"{key}\""), NOT_VALID),
        (&"x".repeat(20_000), NOT_VALID),
        (&key.to_uppercase(), NOT_VALID),
        ("fe_k_0123456789abcdef0123456789abcdef", "the API key is not valid or was revoked"),
        (&key_of_nobody, "the API key is not valid or was revoked"),
        (unknown.reveal(), "the access token is not valid, has expired or was revoked"),
    ] {
        for path in ROUTES {
            let answer = ApiCaller::bearer(&world, credential).get(path).await;

            assert_refused(&answer, 401, "UNAUTHORIZED", message);
            let expected = invalid_token(&world, path);
            assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        }
    }
}

#[tokio::test]
async fn no_refusal_repeats_what_was_sent() {
    let (world, Credentials { token, refresh_token, key }) = world().await;
    let marked = "lk_live_<script>alert(1)</script>";

    for credential in [marked, &format!("{token}z"), &format!("{key}z"), &refresh_token] {
        let path = format!("/api/v1/verify?scope=%3Cb%3E&api-key={credential}");
        let answer = ApiCaller::anonymous(&world).get(&path).await.expect(401);

        let whole = format!("{}{:?}", answer.body, answer.headers);
        assert!(!whole.contains(credential) && !whole.contains("<b>"), "{whole}");
    }
}

#[tokio::test]
async fn an_access_token_does_not_travel_in_a_query() {
    let (world, Credentials { token, .. }) = world().await;
    let answer = get(&world, &format!("/api/v1/me?api-key={token}"), &[]).await;

    assert_refused(&answer, 401, "UNAUTHORIZED", "access tokens are not accepted in a query");
    assert_eq!(
        answer.header("www-authenticate"),
        Some(invalid_token(&world, "/api/v1/me").as_str())
    );
    // RFC 6750 §2.3 is not offered: such a parameter is none of ours
    let unread = get(&world, &format!("/api/v1/me?access_token={token}"), &[]).await;
    assert_eq!(
        unread.header("www-authenticate"),
        Some(challenge(&world, "/api/v1/me", "").as_str())
    );
}

#[tokio::test]
async fn an_access_token_is_no_api_key() {
    let (world, Credentials { token, .. }) = world().await;

    let answer = get(&world, "/api/v1/me", &[("x-api-key", token.as_bytes())]).await;

    let message = "X-API-Key takes API keys; access tokens go into Authorization: Bearer";
    assert_refused(&answer, 401, "UNAUTHORIZED", message);
}

/// SW-5: not recommended, so that a product must say that it wants it.
#[tokio::test]
async fn a_key_does_not_travel_in_a_query_unless_its_product_allows_it() {
    let (world, Credentials { key, .. }) = world().await;
    let message = "keys of this product are not accepted in a query";

    for path in ROUTES {
        let alone = get(&world, &format!("{path}?api-key={key}"), &[]).await;
        let headers = [("x-api-key", key.as_bytes())];
        let beside = get(&world, &format!("{path}?api-key={key}"), &headers).await;

        assert_refused(&alone, 401, "UNAUTHORIZED", message);
        assert_refused(&beside, 401, "UNAUTHORIZED", message);
    }
}

#[tokio::test]
async fn a_parameter_of_another_name_or_case_is_no_credential() {
    let (world, Credentials { key, .. }) = world().await;

    for name in ["API-KEY", "apikey", "api_key", "x-api-key", "key"] {
        let answer = get(&world, &format!("/api/v1/me?{name}={key}"), &[]).await;

        assert_eq!(
            answer.header("www-authenticate"),
            Some(challenge(&world, "/api/v1/me", "").as_str())
        );
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_ours() {
    let (world, Credentials { key, .. }) = world().await;
    let mut seen = Vec::new();

    for path in ["/api/v1/me", "/api/v1/verify", "/api/v1/nothing", "/openapi.json", "/docs"] {
        for caller in [ApiCaller::anonymous(&world), ApiCaller::key(&world, &key)] {
            let request = caller.request(path).header("x-request-id", "mine");
            seen.push(request_id(&Answer::to(request).await));
        }
    }

    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[tokio::test]
async fn a_body_on_a_get_is_not_read() {
    let (world, Credentials { key, .. }) = world().await;
    let request = ApiCaller::key(&world, &key).request("/api/v1/me");

    let answer = Answer::to(request.body("{".repeat(100_000))).await;

    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_key_that_was_deleted_and_a_guess_are_the_same() {
    let (world, _) = world().await;
    let other = world.workspace("other").await;
    let robot = world.service_account(&other, "ci").await;
    let deleted =
        world.key_of(new_key(&other, KeyOwner::ServiceAccount(robot), "leads:read")).await;
    let me = ApiCaller::key(&world, &deleted).me().await.expect(200).json();
    let id = me["credential"]["id"].as_str().unwrap().parse().unwrap();
    assert!(manage::delete(&world.app, Actor::Operator, other.id, id).await.unwrap());
    let guess = with_checksum(format!("lk_live_{}", "b".repeat(30)));

    for key in [&deleted, &guess] {
        let answer = ApiCaller::key(&world, key).me().await;

        assert_refused(&answer, 401, "UNAUTHORIZED", "the API key is not valid or was revoked");
    }
}
