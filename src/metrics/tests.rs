use super::*;

fn text(metrics: &Metrics) -> String {
    metrics.text(Reading::default(), DateTime::UNIX_EPOCH).unwrap()
}

#[test]
fn what_happens_is_counted() {
    let metrics = Metrics::new(DateTime::UNIX_EPOCH);

    metrics.answered("/api/v1/me", 200, Duration::from_micros(300));
    metrics.answered("/oauth/token", 400, Duration::from_millis(3));
    metrics.answered("/oauth/token", 400, Duration::from_secs(20));
    metrics.accepted(From::Memory);
    metrics.happened("grant.revoke");
    metrics.ran("sweep", Some(17));
    metrics.ran("sweep", None);
    for millis in [3, 40, 20] {
        metrics.removed(Duration::from_millis(millis));
    }

    let text = text(&metrics);
    for line in [
        r#"latchkey_http_requests_total{endpoint="/api/v1/me",status="200"} 1"#,
        r#"latchkey_http_requests_total{endpoint="/oauth/token",status="400"} 2"#,
        r#"latchkey_http_request_duration_seconds_bucket{le="0.0005",endpoint="/api/v1/me"} 1"#,
        r#"latchkey_http_request_duration_seconds_count{endpoint="/oauth/token"} 2"#,
        r#"latchkey_credential_answers_total{state="memory"} 1"#,
        r#"latchkey_events_total{action="grant.revoke"} 1"#,
        r#"latchkey_job_items_total{job="sweep"} 17"#,
        r#"latchkey_job_runs_total{job="sweep"} 2"#,
        r#"latchkey_job_failures_total{job="sweep"} 1"#,
        "latchkey_sweep_longest_removal_seconds 0.04",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn what_is_read_is_shown_and_what_cannot_be_read_is_not_made_up() {
    let metrics = Metrics::new(DateTime::UNIX_EPOCH);
    let reading = Reading {
        database: Some(Duration::from_millis(2)),
        letters_waiting: Some(3),
        letters_given_up: Some(1),
        letters_overdue: Some(Duration::from_mins(1)),
        logouts_waiting: Some(4),
        is_following: true,
        in_memory: 5,
        passwords: 6,
        hashed: 10,
        spans: Some(Counts { exported: 7, dropped: 8, refused: 9 }),
    };

    let shown = metrics.text(reading, DateTime::UNIX_EPOCH).unwrap();

    for line in [
        "latchkey_database_up 1",
        "latchkey_database_answer_seconds 0.002",
        r#"latchkey_outbox_letters{state="waiting"} 3"#,
        r#"latchkey_outbox_letters{state="given_up"} 1"#,
        "latchkey_outbox_overdue_seconds 60.0",
        "latchkey_logout_deliveries 4",
        "latchkey_memory_trusted 1",
        "latchkey_memory_entries 5",
        "latchkey_passwords_waiting 6",
        "latchkey_passwords_hashed_total 10",
        r#"latchkey_trace_spans_total{state="exported"} 7"#,
        r#"latchkey_trace_spans_total{state="dropped"} 8"#,
        r#"latchkey_trace_spans_total{state="refused"} 9"#,
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}\n{shown}");
    }
    let text = text(&metrics);
    assert!(text.lines().any(|it| it == "latchkey_database_up 0"));
    // the last that is known stands
    assert!(text.lines().any(|it| it == r#"latchkey_outbox_letters{state="waiting"} 3"#));
}

#[test]
fn what_is_held_is_let_go() {
    let metrics = Metrics::new(DateTime::UNIX_EPOCH);
    let held = (metrics.request(), metrics.request());

    assert!(text(&metrics).contains("latchkey_http_requests_in_flight 2\n"));
    drop(held);
    assert!(text(&metrics).contains("latchkey_http_requests_in_flight 0\n"));
}

#[test]
fn a_newer_schema_is_news_once() {
    let metrics = Metrics::new(DateTime::UNIX_EPOCH);
    assert!(text(&metrics).contains("latchkey_newer_schema 0\n"));

    let told = [false, true, true, false, false, true].map(|it| metrics.has_newer_schema(it));

    assert_eq!(told, [false, true, false, true, false, true]);
    assert!(text(&metrics).contains("latchkey_newer_schema 1\n"));
}
