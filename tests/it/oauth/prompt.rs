//! What a client may demand of a sign-in (OpenID Connect Core §3.1.2.1): `prompt`, `max_age`, hints;
//! and that no address is a way around it.

use chrono::TimeDelta;
use entity::{client_settings::Settings, member::Role};
use latchkey::clients::registration::NewClient;
use serde_json::Value;

use crate::support::{
    Acme, Authorization, Browser, Callback, ClientApp, Page, Pkce, World, id_token_of,
    relying_party,
};

/// Ada's browser after she has signed in and allowed a client all of it.
pub(super) async fn world() -> (World, Acme, ClientApp, Browser) {
    let (world, acme) = World::of_acme().await;
    let client = world.relying_party(Settings::default()).await;
    let mut browser = Browser::new(&world);
    browser.authorize(&request(&client), &acme.ada).await;
    (world, acme, client, browser)
}

pub(super) fn request(client: &ClientApp) -> Authorization {
    client.authorization().with("scope", "openid profile")
}

pub(super) fn silent(client: &ClientApp) -> Authorization {
    request(client).with("prompt", "none")
}

pub(super) async fn answer(browser: &mut Browser, request: &Authorization) -> Callback {
    browser.get(&request.path()).await.callback()
}

#[track_caller]
pub(super) fn is_error(callback: &Callback, code: &str) {
    assert_eq!(callback.params.get("error").map(String::as_str), Some(code), "{callback:?}");
    assert_eq!(callback.params["state"], "a state: +&=%");
    assert!(callback.params.contains_key("iss"));
}

pub(super) async fn id_token(client: &ClientApp, callback: &Callback) -> Value {
    id_token_of(&client.exchange(callback.code(), &Pkce::default()).await)
}

/// An ID token of Ada's, as text.
async fn raw_id_token(browser: &mut Browser, client: &ClientApp) -> String {
    let callback = answer(browser, &silent(client)).await;
    let answer = client.exchange(callback.code(), &Pkce::default()).await;
    answer.json()["id_token"].as_str().unwrap().to_owned()
}

/// The sign-in page, though somebody is signed in.
#[track_caller]
pub(super) fn asks_again(page: &Page, username: &str) {
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.text("h1"), "Sign in");
    assert!(page.text("#signed-in-as").contains(username), "{}", page.body);
}

/// CS-A8: nothing is shown; who is not signed in, or has not allowed it, is told of by an error.
#[tokio::test]
async fn without_pages_there_is_a_code_or_an_error() {
    let (world, acme, client, mut browser) = world().await;

    assert!(answer(&mut browser, &silent(&client)).await.code().starts_with("lk_ac_"));
    let wider = silent(&client).with("scope", "openid email");
    is_error(&answer(&mut browser, &wider).await, "consent_required");
    let mut stranger = Browser::new(&world);
    is_error(&answer(&mut stranger, &silent(&client)).await, "login_required");
    let unknown = world.client(relying_party()).await;
    is_error(&answer(&mut browser, &silent(&unknown)).await, "consent_required");
    // RFC 8252 §8.6: whom nobody can tell apart is asked every time
    let native = world.client(NewClient { is_public: true, ..relying_party() }).await;
    browser.authorize(&request(&native), &acme.ada).await;
    is_error(&answer(&mut browser, &silent(&native)).await, "consent_required");
}

/// CS-A8, CS-A15: the error travels as the client asked.
#[tokio::test]
async fn an_error_without_pages_may_travel_in_a_form() {
    let (world, _, client, _) = world().await;
    let mut stranger = Browser::new(&world);

    let page = stranger.get(&silent(&client).with("response_mode", "form_post").path()).await;

    assert_eq!(page.status, 200);
    assert_eq!(page.attribute("input[name=error]", "value"), "login_required");
}

/// CS-A8.
#[tokio::test]
async fn what_prompt_says_must_make_sense() {
    let (_world, _, client, mut browser) = world().await;

    for prompt in
        ["none login", "login none", "none consent", "none select_account", "create", "None"]
    {
        let callback = answer(&mut browser, &request(&client).with("prompt", prompt)).await;
        is_error(&callback, "invalid_request");
        assert!(callback.params["error_description"].starts_with("prompt"));
    }
    assert!(answer(&mut browser, &request(&client).with("prompt", " ")).await.code().len() > 20);
}

/// CS-A9: credentials are asked for though there is a session, and the time is new; the session goes
/// on.
#[tokio::test]
async fn a_login_may_be_demanded() {
    let (world, acme, client, mut browser) = world().await;
    let asking = request(&client).with("max_age", "100000");
    let before = id_token(&client, &answer(&mut browser, &asking).await).await;
    world.clock.advance(TimeDelta::minutes(10));

    let page = browser.open(&asking.clone().with("prompt", "login").path()).await;

    asks_again(&page, "acme/ada@acme.example");
    assert_eq!(page.attribute("#username", "value"), "acme/ada@acme.example");
    let callback = browser.sign_in_on(&page, &acme.ada).await.callback();
    let after = id_token(&client, &callback).await;
    assert_eq!(before["auth_time"], world.clock.unix() - 600);
    assert_eq!(after["auth_time"], world.clock.unix());
    assert_eq!(before["sid"], after["sid"]);
    assert_eq!(before["sub"], after["sub"]);
    // CS-A10: the same for every app of the session
    let again = id_token(&client, &answer(&mut browser, &asking).await).await;
    assert_eq!(again["auth_time"], after["auth_time"]);
}

/// The address of the consent page, or a form that was kept, is no way around the sign-in.
#[tokio::test]
async fn the_demand_cannot_be_gone_around() {
    let (world, acme, client, mut browser) = world().await;
    world.clock.advance(TimeDelta::minutes(10));
    let page = browser.open(&request(&client).with("prompt", "login consent").path()).await;
    asks_again(&page, &acme.ada.username);
    let handle = page.attribute("input[name=request]", "value");

    let around = browser.get(&format!("/oauth/consent?request={handle}")).await;
    assert_eq!(around.location().map(|it| it.starts_with("/login?request=")), Some(true));

    // a consent form of another request, with this one's handle
    let other = browser.open(&request(&client).with("prompt", "consent").path()).await;
    let form = other.form("#consent-allow").with("request", &handle);
    let forged = browser.send_form(&other.url, &form).await;
    assert_eq!(forged.location().map(|it| it.starts_with("/login?request=")), Some(true));

    // a wrong password proves nothing
    let fields = [("username", acme.ada.username.as_str()), ("password", "wrong")];
    let again = browser.submit(&page, "#login-submit", &fields).await;
    assert_eq!(again.status, 422);
    assert!(again.text("#signed-in-as").contains(&acme.ada.username));
    let around = browser.get(&format!("/oauth/consent?request={handle}")).await;
    assert_eq!(around.location().map(|it| it.starts_with("/login?request=")), Some(true));

    let page = browser.sign_in_on(&again, &acme.ada).await;
    assert!(page.has("#consent-allow"), "{}", page.body);
    browser.submit(&page, "#consent-allow", &[]).await.callback().code();
}

/// CS-A9.
#[tokio::test]
async fn consent_may_be_demanded() {
    let (_world, _, client, mut browser) = world().await;
    let asking = request(&client).with("prompt", "consent").with("scope", "openid offline_access");

    for _ in 0..2 {
        let page = browser.open(&asking.path()).await;
        assert!(page.has("#consent-allow"), "{}", page.body);
        let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
        let answer = client.exchange(callback.code(), &Pkce::default()).await.expect(200);
        assert!(answer.json()["refresh_token"].is_string());
    }
}

/// CS-A9: whoever sits there chooses.
#[tokio::test]
async fn an_account_may_be_chosen() {
    let (world, acme, client, mut browser) = world().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let asking = request(&client).with("prompt", "select_account");

    let page = browser.open(&asking.path()).await;
    asks_again(&page, &acme.ada.username);
    assert_eq!(page.attribute("#username", "value"), "");
    let same = browser.get(&page.link("#go-on")).await.callback();
    assert_eq!(id_token(&client, &same).await["sub"], acme.ada.id.to_string());

    let page = browser.open(&asking.path()).await;
    let page = browser.sign_in_on(&page, &ben).await;
    let other = browser.submit(&page, "#consent-allow", &[]).await.callback();
    assert_eq!(id_token(&client, &other).await["sub"], ben.id.to_string());
    // whose browser it was before is signed out of it, and the trail says so
    let events = world.audit_events().await;
    let ended: Vec<_> = events.iter().filter(|event| event.action == "session.end").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].actor_id, Some(acme.ada.id.to_string()));
    assert_eq!(ended[0].detail.as_deref(), Some("somebody signed in in the same browser"));
    // who has nobody to choose from signs in, and is not asked twice
    let mut stranger = Browser::new(&world);
    let callback = stranger.authorize(&asking, &ben).await;
    callback.code();
}

/// CS-A10: who signed in too long ago signs in again.
#[tokio::test]
async fn a_sign_in_may_be_too_old() {
    let (world, acme, client, mut browser) = world().await;
    let asking = request(&client).with("max_age", "60");
    world.clock.advance(TimeDelta::seconds(60));

    let callback = answer(&mut browser, &asking).await;
    assert_eq!(id_token(&client, &callback).await["auth_time"], world.clock.unix() - 60);
    world.clock.advance(TimeDelta::seconds(1));
    let silently = asking.clone().with("prompt", "none");
    is_error(&answer(&mut browser, &silently).await, "login_required");
    let page = browser.open(&asking.path()).await;
    asks_again(&page, &acme.ada.username);
    let callback = browser.sign_in_on(&page, &acme.ada).await.callback();
    assert_eq!(id_token(&client, &callback).await["auth_time"], world.clock.unix());
    // without it nothing is said of the time
    assert_eq!(
        id_token(&client, &answer(&mut browser, &silent(&client)).await).await.get("auth_time"),
        None
    );
}

/// CS-A10: zero is as much as `prompt=login`; what is no number is refused.
#[tokio::test]
async fn max_age_is_a_number_of_seconds() {
    let (world, acme, client, mut browser) = world().await;
    world.clock.advance(TimeDelta::milliseconds(1));

    let page = browser.open(&request(&client).with("max_age", "0").path()).await;
    asks_again(&page, &acme.ada.username);
    for bad in ["-1", "x", "1.5", "+1", "1e3", " 1", "9999999999999999999"] {
        is_error(
            &answer(&mut browser, &request(&client).with("max_age", bad)).await,
            "invalid_request",
        );
    }
    let long = request(&client).with("max_age", "999999999999999999");
    answer(&mut browser, &long).await.code();
}

/// OpenID Connect Registration §2: what a client has registered stands for what it does not say.
#[tokio::test]
async fn a_client_may_have_registered_its_demands() {
    let (world, acme, _, mut browser) = world().await;
    let settings = Settings { default_max_age: Some(60), ..Settings::default() };
    let strict = world.relying_party(settings).await;
    let told = Settings { require_auth_time: true, ..Settings::default() };
    let told = world.relying_party(told).await;
    browser.authorize(&request(&strict), &acme.ada).await;
    let callback = browser.authorize(&request(&told), &acme.ada).await;
    assert_eq!(id_token(&told, &callback).await["auth_time"], world.clock.unix());
    world.clock.advance(TimeDelta::minutes(2));

    is_error(&answer(&mut browser, &silent(&strict)).await, "login_required");
    let lenient = silent(&strict).with("max_age", "1000");
    let claims = id_token(&strict, &answer(&mut browser, &lenient).await).await;
    assert_eq!(claims["auth_time"], world.clock.unix() - 120);
}

/// CS-A11: an ID token of ours says who is meant, be it expired.
#[tokio::test]
async fn a_hint_says_who_is_meant() {
    let (world, acme, client, mut browser) = world().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let hint = raw_id_token(&mut browser, &client).await;
    world.clock.advance(TimeDelta::hours(5));

    let hinted = silent(&client).with("id_token_hint", &hint);
    answer(&mut browser, &hinted).await.code();

    let mut bens = Browser::of(&world, &ben).await;
    is_error(&answer(&mut bens, &hinted).await, "login_required");
    let page = bens.open(&request(&client).with("id_token_hint", &hint).path()).await;
    asks_again(&page, &ben.username);
    // Ben again will not do
    let page = bens.sign_in_on(&page, &ben).await;
    asks_again(&page, &ben.username);
    let page = bens.sign_in_on(&page, &acme.ada).await;
    assert_eq!(id_token(&client, &page.callback()).await["sub"], acme.ada.id.to_string());
}

/// CS-A11: what is no ID token of ours for this client is no hint.
#[tokio::test]
async fn a_hint_of_anybody_elses_is_refused() {
    let (world, acme, client, mut browser) = world().await;
    let hint = raw_id_token(&mut browser, &client).await;
    let other = world.relying_party(Settings::default()).await;
    browser.authorize(&request(&other), &acme.ada).await;
    let others = raw_id_token(&mut browser, &other).await;
    let (head, signature) = hint.rsplit_once('.').unwrap();
    let (_, payload) = head.split_once('.').unwrap();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");

    let swapped = format!("{head}.{}{}", &signature[10..20], &signature[10..]);

    for bad in ["x", "a.b.c", &others, &unsigned, &format!("{head}."), &swapped] {
        let callback = answer(&mut browser, &silent(&client).with("id_token_hint", bad)).await;
        is_error(&callback, "invalid_request");
    }
}

/// CS-A12: a name for the field; everything else changes nothing.
#[tokio::test]
async fn hints_for_the_pages_are_taken_or_ignored() {
    let (world, acme, client, mut browser) = world().await;
    let mut stranger = Browser::new(&world);

    let hinted = request(&client).with("login_hint", "acme/ben@acme.example\"><script>");
    let page = stranger.open(&hinted.path()).await;
    assert_eq!(page.attribute("#username", "value"), "acme/ben@acme.example\"><script>");
    for nothing in ["a\nb", &"x".repeat(401)] {
        let page = stranger.open(&request(&client).with("login_hint", nothing).path()).await;
        assert_eq!(page.attribute("#username", "value"), "");
    }
    for (name, value) in [
        ("display", "popup"),
        ("display", "nonsense"),
        ("ui_locales", "fr-CA fr en"),
        ("claims_locales", "de"),
        ("login_hint", "somebody"),
        ("acr_values", "1 2 urn:else"),
        ("registration", "{}"),
    ] {
        answer(&mut browser, &silent(&client).with(name, value)).await.code();
    }
    let _ = acme;
}

/// Somebody else gets a session of their own, and the one before is over.
#[tokio::test]
async fn somebody_else_begins_a_session_of_their_own() {
    let (world, acme, client, mut browser) = world().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let before = id_token(&client, &answer(&mut browser, &silent(&client)).await).await;
    let mut thief = browser.copy();
    world.clock.advance(TimeDelta::minutes(1));

    let page = browser.open(&request(&client).with("prompt", "login").path()).await;
    let page = browser.sign_in_on(&page, &ben).await;
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();

    let after = id_token(&client, &callback).await;
    assert_eq!(after["sub"], ben.id.to_string());
    assert_ne!(before["sid"], after["sid"]);
    is_error(&answer(&mut thief, &silent(&client)).await, "login_required");
}

/// Where nothing is demanded, the sign-in page leads straight on, as before.
#[tokio::test]
async fn who_is_signed_in_and_asked_nothing_goes_straight_on() {
    let (_world, _, client, mut browser) = world().await;
    let page = browser.open(&request(&client).with("prompt", "consent").path()).await;
    let handle = page.attribute("input[name=request]", "value");

    let page = browser.get(&format!("/login?request={handle}")).await;

    assert!(page.location().unwrap().starts_with("/oauth/consent?request="), "{page:?}");
}

/// CS-A21: the page says who asks, with the logo and what the app promises.
#[tokio::test]
async fn the_sign_in_page_shows_the_app() {
    let (world, ..) = world().await;
    let new = NewClient {
        logo_uri: Some("https://cdn.example/logo.png".to_owned()),
        policy_uri: Some("https://app.example/policy".to_owned()),
        tos_uri: Some("https://app.example/terms".to_owned()),
        name: "Lead <b>Sync</b>".to_owned(),
        ..relying_party()
    };
    let client = world.client(new).await;

    let page = Browser::new(&world).open(&request(&client).path()).await;

    assert!(page.text("main").contains("to continue to Lead <b>Sync</b>"), "{}", page.body);
    assert_eq!(page.attribute(".client img", "src"), "https://cdn.example/logo.png");
    let links = page.texts("#app-links a");
    assert_eq!(links, ["Privacy policy", "Terms of service"]);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("img-src 'self' data: https:"), "{policy}");
    let plain = Browser::new(&world).open("/login").await;
    assert!(!plain.has(".client") && !plain.has("#app-links"));
}
