//! What is removed of sessions' clients, of clients that hear of their end, and of devices that wait: what
//! has ended goes at its end and not before, and what lives stays (contract §8).

use chrono::{DateTime, TimeDelta, Utc};
use entity::{client_settings::Settings, device_request, logout_delivery, outbox, session_client};
use latchkey::{clients::registration::NewClient, jobs, store};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Answer, Browser, Hearer, World, party, script, texts};

const MILLI: TimeDelta = TimeDelta::milliseconds(1);
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn sweep(world: &World) -> u64 {
    jobs::sweep::run_once(&world.app).await.unwrap()
}

async fn count<E: EntityTrait<Model: Sync>>(world: &World) -> u64 {
    E::find().count(world.app.store.read()).await.unwrap()
}

/// Sweeps, and demands that so many rows went and these stayed, in order.
async fn leaves<E: EntityTrait<Model: Sync>, K: Ord + std::fmt::Debug>(
    world: &World,
    (gone, stay): (u64, &[K]),
    key: impl Fn(&E::Model) -> K,
) {
    assert_eq!(sweep(world).await, gone);
    let rows = E::find().all(world.app.store.read()).await.unwrap();
    let mut left: Vec<_> = rows.iter().map(key).collect();
    left.sort_unstable();
    assert_eq!(left, stay);
    assert_eq!(sweep(world).await, 0);
}

/// No session lives longer than 14 days; a day later nobody can end one that this client is in.
#[tokio::test]
async fn who_took_part_in_a_session_is_forgotten_after_fifteen_days() {
    let world = World::new().await;
    let now = world.app.now();
    let row = |family_id: i64, age: TimeDelta, is_offline: bool| session_client::Model {
        family_id,
        session_id: Uuid::from_u128(1),
        user_id: Uuid::from_u128(2),
        client_id: "c".to_owned(),
        is_offline,
        created_at: store::instant(now - age),
    };
    let end = TimeDelta::days(15);
    world
        .rows::<session_client::Entity>(vec![
            row(i64::MIN + 1, end, false),
            row(-1, end, true),
            row(1, end - MILLI, false),
            row(2, end - MILLI, true),
            row(3, TimeDelta::zero(), false),
            row(i64::MAX, end + MILLI, false),
        ])
        .await;

    leaves::<session_client::Entity, _>(&world, (3, &[1, 2, 3]), |row| row.family_id).await;
    world.clock.advance(MILLI);
    leaves::<session_client::Entity, _>(&world, (2, &[3]), |row| row.family_id).await;
}

/// A letter that waits is never removed; one that was sent goes after a day, and one that was given up after 90.
#[tokio::test]
async fn a_letter_that_was_given_up_goes_after_ninety_days() {
    let world = World::new().await;
    let now = world.app.now();
    let row = |number: u128, age: TimeDelta, (waits, is_sent): (bool, bool)| outbox::Model {
        id: Uuid::from_u128(number),
        recipient: "ada@acme.example".to_owned(),
        kind: "reset_password".to_owned(),
        sealed: None,
        created_at: store::instant(now - age),
        attempts: 20,
        next_attempt_at: waits.then(|| store::instant(now + TimeDelta::days(400))),
        sent_at: is_sent.then(|| store::instant(now - age)),
        last_error: None,
    };
    let (day, long) = (TimeDelta::days(1), TimeDelta::days(90));
    world
        .rows::<outbox::Entity>(vec![
            row(1, long, (false, false)),
            row(2, long - MILLI, (false, false)),
            row(3, TimeDelta::days(200), (true, false)),
            row(4, day, (false, true)),
            row(5, day - MILLI, (false, true)),
        ])
        .await;

    let id = |row: &outbox::Model| row.id.as_u128();
    leaves::<outbox::Entity, _>(&world, (2, &[2, 3, 5]), id).await;
    world.clock.advance(MILLI);
    leaves::<outbox::Entity, _>(&world, (2, &[3]), id).await;
}

/// One that waits is never removed, however long it has waited; one that was given up, after a week.
#[tokio::test]
async fn a_logout_that_was_given_up_goes_after_a_week() {
    let world = World::new().await;
    let now = world.app.now();
    let row = |number: u128, age: TimeDelta, next: Option<DateTime<Utc>>| logout_delivery::Model {
        id: Uuid::from_u128(number),
        client_id: "c".to_owned(),
        user_id: Uuid::from_u128(2),
        session_id: Uuid::from_u128(3),
        created_at: store::instant(now - age),
        attempts: 6,
        next_attempt_at: next.map(store::instant),
        last_error: Some("answers with status 500".to_owned()),
    };
    let week = TimeDelta::days(7);
    world
        .rows::<logout_delivery::Entity>(vec![
            row(1, week, None),
            row(2, week - MILLI, None),
            row(3, week * 52, Some(now)),
            row(4, week * 52, Some(now + TimeDelta::hours(1))),
            row(5, TimeDelta::zero(), None),
            row(u128::MAX, week + MILLI, None),
        ])
        .await;
    let id = |row: &logout_delivery::Model| row.id.as_u128();

    leaves::<logout_delivery::Entity, _>(&world, (2, &[2, 3, 4, 5]), id).await;
    world.clock.advance(MILLI);
    leaves::<logout_delivery::Entity, _>(&world, (1, &[3, 4, 5]), id).await;
}

/// For ten minutes after its end, whatever was answered and however often it was asked.
#[tokio::test]
async fn a_device_that_waited_goes_ten_minutes_after_its_end() {
    let world = World::new().await;
    let now = world.app.now();
    let row = |number: u8, after: TimeDelta, is_allowed: Option<bool>| device_request::Model {
        device_code_sha256: vec![number; 32],
        user_code_sha256: vec![number; 32],
        client_id: "c".to_owned(),
        scope: "leads:read".to_owned(),
        resource: None,
        terms: None,
        address: None,
        network_sha256: None,
        created_at: store::instant(now - TimeDelta::hours(1)),
        expires_at: store::instant(now - after),
        interval_secs: 5,
        last_polled_at: is_allowed.map(|_| store::instant(now)),
        is_allowed,
    };
    let late = TimeDelta::minutes(10);
    world
        .rows::<device_request::Entity>(vec![
            row(0, late, None),
            row(1, late, Some(true)),
            row(2, late, Some(false)),
            row(3, late - MILLI, None),
            row(4, late - MILLI, Some(true)),
            row(5, TimeDelta::zero(), None),
            row(6, -TimeDelta::minutes(15), None),
            row(255, late + MILLI, None),
        ])
        .await;
    let number = |row: &device_request::Model| row.device_code_sha256[0];

    leaves::<device_request::Entity, _>(&world, (4, &[3, 4, 5, 6]), number).await;
    world.clock.advance(MILLI);
    leaves::<device_request::Entity, _>(&world, (2, &[5, 6]), number).await;
}

/// RFC 8628 §3.5: a device that asks late hears that it is too late, and then that there is no such code.
#[tokio::test]
async fn a_device_hears_the_same_before_and_after_a_sweep() {
    let world = World::new().await;
    let device = NewClient { grant_types: texts(&[DEVICE]), is_public: true, ..script() };
    let device = world.client(device).await;
    let started = Answer::to(device.request("/oauth/device_authorization", &[])).await;
    let code = started.expect(200).json()["device_code"].as_str().unwrap().to_owned();
    let poll = async || {
        sweep(&world).await;
        let answer = device.token(&[("grant_type", DEVICE), ("device_code", &code)]).await;
        answer.expect(400).json()["error"].clone()
    };

    assert_eq!(poll().await, json!("authorization_pending"));
    world.clock.advance(TimeDelta::minutes(15));
    assert_eq!(poll().await, json!("expired_token"));
    world.clock.advance(TimeDelta::minutes(10) - MILLI);
    assert_eq!(poll().await, json!("expired_token"));
    world.clock.advance(MILLI);
    let end = poll().await;

    assert_eq!(end, json!("invalid_grant"));
    assert_eq!(count::<device_request::Entity>(&world).await, 0);
}

/// Sweeping takes nobody out of a session that lives, nor a logout that a client has yet to hear of.
#[tokio::test]
async fn a_client_hears_of_the_end_of_a_session_that_was_swept_around() {
    let world = World::with(|config| config.http.allow_private_fetches = true).await;
    let acme = world.acme().await;
    let hearer = Hearer::start().await;
    let settings =
        Settings { backchannel_logout_uri: Some(hearer.url.clone()), ..Settings::default() };
    let client = world.client(party(settings)).await;
    let mut browser = Browser::new(&world);
    world.signed_in_at((&mut browser, &client), &acme.ada, "openid").await;
    world.clock.advance(TimeDelta::hours(1));
    sweep(&world).await;
    assert_eq!(count::<session_client::Entity>(&world).await, 1);

    hearer.answer_with(503);
    let page = browser.log_out_with(&[]).await;
    browser.submit(&page, "#logout-confirm", &[]).await;
    assert_eq!(jobs::logout::run_once(&world.app).await.unwrap(), 0);
    assert_eq!(hearer.take().len(), 1);
    world.clock.advance(TimeDelta::days(30));
    sweep(&world).await;

    assert_eq!(count::<session_client::Entity>(&world).await, 0, "it was taken out of the session");
    assert_eq!(count::<logout_delivery::Entity>(&world).await, 1);
    hearer.answer_with(200);
    assert_eq!(jobs::logout::run_once(&world.app).await.unwrap(), 1);
    assert_eq!(hearer.take().len(), 1);
    assert_eq!(count::<logout_delivery::Entity>(&world).await, 0);
}
