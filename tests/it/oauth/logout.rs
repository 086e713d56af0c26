//! `GET`, `POST /oauth/logout`, the plain form: GET asks, POST signs out (contract §3, §6).

use reqwest::{Method, Url};

use super::assert_sealed_page;
use crate::support::{Acme, ApiCaller, Browser, Page, Tokens, World};

const PATH: &str = "/oauth/logout";
const FORM: &str = "application/x-www-form-urlencoded";

/// Ada's browser in front of the question.
async fn asked() -> (World, Acme, Browser, Page) {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;
    let page = browser.open(PATH).await;
    (world, acme, browser, page)
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    let page = browser.get("/settings/connected-apps").await;
    assert!([200, 303].contains(&page.status), "{} {}", page.status, page.body);
    page.status == 200
}

#[track_caller]
fn assert_signed_out(page: &Page) {
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Signed out"), "{}", page.body);
    assert!(page.has("a[href='/login']"));
    assert_sealed_page(page);
}

#[tokio::test]
async fn the_page_asks_and_the_button_signs_out() {
    let (world, _, mut browser, page) = asked().await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Sign out"));
    assert_sealed_page(&page);
    assert!(is_signed_in(&mut browser).await, "the question alone does nothing");

    let answer = browser.submit(&page, "#logout-confirm", &[]).await;

    assert_signed_out(&answer);
    assert!(!is_signed_in(&mut browser).await);
    assert_eq!(world.audited("session.end").await, 1);
}

#[tokio::test]
async fn the_session_ends_on_the_server_and_the_cookie_is_replaced() {
    let (world, _, mut browser, page) = asked().await;
    let node = world.another_node().await;
    let mut copy = browser.clone();

    let answer = browser.submit(&page, "#logout-confirm", &[]).await;

    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(!is_signed_in(&mut copy).await, "a copied cookie is worth nothing any more");
    let url = Url::parse(&node.url("/settings/connected-apps")).unwrap();
    assert_eq!(copy.send(url.clone(), world.http.get(url)).await.status, 303);
}

#[tokio::test]
async fn other_browsers_and_connected_apps_go_on() {
    let (world, acme, mut browser, page) = asked().await;
    let mut phone = Browser::new(&world);
    phone.sign_in(&acme.ada).await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);

    assert_signed_out(&browser.submit(&page, "#logout-confirm", &[]).await);

    assert!(is_signed_in(&mut phone).await);
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    Tokens::of(&script.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn an_authorization_begins_with_signing_in_again() {
    let (world, acme, mut browser, page) = asked().await;
    let web = world.web().await;
    let code = browser.authorize(&web.authorization(), &acme.ada).await;
    assert!(!code.code().is_empty());
    assert_signed_out(&browser.submit(&page, "#logout-confirm", &[]).await);

    let next = browser.open(&web.authorization().path()).await;

    assert!(next.has("#login-submit"), "{}", next.body);
    browser.sign_in_on(&next, &acme.ada).await.callback().code();
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_so() {
    let (world, _) = World::of_acme().await;
    let mut browser = Browser::new(&world);

    assert_signed_out(&browser.open(PATH).await);

    assert_eq!(world.audited("session.end").await, 0);
}

/// Nobody is sent anywhere, whatever a link says.
#[tokio::test]
async fn parameters_of_the_address_do_nothing() {
    let (world, _, mut browser, _) = asked().await;
    let query = "post_logout_redirect_uri=https://evil.example&state=evil&csrf=x&confirm=1";
    let path = format!("{PATH}?{query}");

    let question = browser.get(&path).await;

    assert_eq!((question.status, question.location()), (200, None));
    assert!(!question.body.contains("evil"), "{}", question.body);
    assert!(is_signed_in(&mut browser).await);
    let answer = browser.submit(&question, "#logout-confirm", &[]).await;
    assert_signed_out(&answer);
    assert_eq!(answer.location(), None);
    let anonymous = Browser::new(&world).get(&path).await;
    assert_eq!((anonymous.status, anonymous.location()), (200, None));
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_out() {
    let (world, acme, mut browser, page) = asked().await;
    let token = page.form("#logout-confirm").get("csrf").unwrap().to_owned();
    let url = Url::parse(&world.url(PATH)).unwrap();
    let mut other = Browser::new(&world);
    other.sign_in(&acme.ada).await;
    let others = other.open(PATH).await.form("#logout-confirm").get("csrf").unwrap().to_owned();
    let body = |token: &str| format!("csrf={token}");
    let form = || world.http.post(url.clone()).header("content-type", FORM);

    for request in [
        form(),
        form().body(body("")),
        form().body(body("x")),
        form().body(body(&others)),
        form().body(body(&token)).header("sec-fetch-site", "cross-site"),
        form().body(body(&token)).header("sec-fetch-site", "same-site"),
        form().body(body(&token)).header("origin", "https://evil.example"),
    ] {
        let answer = browser.send(url.clone(), request).await;

        assert_eq!(answer.status, 403, "{}", answer.body);
        assert_sealed_page(&answer);
        assert!(is_signed_in(&mut browser).await);
    }
    let stolen = form().body(body(&token));
    assert_eq!(Browser::new(&world).send(url.clone(), stolen).await.status, 403);
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(world.audited("session.end").await, 0);
}

#[tokio::test]
async fn a_form_of_another_kind_is_refused() {
    let (world, _, mut browser, page) = asked().await;
    let token = page.form("#logout-confirm").get("csrf").unwrap().to_owned();
    let url = Url::parse(&world.url(PATH)).unwrap();
    let form = |kind: &str| world.http.post(url.clone()).header("content-type", kind);

    for (request, status) in [
        (form("text/plain").body(format!("csrf={token}")), 415),
        (form("application/json").body(format!("{{\"csrf\":\"{token}\"}}")), 415),
        (form(FORM).body(format!("csrf={token}&csrf={token}")), 400),
        (form(FORM).body(format!("csrf={token}&x={}", "y".repeat(64 * 1024))), 413),
    ] {
        let answer = browser.send(url.clone(), request).await;

        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn a_question_that_was_answered_cannot_be_answered_again() {
    let (world, _, mut browser, page) = asked().await;
    assert_signed_out(&browser.submit(&page, "#logout-confirm", &[]).await);

    let again = browser.submit(&page, "#logout-confirm", &[]).await;

    assert_eq!(again.status, 403);
    assert_signed_out(&browser.open(PATH).await);
    assert_eq!(world.audited("session.end").await, 1);
}

#[tokio::test]
async fn other_methods_are_refused() {
    let (world, _, mut browser, _) = asked().await;
    let url = Url::parse(&world.url(PATH)).unwrap();

    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = browser.send(url.clone(), world.http.request(method, url.clone())).await;

        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST")));
    }
    assert!(is_signed_in(&mut browser).await);
}
