//! Every page that leads to another one, and every form on them: the headers of `security.md`, and
//! that no form is taken from elsewhere. What is found is what people can reach.

use std::collections::{BTreeSet, VecDeque};

use entity::member::Role;
use scraper::{Html, Selector};

use crate::{
    admin::clients,
    support::{Browser, Form, Page, Tokens, World},
};

/// What is no page, or ends the visit.
const LEFT_OUT: [&str; 6] =
    ["/docs", "/llms.txt", "/openapi.json", "/static/", "/favicon.ico", "/oauth/jwks.json"];

fn attributes(page: &Page, selector: &str, name: &str) -> Vec<String> {
    let (html, selector) = (Html::parse_document(&page.body), Selector::parse(selector).unwrap());
    let found = html.select(&selector);
    found.filter_map(|element| element.attr(name)).map(str::to_owned).collect()
}

#[track_caller]
fn is_well_dressed(page: &Page) {
    let header = |name| page.header(name).unwrap_or_default();
    let place = &page.url;
    assert_eq!(page.status, 200, "{place}: {}", page.body);
    assert_eq!(header("content-type"), "text/html; charset=utf-8", "{place}");
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{place}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{place}: {policy}");
    assert!(!policy.contains("unsafe"), "{place}: {policy}");
    assert_eq!(header("cache-control"), "no-store", "{place}");
    assert_eq!(header("x-frame-options"), "DENY", "{place}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{place}");
    assert!(["same-origin", "no-referrer"].contains(&header("referrer-policy")), "{place}");
    assert_eq!(page.texts("h1").len(), 1, "{place}");
    assert!(page.text("title").ends_with("· Latchkey"), "{place}");
    assert!(!page.has("[style], style, script:not([src])"), "{place}");
    for script in attributes(page, "script", "src") {
        assert!(script.starts_with("/static/"), "{place}: {script}");
    }
}

/// Goes wherever links lead; answers the paths of the pages and of their forms.
async fn walk(world: &World, browser: &mut Browser, from: &[&str]) -> [BTreeSet<String>; 2] {
    let mut ahead: VecDeque<_> = from.iter().map(|path| (*path).to_owned()).collect();
    let (mut pages, mut forms) = (BTreeSet::new(), BTreeSet::new());
    while let Some(path) = ahead.pop_front() {
        let plain = path.split(['?', '#']).next().unwrap_or_default().to_owned();
        let is_left_out = LEFT_OUT.iter().any(|start| plain.starts_with(start));
        if plain.is_empty() || is_left_out || plain.ends_with("/export") || !pages.insert(plain) {
            continue;
        }
        let page = browser.open(&path).await;
        is_well_dressed(&page);
        ahead.extend(attributes(&page, "a[href^='/']", "href"));
        for action in attributes(&page, "form[method=post]", "action") {
            if forms.insert(action.clone()) {
                let form = page.form(&format!("form[method=post][action='{action}']"));
                let happened = world.audit_events().await.len();
                world.refuses_forgeries(browser, &page, &form).await;
                let allow = methods_of(browser, &action).await;
                world.answers_only_to(allow, browser, (&page, &form)).await;
                assert_eq!(world.audit_events().await.len(), happened, "{action}");
                comes_back(browser, &page, &form).await;
            }
        }
    }
    [pages, forms]
}

/// What a form's path must answer to: it is a page as well, or takes this form and nothing else.
async fn methods_of(browser: &mut Browser, action: &str) -> &'static str {
    let page = browser.get(action).await;
    match page.status {
        200 => "GET, HEAD, POST",
        405 => "POST",
        other => panic!("GET {action} answers with {other}"),
    }
}

/// Sends a form that has fields which must be filled in, and fills in none of them: what is wrong is
/// said beside them, which every page that a browser of ours is shown is held to.
async fn comes_back(browser: &mut Browser, page: &Page, form: &Form) {
    let required = format!("form[action='{}'] [required]", form.action);
    let mut empty = form.clone();
    for field in attributes(page, &required, "name") {
        empty.set(&field, "");
    }
    if page.has(&required) {
        let answer = browser.send_form(&page.url, &empty).await;
        // forgotten passwords are answered alike, whoever asks
        assert!([200, 422, 429].contains(&answer.status), "{} {}", form.action, answer.status);
    }
}

#[track_caller]
fn has_all(found: &BTreeSet<String>, expected: &[&str]) {
    for path in expected {
        assert!(found.contains(*path), "{path} is not among {found:#?}");
    }
}

#[tokio::test]
async fn pages_of_people_and_workspaces_take_no_form_from_elsewhere() {
    let (world, acme) = World::of_acme().await;
    Tokens::of(&world.script().await.password(&acme.ada).await);
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    let [pages, forms] = walk(&world, &mut browser, &["/settings", "/workspaces"]).await;

    has_all(
        &pages,
        &[
            "/settings/connected-apps",
            "/settings/profile",
            "/settings/security",
            "/settings/security/totp",
            "/settings/sessions",
            "/workspaces/acme/settings/apps",
            "/workspaces/acme/settings/app-policy",
            "/workspaces/acme/settings/audit",
            "/workspaces/acme/settings/invitations",
            "/workspaces/acme/settings/keys/new",
            "/workspaces/acme/settings/members/leave",
            "/oauth/logout",
        ],
    );
    has_all(
        &forms,
        &[
            "/settings/profile",
            "/settings/profile/email",
            "/settings/security",
            "/settings/security/totp",
            "/workspaces/acme/settings/app-policy",
            "/workspaces/acme/settings/invitations",
            "/workspaces/acme/settings/keys",
            "/workspaces/acme/settings/members/leave",
            "/oauth/logout",
        ],
    );
}

/// A member who runs nothing here, but another workspace: no link leads to what they may not see.
#[tokio::test]
async fn every_link_of_a_plain_member_leads_somewhere() {
    let (world, acme) = World::of_acme().await;
    let second = world.workspace("second").await;
    let places = [(&acme.workspace, Role::Member), (&second, Role::Admin)];
    let ben = world.person("acme/ben@acme.example", &places).await;
    let mut browser = Browser::of(&world, &ben).await;

    let from = ["/settings", "/workspaces/acme/settings/keys", "/workspaces/second/settings/keys"];
    let [pages, _] = walk(&world, &mut browser, &from).await;

    has_all(
        &pages,
        &[
            "/workspaces/acme/settings/members",
            "/workspaces/second/settings/apps",
            "/workspaces/second/settings/audit",
        ],
    );
    for page in ["audit", "apps"] {
        let path = format!("/workspaces/acme/settings/{page}");
        assert!(!pages.contains(&path), "{path}");
        assert_eq!(browser.get(&path).await.status, 404, "{path}");
    }
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get("/workspaces/acme/settings/members").await;
    assert!(page.has("nav.tabs a[href='/workspaces/acme/settings/audit']"));
}

#[tokio::test]
async fn the_pages_of_managers_switch_between_the_workspaces_they_run() {
    let (world, acme) = World::of_acme().await;
    let (second, third) = (world.workspace("second").await, world.workspace("third").await);
    let places = [(&acme.workspace, Role::Member), (&second, Role::Admin), (&third, Role::Owner)];
    let ben = world.person("acme/ben@acme.example", &places).await;
    let mut browser = Browser::of(&world, &ben).await;

    for page in ["apps", "audit"] {
        let page = browser.get(&format!("/workspaces/second/settings/{page}")).await;
        let mut names = page.texts("nav.switcher a");
        names.sort();
        assert_eq!(names, ["The workspace second", "The workspace third"], "{}", page.url);
    }
}

/// Nobody is stranded, and what is not there looks like what is another's.
#[tokio::test]
async fn error_pages_have_a_way_back() {
    let (world, acme) = World::of_acme().await;
    let second = world.workspace("second").await;
    world.person("joe@example.com", &[(&second, Role::Owner)]).await;
    let (mut adas, mut nobodys) = (Browser::of(&world, &acme.ada).await, Browser::new(&world));

    let foreign = adas.get("/workspaces/second/settings/audit").await;
    let missing = adas.get("/workspaces/nothing/settings/audit").await;
    let strange = nobodys.get("/nothing").await;

    assert_eq!([foreign.status, missing.status, strange.status], [404; 3]);
    let links = |page: &Page| attributes(page, "main a", "href");
    assert_eq!(links(&foreign), links(&missing));
    assert_eq!(links(&foreign), links(&strange));
    let home = adas.open(&foreign.link("#way-back")).await;
    assert_eq!((home.status, &*home.text("h1")), (200, "Connected apps"));
    let sign_in = nobodys.open(&strange.link("#way-back")).await;
    assert_eq!((sign_in.status, &*sign_in.text("h1")), (200, "Sign in"));
}

#[tokio::test]
async fn pages_of_the_server_take_no_form_from_elsewhere() {
    let (world, _, mut browser) = clients::admin().await;
    world.acme().await;
    world.script().await;

    let [pages, forms] = walk(&world, &mut browser, &["/admin/users"]).await;

    has_all(
        &pages,
        &[
            "/admin/apps",
            "/admin/audit",
            "/admin/clients",
            "/admin/enterprises",
            "/admin/new-client",
            "/admin/new-enterprise",
            "/admin/new-workspace",
            "/admin/outbox",
            "/admin/subscriptions",
            "/admin/workspaces/acme",
            "/admin/workspaces/acme/disable",
        ],
    );
    has_all(
        &forms,
        &[
            "/admin/clients",
            "/admin/enterprises",
            "/admin/subscriptions",
            "/admin/workspaces",
            "/admin/workspaces/acme/disable",
            "/admin/workspaces/acme/plan",
        ],
    );
}

#[tokio::test]
async fn pages_of_strangers_take_no_form_from_elsewhere() {
    let world = World::with(|config| config.accounts.sign_up = true).await;
    let mut browser = Browser::new(&world);

    let [pages, forms] = walk(&world, &mut browser, &["/login"]).await;

    has_all(&pages, &["/forgot-password", "/login", "/signup"]);
    has_all(&forms, &["/forgot-password", "/login", "/signup"]);
}
