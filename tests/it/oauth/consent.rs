//! `GET`, `POST /oauth/consent`: the user decides (contract §6).

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
};
use reqwest::Url;
use serde_json::json;

use crate::support::{
    Acme, ApiCaller, Browser, CALLBACK, ClientApp, Page, Pkce, Tokens, World, texts, web,
};

/// Ada's browser in front of the consent page of a client.
async fn world() -> (World, Acme, ClientApp, Browser, Page) {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = world.web().await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    (world, acme, client, browser, page)
}

/// The error page for a request that cannot be answered any more.
#[track_caller]
fn assert_gone(page: &Page, parameter: &str) {
    assert_eq!((page.status, page.location()), (400, None), "{}", page.body);
    assert!(page.text("main").contains(parameter), "{}", page.body);
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_it_leads() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = NewClient {
        name: "Lead <script>alert(1)</script> Sync".to_owned(),
        publisher: Some("Sync & Sons".to_owned()),
        logo_uri: Some("https://cdn.example/logo.png".to_owned()),
        policy_uri: Some("https://sync.example/policy".to_owned()),
        tos_uri: Some("https://sync.example/terms".to_owned()),
        scope: texts(&["leads:read", "leads:write", "subscribers:delete"]),
        ..web()
    };
    let client = world.client(client).await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    let text = page.text("main");
    for words in [
        "Lead <script>alert(1)</script> Sync",
        "by Sync & Sons",
        "Not verified",
        "acme/ada@acme.example",
        "The workspace acme",
        "127.0.0.1:9999",
        "Create leads",
        "Delete subscribers",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!page.body.contains("<script"), "{}", page.body);
    for link in ["https://sync.example/policy", "https://sync.example/terms"] {
        assert!(page.has(&format!("a[href='{link}']")), "{link}");
    }
    assert!(page.has("#consent-allow[name=decision][value=allow]"));
    assert!(page.has("#consent-deny[name=decision][value=deny]"));
    assert_eq!(page.texts(".scopes").len(), 3, "reading, writing and deleting apart: {text}");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9999"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn who_allows_returns_with_a_code() {
    let (world, _, client, mut browser, page) = world().await;

    let answer = browser.submit(&page, "#consent-allow", &[]).await;

    let callback = answer.callback();
    assert_eq!(callback.to, CALLBACK);
    let expected = json!({ "code": "lk_ac_…", "state": "a state: +&=%", "iss": world.url("") });
    assert_eq!(callback.shown(), expected);
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(world.audited("grant.create").await, 1);
}

/// CS-A19.
#[tokio::test]
async fn who_denies_returns_with_an_error() {
    let (world, _, client, mut browser, page) = world().await;

    let answer = browser.submit(&page, "#consent-deny", &[]).await;

    let expected = json!({
        "error": "access_denied",
        "error_description": "the user did not allow it",
        "state": "a state: +&=%",
        "iss": world.url(""),
    });
    assert_eq!(answer.callback().shown(), expected);
    assert_eq!(world.audited("grant.create").await, 0);
    assert_eq!(world.audited("app.refuse").await, 1);
    // and is asked again next time
    let next = browser.open(&client.authorization().path()).await;
    assert!(next.has("#consent-allow"));
}

#[tokio::test]
async fn the_user_chooses_the_workspace() {
    let (world, acme, client, mut browser, _) = world().await;
    let (second, foreign) = (world.workspace("second").await, world.workspace("foreign").await);
    add(&world, &second, &acme, Role::Member).await;
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!(page.texts("select[name=workspace] option").len(), 2);

    let mut form = page.form("#consent-allow");
    form.set("workspace", &foreign.id.to_string());
    let refused = browser.send_form(&page.url, &form).await;
    form.set("workspace", &second.id.to_string());
    let allowed = browser.send_form(&page.url, &form).await;

    assert_gone(&refused, "workspace");
    let tokens = client.exchange(allowed.callback().code(), &Pkce::default()).await;
    let me = ApiCaller::bearer(&world, &Tokens::of(&tokens).access).me().await;
    assert_eq!(me.json()["workspace"]["slug"], "second");
}

#[tokio::test]
async fn what_the_role_does_not_allow_is_not_granted() {
    let world = World::new().await;
    let acme = world.acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let scope = texts(&["leads:read", "api-keys:manage"]);
    let client = world.client(NewClient { scope, ..web() }).await;
    let mut browser = Browser::new(&world);

    let callback = browser.authorize(&client.authorization(), &ben).await;

    let tokens = client.exchange(callback.code(), &Pkce::default()).await;
    assert_eq!(Tokens::of(&tokens).scope, "leads:read");
}

#[tokio::test]
async fn scopes_that_are_new_are_marked() {
    let (_world, acme, client, mut browser, _) = world().await;
    let narrow = client.authorization().with("scope", "leads:read");
    browser.authorize(&narrow, &acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    assert_eq!(page.texts(".scopes li"), ["See your leads", "Create leads New"]);
}

#[tokio::test]
async fn who_is_not_signed_in_signs_in_first() {
    let (world, acme, client, _, _) = world().await;
    let mut browser = Browser::new(&world);
    let login = browser.get(&client.authorization().path()).await;
    let consent = login.location().unwrap().replace("/login", "/oauth/consent");

    let page = browser.get(&consent).await;

    assert_eq!(page.status, 303);
    assert!(page.location().unwrap().starts_with("/login?request=lk_rq_"), "{page:?}");
    let page = browser.follow(page).await;
    let page = browser.sign_in_on(&page, &acme.ada).await;
    assert!(page.has("#consent-allow"), "{}", page.body);
}

#[tokio::test]
async fn a_request_waits_thirty_minutes() {
    let (world, _, _, mut browser, page) = world().await;
    let reload = page.url.as_str().to_owned();
    world.clock.advance(TimeDelta::minutes(30) - TimeDelta::milliseconds(1));
    let in_time = browser.get(&reload).await;
    world.clock.advance(TimeDelta::milliseconds(1));

    let too_late = browser.submit(&page, "#consent-allow", &[]).await;

    assert_eq!(in_time.status, 200);
    assert_gone(&too_late, "request");
}

#[tokio::test]
async fn a_request_that_is_no_handle_is_refused() {
    let (_world, _, _, mut browser, _) = world().await;

    for path in ["/oauth/consent", "/oauth/consent?request=", "/oauth/consent?request=lk_rq_x"] {
        assert_gone(&browser.get(path).await, "request");
    }
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let (_world, _, _, mut browser, page) = world().await;
    browser.submit(&page, "#consent-allow", &[]).await.callback();

    for button in ["#consent-allow", "#consent-deny"] {
        assert_gone(&browser.submit(&page, button, &[]).await, "request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_makes_one_code() {
    let (world, _, _, browser, page) = world().await;

    let mut clicks: Vec<_> = (0..8).map(|_| browser.clone()).collect();
    let clicks = clicks.iter_mut().map(|browser| browser.submit(&page, "#consent-allow", &[]));
    let answers = futures_util::future::join_all(clicks).await;

    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let codes = statuses.iter().filter(|status| **status == 303).count();
    assert_eq!(codes, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [303, 400].contains(status)), "{statuses:?}");
    assert_eq!(world.audited("grant.create").await, 1);
}

#[tokio::test]
async fn a_client_that_was_disabled_meanwhile_gets_nothing() {
    let (world, _, client, mut browser, page) = world().await;
    let off = registration::set_disabled(&world.app, Actor::Operator, &client.id, true);
    assert!(off.await.unwrap());

    assert_gone(&browser.submit(&page, "#consent-allow", &[]).await, "client_id");
}

#[tokio::test]
async fn somebody_elses_sign_in_cannot_answer() {
    let (world, acme, _, _, page) = world().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let mut other = Browser::new(&world);
    other.sign_in(&ben).await;
    let own = other.open("/settings/connected-apps").await;
    assert_eq!(own.status, 200);

    // with a token of his own browser's, so that only the binding is in the way
    let mut form = page.form("#consent-allow");
    let csrf = other.get("/oauth/logout").await.form("form").get("csrf").unwrap().to_owned();
    form.set("csrf", &csrf);
    let answer = other.send_form(&page.url, &form).await;

    assert_gone(&answer, "request");
}

#[tokio::test]
async fn a_decision_must_be_allow_or_deny() {
    let (_world, _, _, mut browser, page) = world().await;

    for decision in ["", "maybe", "ALLOW"] {
        let answer = browser.submit(&page, "#consent-allow", &[("decision", decision)]).await;
        assert_gone(&answer, "decision");
    }
    browser.submit(&page, "#consent-allow", &[]).await.callback();
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused_and_nothing_is_consumed() {
    let (world, _, _, mut browser, page) = world().await;
    let form = page.form("#consent-allow");
    let body = |csrf: Option<&str>| {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("request", form.get("request").unwrap()).append_pair("decision", "allow");
        csrf.map(|csrf| body.append_pair("csrf", csrf));
        body.finish()
    };
    let right = form.get("csrf");
    let mut stranger = Browser::new(&world);
    let strange = stranger.open("/login").await.form("#login-submit");
    let url = Url::parse(&world.url("/oauth/consent")).unwrap();

    for (csrf, header) in [
        (None, ("accept", "*/*")),
        (Some(""), ("accept", "*/*")),
        (Some("x"), ("accept", "*/*")),
        (strange.get("csrf"), ("accept", "*/*")),
        (right, ("sec-fetch-site", "cross-site")),
        (right, ("sec-fetch-site", "same-site")),
        (right, ("origin", "https://evil.example")),
        (right, ("origin", "http://127.0.0.1:1")),
    ] {
        let request = world.http.post(url.clone()).header(header.0, header.1).body(body(csrf));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = browser.send(url.clone(), request).await;

        assert_eq!((answer.status, answer.location()), (403, None), "{csrf:?} {header:?}");
    }
    let twice = format!("{}&decision=allow", body(right));
    let request = world.http.post(url.clone()).body(twice);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(browser.send(url.clone(), request).await.status, 400);
    let json = world.http.post(url.clone()).header("content-type", "text/plain");
    assert_eq!(browser.send(url, json.body(body(right))).await.status, 415);
    browser.submit(&page, "#consent-allow", &[]).await.callback();
}

async fn add(world: &World, workspace: &entity::workspace::Model, acme: &Acme, role: Role) {
    use latchkey::workspaces::add_member;
    let (workspace, ada) = (workspace.id, acme.ada.id);
    add_member(&world.app, Actor::Operator, workspace, ada, role).await.unwrap().unwrap();
}
