//! `POST /api/v1/leaked/github`: the report of GitHub's secret scanning, with keys of the test's own.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use latchkey::crypto::{digest, secret::with_checksum};
use reqwest::{Method, RequestBuilder};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::{forbidden, nothing_there, refused};
use crate::support::{Acme, Answer, ApiCaller, Host, Reply, Tokens, World};

const PATH: &str = "/api/v1/leaked/github";
const KEYS: &str = "/meta/public_keys/secret_scanning";
const PLACE: &str = "https://github.com/acme/site/blob/main/.env";
const FORGED: &str = "the signature is not that of a key of GitHub";
/// How a public key on P-256 begins (RFC 5480 §2).
const SPKI: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/// Whoever signs as GitHub does.
struct Signer {
    name: String,
    pair: EcdsaKeyPair,
}

#[expect(clippy::disallowed_methods, reason = "ring takes no other generator")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

impl Signer {
    fn new(name: &str) -> Self {
        let how = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(how, &random()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(how, pkcs8.as_ref(), &random()).unwrap();
        Self { name: name.to_owned(), pair }
    }

    /// The key as GitHub publishes it.
    fn published(&self) -> Value {
        let hex = |byte| u8::from_str_radix(&SPKI[byte..byte + 2], 16).unwrap();
        let mut der: Vec<u8> = (0..SPKI.len()).step_by(2).map(hex).collect();
        der.extend(self.pair.public_key().as_ref());
        let pem = STANDARD.encode(der);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
        json!({ "key_identifier": self.name, "key": pem, "is_current": true })
    }

    fn sign(&self, body: &str) -> String {
        STANDARD.encode(self.pair.sign(&random(), body.as_bytes()).unwrap())
    }
}

/// GitHub, and a server that it may report to.
struct GitHub {
    host: Host,
    signer: Signer,
    world: World,
    acme: Acme,
}

impl GitHub {
    async fn new() -> Self {
        let (host, signer) = (Host::new().await, Signer::new("one"));
        publish(&host, &[&signer]);
        let url = host.url(KEYS);
        let world = World::with(|config| {
            config.leaks.github = true;
            config.leaks.github_keys_url = url;
            config.http.allow_private_fetches = true;
        })
        .await;
        let acme = world.acme().await;
        Self { host, signer, world, acme }
    }

    /// A request with this body, not sent yet.
    fn request(&self, body: &str) -> RequestBuilder {
        let request = ApiCaller::anonymous(&self.world).with_method(Method::POST, PATH);
        request.header("content-type", "application/json").body(body.to_owned())
    }

    async fn signed_as(&self, name: &str, signature: &str, body: &str) -> Answer {
        let request = self.request(body).header("Github-Public-Key-Identifier", name);
        Answer::to(request.header("Github-Public-Key-Signature", signature)).await
    }

    /// Reports this body, signed as it should be.
    async fn report(&self, body: &str) -> Answer {
        self.signed_as(&self.signer.name, &self.signer.sign(body), body).await
    }

    async fn key(&self) -> String {
        self.world.key(&self.acme.workspace, &self.acme.ada, "leads:read").await
    }
}

fn publish(host: &Host, signers: &[&Signer]) {
    let keys: Vec<_> = signers.iter().map(|signer| signer.published()).collect();
    host.says(KEYS, Reply::Json(json!({ "public_keys": keys }).to_string()));
}

fn found(tokens: &[&str]) -> String {
    let one = |token: &&str| json!({ "token": token, "type": "latchkey_api_key", "url": PLACE, "source": "content" });
    Value::Array(tokens.iter().map(one).collect()).to_string()
}

fn feedback(token: &str, label: &str) -> Value {
    let hash = digest::hex(&digest::sha256(token.as_bytes()));
    json!({ "token_hash": hash, "token_type": "latchkey_api_key", "label": label })
}

#[tokio::test]
async fn what_github_has_found_is_revoked_and_answered() {
    let github = GitHub::new().await;
    let (world, key) = (&github.world, github.key().await);
    let tokens = Tokens::of(&world.script().await.password(&github.acme.ada).await);
    let unknown = with_checksum(format!("lk_live_{}", "a".repeat(30)));

    let body = found(&[&key, &tokens.access, &unknown, "AKIAIOSFODNN7EXAMPLE"]);
    let answer = github.report(&body).await.expect(200);

    let labels = [
        feedback(&key, "true_positive"),
        feedback(&tokens.access, "true_positive"),
        feedback(&unknown, "false_positive"),
        feedback("AKIAIOSFODNN7EXAMPLE", "false_positive"),
    ];
    assert_eq!(answer.json(), json!(labels));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!answer.body.contains(&key));
    for credential in [&key, &tokens.access] {
        assert_eq!(ApiCaller::bearer(world, credential).me().await.status, 401);
    }
    let letters = world.take_mail().await;
    assert!(letters.iter().all(|letter| letter.text.contains(PLACE)), "{letters:?}");
    let events = world.audit_events().await;
    let events = events.iter().filter(|event| event.action == "credential.leaked");
    let details: Vec<_> = events.filter_map(|event| event.detail.clone()).collect();
    let says = format!("API key; it was ended; reported by GitHub, found at {PLACE}");
    assert_eq!((details.len(), &details[0]), (2, &says));
}

/// Nothing in a report tells it from one that is sent again.
#[tokio::test]
async fn a_report_that_is_sent_again_is_answered_the_same_and_does_nothing() {
    let github = GitHub::new().await;
    let body = found(&[&github.key().await]);
    let signature = github.signer.sign(&body);

    let first = github.signed_as("one", &signature, &body).await.expect(200);
    let second = github.signed_as("one", &signature, &body).await.expect(200);

    assert_eq!(first.body, second.body);
    assert!(second.body.contains("true_positive"));
    assert_eq!(github.world.audited("credential.leaked").await, 1);
    assert_eq!(github.world.take_mail().await.len(), 1);
    assert_eq!(github.host.asked(KEYS), 1);
}

/// A page's address can hold what was found on it, and the end of a line.
#[tokio::test]
async fn what_the_address_of_a_page_says_is_not_repeated_in_full() {
    let github = GitHub::new().await;
    let key = github.key().await;
    let url = format!("https://github.com/x?{key}\r\nBcc: all@example.com{}", "y".repeat(2_000));
    let body = json!([{ "token": key, "type": "t", "url": url }]).to_string();

    github.report(&body).await.expect(200);

    let letter = github.world.take_mail().await.remove(0);
    assert!(!letter.text.contains(&key) && letter.text.contains("https://github.com/x?…Bcc:"));
    let events = github.world.audit_events().await;
    let event = events.iter().find(|event| event.action == "credential.leaked").unwrap();
    let detail = event.detail.as_deref().unwrap();
    assert!(detail.len() < 700 && !detail.contains(&key) && !detail.contains('\n'), "{detail}");
}

#[tokio::test]
async fn without_the_setting_there_is_nothing() {
    let world = World::new().await;
    let caller = ApiCaller::anonymous(&world);

    for method in [Method::POST, Method::GET, Method::DELETE] {
        let answer = Answer::to(caller.with_method(method, PATH)).await;
        assert_eq!(answer.shown(), nothing_there());
    }
    let beside = ApiCaller::anonymous(&world).get("/api/v1/leaked/other").await;
    assert_eq!(beside.shown(), nothing_there());
}

#[tokio::test]
async fn it_is_only_posted_as_json_of_a_bounded_size() {
    let github = GitHub::new().await;
    let caller = ApiCaller::anonymous(&github.world);

    let read = caller.get(PATH).await;
    let form = caller.post_bytes(PATH, "text/plain", b"[]".to_vec()).await;
    let large = caller.post_bytes(PATH, "application/json", vec![b' '; (1 << 20) + 1]).await;

    assert_eq!((read.status, read.header("allow")), (405, Some("POST")));
    assert_eq!(form.status, 415);
    assert_eq!(large.status, 413);
    assert_eq!(github.host.asked(KEYS), 0);
}

#[tokio::test]
async fn both_headers_must_be_there_once() {
    let github = GitHub::new().await;
    let (body, (key, signature)) =
        (found(&[]), ("Github-Public-Key-Identifier", "Github-Public-Key-Signature"));
    let refusal = |name: &str| {
        refused(400, "INVALID_REQUEST", &format!("the header {name} must be there once"))
    };
    let signed = github.signer.sign(&body);

    let none = Answer::to(github.request(&body)).await;
    let one = Answer::to(github.request(&body).header(key, "one")).await;
    let request = github.request(&body).header(key, "one").header(signature, &signed);
    let two = Answer::to(request.header(signature, &signed)).await;

    assert_eq!(none.shown(), refusal(key));
    assert_eq!(one.shown(), refusal(signature));
    assert_eq!(two.shown(), refusal(signature));
}

#[tokio::test]
async fn what_github_has_not_signed_does_nothing() {
    let github = GitHub::new().await;
    let key = github.key().await;
    let (body, stranger) = (found(&[&key]), Signer::new("one"));
    let good = github.signer.sign(&body);
    let other = github.signer.sign(&found(&["x"]));

    for (name, signature) in [
        ("one", stranger.sign(&body)),
        ("one", other),
        ("one", String::new()),
        ("one", "!".to_owned()),
        ("one", good.repeat(3)),
        ("one", good.trim_end_matches('=').to_owned() + "A"),
        ("two", good.clone()),
        ("", good.clone()),
    ] {
        let answer = github.signed_as(name, &signature, &body).await;
        assert_eq!(answer.shown(), forbidden(FORGED), "{name} {signature}");
    }
    // the bytes count, and not what they mean
    let spaced = github.signed_as("one", &good, &body.replace("\":", "\": ")).await;
    assert_eq!(spaced.shown(), forbidden(FORGED));
    assert_eq!(ApiCaller::bearer(&github.world, &key).me().await.status, 200);
    github.signed_as("one", &good, &body).await.expect(200);
}

/// GitHub is asked for a key that is missing, and not by everybody who makes one up.
#[tokio::test]
async fn new_keys_are_found_and_invented_ones_ask_github_seldom() {
    let github = GitHub::new().await;
    let (body, next) = (found(&["x"]), Signer::new("two"));
    github.report(&body).await.expect(200);

    for number in 0..20 {
        let name = format!("invented {number}");
        assert_eq!(github.signed_as(&name, "AAAA", &body).await.status, 403);
    }
    assert_eq!(github.host.asked(KEYS), 1);
    publish(&github.host, &[&next]);
    github.world.clock.advance(TimeDelta::seconds(30));

    let answer = github.signed_as("two", &next.sign(&body), &body).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(github.host.asked(KEYS), 2);
    assert_eq!(github.report(&body).await.status, 403, "its key is withdrawn");
}

#[tokio::test]
async fn while_the_keys_cannot_be_had_the_report_is_to_come_again() {
    let github = GitHub::new().await;
    let (key, host) = (github.key().await, &github.host);
    let body = found(&[&key]);
    let gone = "HTTP/1.1 500 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();

    for reply in [
        Reply::Raw(gone),
        Reply::Json("[]".to_owned()),
        Reply::Json(json!({ "public_keys": [], "x": "y".repeat(70_000) }).to_string()),
    ] {
        host.says(KEYS, reply);
        let answer = github.report(&body).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.header("retry-after").is_some());
        let asked = host.asked(KEYS);
        assert_eq!(github.report(&body).await.status, 503);
        assert_eq!(host.asked(KEYS), asked, "GitHub is left in peace for a while");
        github.world.clock.advance(TimeDelta::minutes(5));
    }
    publish(host, &[&github.signer]);

    github.report(&body).await.expect(200);
    assert_eq!(ApiCaller::bearer(&github.world, &key).me().await.status, 401);
}

#[tokio::test]
async fn a_signed_body_that_is_no_report_is_refused() {
    let github = GitHub::new().await;
    let many: Vec<_> = vec![json!({ "token": "x", "type": "t" }); 2_001];
    let key = github.key().await;
    for body in [
        String::new(),
        "{}".to_owned(),
        "[1]".to_owned(),
        "[{\"type\":\"t\"}]".to_owned(),
        "[{\"token\":\"x\"}]".to_owned(),
        format!("[{{\"token\":\"{key}\",\"token\":\"x\",\"type\":\"t\"}}]"),
        format!("[{{\"token\":\"{key}\",\"type\":\"t\"}},{{\"token\":7}}]"),
        Value::Array(many).to_string(),
    ] {
        let answer = github.report(&body).await;
        assert_eq!(answer.status, 400, "{body:.80}");
    }
    assert_eq!(ApiCaller::bearer(&github.world, &key).me().await.status, 200);
    assert_eq!(github.report("[]").await.expect(200).json(), json!([]));
}
