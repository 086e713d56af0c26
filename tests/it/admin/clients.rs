//! `/admin/clients`: registering clients, their secrets, and switching them off and on.

use latchkey::{clients::registration::NewClient, identity::users::NewUser};

use crate::support::{
    ApiCaller, Browser, CALLBACK, ClientApp, Form, Page, Person, Pkce, Tokens, World, script,
    service,
};

pub async fn admin() -> (World, Person, Browser) {
    let world = World::new().await;
    let admin = NewUser {
        username: "admin@latchkey.example".to_owned(),
        is_admin: true,
        ..NewUser::default()
    };
    let admin = world.person_of(admin).await;
    let browser = Browser::of(&world, &admin).await;
    (world, admin, browser)
}

/// The names in a list, page by page, as whoever follows its links finds them.
pub(super) async fn pages_of(browser: &mut Browser, path: &str) -> Vec<Vec<String>> {
    let (mut page, mut pages) = (browser.get(path).await, Vec::new());
    loop {
        assert_eq!(page.status, 200, "{}", page.url);
        pages.push(page.texts("tbody strong"));
        if !page.has("a[rel=next]") {
            return pages;
        }
        page = browser.get(&page.link("a[rel=next]")).await;
    }
}

/// The form for a client, filled for one that uses codes.
pub(super) async fn filled(browser: &mut Browser) -> (Page, Form) {
    let page = browser.get("/admin/new-client").await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Register a client"));
    let mut form = page.form("#register-client-submit").with("name", "Field app");
    form.set("redirect_uris", CALLBACK);
    form.tick("scope", "leads:read");
    (page, form)
}

pub(super) fn value_of(page: &Page, field: &str) -> Option<String> {
    let (_, rest) = page.body.split_once(&format!("name=\"{field}\" value=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// The client that a page introduces.
#[track_caller]
pub(super) fn introduced(world: &World, page: &Page) -> ClientApp {
    let secret = value_of(page, "client-secret");
    let mut client =
        ClientApp::new(world, &value_of(page, "client-id").unwrap(), secret.as_deref());
    CALLBACK.clone_into(&mut client.redirect_uri);
    client
}

fn path_of(client: &ClientApp) -> String {
    format!("/admin/clients/{}", client.id)
}

/// QF-11, QF-12: whoever runs the server registers the clients of third parties.
#[tokio::test]
async fn a_confidential_client_is_registered_and_its_secret_shown_once() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let (page, form) = filled(&mut browser).await;

    let page = browser.send_form(&page.url, &form).await;

    assert_eq!((page.status, page.text("h1").as_str()), (201, "Client registered"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let client = introduced(&world, &page);
    let secret = client.secret.clone().unwrap();
    assert!(secret.starts_with("lk_cs_") && secret.len() == 55, "{}", secret.len());
    let mut adas = Browser::new(&world);
    let callback = adas.authorize(&client.authorization(), &acme.ada).await;
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read");
    assert!(!tokens.refresh.is_empty());
    for path in ["/admin/clients", &path_of(&client)] {
        let page = browser.get(path).await;
        assert!(!page.body.contains(&secret), "{path} shows the secret again");
    }
    for event in world.audit_events().await {
        assert!(!format!("{event:?}").contains(&secret), "{event:?}");
    }
    assert_eq!(world.audited("client.register").await, 1);
}

#[tokio::test]
async fn a_public_client_has_no_secret() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let (page, form) = filled(&mut browser).await;

    let page = browser.send_form(&page.url, &form.with("kind", "public")).await;

    assert_eq!(page.status, 201);
    let client = introduced(&world, &page);
    assert_eq!(client.secret, None);
    let callback = Browser::new(&world).authorize(&client.authorization(), &acme.ada).await;
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    let page = browser.get(&path_of(&client)).await;
    assert!(!page.has("#rotate-secret"));
    assert_eq!(browser.get(&format!("{}/rotate-secret", path_of(&client))).await.status, 404);
}

/// FE-29.
#[tokio::test]
async fn a_client_is_bound_and_may_introspect() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let (page, form) = filled(&mut browser).await;
    let mut form = form.with("redirect_uris", "").with("workspace", " acme ");
    form.set("grant_type", "client_credentials");
    form.set("may_introspect", "yes");

    let page = browser.send_form(&page.url, &form).await;

    let client = introduced(&world, &page);
    let tokens = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);
    let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
    assert_eq!(
        (&me["workspace"]["slug"], &me["principal"]["type"]),
        (&"acme".into(), &"client".into())
    );
    assert!(client.sees_alive(&key).await);
}

#[tokio::test]
async fn several_grant_types_redirect_uris_and_scopes_are_taken() {
    let (world, _, mut browser) = admin().await;
    let (page, form) = filled(&mut browser).await;
    let uris = format!(" {CALLBACK}\r\n\r\nhttps://app.example/cb\r\ncom.example.app:/cb\r\n");
    let mut form = form.with("redirect_uris", &uris).with("publisher", "Acme Labs");
    form.tick("grant_type", "password");
    form.tick("scope", "openid");

    let page = browser.send_form(&page.url, &form).await;

    let client = introduced(&world, &page);
    let page = browser.get(&path_of(&client)).await;
    assert_eq!(page.text("h1"), "Field app");
    let uris = [CALLBACK, "https://app.example/cb", "com.example.app:/cb"];
    assert_eq!(page.texts("dd li code")[..3], uris);
    assert_eq!(page.texts("dd li code")[3..], ["leads:read", "openid"]);
    let facts = page.texts("dl.facts > div > dd");
    assert_eq!(
        facts[..4],
        [
            client.id.as_str(),
            "confidential",
            "Acme Labs Not verified",
            "authorization_code refresh_token password",
        ]
    );
    assert_eq!(facts[6..], ["any", "not allowed", "5 Mar 2027"]);
}

#[tokio::test]
async fn clients_are_listed() {
    let (world, _, mut browser) = admin().await;
    assert_eq!(browser.get("/admin/clients").await.text(".empty h2"), "No clients yet");
    let script = world.script().await;
    let spa = world.spa().await;

    let page = browser.get("/admin/clients").await;

    assert_eq!(page.text("h1"), "Clients");
    let mut rows = page.texts("tbody tr td.title");
    rows.sort();
    assert_eq!(rows, [format!("Script {}", script.id), format!("Web {}", spa.id)]);
    assert_eq!(page.texts("nav.tabs a[aria-current=page]"), ["Clients"]);
    assert!(page.has(&format!("a[href='{}']", path_of(&spa))));
}

#[tokio::test]
async fn clients_are_searched_in_whichever_case() {
    let (world, _, mut browser) = admin().await;
    let publisher = Some("Acme Labs".to_owned());
    let script = world.client(NewClient { publisher, ..script() }).await;
    let spa = world.spa().await;

    for (typed, found) in [
        ("sCRIPT", vec![&script]),
        (&spa.id[2..9], vec![&spa]),
        ("acme labs", vec![&script]),
        ("%", vec![]),
        ("_", vec![]),
        ("\\", vec![]),
    ] {
        let query = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect::<String>();
        let page = browser.get(&format!("/admin/clients?q={query}")).await;
        let ids: Vec<_> = found.iter().map(|client| client.id.clone()).collect();
        assert_eq!(page.texts("tbody td code"), ids, "{typed}");
        assert!(page.has(&format!("input[name=q][value={}]", css(typed))), "{typed}");
    }
}

/// A text as selectors quote it.
fn css(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\"))
}

#[tokio::test]
async fn a_long_list_has_pages_that_show_each_client_once() {
    let (world, _, mut browser) = admin().await;
    for number in 0..105 {
        world.client(NewClient { name: format!("Client {number}"), ..script() }).await;
    }

    let (mut names, mut path) = (Vec::new(), "/admin/clients".to_owned());
    loop {
        let page = browser.get(&path).await;
        names.extend(page.texts("tbody strong"));
        let next = page.body.split_once("href=\"/admin/clients?after=");
        match next {
            Some((_, rest)) => {
                path = format!("/admin/clients?after={}", rest.split('"').next().unwrap());
            }
            None => break,
        }
    }

    assert_eq!(names.len(), 105);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 105);
}

#[tokio::test]
async fn a_new_secret_replaces_the_old_one_at_once() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let path = path_of(&script);
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let page = browser.get(&format!("{path}/rotate-secret")).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Rotate the secret of Script?"));
    assert_eq!(script.password(&acme.ada).await.status, 200, "asking changes nothing");

    let page = browser.submit(&page, "#rotate-secret-confirm", &[]).await;

    assert_eq!((page.status, page.text("h1").as_str()), (200, "New client secret"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let renewed = introduced(&world, &page);
    assert_ne!(renewed.secret, script.secret);
    let refused = script.password(&acme.ada).await;
    assert_eq!((refused.status, &refused.json()["error"]), (401, &"invalid_client".into()));
    Tokens::of(&renewed.password(&acme.ada).await);
    // what the client has got so far is not the secret's
    Tokens::of(&renewed.refresh(&tokens.refresh).await);
    assert!(!browser.get(&path).await.body.contains(&renewed.secret.unwrap()));
    assert_eq!(world.audited("client.rotate_secret").await, 1);
}

/// FE-21.
#[tokio::test]
async fn a_disabled_client_and_its_tokens_are_refused_until_it_is_enabled() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    let page = browser.get(&path_of(&script)).await;

    let answer = browser.confirm_link(&page, "#disable-client", "#confirm").await;

    let place = format!("{}?notice=client-disabled", path_of(&script));
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The client is disabled. It and its tokens are refused.");
    assert_eq!(page.text(".heading .badge"), "Disabled");
    let me = caller.me().await;
    assert_eq!((me.status, &me.json()["error"]["code"]), (403, &"FORBIDDEN".into()));
    for refused in [script.password(&acme.ada).await, script.refresh(&tokens.refresh).await] {
        assert_eq!((refused.status, &refused.json()["error"]), (401, &"invalid_client".into()));
    }
    assert!(!world.introspector().await.sees_alive(&tokens.access).await);
    let apps = Browser::of(&world, &acme.ada).await.get("/settings/connected-apps").await;
    assert_eq!(apps.text("article .badge.bad"), "Disabled by the operator");

    let answer = browser.submit(&page, "#enable-client", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The client is enabled.");
    assert_eq!(caller.me().await.status, 200);
    Tokens::of(&script.refresh(&tokens.refresh).await);
    assert_eq!(world.audited("client.disable").await, 1);
    assert_eq!(world.audited("client.enable").await, 1);
}

/// Nothing of a client stops before it was said what will.
#[tokio::test]
async fn disabling_says_first_what_will_stop() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);

    let question = browser.get(&format!("{}/disable", path_of(&script))).await;

    assert_eq!((question.status, &*question.text("h1")), (200, "Disable Script?"));
    assert_eq!(
        question.texts("main li")[..2],
        ["Connections of people that stop working: 1", "Sets of tokens that are refused: 1"]
    );
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    assert_eq!(browser.get("/admin/clients/nothing/disable").await.status, 404);
}

#[tokio::test]
async fn a_disabled_client_cannot_ask_users_any_more() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let web = world.web().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let waiting = adas.open(&web.authorization().path()).await;
    assert!(waiting.has("#consent-allow"));
    let page = browser.get(&path_of(&web)).await;

    browser.confirm_link(&page, "#disable-client", "#confirm").await;

    let fresh = adas.open(&web.authorization().path()).await;
    assert_eq!(fresh.status, 400, "{}", fresh.url);
    let answer = adas.submit(&waiting, "#consent-allow", &[]).await;
    let code = answer.location().is_some_and(|place| place.contains("code="));
    assert!(!code, "a code was issued: {} {:?}", answer.status, answer.location());
}

#[tokio::test]
async fn the_workspace_of_a_client_is_shown() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let client = NewClient { may_introspect: true, ..service(Some(&acme.workspace)) };
    let client = world.client(client).await;

    let page = browser.get(&path_of(&client)).await;

    let facts = page.texts("dl.facts > div > dd");
    assert_eq!(facts[4], "none", "it has no redirect URI");
    assert_eq!(facts[6..8], ["The workspace acme (acme)", "allowed"]);
}
