//! `GET`, `POST /login`: signing in, and where it leads.

use chrono::TimeDelta;
use entity::member::Role;

use crate::support::{Browser, Tokens, World};

#[tokio::test]
async fn a_user_signs_in_and_sees_the_connected_apps() {
    let world = World::new().await;
    let acme = world.acme().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Sign in"));

    let fields = [("username", "acme/ada@acme.example"), ("password", &*acme.ada.password)];
    let answer = browser.submit(&page, "#login-submit", &fields).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
    let page = browser.follow(answer).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Connected apps"));
    assert_eq!(page.text(".who span"), "acme/ada@acme.example");
    assert_eq!(world.audited("session.begin").await, 1);
}

#[tokio::test]
async fn the_page_is_what_automation_expects() {
    let world = World::new().await;

    let page = Browser::new(&world).get("/login").await;

    assert_eq!(page.text("title"), "Sign in · Latchkey");
    assert_eq!(page.text("button#login-submit[type=submit]"), "Sign in");
    for selector in [
        "html[lang=en]",
        "form[method=post][action='/login']",
        "input[name=username][autocomplete=username][required]",
        "input[name=password][type=password][autocomplete=current-password][required]",
        "label[for=username]",
        "label[for=password]",
        "input[type=hidden][name=csrf]",
        "a[href='/forgot-password']",
    ] {
        assert!(page.has(selector), "{selector}");
    }
    assert!(!page.has("script, style, [style], [onclick]"), "{}", page.body);
}

#[tokio::test]
async fn the_page_cannot_be_framed_cached_or_scripted() {
    let world = World::new().await;

    let page = Browser::new(&world).get("/login").await;

    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert!(page.header("x-request-id").is_some());
    assert_eq!(page.header("strict-transport-security"), None);
}

/// CS-A22.
#[tokio::test]
async fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
    let world = World::new().await;

    let page = Browser::new(&world).get("/login").await;

    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("latchkey=lk_bs_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
}

/// CS-A22.
#[tokio::test]
async fn behind_https_the_cookie_is_secure_and_the_browser_is_told_to_stay() {
    let world = World::with(|config| config.issuer = "https://id.example".to_owned()).await;

    let page = Browser::new(&world).get("/login").await;

    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-latchkey=lk_bs_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=63072000"));
}

#[tokio::test]
async fn the_username_is_compared_without_case() {
    let world = World::new().await;
    let acme = world.acme().await;

    for username in ["ACME/ada@acme.example", "acme/ADA@Acme.Example"] {
        let mut ada = acme.ada.clone();
        ada.username = username.to_owned();

        let page = Browser::new(&world).sign_in(&ada).await;

        assert_eq!(page.text(".who span"), "acme/ada@acme.example", "{username}");
    }
}

#[tokio::test]
async fn the_same_email_in_two_realms_signs_in_two_people() {
    let world = World::new().await;
    let acme = world.acme().await;
    let outsider = world.person("ada@acme.example", &[]).await;

    let (inside, outside) = (Browser::of(&world, &acme.ada), Browser::of(&world, &outsider));
    let (mut inside, mut outside) = (inside.await, outside.await);

    assert_eq!(inside.get("/settings/profile").await.text(".who span"), acme.ada.username);
    assert_eq!(outside.get("/settings/profile").await.text(".who span"), outsider.username);
}

#[tokio::test]
async fn somebody_who_is_signed_in_goes_straight_on() {
    let world = World::new().await;
    let acme = world.acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    for (asked, place) in [
        ("/login", "/settings/connected-apps"),
        ("/login?next=/settings/security", "/settings/security"),
        ("/login?next=https://evil.example/", "/settings/connected-apps"),
    ] {
        let answer = browser.get(asked).await;

        assert_eq!((answer.status, answer.location()), (303, Some(place)), "{asked}");
    }
}

#[tokio::test]
async fn whoever_asked_for_a_page_gets_it_after_signing_in() {
    let world = World::new().await;
    let acme = world.acme().await;

    for path in ["/settings/security", "/settings/api-keys", "/workspaces/acme/settings/keys"] {
        let mut browser = Browser::new(&world);
        let answer = browser.get(path).await;
        let login = format!("/login?next={path}");
        assert_eq!((answer.status, answer.location()), (303, Some(&*login)));
        let page = browser.follow(answer).await;

        let page = browser.sign_in_on(&page, &acme.ada).await;

        assert_eq!((page.status, page.url.path()), (200, path));
    }
}

#[tokio::test]
async fn a_sign_in_never_leads_off_this_server() {
    let world = World::new().await;
    let acme = world.acme().await;

    for next in [
        "https://evil.example/settings/",
        "//evil.example/settings/",
        "/settings//evil.example",
        "/settings/../../evil",
        "/\\evil.example",
        "/settings/%2f%2fevil.example",
        "javascript:alert(1)",
        "/oauth/logout",
        "/settings/x\r\nSet-Cookie: a=b",
    ] {
        let mut browser = Browser::new(&world);
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let page = browser.open(&format!("/login?{query}")).await;
        let mut form = page.form("form");
        assert_eq!(form.get("next"), None, "{next}");
        form.set("username", &acme.ada.username);
        form.set("password", &acme.ada.password);
        // a field that the page would never have
        form.fields.push(("next".to_owned(), next.to_owned()));

        let answer = browser.send_form(&page.url, &form).await;

        assert_eq!(answer.location(), Some("/settings/connected-apps"), "{next}");
    }
}

#[tokio::test]
async fn an_interrupted_authorization_goes_on() {
    let world = World::new().await;
    let acme = world.acme().await;
    let web = world.web().await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorization().path()).await;
    assert_eq!((page.url.path(), page.text("main strong").as_str()), ("/login", "Web"));
    // Chromium holds form-action against the redirects that follow
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9999;"), "{policy}");

    let page = browser.sign_in_on(&page, &acme.ada).await;

    assert_eq!((page.url.path(), page.text("h1").as_str()), ("/oauth/consent", "Allow Web?"));
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    assert!(!callback.code().is_empty());
}

#[tokio::test]
async fn another_browsers_authorization_does_not_go_on() {
    let world = World::new().await;
    let acme = world.acme().await;
    let web = world.web().await;
    let page = Browser::new(&world).open(&web.authorization().path()).await;
    let handle = page.form("form").get("request").unwrap().to_owned();
    let mut victim = Browser::new(&world);

    let page = victim.open(&format!("/login?request={handle}")).await;
    assert!(!page.has("main strong"), "the app is named to another browser");
    let page = victim.sign_in_on(&page, &acme.ada).await;

    assert_eq!(page.status, 400, "{}", page.text("main"));
    assert!(!page.has("#consent-allow"));
}

#[tokio::test]
async fn a_success_gets_a_cookie_that_nobody_could_know_before() {
    let world = World::new().await;
    let acme = world.acme().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let mut planted = browser.copy();
    let before = browser.cookies().clone();

    let page = browser.sign_in_on(&page, &acme.ada).await;

    assert_eq!(page.text("h1"), "Connected apps");
    assert_ne!(browser.cookies(), &before);
    // whoever planted the first cookie is signed in to nothing
    assert_eq!(planted.get("/settings/connected-apps").await.status, 303);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let world = World::new().await;
    let acme = world.acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let mut browser = Browser::new(&world);
    let stale = browser.open("/login").await;
    browser.sign_in_on(&stale, &acme.ada).await;
    let mut adas = browser.copy();
    // the form of a page that was opened earlier has an old token
    let refused = browser.sign_in_on(&stale, &ben).await;
    assert_eq!(refused.status, 403);
    let mut form = stale.form("form");
    form.set("csrf", adas.get("/settings/security").await.form("form").get("csrf").unwrap());
    form.set("username", &ben.username);
    form.set("password", &ben.password);

    let answer = browser.send_form(&stale.url, &form).await;

    assert_eq!(answer.status, 303);
    assert_eq!(browser.get("/settings/profile").await.text(".who span"), ben.username);
    assert_eq!(adas.get("/settings/profile").await.status, 303);
}

#[tokio::test]
async fn failures_count_together_with_those_of_the_password_grant() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let mut wrong = acme.ada.clone();
    wrong.password = "wrong".to_owned();
    for _ in 0..3 {
        assert_eq!(script.password(&wrong).await.status, 400);
    }
    let mut browser = Browser::new(&world);
    for _ in 0..2 {
        assert_eq!(browser.sign_in(&wrong).await.status, 422);
    }

    let page = browser.sign_in(&acme.ada).await;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("1")));
    let text = "There were too many attempts. Try again in 1 second.";
    assert_eq!(page.text("#login-problem"), text);
    assert_eq!(script.password(&acme.ada).await.status, 429);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(browser.sign_in(&acme.ada).await.text("h1"), "Connected apps");
    assert!(!Tokens::of(&script.password(&acme.ada).await).access.is_empty());
}
