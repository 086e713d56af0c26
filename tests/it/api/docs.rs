//! `/openapi.json`, `/docs` and `/llms.txt`: one document, generated from the code, in three forms.

use std::collections::BTreeSet;

use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::request_id;
use crate::support::{Answer, ApiCaller, Browser, World};

/// What nobody needs a credential for.
const OPEN: &str = "/api/v1/leaked";
const DOCUMENTS: [&str; 3] = ["/openapi.json", "/docs", "/llms.txt"];

async fn world() -> (World, Value) {
    let world = World::new().await;
    let answer = ApiCaller::anonymous(&world).get("/openapi.json").await.expect(200);
    let document = answer.json();
    (world, document)
}

/// Each method and path of the document.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, it)| (method.to_ascii_uppercase(), path.clone(), it.clone()))
    });
    operations.collect()
}

#[tokio::test]
async fn the_document_is_openapi_of_this_server() {
    let (world, document) = world().await;

    assert_eq!(document["openapi"], "3.0.3");
    assert_eq!(document["info"]["title"], "Latchkey");
    assert_eq!(document["servers"], json!([{ "url": world.url("") }]));
    let operations = operations(&document);
    let named: Vec<_> =
        operations.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    // the whole list is in the reviewed document, `openapi.json`
    for operation in ["GET /api/v1/me", "GET /api/v1/verify", "POST /api/scans/ingest"] {
        assert!(named.iter().any(|name| name == operation), "{operation}");
    }
}

/// SW-1, SF-1: no operation without a credential, but the one for those who have found one. SW-5: one in the address is warned of.
#[tokio::test]
async fn every_documented_operation_is_there_and_guarded() {
    let (world, document) = world().await;

    let guarded = operations(&document).into_iter().filter(|(_, path, _)| path != OPEN);
    for (method, path, operation) in guarded {
        let request = world.http.request(method.parse().unwrap(), world.url(&path));

        let answer = Answer::to(request).await;

        assert_eq!(answer.status, 401, "{method} {path}");
        assert!(operation["responses"]["401"].is_object());
    }
    let in_query = &document["components"]["securitySchemes"]["apiKeyQuery"];
    assert_eq!((&in_query["in"], &in_query["name"]), (&json!("query"), &json!("api-key")));
    assert!(in_query["description"].as_str().unwrap().ends_with("logs may keep it."));
}

#[tokio::test]
async fn an_answer_is_what_its_schema_says() {
    let (world, document) = world().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let me = ApiCaller::key(&world, &key).me().await.expect(200).json();
    let refused = ApiCaller::anonymous(&world).me().await.expect(401).json();
    let responses = &document["paths"]["/api/v1/me"]["get"]["responses"];

    for (status, body) in [("200", &me), ("401", &refused)] {
        let content = responses[status]["content"].as_object().unwrap();
        let schema = &content.values().next().unwrap()["schema"];
        assert_conforms(&document, schema, body, status);
    }
}

/// Each documented member of an object is there if it must be and is of its kind; there is no other.
fn assert_conforms(document: &Value, schema: &Value, value: &Value, place: &str) {
    let pointer = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    let nullable = schema["nullable"] == true;
    let schema = pointer.map_or(schema, |it| {
        document.pointer(it.trim_start_matches('#')).unwrap_or_else(|| panic!("{place}: {it}"))
    });
    if value.is_null() {
        assert!(nullable || schema["nullable"] == true, "{place} is null");
        return;
    }
    let is_kind = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        other => panic!("{place} is documented as {other:?}"),
    };
    assert!(is_kind, "{place}: {value}");
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value}");
    }
    for item in value.as_array().into_iter().flatten() {
        assert_conforms(document, &schema["items"], item, place);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        let documented = &schema["properties"][name];
        assert!(documented.is_object(), "{place} is not documented");
        assert_conforms(document, documented, member, &place);
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{place}.{name} is missing");
    }
}

#[tokio::test]
async fn the_headers_of_an_answer_are_documented() {
    let (world, document) = world().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let key = ApiCaller::key(&world, &key);

    for (path, route, status) in [
        ("/api/v1/me", "/api/v1/me", "200"),
        ("/api/v1/verify", "/api/v1/verify", "204"),
        ("/api/v1/verify?scope=x", "/api/v1/verify", "403"),
    ] {
        let answer = key.get(path).await;

        assert_eq!(answer.status.to_string(), status);
        let documented = &document["paths"][route]["get"]["responses"][status]["headers"];
        let documented: Vec<_> =
            documented.as_object().unwrap().keys().map(|it| it.to_ascii_lowercase()).collect();
        let ours = |name: &str| name.starts_with("x-") && name != "x-content-type-options";
        let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
        for name in names.filter(|name| ours(name) || *name == "www-authenticate") {
            assert!(documented.iter().any(|it| it == name), "{path}: {name}");
        }
    }
}

/// FE-28: among what is shown of an operation is the scope it needs.
#[tokio::test]
async fn the_page_shows_every_operation_without_a_script() {
    let (world, document) = world().await;

    let page = Browser::new(&world).open("/docs").await;

    assert_eq!(page.status, 200);
    assert_eq!(page.text("h1"), "API");
    let (code, headings, text) = (page.texts("code"), page.texts("h2"), page.text("main"));
    for (method, path, operation) in operations(&document) {
        assert!(code.contains(&format!("{method} {path}")), "{method} {path}");
        assert!(headings.contains(&operation["summary"].as_str().unwrap().to_owned()));
        if let Some(scope) = operation["x-scope"].as_str() {
            assert!(text.contains(&format!("Needs the scope {scope}.")), "{scope}");
        }
    }
    assert!(code.contains(&"RATE_LIMITED".to_owned()));
    assert!(!page.has("script"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    request_id(&page);
}

/// RQ-17: the named schemas with their members, and the command line, on the same page.
#[tokio::test]
async fn the_page_shows_every_schema_and_the_command_line() {
    let (world, document) = world().await;

    let page = Browser::new(&world).open("/docs").await;

    assert_eq!(page.text("h2#schemas"), "Schemas");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut names: Vec<_> = schemas.keys().cloned().collect();
    names.sort();
    let mut shown = page.texts("[id^=schema-] h3");
    shown.sort();
    assert_eq!(shown, names);
    let html = Html::parse_document(&page.body);
    for (name, schema) in schemas {
        let members = schema["properties"].as_object();
        let members: BTreeSet<_> =
            members.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let selector = Selector::parse(&format!("#schema-{name} td:first-child code")).unwrap();
        let shown: BTreeSet<String> =
            html.select(&selector).map(|it| it.text().collect()).collect();
        assert_eq!(shown, members, "{name}");
    }
    let command = page.text("#command-line p > code:only-child");
    assert!(command.starts_with("latchkey scan --service"), "{command}");
    for option in ["--service", "--spec", "--api-key", "--api-url"] {
        assert!(page.texts("#command-line dt code").contains(&option.to_owned()), "{option}");
    }
}

#[tokio::test]
async fn the_links_of_the_page_lead_somewhere() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/docs").await;
    let links = hrefs(&page.body, "main a[href]");
    assert!(links.len() >= 4, "{links:?}");

    for link in links {
        match link.strip_prefix('#') {
            Some(id) => assert!(page.has(&format!("#{id}")), "{link}"),
            None => assert_eq!(browser.open(&link).await.status, 200, "{link}"),
        }
    }
}

fn hrefs(page: &str, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    let page = Html::parse_document(page);
    page.select(&selector).map(|link| link.attr("href").unwrap().to_owned()).collect()
}

/// QF-24, FE-30: the index of the documentation, at the address that both products name.
#[tokio::test]
async fn language_models_get_plain_text() {
    let (world, document) = world().await;

    let answer = ApiCaller::anonymous(&world).get("/llms.txt").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(answer.body.starts_with("# Latchkey API\n"), "{}", answer.body);
    assert!(answer.body.contains(&world.url("/openapi.json")));
    for (method, path, _) in operations(&document) {
        assert!(answer.body.contains(&format!("### {method} {path}\n")), "{method} {path}");
    }
    // nothing was escaped as if it were a page
    assert!(!answer.body.contains("&quot;") && !answer.body.contains("&#"), "{}", answer.body);
}

#[tokio::test]
async fn the_address_is_the_configured_one_and_never_the_hosts() {
    let issuer = "https://id.example";
    let world = World::with(|config| config.issuer = issuer.to_owned()).await;

    for path in DOCUMENTS {
        let request = world.http.get(world.url(path)).header("host", "evil.example");

        let answer = Answer::to(request).await;

        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(issuer) && !answer.body.contains("evil"), "{path}");
    }
}

#[tokio::test]
async fn a_bad_credential_does_not_matter() {
    let (world, _) = world().await;

    for path in DOCUMENTS {
        let answer = ApiCaller::bearer(&world, "nobody's").get(path).await;

        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (world, _) = world().await;

    for path in DOCUMENTS {
        let answer = Answer::to(world.http.head(world.url(path))).await;

        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn any_other_method_is_405_in_json() {
    let (world, _) = world().await;

    for path in DOCUMENTS {
        let answer = Answer::to(world.http.post(world.url(path))).await;

        let body = json!({ "error": {
            "code": "METHOD_NOT_ALLOWED",
            "message": "this path does not have that method",
            "requestId": request_id(&answer),
        }});
        assert_eq!((answer.status, answer.json()), (405, body), "{path}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}
