//! Traces: what a collector is sent by the built program, and what becomes of the program without one.

use std::{
    fs,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Answer, Collector, Exit, Installation, Process, Site};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A server on a free port with these variables, and this in its file.
fn served(
    installation: &Installation,
    (file, args): (&str, &[&str]),
    variables: &[(&str, &str)],
) -> Process {
    fs::write(installation.directory().join("latchkey.toml"), file).unwrap();
    let args: Vec<_> = ["serve", "--listen", "127.0.0.1:0"].iter().chain(args).copied().collect();
    let mut command = installation.command(&args);
    command.envs(variables.iter().copied());
    Process::start(command)
}

async fn get(server: &Process, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = server.http().get(server.url(path));
    Answer::to(headers.iter().fold(request, |it, (name, value)| it.header(*name, *value))).await
}

fn stopped(server: Process) -> Exit {
    let exit = server.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    exit
}

/// What a demo server has written down about itself.
fn demo_of(installation: &Installation) -> Value {
    let demo = fs::read_to_string(installation.data_dir().join("demo.json")).unwrap();
    serde_json::from_str(&demo).unwrap()
}

#[tokio::test]
async fn a_request_is_a_span_and_what_it_waits_for_are_spans_below() {
    let (installation, collector) = (Installation::new().await, Collector::start());
    let server = served(&installation, ("", &["--demo"]), &[(ENDPOINT, &collector.url)]);
    let script = &demo_of(&installation)["clients"]["script"];
    let token = server
        .http()
        .post(server.url("/oauth/token"))
        .basic_auth(script["client_id"].as_str().unwrap(), script["client_secret"].as_str());
    let form = [
        ("grant_type", "password"),
        ("username", "acme/ada@acme.example"),
        ("password", "wrong password"),
    ];

    let token = Answer::to(token.form(&form)).await.expect(400);
    stopped(server);

    let spans = collector.named("POST /oauth/token");
    let [asked] = &*spans else { panic!("{:#?}", collector.spans()) };
    assert_eq!(
        (asked.span.kind, asked.span.parent_span_id.len()),
        (2, 0),
        "a server's, and a root"
    );
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/oauth/token"),
        ("http.response.status_code", "400"),
        ("request.id", token.header("x-request-id").unwrap()),
    ] {
        assert_eq!(asked.attribute(name).as_deref(), Some(value), "{name}");
    }
    assert!(asked.span.end_time_unix_nano > asked.span.start_time_unix_nano);
    assert_eq!(asked.span.status.clone().unwrap_or_default().code, 0);
    let all = collector.spans();
    let below = all.iter().filter(|it| it.span.parent_span_id == asked.span.span_id);
    let below: Vec<_> = below.map(|it| (&*it.span.name, &it.span.trace_id)).collect();
    assert!(below.contains(&("password hash", &asked.span.trace_id)), "{below:?}");
    assert!(below.contains(&("database", &asked.span.trace_id)), "{below:?}");
}

#[tokio::test]
async fn spans_have_the_names_of_routes_and_of_this_server() {
    let (installation, collector) = (Installation::new().await, Collector::start());
    let variables = [
        (ENDPOINT, &*collector.url),
        ("OTEL_SERVICE_NAME", "id of acme"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20a+b, x-tenant=acme"),
    ];
    let server = served(&installation, ("", &["--demo"]), &variables);
    let demo = demo_of(&installation);
    let key = [("x-api-key", demo["api_keys"]["live"].as_str().unwrap())];

    let me = get(&server, "/api/v1/me", &key).await.expect(200);
    get(&server, "/api/v1/me", &key).await.expect(200);
    get(&server, "/workspaces/acme/settings/keys", &[]).await.expect(303);
    get(&server, "/api/api-keys/nothing", &key).await.expect(404);
    get(&server, "/nothing", &[]).await.expect(404);
    stopped(server);

    let all = collector.spans();
    for (name, count) in [
        ("GET /api/v1/me", 2),
        ("GET /workspaces/:slug/settings/keys", 1),
        ("GET /api/api-keys/:param0", 1),
        ("GET", 1),
    ] {
        let names: Vec<_> = all.iter().map(|it| &it.span.name).collect();
        assert_eq!(collector.named(name).len(), count, "{name}: {names:?}");
    }
    let known = collector.named("GET /api/v1/me");
    let mut ids = known.iter().filter_map(|it| it.attribute("request.id"));
    assert!(ids.any(|id| Some(&*id) == me.header("x-request-id")));
    for (name, value) in [
        ("service.name", "id of acme"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", "test"),
    ] {
        assert!(all.iter().all(|it| it.sender(name).as_deref() == Some(value)), "{name}");
    }
    for head in collector.heads() {
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("\nauthorization: bearer a+b\r"), "{head}");
        assert!(head.contains("\nx-tenant: acme\r"), "{head}");
        assert!(head.contains("\ncontent-type: application/x-protobuf\r"), "{head}");
    }
}

/// SR-5: nothing that a caller sends is in a span.
#[tokio::test]
async fn what_a_caller_sends_is_in_no_span() {
    let (installation, collector) = (Installation::new().await, Collector::start());
    let server = served(&installation, ("", &[]), &[(ENDPOINT, &collector.url)]);
    let secret = "canary-8f31c7d2";

    for path in ["", "oauth/", "api/", "invitations/", "device/", "static/", "admin/users/"] {
        get(&server, &format!("/{path}{secret}?{secret}={secret}"), &[]).await;
    }
    let method = Method::from_bytes(secret.to_uppercase().as_bytes()).unwrap();
    let request = server.http().request(method, server.url("/login"));
    let request = request
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .header("tracestate", format!("a={secret}"))
        .header("baggage", format!("a={secret}"))
        .header("user-agent", secret)
        .header("cookie", format!("latchkey={secret}"))
        .header("x-request-id", secret)
        .bearer_auth(secret);
    Answer::to(request).await.expect(405);
    stopped(server);

    assert!(collector.spans().len() >= 8);
    let text = String::from_utf8_lossy(&collector.bytes()).to_lowercase();
    assert!(text.contains("_other"), "the method is unknown: {text}");
    assert!(!text.contains(secret), "{text}");
}

#[tokio::test]
async fn without_a_collector_and_where_it_is_turned_off_nothing_is_sent() {
    let collector = Collector::start();
    for variables in [
        &[("OTEL_SERVICE_NAME", "a"), ("OTEL_TRACES_SAMPLER", "nonsense")][..],
        &[(ENDPOINT, &*collector.url), ("OTEL_SDK_DISABLED", "true")],
        &[(ENDPOINT, &*collector.url), ("OTEL_TRACES_EXPORTER", "none")],
        &[(ENDPOINT, &*collector.url), ("LATCHKEY_TRACES__ENDPOINT", "")],
        &[(ENDPOINT, &*collector.url), ("OTEL_TRACES_SAMPLER", "always_off")],
    ] {
        let installation = Installation::new().await;
        let server = served(&installation, ("", &[]), variables);

        get(&server, "/login", &[]).await.expect(200);

        let exit = stopped(server);
        let goes = exit.stderr.contains("traces go to");
        assert_eq!(goes, variables.contains(&("OTEL_TRACES_SAMPLER", "always_off")));
        assert!(!collector.was_found(), "{variables:?}");
    }
}

/// A stranger who names a trace chooses neither its number nor whether it is kept.
#[tokio::test]
async fn a_trace_goes_on_only_where_a_trusted_proxy_may_say_so() {
    let proxies = "[http]\ntrusted_proxies = [\"127.0.0.1/32\"]\n";
    let from_proxies = "[traces]\nfrom_proxies = true\n";
    for (file, sampler, kept) in [
        (String::new(), "parentbased_always_on", &[""; 3][..]),
        (String::new(), "parentbased_always_off", &[]),
        (proxies.to_owned(), "parentbased_always_off", &[]),
        (from_proxies.to_owned(), "parentbased_always_off", &[]),
        (format!("{proxies}{from_proxies}"), "parentbased_always_off", &[TRACE]),
        (format!("{proxies}{from_proxies}"), "always_on", &[TRACE, TRACE, ""]),
    ] {
        let (installation, collector) = (Installation::new().await, Collector::start());
        let variables = [(ENDPOINT, &*collector.url), ("OTEL_TRACES_SAMPLER", sampler)];
        let server = served(&installation, (&file, &[]), &variables);

        for flags in ["01", "00", "zz"] {
            let parent = format!("00-{TRACE}-{CALLER}-{flags}");
            let headers = [("traceparent", &*parent), ("tracestate", "a=b")];
            get(&server, "/login", &headers).await.expect(200);
        }
        stopped(server);

        let hex = |bytes: &[u8]| latchkey::crypto::digest::hex(bytes);
        let seen = collector.named("GET /login");
        let mut traces: Vec<_> = seen.iter().map(|it| hex(&it.span.trace_id)).collect();
        traces.iter_mut().filter(|it| *it != TRACE).for_each(String::clear);
        assert_eq!(traces, kept, "{file} {sampler}");
        for it in seen {
            let is_child = hex(&it.span.trace_id) == TRACE;
            assert_eq!(hex(&it.span.parent_span_id), if is_child { CALLER } else { "" });
            assert_eq!(it.span.trace_state, "");
        }
    }
}

/// Nobody waits for a collector that is not there.
#[tokio::test]
async fn a_collector_that_is_gone_harms_nothing() {
    let url = { Collector::start().url.clone() };
    let installation = Installation::new().await;
    let variables = [(ENDPOINT, &*url), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let server = served(&installation, ("", &[]), &variables);
    let lost = "latchkey_trace_spans_total{state=\"refused\"}";

    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        get(&server, "/login", &[]).await.expect(200);
        let metrics = get(&server, "/metrics", &[]).await.expect(200).body;
        let line = metrics.lines().find(|line| line.starts_with(lost)).unwrap();
        if !line.ends_with(" 0") {
            break;
        }
        assert!(Instant::now() < deadline, "{metrics}");
        tokio::task::yield_now().await;
    }

    let exit = stopped(server);
    let told = exit.stderr.matches("does not take spans").count();
    assert_eq!(told, 1, "{}", exit.stderr);
    assert!(!exit.stderr.contains("panicked"), "{}", exit.stderr);
}

/// Nor for one that hears and says nothing: what waits for it has an end, and so has the last wait.
#[tokio::test]
async fn a_collector_that_hangs_harms_nothing() {
    const REQUESTS: usize = 3_000;
    let (installation, collector) = (Installation::new().await, Collector::that_hangs());
    let server = served(&installation, ("", &[]), &[(ENDPOINT, &collector.url)]);

    let mut crowd = JoinSet::new();
    for _ in 0..8 {
        let request = server.http().get(server.url("/healthz"));
        crowd.spawn(async move {
            for _ in 0..REQUESTS / 8 {
                Answer::to(request.try_clone().unwrap()).await.expect(200);
            }
        });
    }
    crowd.join_all().await;

    let metrics = get(&server, "/metrics", &[]).await.expect(200).body;
    let dropped = "latchkey_trace_spans_total{state=\"dropped\"} ";
    let dropped = metrics.lines().find_map(|line| line.strip_prefix(dropped)).unwrap();
    assert!(dropped.parse::<usize>().unwrap() > 0, "{metrics}");
    assert!(collector.was_found());
    let asked = Instant::now();
    let exit = stopped(server);
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert!(exit.stderr.contains("the last spans were not taken"), "{}", exit.stderr);
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_stops_the_start_and_is_named() {
    for (name, value) in [
        (ENDPOINT, "localhost:4318"),
        (ENDPOINT, "grpc://localhost:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://me:hunter2@localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://localhost:4318/v1/traces?key=hunter2"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0a"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("LATCHKEY_TRACES__ENDPOINT", "hunter2"),
        ("LATCHKEY_TRACES__SAMPLER_ARG", "hunter2"),
    ] {
        let installation = Installation::new().await;
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env(ENDPOINT, "http://localhost:4318").env(name, value);

        let exit = crate::support::finished(command);

        assert_eq!((exit.code, exit.stderr.lines().count()), (Some(1), 1), "{}", exit.stderr);
        assert!(exit.stderr.contains(name), "{name}: {}", exit.stderr);
        assert!(!exit.stderr.contains("hunter2"), "{}", exit.stderr);
        assert!(!installation.data_dir().exists(), "{name}");
    }
}
