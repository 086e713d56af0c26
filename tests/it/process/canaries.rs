//! The canary drill: secrets of every kind go through the built program, in requests that succeed and
//! in such that fail, while it logs whatever it can; then they are looked for wherever somebody might
//! find them who should not.

mod drill;

use latchkey::crypto::digest;
use serde_json::Value;

use self::drill::Drill;
use crate::support::{Collector, stored};

const COLLECTORS: &str = "canary-token-of-a-collector-5e90";

/// What nobody may find, by what it is: each as the texts that would show it.
#[derive(Default)]
struct Canaries(Vec<(String, Vec<String>)>);

impl Canaries {
    /// Plants one, and gives it back.
    fn plant(&mut self, what: impl Into<String>, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 12, "{secret} may be found by accident");
        // a prefix is no secret, and what a quotation mark or a percent sign changes is not all of it
        let body = secret.get(6..).unwrap_or(&secret).to_owned();
        let texts = vec![secret.clone(), body, digest::hex(secret.as_bytes())];
        self.0.push((what.into(), texts));
        secret
    }

    /// The same of a user code: 8 letters, of which all are needed, and with and without the dash in them.
    fn plant_code(&mut self, what: impl Into<String>, code: impl Into<String>) -> String {
        let code = code.into();
        let letters = code.replace('-', "");
        assert_eq!((code.len(), letters.len()), (9, 8), "{code}");
        let texts = [&code, &letters]
            .into_iter()
            .flat_map(|it| [it.clone(), it.to_ascii_lowercase(), digest::hex(it.as_bytes())]);
        self.0.push((what.into(), texts.collect()));
        code
    }

    /// Those that are in some text or bytes, as they are or in hexadecimal digits.
    fn found_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        // the library's search, which is fast in debug builds too
        let text = String::from_utf8_lossy(bytes);
        let found =
            self.0.iter().filter(|(_, texts)| texts.iter().any(|it| text.contains(it.as_str())));
        found.map(|(what, _)| format!("{what} in {place}")).collect()
    }
}

/// SR-5: the whole drill, in one format of the log.
async fn nothing_sings(format: &str) -> String {
    nothing_sings_in(Drill::begin(format, &[]).await).await
}

async fn nothing_sings_in(mut drill: Drill) -> String {
    let mut browser = drill.browser().await;
    drill.code_grant(&mut browser).await;
    drill.other_grants().await;
    drill.registration().await;
    drill.keys().await;
    drill.reset().await;
    drill.devices(&mut browser).await;
    drill.invitation(&mut browser).await;
    drill.exchanges().await;
    drill.leaks().await;
    let said = drill.others().await;
    let data_dir = drill.installation.data_dir();
    let store = drill.installation.store().await;
    let all = stored(&store, &data_dir).await;
    store.close().await.unwrap();
    let exit = drill.server.stop();
    assert_eq!(exit.code, Some(0));
    // once more when all of it has gone from the log of the database into its file
    let store = drill.installation.store().await;
    let afterwards = stored(&store, &data_dir).await;

    if let Some(collector) = &drill.heard_by {
        assert!(collector.spans().len() > 100, "{} spans are few", collector.spans().len());
        assert!(collector.heads().iter().all(|head| head.contains(COLLECTORS)));
        let found = drill.canaries.found_in("traces", &collector.bytes());
        assert_eq!(found, Vec::<String>::new());
    }
    let canaries = drill.canaries;
    assert!(canaries.0.len() > 80, "{} canaries are few", canaries.0.len());
    let mut found: Vec<_> =
        said.iter().flat_map(|(at, it)| canaries.found_in(at, it.as_bytes())).collect();
    found.extend(canaries.found_in("the database", &all));
    found.extend(canaries.found_in("the database afterwards", &afterwards));
    found.extend(canaries.found_in("the log", exit.stderr.as_bytes()));
    assert_eq!(found, Vec::<String>::new());
    // what is always there is found: the drill looks in the right places
    let mut known = Canaries::default();
    known.plant("a username", "acme/ada@acme.example");
    assert_eq!(known.found_in("the database", &all).len(), 1);
    assert!(exit.stderr.contains("POST /oauth/token 200"), "the log is empty");
    exit.stderr
}

/// SR-5: as text.
#[tokio::test]
async fn no_canary_sings_while_the_log_is_text() {
    let log = nothing_sings("text").await;

    let line = log.lines().find(|line| line.contains("POST /oauth/token 200")).unwrap();
    assert!(line.contains("request{request.id="), "{line}");
}

/// SR-5: with traces, whose collector hears of every request.
#[tokio::test]
async fn no_canary_sings_to_a_collector_of_traces() {
    let collector = Collector::start();
    let headers = format!("authorization=Bearer%20{COLLECTORS}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", &*headers),
    ];
    let mut drill = Drill::begin("text", &variables).await;
    drill.canaries.plant("what the collector demands", COLLECTORS);
    drill.heard_by = Some(collector);

    nothing_sings_in(drill).await;
}

/// SR-5: as JSON, of which every line is an object; what belongs to a request has its name.
#[tokio::test]
async fn no_canary_sings_while_the_log_is_json() {
    let log = nothing_sings("json").await;

    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests = lines.iter().filter(|line| line["http.status"].is_number());
    let mut count = 0;
    for line in requests {
        let id = line["spans"][0]["request.id"].as_str().unwrap();
        assert_eq!(id.len(), 32, "{line}");
        assert!(line["message"].is_string() && line["level"] == "INFO", "{line}");
        assert!(line["timestamp"].is_string() && line["duration.ms"].is_number(), "{line}");
        count += 1;
    }
    assert!(count > 50, "{count} requests");
    // these have no other line
    let short =
        |line: &&Value| line["message"].as_str().is_some_and(|it| it.starts_with("answered "));
    let short: Vec<_> = lines.iter().filter(short).collect();
    assert!(!short.is_empty() && short.iter().all(|line| line["request.id"].is_string()));
}
