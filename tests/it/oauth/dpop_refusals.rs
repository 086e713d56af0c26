//! Proofs of possession that are none (RFC 9449 §4.3), in the order of the checks.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, ClientApp, Holder, Tokens, World, service};

const TOKEN: &str = "/oauth/token";
const NONE: &str = "the DPoP header is no signed proof of type dpop+jwt";
const ELSEWHERE: &str = "htm or htu of the proof is not the request's";
const LATE: &str = "iat is not within a minute of this server's clock";

async fn world() -> (World, ClientApp, Holder) {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    (world, client, Holder::new())
}

async fn send(client: &ClientApp, proofs: &[&str]) -> Answer {
    let request = client.request(TOKEN, &[("grant_type", "client_credentials")]);
    let with = |request: reqwest::RequestBuilder, proof: &&str| request.header("dpop", *proof);
    Answer::to(proofs.iter().fold(request, with)).await
}

#[track_caller]
fn assert_refused(answer: &Answer, description: &str) {
    let body = json!({ "error": "invalid_dpop_proof", "error_description": description });
    assert_eq!(answer.shown(), (400, body));
}

#[tokio::test]
async fn there_is_one_header_with_one_proof() {
    let (world, client, holder) = world().await;
    let good = || holder.proof(&world, TOKEN);

    assert_refused(&send(&client, &[&good(), &good()]).await, "there is more than one DPoP header");
    for bad in ["", "x", "a.b.c", &format!("{}, {}", good(), good()), &"a.".repeat(5_000)] {
        assert_refused(&send(&client, &[bad]).await, NONE);
    }
    Tokens::of(&send(&client, &[&good()]).await);
}

/// Header members that spoil a proof, each with what is said about it.
fn spoilt_headers(holder: &Holder) -> Vec<(&'static str, Value, &'static str)> {
    let algorithm = "the proof is not signed with an algorithm for proofs";
    let key = "the key of the proof is no public key for signatures";
    let signature = "the signature of the proof is not that of its key";
    let mut private = holder.jwk();
    private["d"] = "AAAA".into();
    vec![
        ("typ", json!("JWT"), NONE),
        ("typ", json!(null), NONE),
        ("alg", json!("none"), NONE),
        ("alg", json!("HS256"), NONE),
        ("crit", json!(["x"]), NONE),
        ("alg", json!("RS256"), algorithm),
        ("jwk", json!(null), "the proof has no public key"),
        ("jwk", private, key),
        ("jwk", json!({ "kty": "oct", "k": "c2VjcmV0" }), key),
        ("jwk", json!({ "kty": "EC", "crv": "P-256" }), key),
        ("jwk", Holder::new().jwk(), signature),
        ("alg", json!("EdDSA"), signature),
        ("alg", json!("PS256"), signature),
    ]
}

/// Claims that spoil it.
fn spoilt_claims(world: &World) -> Vec<(&'static str, Value, &'static str)> {
    let jti = "jti must be a text of 1 to 255 characters";
    let url = |path: &str| json!(world.url(path));
    vec![
        ("jti", json!(null), jti),
        ("jti", json!(""), jti),
        ("jti", json!(7), jti),
        ("jti", json!("x".repeat(256)), jti),
        ("htm", json!(null), ELSEWHERE),
        ("htm", json!("GET"), ELSEWHERE),
        ("htm", json!("post"), ELSEWHERE),
        ("htu", json!(null), ELSEWHERE),
        ("htu", url("/oauth/par"), ELSEWHERE),
        ("htu", url("/oauth/token/"), ELSEWHERE),
        ("htu", json!("https://evil.example/oauth/token"), ELSEWHERE),
        ("htu", json!(TOKEN), ELSEWHERE),
        ("iat", json!(null), LATE),
        ("iat", json!("now"), LATE),
        ("iat", json!(-1), LATE),
        ("iat", json!(1e300), LATE),
    ]
}

#[tokio::test]
async fn every_part_of_a_proof_is_looked_at() {
    let (world, client, holder) = world().await;
    let draft = || holder.draft(&world, "POST", TOKEN);

    for (member, value, description) in spoilt_headers(&holder) {
        let proof = holder.sign(&draft().headed(member, value.clone()));
        let answer = send(&client, &[&proof]).await;
        assert_eq!(answer.json()["error_description"], description, "{member} {value}");
        assert_refused(&answer, description);
    }
    for (claim, value, description) in spoilt_claims(&world) {
        let proof = holder.sign(&draft().with(claim, value.clone()));
        let answer = send(&client, &[&proof]).await;
        assert_eq!(answer.json()["error_description"], description, "{claim} {value}");
        assert_refused(&answer, description);
    }
    let same = draft().with("htu", format!("{}?a=b#c", world.url(TOKEN)));
    Tokens::of(&send(&client, &[&holder.sign(&same)]).await);
}

/// CS-T9: a minute old and ten seconds ahead are good; more is not.
#[tokio::test]
async fn clocks_may_differ_a_little() {
    let (world, client, holder) = world().await;
    let now = world.clock.unix();
    for (seconds, is_good) in [(-61, false), (-59, true), (0, true), (10, true), (20, false)] {
        let draft = holder.draft(&world, "POST", TOKEN).with("iat", now + seconds);

        let answer = send(&client, &[&holder.sign(&draft)]).await;

        assert_eq!(answer.status == 200, is_good, "{seconds} {}", answer.body);
    }
}

/// RFC 9449 §11.1: a proof is used once, whoever uses it, and however many at once.
#[tokio::test]
async fn a_proof_works_once() {
    let (world, client, holder) = world().await;
    let proof = holder.proof(&world, TOKEN);

    let proofs = [proof.as_str()];
    let answers = join_all((0..8).map(|_| send(&client, &proofs))).await;

    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1);
    let used = "the proof was used before";
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_refused(refused, used);
    }
    assert_eq!(world.audited("dpop_proof.replay").await, 1, "once a minute");
    world.clock.advance(TimeDelta::seconds(30));
    assert_refused(&send(&client, &[&proof]).await, used);
    latchkey::jobs::sweep::run_once(&world.app).await.unwrap();
    assert_refused(&send(&client, &[&proof]).await, used);
    // another key may use the same name
    let jti = holder.draft(&world, "POST", TOKEN).with("jti", "one");
    Tokens::of(&send(&client, &[&holder.sign(&jti)]).await);
    let other = Holder::new();
    let jti = other.draft(&world, "POST", TOKEN).with("jti", "one");
    Tokens::of(&send(&client, &[&other.sign(&jti)]).await);
    // and once nobody would take it any more, it is forgotten
    world.clock.advance(TimeDelta::seconds(62));
    assert_refused(&send(&client, &[&proof]).await, LATE);
    assert!(latchkey::jobs::sweep::run_once(&world.app).await.unwrap() >= 3);
}

/// A proof spends nothing for whoever has not proved to be the client.
#[tokio::test]
async fn a_stranger_cannot_spend_a_proof() {
    let (world, client, holder) = world().await;
    let proof = holder.proof(&world, TOKEN);
    let stranger = client.with_secret(Some("lk_cs_wrong"));

    assert_eq!(send(&stranger, &[&proof]).await.status, 401);

    Tokens::of(&send(&client, &[&proof]).await);
}
