//! `/oauth/logout` as clients use it (OpenID Connect RP-Initiated Logout 1.0).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use entity::{client_settings::Settings, signing_key::Algorithm};
use latchkey::{audit::Actor, clients::registration, jobs, signing};
use reqwest::Url;
use serde_json::{Value, json};

use crate::support::{AFTER, Acme, Browser, ClientApp, Page, World, party};

/// Ada signed in at a client; her ID token there.
async fn at_party() -> (World, Acme, ClientApp, Browser, String) {
    let (world, acme) = World::of_acme().await;
    let client = world.client(party(Settings::default())).await;
    let mut browser = Browser::new(&world);
    world.signed_in_at((&mut browser, &client), &acme.ada, "openid leads:read").await;
    let sid = world.sids(&acme.ada).await[0];
    let hint = world.hint(&world.id_claims(&client, &acme.ada, Some(sid))).await;
    (world, acme, client, browser, hint)
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/settings/connected-apps").await.status == 200
}

#[track_caller]
fn assert_leads_back(page: &Page, state: Option<&str>) {
    assert_eq!(page.status, 303, "{}", page.body);
    let to = Url::parse(page.location().unwrap()).unwrap();
    assert!(page.location().unwrap().starts_with(AFTER));
    let states: Vec<_> = to.query_pairs().filter(|(name, _)| name == "state").collect();
    let states: Vec<_> = states.iter().map(|(_, value)| &**value).collect();
    assert_eq!(states, Vec::from_iter(state));
}

/// CS-L1, CS-L8: a client that proves which session it means ends it without a question, and gets its
/// state back byte for byte.
#[tokio::test]
async fn a_hint_of_this_session_signs_out_and_leads_back() {
    let (world, acme, client, mut browser, hint) = at_party().await;
    let state = "a state: +&=%-._~".repeat(8);

    let params = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", AFTER),
        ("state", &state),
        ("client_id", &client.id),
        ("logout_hint", "ada"),
        ("ui_locales", "fr"),
    ];
    let answer = browser.log_out_with(&params).await;

    assert_leads_back(&answer, Some(&state));
    assert!(!is_signed_in(&mut browser).await);
    assert!(world.sids(&acme.ada).await.is_empty());
    assert_eq!(world.audited("session.end").await, 1);
}

/// CS-L4: whoever was signed out signs in again before the client gets anything.
#[tokio::test]
async fn the_session_is_gone_afterwards() {
    let (_world, _, client, mut browser, hint) = at_party().await;
    browser.log_out_with(&[("id_token_hint", &hint)]).await;

    let page = browser.open(&client.authorization().path()).await;

    assert!(page.has("#login-submit"), "{}", page.body);
}

/// CS-L1, CS-L7: no state is given back that was not sent, and a hint may have expired long ago.
#[tokio::test]
async fn an_old_hint_will_do() {
    let (world, acme, client, mut browser, _) = at_party().await;
    let sid = world.sids(&acme.ada).await[0];
    let mut claims = world.id_claims(&client, &acme.ada, Some(sid));
    claims["exp"] = (world.clock.unix() - 86_400).into();
    claims["aud"] = json!([client.id, "another"]);
    claims["azp"] = client.id.as_str().into();
    let hint = world.hint(&claims).await;

    let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
    assert_leads_back(&browser.log_out_with(&params).await, None);
}

/// CS-L3: without a URI the user is signed out and told so.
#[tokio::test]
async fn a_hint_alone_signs_out_and_stays_here() {
    let (_world, _, _, mut browser, hint) = at_party().await;

    let page = browser.log_out_with(&[("id_token_hint", &hint)]).await;

    assert_eq!((page.status, &*page.text("h1"), page.location()), (200, "Signed out", None));
    assert!(!is_signed_in(&mut browser).await);
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

/// CS-L2: what proves nothing leads nowhere; the user is told why and can sign out.
#[tokio::test]
async fn a_bad_hint_never_leads_anywhere() {
    let (world, acme, client, mut browser, good) = at_party().await;
    let other_server = World::new().await;
    let sid = world.sids(&acme.ada).await[0];
    let claims = world.id_claims(&client, &acme.ada, Some(sid));
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let another = world.client(party(Settings::default())).await;
    let tampered = format!("{}x.{}", &good[..good.len() / 2], &good[good.len() / 2..]);
    for (what, hint) in [
        ("garbage", "garbage".to_owned()),
        ("none", unsigned(&claims)),
        ("foreign", other_server.hint(&claims).await),
        ("tampered", tampered),
        ("issuer", world.hint(&with("iss", json!("https://evil.example"))).await),
        ("audience", world.hint(&with("aud", json!("nobody"))).await),
        ("audiences", world.hint(&with("aud", json!([client.id, another.id]))).await),
        ("no subject", world.hint(&with("sub", Value::Null)).await),
        ("a logout token", world.signed("logout+jwt", &claims).await),
        ("too long", "x".repeat(20_000)),
    ] {
        let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
        let page = browser.log_out_with(&params).await;

        assert_eq!((page.status, page.location()), (200, None), "{what}");
        assert!(page.has(".flash.warn"), "{what}: {}", page.body);
        assert!(is_signed_in(&mut browser).await, "{what}");
        let anonymous = Browser::new(&world).log_out_with(&params).await;
        assert_eq!((anonymous.status, anonymous.location()), (200, None), "{what}");
    }
    let params = [("id_token_hint", "garbage"), ("post_logout_redirect_uri", AFTER)];
    let page = browser.log_out_with(&params).await;
    let answer = browser.submit(&page, "#logout-confirm", &[]).await;
    assert_eq!((answer.status, &*answer.text("h1"), answer.location()), (200, "Signed out", None));
}

/// CS-L2: only the registered bytes are an address, and only of the client that is meant.
#[tokio::test]
async fn an_address_that_is_not_registered_never_leads_anywhere() {
    let (world, acme, client, _, hint) = at_party().await;
    let another = world.client(party(Settings::default())).await;
    for (more, uri) in [
        (vec![("client_id", another.id.as_str())], AFTER),
        (vec![], "http://127.0.0.1:9999/after"),
        (vec![], "http://127.0.0.1:9999/after?a=b&c=d"),
        (vec![], "http://127.0.0.1:9998/after?a=b"),
        (vec![], client.redirect_uri.as_str()),
        (vec![], "https://evil.example"),
        (vec![], "javascript:alert(1)"),
    ] {
        let mut params = vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", uri)];
        params.extend(more);
        // as somebody else, so that the hint ends no session
        let anonymous = Browser::new(&world).log_out_with(&params).await;

        assert_eq!((anonymous.status, anonymous.location()), (200, None), "{uri}");
        assert!(!anonymous.has("#logout-continue") && anonymous.has(".flash.warn"), "{uri}");
    }
    for params in [
        vec![("post_logout_redirect_uri", AFTER)],
        vec![("post_logout_redirect_uri", AFTER), ("client_id", "nobody")],
    ] {
        let mut browser = Browser::of(&world, &acme.ada).await;
        let page = browser.log_out_with(&params).await;
        assert_eq!((page.status, page.location()), (200, None));
        let answer = browser.submit(&page, "#logout-confirm", &[]).await;
        assert_eq!((answer.status, answer.location()), (200, None));
    }
}

#[tokio::test]
async fn repeated_parameters_are_refused() {
    let (_world, _, _, mut browser, hint) = at_party().await;

    let params = [("id_token_hint", hint.as_str()), ("state", "a"), ("state", "b")];
    let page = browser.log_out_with(&params).await;

    assert_eq!(page.status, 400);
    assert!(is_signed_in(&mut browser).await);
}

/// A hint of another session, or of none, is a reason to ask.
#[tokio::test]
async fn another_sessions_hint_asks_first() {
    let (world, acme, client, mut browser, _) = at_party().await;
    let mut phone = Browser::new(&world);
    phone.sign_in(&acme.ada).await;
    let mine = world.sids(&acme.ada).await;
    for sid in [None, Some(mine[1]), Some(uuid::Uuid::nil())] {
        let hint = world.hint(&world.id_claims(&client, &acme.ada, sid)).await;
        let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
        let mut here = browser.copy();
        if sid.is_some_and(|sid| sid == mine[1]) {
            // which of the two is this browser's is not known: one of them asks
            let (one, other) =
                (here.log_out_with(&params).await, phone.log_out_with(&params).await);
            assert_eq!([one.status, other.status].iter().filter(|it| **it == 303).count(), 1);
            browser = Browser::new(&world);
            browser.sign_in(&acme.ada).await;
            continue;
        }
        let page = here.log_out_with(&params).await;
        assert!(page.has("#logout-confirm"), "{}", page.body);
        assert!(page.text("main").contains("The app Party asks to sign you out."));
        assert!(is_signed_in(&mut here).await);
    }
    let hint = world.hint(&world.id_claims(&client, &acme.ada, None)).await;
    let params =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "s")];
    let page = browser.log_out_with(&params).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9999;"), "{policy}");
    let answer = browser.submit(&page, "#logout-confirm", &[]).await;
    assert_leads_back(&answer, Some("s"));
    assert!(!is_signed_in(&mut browser).await);
}

/// What the form carries is signed: nobody makes it lead elsewhere.
#[tokio::test]
async fn a_form_that_was_changed_leads_nowhere() {
    let (_world, _, client, mut browser, _) = at_party().await;
    let params = [("client_id", client.id.as_str()), ("post_logout_redirect_uri", AFTER)];
    let page = browser.log_out_with(&params).await;
    let form = page.form("#logout-confirm");
    let request = form.get("request").unwrap();
    let changed = format!("{}A{}", &request[..40], &request[41..]);

    let answer = browser.send_form(&page.url, &form.with("request", &changed)).await;

    assert_eq!((answer.status, &*answer.text("h1"), answer.location()), (200, "Signed out", None));
}

/// A client that proves nothing sends nobody anywhere before the user has agreed.
#[tokio::test]
async fn a_client_id_alone_asks_first() {
    let (world, _, client, mut browser, _) = at_party().await;
    let params =
        [("client_id", client.id.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "x")];

    let anonymous = Browser::new(&world).log_out_with(&params).await;
    assert_eq!((anonymous.status, &*anonymous.text("h1")), (200, "Signed out"));
    assert_eq!(anonymous.link("#logout-continue"), format!("{AFTER}&state=x"));
    assert!(!anonymous.has("script"));

    let page = browser.log_out_with(&params).await;
    assert!(page.has("#logout-confirm") && is_signed_in(&mut browser).await);
    assert_leads_back(&browser.submit(&page, "#logout-confirm", &[]).await, Some("x"));
}

/// Who is signed out already goes straight back.
#[tokio::test]
async fn nobody_signed_in_leads_back_at_once() {
    let (world, _, _, _, hint) = at_party().await;
    let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];

    assert_leads_back(&Browser::new(&world).log_out_with(&params).await, None);
}

/// RP-Initiated Logout §2: POST must work, and comes from another site without the cookie.
#[tokio::test]
async fn a_form_of_the_client_is_sent_on_by_get() {
    let (world, _, _, mut browser, hint) = at_party().await;
    let params =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "p q")];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let url = Url::parse(&world.url("/oauth/logout")).unwrap();
    let request = world.http.post(url.clone()).body(body);
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .header("origin", "http://127.0.0.1:9999");

    let hop = Browser::new(&world).send(url, request).await;

    assert_eq!((hop.status, hop.header("set-cookie")), (303, None));
    let location = hop.location().unwrap().to_owned();
    assert!(location.starts_with("/oauth/logout?request=") && !location.contains(&hint));
    assert!(is_signed_in(&mut browser).await);
    assert_leads_back(&browser.get(&location).await, Some("p q"));
    assert!(!is_signed_in(&mut browser).await);
    world.clock.advance(TimeDelta::minutes(31));
    let late = browser.get(&location).await;
    assert_eq!((late.status, late.location()), (200, None));
}

/// What an app asks may be as long as its address and its state may be.
#[tokio::test]
async fn a_long_form_of_the_client_is_sent_on_too() {
    let (world, acme) = World::of_acme().await;
    let after = format!("{AFTER}?{}", "x".repeat(1_900));
    let settings =
        Settings { post_logout_redirect_uris: vec![after.clone()], ..Settings::default() };
    let client = registration::NewClient { settings, ..party(Settings::default()) };
    let client = world.client(client).await;
    let mut browser = Browser::new(&world);
    world.signed_in_at((&mut browser, &client), &acme.ada, "openid").await;
    let sid = world.sids(&acme.ada).await[0];
    let hint = world.hint(&world.id_claims(&client, &acme.ada, Some(sid))).await;
    let state = "%".repeat(1_024);
    let params =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", &after), ("state", &state)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let url = Url::parse(&world.url("/oauth/logout")).unwrap();
    let request = world.http.post(url.clone()).body(body);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let hop = Browser::new(&world).send(url, request).await;

    let answer = browser.get(hop.location().unwrap()).await;

    assert_leads_back(&answer, Some(&state));
}

/// CS-L7: a session lasts longer than the key is published that has told of it.
#[tokio::test]
async fn a_hint_that_a_replaced_key_has_signed_will_do() {
    let (world, _, _, mut browser, hint) = at_party().await;
    for algorithm in Algorithm::ALL {
        let how = signing::Rotation::AtOnce;
        signing::rotate(&world.app, Actor::Operator, algorithm, how).await.unwrap();
    }
    for _ in 0..3 {
        world.clock.advance(TimeDelta::hours(20));
        assert!(is_signed_in(&mut browser).await);
        jobs::signing_keys::run_once(&world.app).await.unwrap();
    }

    let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
    assert_leads_back(&browser.log_out_with(&params).await, None);
    assert!(!is_signed_in(&mut browser).await);
}

/// A client that was disabled is nobody's.
#[tokio::test]
async fn a_disabled_client_leads_nowhere() {
    let (world, _, client, mut browser, hint) = at_party().await;
    let disabled = registration::set_disabled(&world.app, Actor::Operator, &client.id, true).await;
    assert!(disabled.unwrap());
    let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];

    let page = browser.log_out_with(&params).await;

    assert_eq!((page.status, page.location()), (200, None));
    assert!(page.has("#logout-confirm"));
}
