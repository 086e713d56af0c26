//! `latchkey scan` (contract §7; Reqflo), against a real server.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking};

use crate::support::{Acme, ApiCaller, Browser, World};

const MAX_BYTES: usize = 10 * 1024 * 1024;
/// What the scan flow typically needs (RQ-24).
const SCOPES: &str = "scans:create services:read services:create services:update endpoints:read \
    endpoints:write";
const YAML: &str = "\
openapi: 3.1.0
info: { title: Billing API, version: 1.0 }
security: [{ key: [] }]
paths:
  /charges:
    post: &create
      operationId: createCharge
      tags: [Payments]
      summary: Create charge
      responses:
        201: { description: Created. }
  /charges/{id}:
    get:
      operationId: getCharge
      parameters: [{ $ref: '#/components/parameters/Id' }]
      responses:
        '200': { description: The charge. }
components:
  parameters: { Id: { name: id, in: path, required: true, schema: { type: string } } }
  securitySchemes: { key: { type: http, scheme: bearer } }
";

/// What became of a run.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    /// The id of the scan, if all three lines are there as they must be.
    #[track_caller]
    fn scan_of(&self, url: &str, counts: &str) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        let id = self.out.lines().next().unwrap().strip_prefix("Scan ingested: ").unwrap();
        let result = format!("Result URL: {url}/scan-runs/{id}");
        assert_eq!(self.out, format!("Scan ingested: {id}\n{result}\n{counts}\n"));
        id.to_owned()
    }

    /// The last line of standard error of a run that has failed and printed nothing.
    #[track_caller]
    fn failure(&self) -> &str {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        self.err.lines().last().unwrap()
    }
}

/// A directory with files, in which the program runs.
struct Place(TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(place.path().join(name), content).unwrap();
        }
        Self(place)
    }

    /// Runs `latchkey scan` there with nothing else in its environment.
    async fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.arg("scan").args(arguments).current_dir(self.0.path());
        command.env_clear().envs(variables.iter().copied());
        let output = spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| name(&entry.unwrap().path())).collect()
    }
}

async fn key(world: &World, acme: &Acme, scopes: &str) -> String {
    world.key(&acme.workspace, &acme.ada, scopes).await
}

async fn report(world: &World, key: &str, id: &str) -> Value {
    ApiCaller::bearer(world, key).get(&format!("/api/scans/{id}")).await.expect(200).json()
}

/// RQ-21, RQ-25, RQ-26, RQ-27: the documented command, its output, and what its URL opens.
#[tokio::test]
async fn a_description_is_scanned_and_its_result_can_be_opened() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let place = Place::new(&[("openapi.yaml", YAML)]);
    let url = world.url("");

    let flags = ["--service", "Billing API", "--spec", "./openapi.yaml"];
    let flags = [&flags[..], &["--api-key", &key, "--api-url", &url]].concat();
    let run = place.run(&flags, &[]).await;

    let id = run.scan_of(&url, "Endpoints: 2; findings: 0");
    let progress =
        format!("Scanning ./openapi.yaml: OpenAPI 3.1.0, 2 endpoints; sending to {url}\n");
    assert_eq!(run.err, progress);
    assert_eq!(place.files(), ["openapi.yaml"], "it writes nothing");
    let mut browser = Browser::new(&world);
    let page = browser.open(&format!("/scan-runs/{id}")).await;
    let page = browser.sign_in_on(&page, &acme.ada).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Billing API"));
    let report = report(&world, &key, &id).await;
    assert_eq!(report["service"]["name"], "Billing API");
    assert_eq!(
        report["endpoints"],
        json!([
            { "method": "POST", "path": "/charges", "operationId": "createCharge",
              "tags": ["Payments"], "summary": "Create charge" },
            { "method": "GET", "path": "/charges/{id}", "operationId": "getCharge", "tags": [],
              "summary": null },
        ])
    );
}

/// RQ-22: the variables, Reqflo's too; and JSON or YAML, it is the same description.
#[tokio::test]
async fn variables_do_as_well_and_json_of_the_same_is_the_same_scan() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let json = json!({
        "paths": {
            "/charges/{id}": { "get": {
                "responses": { "200": { "description": "The charge." } },
                "operationId": "getCharge",
                "parameters": [{ "$ref": "#/components/parameters/Id" }],
            } },
            "/charges": { "post": {
                "operationId": "createCharge", "tags": ["Payments"], "summary": "Create charge",
                "responses": { "201": { "description": "Created." } },
            } },
        },
        "components": {
            "parameters": { "Id": { "name": "id", "in": "path", "required": true,
                                    "schema": { "type": "string" } } },
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{ "key": [] }],
        "info": { "title": "Billing API", "version": 1 },
        "openapi": "3.1.0",
    });
    let json = serde_json::to_string_pretty(&json).unwrap();
    let place = Place::new(&[("a.yml", YAML), ("b.json", &json), ("latchkey.toml", "no = 1")]);
    let url = world.url("");
    let slashed = format!("{url}/");

    let mut ids = Vec::new();
    for (file, variables) in [
        ("a.yml", [("LATCHKEY_API_KEY", &key), ("LATCHKEY_API_URL", &url)]),
        ("b.json", [("REQFLO_API_KEY", &key), ("REQFLO_API_URL", &slashed)]),
        ("b.json", [("REQFLO_API_KEY", &key), ("REQFLO_BASE_URL", &url)]),
    ] {
        let variables = variables.map(|(name, value)| (name, value.as_str()));
        let run = place.run(&["--service", "Billing API", "--spec", file], &variables).await;
        ids.push(run.scan_of(&url, "Endpoints: 2; findings: 0"));
    }

    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

/// What a linter of descriptions reports, of Swagger 2.0.
#[tokio::test]
async fn findings_are_counted_and_kept() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let swagger = json!({ "swagger": "2.0", "info": { "title": "Old" }, "paths": {
        "/a/{x}": { "get": { "operationId": "a", "responses": {} } },
        "/b": { "put": { "operationId": "a", "security": [],
                         "responses": { "200": { "description": "Done." } } },
                "post": { "security": [{ "key": [] }],
                          "responses": { "200": { "description": "Done." } } } },
    }, "securityDefinitions": { "key": {} }, "parameters": { "y": { "name": "y", "in": "query" } } });
    let place = Place::new(&[("swagger.json", &swagger.to_string())]);
    let url = world.url("");

    let flags = ["--service", "Old", "--spec", "swagger.json"];
    let variables = [("LATCHKEY_API_KEY", key.as_str()), ("LATCHKEY_API_URL", &url)];
    let run = place.run(&flags, &variables).await;

    let id = run.scan_of(&url, "Endpoints: 3; findings: 7");
    let report = report(&world, &key, &id).await;
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap_or("-").to_owned();
        [text("code"), text("severity"), text("method"), text("path")].join(" ")
    });
    assert_eq!(
        findings.collect::<Vec<_>>(),
        [
            "undocumented-response medium GET /a/{x}",
            "no-security high GET /a/{x}",
            "undefined-parameter high GET /a/{x}",
            "missing-operation-id low POST /b",
            "duplicate-operation-id high PUT /b",
            "no-security low PUT /b",
            "unused-parameter low - -",
        ]
    );
    assert_eq!(report["spec"]["version"], "2.0");
}

/// RQ-28, RQ-29: what is missing is said in the documented words.
#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_read() {
    let place = Place::new(&[]);
    let spec = ["--spec", "none.yaml"];
    let key = [("REQFLO_API_KEY", "rf_live_x")];

    let no_key = place.run(&["--service", "a", "--spec", "none.yaml"], &[]).await;
    let empty_key = place.run(&spec, &[("LATCHKEY_API_KEY", "")]).await;
    let no_spec = place.run(&["--service", "a"], &key).await;
    let no_service = place.run(&spec, &key).await;

    let wanted = "API key required: pass --api-key or set REQFLO_API_KEY.";
    assert!(no_key.failure().starts_with(wanted), "{no_key:?}");
    assert!(empty_key.failure().starts_with(wanted), "{empty_key:?}");
    let wanted = "--spec is required: provide a local OpenAPI JSON or YAML file.";
    assert_eq!(no_spec.failure(), wanted);
    assert!(no_service.failure().starts_with("--service is required: "), "{no_service:?}");
}

/// RQ-30: 10 MB and not a byte more.
#[tokio::test]
async fn a_description_has_at_most_10_mb() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let mut text = json!({ "openapi": "3.0.3", "paths": {} }).to_string();
    text.push_str(&" ".repeat(MAX_BYTES - text.len()));
    let longer = format!("{text} ");
    let place = Place::new(&[("just.json", &text), ("over.json", &longer)]);
    let url = world.url("");
    let variables = [("LATCHKEY_API_KEY", key.as_str()), ("LATCHKEY_API_URL", &url)];

    let just = place.run(&["--service", "a", "--spec", "just.json"], &variables).await;
    let over = place.run(&["--service", "a", "--spec", "over.json"], &variables).await;
    let endless = place.run(&["--service", "a", "--spec", "/dev/zero"], &variables).await;

    just.scan_of(&url, "Endpoints: 0; findings: 1");
    let wanted = "OpenAPI spec is too large: the CLI currently limits spec files to 10 MB.";
    assert_eq!(over.failure(), wanted);
    assert_eq!(endless.failure(), wanted);
}

#[tokio::test]
async fn a_file_that_is_no_description_is_refused() {
    let files = [
        ("empty.yaml", ""),
        ("list.json", "[]"),
        ("other.yaml", "asyncapi: 3.0.0\n"),
        ("broken.json", "{"),
        ("broken.yaml", "a: [\n"),
    ];
    let place = Place::new(&files);
    let key = [("LATCHKEY_API_KEY", "lk_live_x"), ("LATCHKEY_API_URL", "http://127.0.0.1:9")];

    for file in files.iter().map(|(name, _)| *name).chain(["missing.yaml", "."]) {
        let run = place.run(&["--service", "a", "--spec", file], &key).await;
        let start = format!("latchkey: --spec {file} ");
        assert!(run.failure().starts_with(&start), "{run:?}");
    }
    let url = [("LATCHKEY_API_KEY", "lk_live_x"), ("LATCHKEY_API_URL", "latchkey.example")];
    let run = place.run(&["--service", "a", "--spec", "empty.yaml"], &url).await;
    assert!(run.failure().starts_with("latchkey: --api-url must be"), "{run:?}");
}

/// RQ-31: the response's code and message; and when there is no response, why.
#[tokio::test]
async fn what_the_server_refuses_is_said_in_its_own_words() {
    let (world, acme) = World::of_acme().await;
    let weak = key(&world, &acme, "services:read").await;
    let place = Place::new(&[("openapi.yaml", YAML)]);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", silent.local_addr().unwrap());
    drop(silent);
    let (here, astray) = (world.url(""), world.url("/elsewhere"));
    let long = "n".repeat(121);
    let run = async |key: &str, url: &str, service: &str| {
        let variables = [("LATCHKEY_API_KEY", key), ("LATCHKEY_API_URL", url)];
        place.run(&["--service", service, "--spec", "openapi.yaml"], &variables).await
    };

    for (run, wanted) in [
        (
            run("lk_live_unknown", &here, "a").await,
            "HTTP 401 UNAUTHORIZED: the credential is not valid (request ",
        ),
        (
            run(&weak, &here, "a").await,
            "HTTP 403 FORBIDDEN: the credential lacks scope: scans:create (request ",
        ),
        (run(&key(&world, &acme, SCOPES).await, &here, &long).await, "HTTP 400 VALIDATION_ERROR: "),
        (run(&weak, &astray, "a").await, "HTTP 4"),
        (run(&weak, &nobody, "a").await, &*format!("{nobody}: ")),
    ] {
        let wanted = format!("scan ingestion failed: {wanted}");
        assert!(run.failure().starts_with(&wanted), "{run:?}");
        assert!(!run.err.contains(&weak), "the key is nobody's to read");
    }
}
