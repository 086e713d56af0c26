//! Devices without a browser (RFC 8628): what the device asks and hears. The page is in
//! `device_page.rs`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::TimeDelta;
use entity::device_request::{Entity, Model};
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    crypto::digest,
    tokens::{flood, revoke},
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::invalid_grant;
use crate::support::{
    Acme, Answer, ApiCaller, Browser, ClientApp, Page, Tokens, World, script, texts,
};

pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A public client for devices.
pub(super) fn television() -> NewClient {
    NewClient {
        name: "Television".to_owned(),
        grant_types: texts(&[GRANT, "refresh_token"]),
        is_public: true,
        scope: texts(&["leads:read", "leads:write", "openid"]),
        ..script()
    }
}

pub(super) async fn at_device() -> (World, Acme, ClientApp) {
    let (world, acme) = World::of_acme().await;
    let client = world.client(television()).await;
    (world, acme, client)
}

pub(super) async fn start(client: &ClientApp, params: &[(&str, &str)]) -> Answer {
    Answer::to(client.request("/oauth/device_authorization", params)).await
}

pub(super) async fn codes(client: &ClientApp) -> (String, String) {
    let body = start(client, &[]).await.expect(200).json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

pub(super) async fn poll(client: &ClientApp, device_code: &str) -> Answer {
    client.token(&[("grant_type", GRANT), ("device_code", device_code)]).await
}

/// The question about a device, in a browser that somebody is signed in to.
pub(super) async fn question(browser: &mut Browser, code: &str) -> Page {
    let page = browser.get("/device").await;
    browser.submit(&page, "#device-continue", &[("user_code", code)]).await
}

fn error(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["error"].clone())
}

/// X (RFC 8628 §3.2).
#[tokio::test]
async fn a_device_gets_its_codes() {
    let (world, _, client) = at_device().await;

    let answer = start(&client, &[("scope", "leads:read openid unknown")]).await.expect(200);

    let body = answer.json();
    let user_code = body["user_code"].as_str().unwrap();
    assert_eq!((user_code.len(), &user_code[4..5]), (9, "-"));
    assert!(user_code.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ-".contains(c)), "{user_code}");
    assert_eq!(body["verification_uri"], world.url("/device"));
    assert_eq!(body["verification_uri_complete"], world.url(&format!("/device/{user_code}")));
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(900), &json!(5)));
    assert!(body["device_code"].as_str().unwrap().len() >= 43);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_device_waits_until_its_user_allows_it() {
    let (world, acme, client) = at_device().await;
    let (device_code, user_code) = codes(&client).await;
    assert_eq!(error(&poll(&client, &device_code).await), (400, json!("authorization_pending")));
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;
    let done = browser.submit(&page, "#consent-allow", &[]).await;
    assert_eq!((done.status, &*done.text("h1")), (200, "Device connected"), "{}", done.body);
    world.clock.advance(TimeDelta::seconds(5));

    let tokens = Tokens::of(&poll(&client, &device_code).await);

    assert_eq!(tokens.scope, "leads:read leads:write openid");
    let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
    assert_eq!(me["principal"]["username"], "acme/ada@acme.example");
    Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(world.audited("device.allow").await, 1);
    assert_eq!(browser.get("/settings/connected-apps").await.texts("article h2").len(), 1);
}

/// A public client's name is anybody's: what waits in it is bounded, and so is the chance that a code
/// which somebody guesses is one of them. Strangers of many networks give way to each other, and to nobody's device.
#[tokio::test]
async fn nobody_can_let_devices_wait_without_end() {
    let (world, acme, client) = at_device().await;
    for _ in 0..60 {
        start(&client, &[]).await.expect(200);
    }

    let answer = start(&client, &[]).await;

    assert_eq!((answer.status, answer.json()), (429, json!({ "error": "too_many_requests" })));
    assert!(answer.header("retry-after").is_some());
    world.clock.advance(TimeDelta::minutes(1));
    let row = Entity::find().one(world.app.store.read()).await.unwrap().unwrap();
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get("/device").await;
    let (_, own) = codes(&client).await;
    // an hour in addresses of one /48, and elsewhere
    for chunk in 0..10_u8 {
        let rows = (0..500_u16).map(|number| {
            let id =
                |kind: u8| digest::sha256(&[&[kind, chunk][..], &number.to_be_bytes()].concat());
            let address: IpAddr = match chunk {
                0..5 => Ipv6Addr::new(0x2001, 0xdb8, 5, number, 0, 0, 0, 1).into(),
                _ => Ipv4Addr::new(198, 51, 100, chunk).into(),
            };
            Model {
                device_code_sha256: id(0),
                user_code_sha256: id(1),
                network_sha256: Some(flood::network_of(address)),
                address: Some(address.to_string()),
                ..row.clone()
            }
        });
        world.rows::<Entity>(rows.collect()).await;
    }

    start(&client, &[]).await.expect(200);

    // 60 and one here, 5,000 planted, less what is too much and room for 250 more; and the new one
    let left = Entity::find().all(world.app.store.read()).await.unwrap();
    assert_eq!(left.len(), 4_751);
    let of = |start: &str| {
        let is_there = |row: &&Model| row.address.as_deref().unwrap().starts_with(start);
        left.iter().filter(is_there).count()
    };
    assert_eq!([of("127."), of("198.51.100.5"), of("198.51.100.9")], [62, 500, 500]);
    assert_eq!(of("2001:db8:5:"), 2_189, "a /48 is one network");
    let asked = browser.submit(&page, "#device-continue", &[("user_code", &own)]).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
}

/// RFC 9396 §7: a device hears what of its details was allowed.
#[tokio::test]
async fn a_device_hears_the_details() {
    let (world, acme, client) = at_device().await;
    let details = json!([{ "type": "latchkey_permission", "permission": "leads:read" }]);
    let text = details.to_string();
    let params = [("scope", "leads:write"), ("authorization_details", text.as_str())];
    let started = start(&client, &params).await.expect(200).json();
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, started["user_code"].as_str().unwrap()).await;
    browser.submit(&page, "#consent-allow", &[]).await;

    let answer = poll(&client, started["device_code"].as_str().unwrap()).await;

    let tokens = Tokens::of(&answer);
    assert_eq!(tokens.scope, "leads:read leads:write");
    assert_eq!(answer.json()["authorization_details"], details);
    let again = client.refresh(&tokens.refresh).await.expect(200);
    assert_eq!(again.json()["authorization_details"], details);
}

/// A device code works once; used again, what came of it is dead.
#[tokio::test]
async fn a_device_code_is_spent_once() {
    let (world, acme, client) = at_device().await;
    let (device_code, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;
    browser.submit(&page, "#consent-allow", &[]).await;

    let both = tokio::join!(poll(&client, &device_code), poll(&client, &device_code));

    let statuses = [both.0.status, both.1.status];
    assert!(statuses.contains(&400), "{statuses:?}");
    let again = poll(&client, &device_code).await;
    assert_eq!(again.shown(), invalid_grant("the device code is not valid"));
    for answer in [both.0, both.1].iter().filter(|answer| answer.status == 200) {
        let tokens = Tokens::of(answer);
        assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    }
}

/// RFC 8628 §3.5: each time five seconds more.
#[tokio::test]
async fn a_device_that_asks_too_fast_must_slow_down() {
    let (world, _, client) = at_device().await;
    let (device_code, _) = codes(&client).await;
    let said = async || error(&poll(&client, &device_code).await).1;
    assert_eq!(said().await, "authorization_pending");
    world.clock.advance(TimeDelta::milliseconds(4_999));
    assert_eq!(said().await, "slow_down");
    world.clock.advance(TimeDelta::seconds(5));
    assert_eq!(said().await, "slow_down");
    world.clock.advance(TimeDelta::seconds(14));
    assert_eq!(said().await, "slow_down");
    world.clock.advance(TimeDelta::seconds(20));
    assert_eq!(said().await, "authorization_pending");
}

#[tokio::test]
async fn a_device_hears_no() {
    let (world, acme, client) = at_device().await;
    let (device_code, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;

    let done = browser.submit(&page, "#consent-deny", &[]).await;

    assert_eq!((done.status, &*done.text("h1")), (200, "Device denied"));
    assert_eq!(error(&poll(&client, &device_code).await), (400, json!("access_denied")));
    assert_eq!(world.audited("device.deny").await, 1);
}

#[tokio::test]
async fn a_device_whose_user_takes_too_long_hears_so() {
    let (world, acme, client) = at_device().await;
    let (device_code, user_code) = codes(&client).await;
    let (allowed, its_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &its_code).await;
    assert_eq!(browser.submit(&page, "#consent-allow", &[]).await.status, 200);
    world.clock.advance(TimeDelta::minutes(15));

    for code in [&device_code, &allowed] {
        assert_eq!(error(&poll(&client, code).await), (400, json!("expired_token")));
    }
    assert_eq!(question(&mut browser, &user_code).await.status, 422);
}

/// CS-T12: what is refused, in the order of the checks.
#[tokio::test]
async fn refusals_are_the_rfcs() {
    let (world, _, client) = at_device().await;
    let (device_code, _) = codes(&client).await;
    let other = world.client(television()).await;
    let web = world.web().await;
    assert_eq!(error(&start(&web, &[]).await), (400, json!("unauthorized_client")));
    assert_eq!(
        error(&start(&client, &[("scope", "api-keys:manage")]).await),
        (400, json!("invalid_scope"))
    );
    assert_eq!(
        error(&start(&client, &[("resource", "https://evil.example")]).await),
        (400, json!("invalid_target"))
    );
    assert_eq!(
        error(&start(&client.with_secret(Some("x")), &[]).await),
        (401, json!("invalid_client"))
    );
    let get = world.http.get(world.url("/oauth/device_authorization"));
    let get = Answer::to(get).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));

    let grant = ("grant_type", GRANT);
    assert_eq!(error(&client.token(&[grant]).await), (400, json!("invalid_request")));
    let made_up = "lk_dc_00000000000000000000000000000000000000000000000000";
    for code in ["x", made_up, device_code.replace("lk_dc_", "lk_ac_").as_str()] {
        assert_eq!(error(&poll(&client, code).await), (400, json!("invalid_grant")), "{code}");
    }
    assert_eq!(error(&poll(&other, &device_code).await), (400, json!("invalid_grant")));
    assert_eq!(error(&poll(&web, &device_code).await), (400, json!("unauthorized_client")));
    let as_code = [("grant_type", "authorization_code"), ("code", device_code.as_str())];
    assert_eq!(error(&client.token(&as_code).await), (400, json!("unauthorized_client")));
    assert_eq!(error(&poll(&client, &device_code).await), (400, json!("authorization_pending")));
}

/// What was allowed can end before the device hears of it.
#[tokio::test]
async fn what_has_ended_meanwhile_gives_nothing() {
    let (world, acme, client) = at_device().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let (device_code, user_code) = codes(&client).await;
    let page = question(&mut browser, &user_code).await;
    browser.submit(&page, "#consent-allow", &[]).await;
    assert_eq!(
        revoke::disconnect_all(&world.app, acme.ada.id, revoke::Asking::Again).await.unwrap(),
        1
    );

    assert_eq!(error(&poll(&client, &device_code).await), (400, json!("invalid_grant")));

    let (device_code, user_code) = codes(&client).await;
    let disabled = registration::set_disabled(&world.app, Actor::Operator, &client.id, true).await;
    assert!(disabled.unwrap());
    assert_eq!(question(&mut browser, &user_code).await.status, 422);
    assert_eq!(error(&poll(&client, &device_code).await), (401, json!("invalid_client")));
}
