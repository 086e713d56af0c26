//! What standard variables do, beside the file and the variables of this server.

use super::*;
use crate::config::{Config, load};

const WHOLE: &str = "https://collector.example/v1/traces";

fn with(toml: &str, variables: &[(&str, &str)]) -> Result<TracesConfig, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("latchkey.toml");
    std::fs::write(&path, toml).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let loaded = load(Some(&path), variables, Table::new());
    loaded.map(|config| config.traces).map_err(|error| error.to_string())
}

fn endpoint_of(toml: &str, variables: &[(&str, &str)]) -> Option<String> {
    with(toml, variables).unwrap().endpoint.map(|it| it.as_str().to_owned())
}

#[test]
fn they_are_off_by_default() {
    let traces = Config::default().traces;

    assert!(traces.endpoint.is_none() && !traces.from_proxies);
    assert_eq!((traces.sampler, traces.sampler_arg.get()), (TracesSampler::ParentOrOn, 1.0));
}

#[test]
fn the_endpoint_is_a_base_or_whole() {
    for (name, value, whole) in [
        (BASE_ENDPOINT, "http://localhost:4318", "http://localhost:4318/v1/traces"),
        (BASE_ENDPOINT, "http://localhost:4318/", "http://localhost:4318/v1/traces"),
        (BASE_ENDPOINT, "https://c.example/otlp", "https://c.example/otlp/v1/traces"),
        (WHOLE_ENDPOINT, "https://c.example/spans", "https://c.example/spans"),
        ("LATCHKEY_TRACES__ENDPOINT", WHOLE, WHOLE),
    ] {
        assert_eq!(endpoint_of("", &[(name, value)]).as_deref(), Some(whole), "{name}={value}");
    }
    let both = [(BASE_ENDPOINT, "no url"), (WHOLE_ENDPOINT, WHOLE)];
    assert_eq!(endpoint_of("", &both).as_deref(), Some(WHOLE));
}

#[test]
fn standard_variables_stand_between_the_file_and_our_own() {
    let file = format!("[traces]\nendpoint = \"{WHOLE}\"\nservice_name = \"file\"\n");
    let standard = [(SERVICE_NAME, "standard"), (BASE_ENDPOINT, "http://localhost:1")];
    let own = [("LATCHKEY_TRACES__SERVICE_NAME", "own"), ("LATCHKEY_TRACES__ENDPOINT", "")];

    let read = with(&file, &[]).unwrap();
    assert_eq!(read.service_name.as_deref(), Some("file"));
    let read = with(&file, &standard).unwrap();
    assert_eq!(read.service_name.as_deref(), Some("standard"));
    assert_eq!(read.endpoint.unwrap().as_str(), "http://localhost:1/v1/traces");
    let read = with(&file, &[standard, own].concat()).unwrap();
    assert_eq!((read.service_name.as_deref(), read.endpoint), (Some("own"), None));
}

#[test]
fn without_an_endpoint_nothing_is_looked_at() {
    let elsewhere = [(SAMPLER, "xray"), (PROTOCOLS[1], "grpc"), (HEADERS[0], "?")];
    let empty = [(BASE_ENDPOINT, " "), (SAMPLER_ARG, "much")];

    for variables in [&elsewhere[..], &empty] {
        assert!(with("", variables).unwrap().endpoint.is_none());
    }
    for off in [(DISABLED, "True"), (EXPORTER, "none")] {
        let variables = [&elsewhere[..], &[off, (BASE_ENDPOINT, WHOLE)]].concat();
        assert!(with("", &variables).unwrap().endpoint.is_none());
    }
}

#[test]
fn samplers_have_their_standard_names() {
    for (name, argument, sampler, ratio) in [
        ("always_on", "1", TracesSampler::AlwaysOn, 1.0),
        ("traceidratio", "0.25", TracesSampler::Ratio, 0.25),
        ("parentbased_traceidratio", "0", TracesSampler::ParentOrRatio, 0.0),
    ] {
        let variables = [(BASE_ENDPOINT, WHOLE), (SAMPLER, name), (SAMPLER_ARG, argument)];
        let read = with("", &variables).unwrap();
        assert_eq!((read.sampler, read.sampler_arg.get()), (sampler, ratio));
        let toml = format!("[traces]\nsampler = \"{name}\"\nsampler_arg = {argument}\n");
        let read = with(&toml, &[]).unwrap();
        assert_eq!((read.sampler, read.sampler_arg.get()), (sampler, ratio));
    }
}

#[test]
fn headers_are_decoded_and_never_shown() {
    let value = "Authorization=Basic%20aHVudGVyMg==, x-key=a+b%2Cc&d";
    let read = with("", &[(BASE_ENDPOINT, WHOLE), (HEADERS[1], value)]).unwrap();

    let pairs: Vec<_> = read.headers.pairs().collect();
    let expected = [("authorization", "Basic aHVudGVyMg=="), ("x-key", "a+b,c&d")];
    assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(!format!("{read:?}").contains("aHVudGVyMg"), "{read:?}");
    let file = "[traces]\nheaders = { Authorization = \"Basic aHVudGVyMg==\" }\n";
    assert_eq!(with(file, &[]).unwrap().headers.pairs().next(), Some(pairs[0].clone()));
}

#[test]
fn what_cannot_be_used_is_named_and_not_quoted() {
    let on = (BASE_ENDPOINT, WHOLE);
    for (variables, start) in [
        (
            &[(BASE_ENDPOINT, "hunter2")][..],
            "traces.endpoint (in the variable OTEL_EXPORTER_OTLP_END",
        ),
        (
            &[(WHOLE_ENDPOINT, "http://u:hunter2@c")],
            "traces.endpoint (in the variable OTEL_EXPORTER_OTLP_TR",
        ),
        (
            &[on, (PROTOCOLS[0], "grpc")],
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: must be http/protobuf",
        ),
        (&[on, (PROTOCOLS[1], "http/json")], "OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf"),
        (&[on, (EXPORTER, "jaeger")], "OTEL_TRACES_EXPORTER: must be otlp"),
        (&[on, (SAMPLER, "xray")], "traces.sampler (in the variable OTEL_TRACES_SAMPLER): unknown"),
        (
            &[on, (SAMPLER_ARG, "-1")],
            "traces.sampler_arg (in the variable OTEL_TRACES_SAMPLER_ARG): must",
        ),
        (&[on, (HEADERS[0], "hunter2")], "OTEL_EXPORTER_OTLP_TRACES_HEADERS: must be name=value"),
        (&[on, (HEADERS[1], "a b=hunter2")], "OTEL_EXPORTER_OTLP_HEADERS: must be name=value"),
    ] {
        let refused = with("", variables).unwrap_err();
        assert!(refused.starts_with(start), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
    for (file, key) in [
        ("endpoint = \"c.example/hunter2\"", "traces.endpoint"),
        ("endpoint = 4318", "traces.endpoint"),
        ("headers = \"hunter2\"", "traces.headers"),
        ("headers = { a = [\"hunter2\"] }", "traces.headers"),
        ("headers = { a = \"hunter2\\n\" }", "traces.headers"),
        ("sampler_arg = 2", "traces.sampler_arg"),
        ("sample = 1", "traces.sample"),
    ] {
        let refused = with(&format!("[traces]\n{file}\n"), &[]).unwrap_err();
        assert!(refused.starts_with(key), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn secrets_go_in_the_clear_only_where_nobody_listens() {
    for (endpoint, headers, tells) in [
        ("http://c.example/v1/traces", "{ a = \"b\" }", true),
        ("http://c.example/v1/traces", "{}", false),
        ("https://c.example/v1/traces", "{ a = \"b\" }", false),
        ("http://[::1]:4318/v1/traces", "{ a = \"b\" }", false),
        ("http://10.0.0.1/v1/traces", "{ a = \"b\" }", true),
    ] {
        let toml = format!("[traces]\nendpoint = \"{endpoint}\"\nheaders = {headers}\n");
        assert_eq!(with(&toml, &[]).unwrap().tells_secrets(), tells, "{endpoint}");
    }
}
