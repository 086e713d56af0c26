//! `/metrics`: who sees it, what it says, and what it never says.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::support::{Answer, Browser, Installation, Person, Process, Site};

const TOKEN: &str = "a-token-that-nobody-guesses";

fn configure(installation: &Installation, file: &str) {
    std::fs::write(installation.directory().join("latchkey.toml"), file).unwrap();
}

async fn get(server: &Process, headers: &[(&str, &str)]) -> Answer {
    let asked = server.http().get(server.url("/metrics"));
    let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
    Answer::to(asked).await
}

/// Values by name and labels.
fn values(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name, value.parse().unwrap())
        })
        .collect()
}

/// What is told once the jobs have begun, which they do by themselves and in no order.
async fn after_a_sweep(server: &Process) -> Answer {
    let begun = async {
        loop {
            let answer = get(server, &[]).await.expect(200);
            let has =
                |job| answer.body.contains(&format!("latchkey_job_runs_total{{job=\"{job}\"}}"));
            if ["sweep", "deliver"].into_iter().all(has) {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), begun).await.expect("no job begins")
}

#[tokio::test]
async fn requests_events_and_jobs_are_counted() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    for _ in 0..3 {
        Answer::to(server.http().get(server.url("/healthz"))).await.expect(200);
    }
    Answer::to(server.http().get(server.url("/api/v1/me"))).await.expect(401);
    Answer::to(server.http().get(server.url("/settings/profile"))).await;
    let made = installation.admin("create-user --username joe@example.com");
    let joe = Person {
        id: made["id"].as_str().unwrap().parse().unwrap(),
        username: "joe@example.com".to_owned(),
        password: made["password"].as_str().unwrap().to_owned(),
    };
    for _ in 0..2 {
        let page = Browser::new(&server).sign_in(&joe).await;
        assert!(page.has("nav.areas"), "{}", page.body);
    }

    let answer = after_a_sweep(&server).await;

    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let values = values(&answer.body);
    for (name, least) in [
        (r#"latchkey_http_requests_total{endpoint="/healthz",status="200"}"#, 3.0),
        (r#"latchkey_http_requests_total{endpoint="/api/v1/me",status="401"}"#, 1.0),
        (r#"latchkey_events_total{action="session.begin"}"#, 2.0),
        (r#"latchkey_job_runs_total{job="sweep"}"#, 1.0),
        (r#"latchkey_job_runs_total{job="deliver"}"#, 1.0),
        (r#"latchkey_http_request_duration_seconds_count{endpoint="/healthz"}"#, 3.0),
        ("latchkey_sweep_longest_removal_seconds", 0.0),
        ("latchkey_database_up", 1.0),
        ("latchkey_http_requests_in_flight", 1.0),
        (r#"latchkey_outbox_letters{state="waiting"}"#, 0.0),
        ("process_resident_memory_bytes", 1_000_000.0),
        ("process_open_fds", 3.0),
        ("process_start_time_seconds", 1_700_000_000.0),
    ] {
        let value = values.get(name).unwrap_or_else(|| panic!("{name}\n{}", answer.body));
        assert!(*value >= least, "{name}: {value}");
    }
    // neither more events than there were, nor any that were another process's
    assert_eq!(values.get(r#"latchkey_events_total{action="session.begin"}"#), Some(&2.0));
    assert_eq!(values.get(r#"latchkey_events_total{action="user.create"}"#), None);
    assert!(values.keys().any(|name| name.starts_with("latchkey_build_info{version=")));
    assert!(answer.body.ends_with("# EOF\n"));
}

/// A label that a caller chooses would let anybody fill the memory of this server and of Prometheus.
#[tokio::test]
async fn nothing_that_a_caller_chooses_becomes_a_label() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    let names = async || {
        let body = get(&server, &[]).await.expect(200).body;
        assert!(!body.contains("canary"), "{body}");
        let names = values(&body).into_keys().map(str::to_owned);
        // jobs and what they do come up by themselves
        names.filter(|name| name.starts_with("latchkey_http_")).collect::<BTreeSet<_>>()
    };
    for path in ["/canary", "/api/canary", "/oauth/canary", "/admin/canary", "/static/canary"] {
        Answer::to(server.http().get(server.url(path))).await;
    }
    names().await;
    let before = names().await;

    for number in 0..50 {
        for face in ["", "/api", "/oauth", "/admin", "/static"] {
            let url = server.url(&format!("{face}/canary{number}?canary=canary"));
            Answer::to(server.http().get(url).header("x-canary", "canary")).await;
        }
    }

    let after = names().await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn nobody_sees_it_through_a_proxy_that_is_not_known() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);

    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let answer = get(&server, &[(header, "127.0.0.1")]).await;

        assert_eq!(answer.status, 404, "{header}");
        assert!(!answer.body.contains("latchkey_"), "{header}");
    }
}

#[tokio::test]
async fn behind_a_known_proxy_the_client_counts() {
    let installation = Installation::new().await;
    configure(&installation, "[http]\ntrusted_proxies = [\"127.0.0.0/8\"]\n");
    let server = installation.serve(&[]);

    for (client, status) in [
        ("10.1.2.3", 200),
        ("fd00::1", 200),
        ("203.0.113.7", 404),
        ("2001:db8::7", 404),
        ("10.1.2.3, 203.0.113.7", 404),
    ] {
        assert_eq!(get(&server, &[("x-forwarded-for", client)]).await.status, status, "{client}");
    }
}

#[tokio::test]
async fn a_token_opens_it_to_whoever_has_it_and_to_nobody_else() {
    let installation = Installation::new().await;
    configure(&installation, &format!("[http]\nmetrics_token = \"{TOKEN}\"\n"));
    let server = installation.serve(&[]);
    let bearer = format!("Bearer {TOKEN}");

    get(&server, &[("authorization", &bearer)]).await.expect(200);
    let through = [("authorization", &*bearer), ("x-forwarded-for", "203.0.113.7")];
    get(&server, &through).await.expect(200);
    for refused in [
        vec![],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer a-token-that-nobody-guesse")],
        vec![("authorization", "Basic YTpi")],
    ] {
        get(&server, &refused).await.expect(404);
    }
}
