//! `latchkey serve --demo` (contract §9): every credential in `demo.json` works as documented.

use std::{fs, time::SystemTime};

use serde_json::{Value, json};

use crate::support::{
    Answer, ApiCaller, Browser, ClientApp, Installation, Person, Pkce, Process, Tokens, seed_of,
    totp,
};

struct Demo {
    document: Value,
    server: Process,
    // last: its directory goes after the server
    installation: Installation,
}

impl Demo {
    async fn new() -> Self {
        let installation = Installation::new().await;
        let server = installation.serve(&["--demo"]);
        let file = fs::read_to_string(installation.data_dir().join("demo.json")).unwrap();
        Self { document: serde_json::from_str(&file).unwrap(), server, installation }
    }

    fn text(&self, pointer: &str) -> String {
        let value = self.document.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        value.as_str().unwrap().to_owned()
    }

    fn person(&self, pointer: &str) -> Person {
        Person {
            id: uuid::Uuid::nil(),
            username: self.text(&format!("{pointer}/username")),
            password: self.text(&format!("{pointer}/password")),
        }
    }

    fn user(&self, username: &str) -> Person {
        let users = self.document["users"].as_array().unwrap();
        let index = users.iter().position(|user| user["username"] == username).unwrap();
        self.person(&format!("/users/{index}"))
    }

    fn client(&self, name: &str) -> ClientApp {
        let client = &self.document["clients"][name];
        let id = self.text(&format!("/clients/{name}/client_id"));
        let mut app = ClientApp::new(&self.server, &id, client["client_secret"].as_str());
        if let Some(uri) = client["redirect_uris"][0].as_str() {
            uri.clone_into(&mut app.redirect_uri);
        }
        app
    }

    async fn key(&self, name: &str) -> Answer {
        let key = self.text(&format!("/api_keys/{name}"));
        ApiCaller::key(&self.server, &key).me().await
    }

    async fn me(&self, tokens: &Tokens) -> Value {
        ApiCaller::bearer(&self.server, &tokens.access).me().await.expect(200).json()
    }
}

/// The scope tokens of an answer of `/api/v1/me`.
fn scopes(me: &Answer) -> Vec<String> {
    let me = me.json();
    let scopes = me["scopes"].as_array().unwrap().iter();
    scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn ada_ben_and_joe_sign_in_by_password() {
    let demo = Demo::new().await;
    let script = demo.client("script");

    for (username, workspace, manages_keys) in [
        ("acme/ada@acme.example", "acme", true),
        ("acme/ben@acme.example", "acme", false),
        ("joe@example.com", "joe", true),
    ] {
        let tokens = Tokens::of(&script.password(&demo.user(username)).await);
        let tokens = Tokens::of(&script.refresh(&tokens.refresh).await);

        let me = demo.me(&tokens).await;
        assert_eq!(me["principal"]["username"], username);
        assert_eq!(me["workspace"]["slug"], workspace);
        assert_eq!(me["workspace"]["id"], demo.document["workspaces"][workspace]["id"]);
        assert_eq!((&me["product"], &me["environment"]), (&json!("default"), &json!("live")));
        let has = tokens.scope.split(' ').any(|scope| scope == "api-keys:manage");
        assert_eq!(has, manages_keys, "{username}: {}", tokens.scope);
        assert!(tokens.scope.split(' ').any(|scope| scope == "openid"), "{}", tokens.scope);
    }
}

#[tokio::test]
async fn the_other_ada_is_in_no_workspace() {
    let demo = Demo::new().await;
    let script = demo.client("script");
    let ada = demo.user("ada@acme.example");

    let tokens = Tokens::of(&script.password(&ada).await);

    let me = ApiCaller::bearer(&demo.server, &tokens.access).me().await;
    assert_eq!((me.status, &me.json()["error"]["code"]), (403, &json!("FORBIDDEN")));
    let crossed = script.sign_in("acme/ada@acme.example", &ada.password).await;
    assert_eq!((crossed.status, &crossed.json()["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn ada_owns_the_products_workspaces() {
    let demo = Demo::new().await;
    let script = demo.client("script");
    let ada = demo.user("acme/ada@acme.example");

    for slug in ["acme", "flowestate", "subworkflow", "subscribeflow", "reqflo"] {
        let tokens = Tokens::of(&script.password_with(&ada, &[("workspace", slug)]).await);

        let me = demo.me(&tokens).await;
        let product = if slug == "acme" { "default" } else { slug };
        assert_eq!((&me["workspace"]["slug"], &me["product"]), (&json!(slug), &json!(product)));
        assert_eq!(me["workspace"]["id"], demo.document["workspaces"][slug]["id"]);
    }
}

#[tokio::test]
async fn tess_signs_in_with_a_code_and_never_by_password_alone() {
    let demo = Demo::new().await;
    let tess = demo.user("acme/tess@acme.example");
    let refused = demo.client("script").password(&tess).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    let mut browser = Browser::new(&demo.server);
    let page = browser.sign_in(&tess).await;
    assert_eq!(page.text("h1"), "Enter your code");

    let seed = seed_of(&demo.text("/users/4/totp_secret"));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().try_into().unwrap();
    let code = totp(&seed, now);
    let answer = browser.submit(&page, "#second-factor-submit", &[("code", &code)]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".who span"), "acme/tess@acme.example");
}

#[tokio::test]
async fn tess_who_has_lost_her_phone_is_helped_by_the_operator() {
    let demo = Demo::new().await;
    let tess = demo.user("acme/tess@acme.example");

    let line = format!("reset-second-factor --user {}", tess.username);
    let done = demo.installation.admin(&line);

    let expected = json!({ "username": tess.username, "second_factor_reset": true });
    assert_eq!(done, expected);
    Browser::of(&demo.server, &tess).await;
}

#[tokio::test]
async fn everybody_signs_in_to_a_browser() {
    let demo = Demo::new().await;

    for username in
        ["acme/ada@acme.example", "acme/ben@acme.example", "joe@example.com", "ada@acme.example"]
    {
        Browser::of(&demo.server, &demo.user(username)).await;
    }
}

#[tokio::test]
async fn the_administrator_sees_the_four_clients() {
    let demo = Demo::new().await;
    let mut browser = Browser::of(&demo.server, &demo.person("/admin")).await;

    let page = browser.get("/admin/clients").await;

    let mut names = page.texts("tbody strong");
    names.sort();
    assert_eq!(names, ["Demo script", "Demo service", "Demo single-page app", "Demo web app"]);
}

#[tokio::test]
async fn the_web_and_the_single_page_app_get_codes() {
    let demo = Demo::new().await;
    let ada = demo.user("acme/ada@acme.example");

    for name in ["web", "spa"] {
        let app = demo.client(name);
        let request = app.authorization().with("scope", "leads:read datasets:read openid");
        let callback = Browser::new(&demo.server).authorize(&request, &ada).await;
        assert_eq!(callback.to, demo.text(&format!("/clients/{name}/redirect_uris/0")));
        assert_eq!(callback.params["iss"], demo.text("/issuer"));

        let tokens = Tokens::of(&app.exchange(callback.code(), &Pkce::default()).await);

        assert_eq!(tokens.scope, "datasets:read leads:read openid");
        assert_eq!(demo.me(&tokens).await["workspace"]["slug"], "acme");
        Tokens::of(&app.refresh(&tokens.refresh).await);
    }
}

#[tokio::test]
async fn the_service_acts_for_itself_in_acme_and_introspects() {
    let demo = Demo::new().await;
    let service = demo.client("service");

    let tokens = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);

    assert_eq!(tokens.refresh, "");
    let me = demo.me(&tokens).await;
    assert_eq!(
        (&me["principal"]["type"], &me["workspace"]["slug"]),
        (&json!("client"), &json!("acme"))
    );
    let script = demo.client("script");
    let adas = Tokens::of(&script.password(&demo.user("acme/ada@acme.example")).await);
    for credential in [&adas.access, &adas.refresh, &tokens.access, &demo.text("/api_keys/live")] {
        assert!(service.sees_alive(credential).await);
    }
    assert_ne!(script.introspect(&adas.access).await.status, 200, "script may not");
}

#[tokio::test]
async fn every_key_opens_its_workspace() {
    let demo = Demo::new().await;

    for (name, workspace, product, environment) in [
        ("live", "acme", "default", "live"),
        ("test", "acme", "default", "test"),
        ("read_only", "acme", "default", "live"),
        ("flowestate", "flowestate", "flowestate", "live"),
        ("subworkflow", "subworkflow", "subworkflow", "live"),
        ("subscribeflow_live", "subscribeflow", "subscribeflow", "live"),
        ("subscribeflow_test", "subscribeflow", "subscribeflow", "test"),
        ("reqflo_live", "reqflo", "reqflo", "live"),
    ] {
        let body = demo.key(name).await.expect(200).json();

        assert_eq!(body["workspace"]["slug"], workspace, "{name}");
        assert_eq!(body["workspace"]["id"], demo.document["workspaces"][workspace]["id"], "{name}");
        assert_eq!(
            (&body["product"], &body["environment"]),
            (&json!(product), &json!(environment)),
            "{name}"
        );
        assert_eq!(body["principal"]["username"], "acme/ada@acme.example", "{name}");
        assert_eq!(body["credential"]["type"], "api_key", "{name}");
        let by_bearer = demo.text(&format!("/api_keys/{name}"));
        let by_bearer = ApiCaller::bearer(&demo.server, &by_bearer).me().await;
        assert_eq!(by_bearer.expect(200).json(), body, "{name}");
    }
}

#[tokio::test]
async fn live_and_test_have_every_scope_and_read_only_those_that_read() {
    let demo = Demo::new().await;
    let ada = demo.user("acme/ada@acme.example");
    let tokens = Tokens::of(&demo.client("script").password(&ada).await);
    let openid = ["openid", "profile", "email", "address", "phone", "offline_access"];
    let all: Vec<_> = tokens
        .scope
        .split(' ')
        .filter(|scope| !openid.contains(scope))
        .map(str::to_owned)
        .collect();
    assert!(all.len() > 20, "{all:?}");

    let live = scopes(&demo.key("live").await);
    let test = scopes(&demo.key("test").await);
    let read_only = scopes(&demo.key("read_only").await);

    assert_eq!((&live, &test), (&all, &all));
    let reading: Vec<_> = all.into_iter().filter(|scope| scope.ends_with(":read")).collect();
    assert_eq!(read_only, reading);
    let subscribeflow = scopes(&demo.key("subscribeflow_live").await);
    assert_eq!(subscribeflow.len(), 14);
}

#[tokio::test]
async fn the_plans_are_joes_free_and_acmes_pro() {
    let demo = Demo::new().await;

    for (username, text) in [
        ("joe@example.com", "0 of 2 keys on the plan free."),
        ("acme/ada@acme.example", "3 of 10 keys on the plan pro."),
    ] {
        let mut browser = Browser::of(&demo.server, &demo.user(username)).await;

        let page = browser.get("/settings/api-keys").await;

        assert!(page.text(".meter span").starts_with(text), "{}", page.text(".meter span"));
    }
}
