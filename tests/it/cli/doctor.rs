//! `latchkey doctor oauth`: looks at a running server from outside, as clients do.

use std::{
    collections::BTreeMap,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::support::{Answer, Host, Reply, World};

async fn doctor(issuer: &str, more: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    process.env_clear().current_dir(directory.path());
    process.args(["doctor", "oauth", "--issuer", issuer]).args(more);
    // the server that it looks at runs in this process
    tokio::task::spawn_blocking(move || process.output().unwrap()).await.unwrap()
}

fn checks(output: &Output) -> Vec<(String, Option<String>)> {
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let check = |it: &Value| {
        let problem = it["problem"].as_str().map(str::to_owned);
        assert_eq!(it["ok"], problem.is_none());
        (it["check"].as_str().unwrap().to_owned(), problem)
    };
    checks.iter().map(check).collect()
}

/// The names of the checks that failed.
fn failed(output: &Output) -> Vec<String> {
    let wrong = checks(output).into_iter().filter(|(_, problem)| problem.is_some());
    wrong.map(|(name, _)| name).collect()
}

/// CS-X4, CS-X3: what a running server promises is there.
#[tokio::test]
async fn a_running_server_is_well() {
    let world = World::new().await;

    let output = doctor(&world.url(""), &["--json"]).await;

    assert_eq!(failed(&output), Vec::<String>::new());
    assert!(output.status.success(), "{output:?}");
    let checks = checks(&output);
    let names: Vec<_> = checks.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "the issuer is an https URL",
        "the server's metadata are there (RFC 8414)",
        "they name the issuer",
        "OpenID Connect discovery says the same",
        "jwks_uri is there",
        "the keys are there",
        "each key is public and has a name of its own",
        "token_endpoint answers",
        "registration_endpoint answers",
        "authorization_endpoint answers",
        "userinfo_endpoint answers",
        "code_challenge_methods_supported has S256",
        "a bare 401 leads to the resource's metadata (RFC 9728)",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/oauth/jwks.json";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const PROTECTED: &str = "/api/v1/me";

/// Somebody else's server that answers every question of the doctor's as a sound server does.
struct Double {
    host: Host,
    answers: BTreeMap<String, Answer>,
    issuer: String,
}

impl Double {
    async fn of(world: &World) -> Self {
        let metadata = world.metadata().await;
        let members = metadata.as_object().unwrap().iter();
        let endpoints = members.filter(|(name, _)| name.ends_with("_endpoint"));
        let endpoints = endpoints.map(|(_, url)| url.as_str().unwrap());
        let endpoints = endpoints.map(|url| url.strip_prefix(&world.url("")).unwrap().to_owned());
        let resources = ["", "/api", PROTECTED].map(|part| format!("{RESOURCE}{part}"));
        let others = [OAUTH, OPENID, KEYS, PROTECTED].map(str::to_owned);
        let mut answers = BTreeMap::new();
        for path in endpoints.chain(resources).chain(others) {
            let answer = Answer::to(world.http.get(world.url(&path))).await;
            answers.insert(path, answer);
        }
        let double = Self { host: Host::new().await, answers, issuer: world.url("") };
        double.answers.keys().for_each(|path| double.spoil(path, |_| {}));
        double
    }

    /// From now on a path answers as a sound server does but for this.
    fn spoil(&self, path: &str, change: impl Fn(&mut Said)) {
        let answer = &self.answers[path];
        let header = |name| answer.header(name).unwrap_or_default().to_owned();
        let mut said = Said {
            status: answer.status,
            media_type: header("content-type"),
            challenge: header("www-authenticate"),
            body: answer.body.clone(),
        };
        change(&mut said);
        let Said { status, media_type, challenge, body } = said;
        let body = body.replace(&self.issuer, &self.host.url(""));
        let challenge = challenge.replace(&self.issuer, &self.host.url(""));
        let length = body.len();
        let whole = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\nwww-authenticate: {challenge}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        self.host.says(path, Reply::Raw(whole));
    }

    /// The same for a member of both documents about the server, which then agree with each other.
    fn spoil_metadata(&self, change: impl Fn(&mut Value)) {
        for path in [OAUTH, OPENID] {
            self.spoil(path, |said| said.document(&change));
        }
    }
}

/// An answer that can be spoilt.
struct Said {
    status: u16,
    media_type: String,
    challenge: String,
    body: String,
}

impl Said {
    fn document(&mut self, change: impl Fn(&mut Value)) {
        let mut document = serde_json::from_str(&self.body).unwrap();
        change(&mut document);
        self.body = document.to_string();
    }
}

fn without(member: &'static str) -> impl Fn(&mut Value) {
    move |document| drop(document.as_object_mut().unwrap().remove(member).unwrap())
}

type Spoil = Box<dyn Fn(&Double)>;

/// What can be wrong, and which checks fail then.
fn ailments() -> Vec<(Spoil, Vec<&'static str>)> {
    let metadata = |change: fn(&mut Value)| -> Spoil {
        Box::new(move |double: &Double| double.spoil_metadata(change))
    };
    let at = |path: &'static str, change: fn(&mut Said)| -> Spoil {
        Box::new(move |double: &Double| double.spoil(path, change))
    };
    let challenge = "a bare 401 leads to the resource's metadata (RFC 9728)";
    let named = "each key is public and has a name of its own";
    vec![
        (
            metadata(|it| it["code_challenge_methods_supported"] = json!(["plain"])),
            vec!["code_challenge_methods_supported has S256"],
        ),
        (metadata(without_token_endpoint), vec!["token_endpoint is there"]),
        (
            metadata(|it| it["jwks_uri"] = Value::Null),
            vec!["jwks_uri is there", "no member is null"],
        ),
        (
            metadata(|it| it["token_endpoint"] = "https://id.example/oauth/token".into()),
            vec!["every address is http, as the issuer", "token_endpoint answers"],
        ),
        (metadata(|it| it["issuer"] = "http://127.0.0.1:1".into()), vec!["they name the issuer"]),
        (
            at(OPENID, |said| said.document(without("userinfo_endpoint"))),
            vec!["OpenID Connect discovery says the same"],
        ),
        (at(OPENID, |said| said.status = 404), vec!["OpenID Connect discovery says the same"]),
        (at(KEYS, |said| said.status = 404), vec!["the keys are there"]),
        (at(KEYS, |said| said.document(|it| it["keys"][0]["d"] = "x".into())), vec![named]),
        (at("/oauth/token", |said| said.status = 404), vec!["token_endpoint answers"]),
        (at("/oauth/userinfo", |said| said.status = 200), vec!["userinfo_endpoint answers"]),
        (at(PROTECTED, |said| "Bearer".clone_into(&mut said.challenge)), vec![challenge]),
        (at(PROTECTED, |said| said.status = 403), vec![challenge]),
    ]
}

fn without_token_endpoint(document: &mut Value) {
    without("token_endpoint")(document);
}

/// CS-X4: whatever is wrong is named, and nothing else is.
#[tokio::test]
async fn each_ailment_is_named() {
    let world = World::new().await;
    let double = Double::of(&world).await;
    let output = doctor(&double.host.url(""), &["--json"]).await;
    assert_eq!(failed(&output), Vec::<String>::new(), "the sound server's double");
    assert!(output.status.success(), "{output:?}");

    for (spoil, expected) in ailments() {
        spoil(&double);

        let output = doctor(&double.host.url(""), &["--json"]).await;

        assert_eq!(failed(&output), expected);
        assert_eq!(output.status.code(), Some(1), "{expected:?}");
        double.answers.keys().for_each(|path| double.spoil(path, |_| {}));
    }
}

/// RFC 9728 §3.3: metadata that describe something else, or name another server, lead nowhere.
#[tokio::test]
async fn a_resource_that_does_not_lead_back_is_named() {
    let world = World::new().await;
    let double = Double::of(&world).await;
    let issuer = double.host.url("");
    for (part, resource) in [(PROTECTED, PROTECTED), ("/api", "/api"), ("", "")] {
        let path = format!("{RESOURCE}{part}");
        let elsewhere = json!("https://evil.example");
        for (member, value) in
            [("resource", elsewhere.clone()), ("authorization_servers", json!([elsewhere]))]
        {
            double.spoil(&path, |said| said.document(|it| it[member] = value.clone()));

            let output = doctor(&issuer, &["--json"]).await;

            let name = format!("the metadata of {issuer}{resource} lead back here");
            assert_eq!(failed(&output), [name], "{member}");
        }
        double.spoil(&path, |_| {});
    }
}

#[tokio::test]
async fn a_server_that_is_another_one_is_not_well() {
    let world = World::with(|config| "https://id.example".clone_into(&mut config.issuer)).await;

    let output = doctor(&world.url(""), &[]).await;

    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("FAIL  they name the issuer: they name https://id.example"), "{said}");
    assert!(said.contains("ok    the issuer is an https URL"), "{said}");
    let failure = String::from_utf8(output.stderr).unwrap();
    assert!(failure.starts_with("latchkey: ") && failure.contains("checks failed"), "{failure}");
}

#[tokio::test]
async fn nobody_there_is_one_failure() {
    let output = doctor("http://127.0.0.1:1", &["--json"]).await;

    assert_eq!(output.status.code(), Some(1));
    let checks = checks(&output);
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert!(checks[1].1.as_ref().unwrap().contains("cannot be reached"), "{checks:?}");
}

/// A server's words are not orders to the terminal.
#[tokio::test]
async fn what_is_no_server_of_ours_is_named() {
    let host = Host::new().await;
    let path = "/.well-known/oauth-authorization-server";
    for (reply, said) in [
        (Reply::Json("[]".to_owned()), "is no JSON object"),
        (Reply::Json("x".to_owned()), "is no JSON"),
        (
            Reply::Raw(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}".into(),
            ),
            "is not application/json",
        ),
        (Reply::Json(r#"{"issuer":"\u001b[2Jevil"}"#.to_owned()), "they name"),
    ] {
        host.says(path, reply);

        let output = doctor(&host.url(""), &[]).await;

        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(said), "{told}");
        assert!(!told.contains('\u{1b}'), "{told:?}");
        assert_eq!(output.status.code(), Some(1));
    }
}
