//! nginx with `examples/nginx.conf` (`auth_request`) before an API, Debian's nginx, for real.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use latchkey::config::{Config, DpopNonce};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::backend::Backend;
use crate::support::{Acme, Answer, Holder, Tokens, World, service};

/// Where Debian installs it; not in everybody's PATH.
const PROGRAMS: [&str; 2] = ["/usr/sbin/nginx", "/usr/local/nginx/sbin/nginx"];
const START: Duration = Duration::from_secs(10);

/// nginx between its clients and an API; it ends when dropped.
struct Nginx {
    address: SocketAddr,
    process: Child,
    directory: TempDir,
}

impl Nginx {
    async fn before(backend: SocketAddr, latchkey: SocketAddr) -> Self {
        // another process may take the port between the question and the start
        for _ in 0..5 {
            if let Some(nginx) = Self::try_start(backend, latchkey).await {
                return nginx;
            }
        }
        panic!("nginx did not start");
    }

    async fn try_start(backend: SocketAddr, latchkey: SocketAddr) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let file = directory.path().join("nginx.conf");
        fs::write(&file, configuration(directory.path(), address, backend, latchkey)).unwrap();
        drop(free);
        let log = fs::File::create(directory.path().join("stderr")).unwrap();
        let mut command = Command::new(program());
        command.arg("-p").arg(directory.path()).arg("-c").arg(&file);
        let globals = "daemon off; master_process off; pid nginx.pid; error_log stderr;";
        command.args(["-e", "stderr", "-g", globals]).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().unwrap();
        let mut nginx = Self { address, process, directory };
        nginx.is_up().await.then_some(nginx)
    }

    async fn is_up(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < START {
            if self.process.try_wait().unwrap().is_some() {
                let words = self.file("stderr");
                assert!(words.contains("Address already in use"), "nginx: {words}");
                return false;
            }
            if tokio::net::TcpStream::connect(self.address).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nginx is not up after {START:?}: {}", self.file("stderr"));
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> &'static str {
    let installed = PROGRAMS.into_iter().find(|program| Path::new(program).exists());
    installed.unwrap_or_else(|| {
        let found = Command::new("nginx").arg("-v").stderr(Stdio::null()).status();
        assert!(
            found.is_ok_and(|status| status.success()),
            "nginx is not installed: install Debian's package 'nginx', or let tests/run do it"
        );
        "nginx"
    })
}

/// The example, at other addresses and with its files in a directory of its own.
fn configuration(
    directory: &Path,
    address: SocketAddr,
    backend: SocketAddr,
    latchkey: SocketAddr,
) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nginx.conf");
    let mut text = fs::read_to_string(example).unwrap();
    let mut replace = |old: &str, new: &str| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        text = text.replace(old, new);
    };
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = kinds.map(|kind| format!("{kind}_temp_path {}/{kind};\n", directory.display()));
    replace("http {\n", &format!("http {{\n{}", paths.concat()));
    replace("listen 8000;", &format!("listen {address};"));
    replace("server 127.0.0.1:8080;", &format!("server {latchkey};"));
    replace("server 127.0.0.1:9000;", &format!("server {backend};"));
    replace("/var/log/nginx/access.log", &format!("{}/access.log", directory.display()));
    text
}

/// A world, and nginx between its people and an API.
struct Scene {
    world: World,
    acme: Acme,
    nginx: Nginx,
    _backend: Backend,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let world = World::with(change).await;
        let acme = world.acme().await;
        let backend = Backend::start().await;
        let nginx = Nginx::before(backend.address, world.address).await;
        Self { world, acme, nginx, _backend: backend }
    }

    async fn key(&self, scope: &str) -> String {
        self.world.key(&self.acme.workspace, &self.acme.ada, scope).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.world.http.request(method.parse().unwrap(), self.nginx.url(path))
    }

    async fn get(&self, key: &str) -> Answer {
        Answer::to(self.request("GET", "/leads/7?page=2").header("x-api-key", key)).await
    }
}

/// The refusal, in the shape of Latchkey's.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    let body = answer.json();
    assert_eq!((answer.status, &body["error"]["code"]), (status, &json!(code)), "{}", answer.body);
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn what_latchkey_lets_through_reaches_the_api_with_who_asks_and_without_the_secret() {
    let scene = Scene::new().await;
    let script = scene.world.script().await;
    let token = Tokens::of(&script.password(&scene.acme.ada).await).access;

    let answer = Answer::to(scene.request("GET", "/leads/7?page=2").bearer_auth(&token)).await;

    let seen = answer.expect(200);
    let (limit, seen) = (seen.header("x-ratelimit-remaining").map(str::to_owned), seen.json());
    assert_eq!((&seen["method"], &seen["uri"]), (&json!("GET"), &json!("/leads/7?page=2")));
    let headers = &seen["headers"];
    assert_eq!(headers["x-latchkey-subject"], scene.acme.ada.id.to_string());
    assert_eq!(headers["x-latchkey-workspace"], scene.acme.workspace.id.to_string());
    assert_eq!(headers["x-latchkey-client"], script.id);
    assert_eq!(headers["x-latchkey-scopes"], "leads:read leads:write");
    assert_eq!(headers["authorization"], Value::Null);
    assert_eq!(limit.as_deref(), Some("999"));
}

#[tokio::test]
async fn a_body_passes_and_the_method_says_which_scope_is_needed() {
    let scene = Scene::new().await;
    let (reader, writer) = (scene.key("leads:read").await, scene.key("leads:write").await);
    let post = |key: &str| {
        let request = scene.request("POST", "/leads").header("x-api-key", key);
        // what would fool the question, if nginx passed it on
        Answer::to(request.header("x-http-method-override", "PUT").json(&json!({ "name": "Ann" })))
    };

    let seen = post(&writer).await.expect(200).json();

    assert_eq!((&seen["method"], &seen["body"]), (&json!("POST"), &json!(r#"{"name":"Ann"}"#)));
    assert_eq!(seen["headers"]["x-api-key"], Value::Null);
    let refused = post(&reader).await;
    assert_refused(&refused, 403, "FORBIDDEN");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("scope=\"leads:write\""), "{challenge}");
    assert_eq!(refused.header("x-ratelimit-limit"), Some("1000"));
}

#[tokio::test]
async fn nobody_can_say_who_they_are_themselves() {
    let scene = Scene::new().await;
    let key = scene.key("leads:read").await;
    let names = ["subject", "workspace", "client", "scopes"].map(|it| format!("X-Latchkey-{it}"));
    let mut request = scene.request("GET", "/leads?scope=admin").header("x-api-key", &key);
    for name in &names {
        request = request.header(name, "forged");
    }

    let seen = Answer::to(request).await.expect(200).json();

    let headers = &seen["headers"];
    assert_eq!(headers["x-latchkey-subject"], scene.acme.ada.id.to_string());
    assert_eq!(headers["x-latchkey-client"], Value::Null);
    assert!(!seen["headers"].to_string().contains("forged"), "{headers}");
}

#[tokio::test]
async fn without_a_good_credential_nothing_reaches_the_api() {
    let scene = Scene::new().await;

    let nothing = Answer::to(scene.request("GET", "/leads")).await;
    let unknown = Answer::to(scene.request("DELETE", "/leads/7").bearer_auth("lk_at_x")).await;
    let probe = Answer::to(scene.request("GET", "/_latchkey")).await;

    assert_refused(&nothing, 401, "UNAUTHORIZED");
    let challenge = nothing.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer resource_metadata="), "{challenge}");
    assert_refused(&unknown, 401, "UNAUTHORIZED");
    assert!(unknown.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(probe.status, 404, "the question is nginx's own");
}

/// RFC 9449 §7 and §9: the proof is for the client's own request, and the nonce that it needs reaches the
/// client.
#[tokio::test]
async fn a_token_that_is_bound_to_a_key_passes_with_a_proof_for_the_clients_request() {
    let scene = Scene::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.oauth.dpop_nonce = DpopNonce::Required;
    })
    .await;
    let (world, holder) = (&scene.world, Holder::new());
    let service = world.client(service(Some(&scene.acme.workspace))).await;
    let ask = async |proof: String| {
        let request = service.request("/oauth/token", &[("grant_type", "client_credentials")]);
        Answer::to(request.header("dpop", proof)).await
    };
    let told = ask(holder.proof(world, "/oauth/token")).await;
    let draft = holder.draft(world, "POST", "/oauth/token");
    let nonce = told.header("dpop-nonce").unwrap();
    let token = Tokens::of(&ask(holder.sign(&draft.with("nonce", nonce))).await).access;
    let proof = |nonce: Option<&str>| {
        let draft = holder.draft(world, "POST", "").of_token(&token).with("nonce", nonce);
        holder.sign(&draft.with("htu", scene.nginx.url("/leads/7")))
    };
    let send = async |method: &str, proof: String| {
        let request = scene.request(method, "/leads/7?page=2").header("dpop", proof);
        Answer::to(request.header("authorization", format!("DPoP {token}"))).await
    };

    let without = send("POST", proof(None)).await.expect(401);
    let nonce = without.header("dpop-nonce").unwrap();
    let other = send("DELETE", proof(Some(nonce))).await.expect(401);
    let seen = send("POST", proof(Some(nonce))).await.expect(200).json();

    for (refused, error) in [(&without, "use_dpop_nonce"), (&other, "invalid_dpop_proof")] {
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(challenge.contains(error), "{challenge}");
    }
    assert_eq!(seen["headers"]["x-latchkey-workspace"], scene.acme.workspace.id.to_string());
    for secret in ["authorization", "dpop"] {
        assert_eq!(seen["headers"][secret], Value::Null);
    }
}

#[tokio::test]
async fn two_credentials_are_refused() {
    let scene = Scene::new().await;
    let (one, two) = (scene.key("leads:read").await, scene.key("leads:read").await);
    let request = scene.request("GET", "/leads").bearer_auth(&one).header("x-api-key", &two);

    assert_refused(&Answer::to(request).await, 400, "INVALID_REQUEST");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let scene = Scene::with(|config| config.api.rate_limit_per_minute = 2).await;
    let key = scene.key("leads:read").await;
    assert_eq!(scene.get(&key).await.header("x-ratelimit-remaining"), Some("1"));
    scene.get(&key).await.expect(200);

    let answer = scene.get(&key).await;

    assert_refused(&answer, 429, "RATE_LIMITED");
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
}

#[tokio::test]
async fn without_latchkey_nothing_passes() {
    let backend = Backend::start().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nginx = Nginx::before(backend.address, nobody).await;

    let answer = Answer::to(crate::support::http().get(nginx.url("/leads"))).await;

    assert_refused(&answer, 503, "UNAVAILABLE");
}

#[tokio::test]
async fn the_log_has_no_query() {
    let scene = Scene::new().await;
    let key = scene.key("leads:read").await;

    let answer = Answer::to(scene.request("GET", &format!("/leads?api-key={key}"))).await;
    scene.get(&key).await.expect(200);
    // what is answered now was written down before
    scene.get(&key).await.expect(200);

    assert_refused(&answer, 401, "UNAUTHORIZED");
    let log = scene.nginx.file("access.log");
    assert!(log.contains("\"GET /leads\" 401"), "{log}");
    assert!(log.contains(&format!("\"GET /leads/7\" 200 {}", scene.acme.ada.id)), "{log}");
    assert!(!log.contains(&key), "{log}");
}
