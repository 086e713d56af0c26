//! Letters: queued in the transaction that causes them, delivered as files, retried, sealed while
//! they wait and erased once sent.
//!
//! The outbox has no page yet, so its rows are looked at directly.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use chrono::TimeDelta;
use entity::outbox::{Column, Entity, Model};
use latchkey::{jobs::deliver, mail::LetterKind, outbox, store};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder, Set};

use crate::support::{Acme, ApiCaller, Browser, Tokens, World};

async fn world() -> (World, Acme) {
    let world = World::new().await;
    let acme = world.acme().await;
    (world, acme)
}

/// Asks for a link that sets a new password.
async fn forget_password(world: &World, username: &str) {
    let mut browser = Browser::new(world);
    let page = browser.open("/forgot-password").await;
    let answer = browser.submit(&page, "#forgot-submit", &[("username", username)]).await;
    assert!(matches!(answer.status, 200 | 303), "{}", answer.status);
}

/// Queues a letter as a rule does, a millisecond after the last one.
async fn queue(world: &World, to: &str) {
    world.clock.advance(TimeDelta::milliseconds(1));
    let txn = world.app.store.begin().await.unwrap();
    outbox::queue(&world.app, &txn, to, &letter(world)).await.unwrap();
    txn.commit().await.unwrap();
}

fn letter(world: &World) -> LetterKind {
    LetterKind::PasswordReset { link: world.url("/reset-password?token=SECRET"), minutes: 30 }
}

async fn rows(world: &World) -> Vec<Model> {
    Entity::find().order_by_asc(Column::Id).all(world.app.store.read()).await.unwrap()
}

async fn row(world: &World) -> Model {
    let mut rows = rows(world).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// The letters that were delivered, and drafts of letters.
fn files(world: &World, folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(world.data_dir().join(folder)).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|it| it == "eml")).collect()
}

async fn deliver(world: &World) -> u64 {
    deliver::run_once(&world.app).await.unwrap()
}

/// No letter can be written any more, until [`mend_transport`].
fn break_transport(world: &World) {
    let drafts = world.data_dir().join("mail/.drafts");
    fs::remove_dir(&drafts).unwrap();
    fs::write(drafts, "in the way").unwrap();
}

fn mend_transport(world: &World) {
    let drafts = world.data_dir().join("mail/.drafts");
    fs::remove_file(&drafts).unwrap();
    fs::create_dir(drafts).unwrap();
}

#[tokio::test]
async fn a_letter_is_delivered_as_a_file() {
    let (world, acme) = world().await;
    forget_password(&world, &acme.ada.username).await;

    assert_eq!(deliver(&world).await, 1);

    let delivered = files(&world, "mail");
    assert_eq!(delivered.len(), 1);
    // it has a link that sets a new password in it
    let mode = fs::metadata(&delivered[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(files(&world, "mail/.drafts").is_empty());
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ada@acme.example");
    assert_eq!(letters[0].subject, "Reset your password");
    assert!(letters[0].link().starts_with(&world.url("/reset-password?")), "{}", letters[0].text);
}

#[tokio::test]
async fn a_letter_waits_sealed() {
    let (world, acme) = world().await;

    forget_password(&world, &acme.ada.username).await;

    let row = row(&world).await;
    assert_eq!((row.kind.as_str(), row.recipient.as_str()), ("password_reset", "ada@acme.example"));
    assert_eq!((row.attempts, row.sent_at, &row.last_error), (0, None, &None));
    assert_eq!(row.next_attempt_at, Some(store::instant(world.app.now())));
    let LetterKind::PasswordReset { link, .. } = outbox::open(&world.app, &row).unwrap() else {
        panic!("{row:?}");
    };
    let sealed = String::from_utf8_lossy(row.sealed.as_deref().unwrap()).into_owned();
    for secret in [link.as_str(), "reset-password", "http", "link"] {
        assert!(!sealed.contains(secret), "{secret}");
    }
    assert!(files(&world, "mail").is_empty());
}

#[tokio::test]
async fn a_letter_is_erased_once_it_is_sent() {
    let (world, acme) = world().await;
    forget_password(&world, &acme.ada.username).await;
    world.clock.advance(TimeDelta::seconds(2));

    assert_eq!(deliver(&world).await, 1);

    let row = row(&world).await;
    assert_eq!((row.sealed, row.next_attempt_at, row.last_error), (None, None, None));
    assert_eq!((row.attempts, row.sent_at), (1, Some(store::instant(world.app.now()))));
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(deliver(&world).await, 0);
    assert_eq!(files(&world, "mail").len(), 1);
}

/// The refusal of a replayed refresh token, its audit event and its letter are one.
#[tokio::test]
async fn a_letter_is_queued_by_what_caused_it() {
    let (world, acme) = world().await;
    let script = world.script().await;
    let first = Tokens::of(&script.password(&acme.ada).await);
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    ApiCaller::bearer(&world, &second.access).me().await.expect(200);
    assert!(rows(&world).await.is_empty());

    script.refresh(&first.refresh).await.expect(400);

    let row = row(&world).await;
    assert_eq!((row.kind.as_str(), row.attempts), ("token_reuse", 0));
    let events = world.audit_events().await;
    let event = events.iter().find(|event| event.action == "refresh_token.reuse").unwrap();
    assert_eq!(row.created_at, event.at);
}

#[tokio::test]
async fn what_did_not_happen_sends_no_letter() {
    let (world, _) = world().await;
    let txn = world.app.store.begin().await.unwrap();
    outbox::queue(&world.app, &txn, "ada@acme.example", &letter(&world)).await.unwrap();

    drop(txn);

    assert!(rows(&world).await.is_empty());
    assert_eq!(deliver(&world).await, 0);
}

#[tokio::test]
async fn nobody_and_somebody_look_alike_but_only_somebody_gets_a_letter() {
    let (world, acme) = world().await;

    forget_password(&world, "acme/nobody@acme.example").await;
    forget_password(&world, "not a username").await;
    assert!(rows(&world).await.is_empty());
    forget_password(&world, &acme.ada.username).await;

    assert_eq!(rows(&world).await.len(), 1);
}

#[tokio::test]
async fn a_letter_is_tried_again_when_the_transport_fails() {
    let (world, acme) = world().await;
    forget_password(&world, &acme.ada.username).await;
    break_transport(&world);

    assert_eq!(deliver(&world).await, 0);

    let failed = row(&world).await;
    assert_eq!((failed.attempts, failed.sent_at), (1, None));
    let pause = failed.next_attempt_at.unwrap().0 - world.app.now();
    assert!((30_000..=37_500).contains(&pause.num_milliseconds()), "{pause}");
    let error = failed.last_error.unwrap();
    assert!(error.starts_with("the letter cannot be sent now"), "{error}");
    assert!(!error.contains("http"), "{error}");
    assert!(failed.sealed.is_some());
    // not before its time
    mend_transport(&world);
    world.clock.advance(pause - TimeDelta::milliseconds(1));
    assert_eq!(deliver(&world).await, 0);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(deliver(&world).await, 1);
    let sent = row(&world).await;
    assert_eq!((sent.attempts, sent.sealed, sent.last_error), (2, None, None));
    assert_eq!(world.take_mail().await.len(), 1);
}

#[tokio::test]
async fn pauses_grow_and_a_letter_is_given_up_in_the_end() {
    let (world, _) = world().await;
    queue(&world, "ada@acme.example").await;
    break_transport(&world);
    let mut pauses = Vec::new();

    loop {
        assert_eq!(deliver(&world).await, 0);
        let now = world.app.now();
        let row = row(&world).await;
        let Some(next) = row.next_attempt_at else { break };
        pauses.push((next.0 - now).num_seconds());
        world.clock.advance(next.0 - now);
    }

    // each by chance up to a fourth longer
    for (pause, least) in pauses.iter().zip([30, 60, 120, 240]) {
        assert!((least..=least * 5 / 4).contains(pause), "{pauses:?}");
    }
    let longest = 6 * 60 * 60;
    assert!((longest..=longest * 5 / 4).contains(pauses.last().unwrap()), "{pauses:?}");
    let all = pauses.iter().sum::<i64>() / 60 / 60;
    assert!((48..120).contains(&all), "{all} hours");
    let given_up = row(&world).await;
    assert_eq!((given_up.attempts, pauses.len()), (20, 19));
    assert_eq!((&given_up.sealed, given_up.sent_at), (&None, None));
    assert!(given_up.last_error.is_some());
    mend_transport(&world);
    world.clock.advance(TimeDelta::days(30));
    assert_eq!(deliver(&world).await, 0);
    assert_eq!(world.take_mail().await, []);
}

#[tokio::test]
async fn an_address_that_is_none_is_given_up_at_once() {
    let (world, _) = world().await;
    queue(&world, "ada@acme.example\r\nBcc: eve@evil.example").await;
    queue(&world, "ada@acme.example, eve@evil.example").await;
    queue(&world, "ben@acme.example").await;

    assert_eq!(deliver(&world).await, 1);

    for row in rows(&world).await {
        let is_sent = row.recipient == "ben@acme.example";
        assert_eq!((row.sent_at.is_some(), row.last_error.is_none()), (is_sent, is_sent));
        assert_eq!((row.sealed, row.next_attempt_at, row.attempts), (None, None, 1));
    }
    let letters = world.take_mail().await;
    assert_eq!(letters.iter().map(|it| it.to.as_str()).collect::<Vec<_>>(), ["ben@acme.example"]);
}

/// A crash between the attempt and its note delays a letter and does not lose it.
#[tokio::test]
async fn an_attempt_that_was_never_heard_of_is_made_again() {
    let (world, _) = world().await;
    queue(&world, "ada@acme.example").await;
    let waiting = row(&world).await;
    let txn = world.app.store.begin().await.unwrap();
    let retry_at = world.app.now() + TimeDelta::seconds(30);
    assert!(store::outbox::claim(&txn, &waiting, retry_at).await.unwrap());
    txn.commit().await.unwrap();

    assert_eq!(deliver(&world).await, 0);
    world.clock.advance(TimeDelta::seconds(30));

    assert_eq!(deliver(&world).await, 1);
    assert_eq!(world.take_mail().await.len(), 1);
}

/// A letter waits for its own time and a minute, and not until a wrong clock's time has come.
#[tokio::test]
async fn a_letter_that_was_queued_or_tried_while_the_clock_was_ahead_leaves_once_it_is_right() {
    for ahead in [TimeDelta::minutes(5), TimeDelta::days(1), TimeDelta::days(36_500)] {
        let (world, _) = world().await;
        world.clock.advance(ahead);
        break_transport(&world);
        queue(&world, "ada@acme.example").await;
        assert_eq!(deliver(&world).await, 0);
        queue(&world, "ben@acme.example").await;
        mend_transport(&world);

        world.clock.advance(-ahead);

        assert_eq!(deliver(&world).await, 2, "{ahead}");
        assert_eq!(world.take_mail().await.len(), 2);
        assert_eq!(deliver(&world).await, 0);
    }
}

/// What another node has claimed whose clock is ahead by no more than clocks may be.
#[tokio::test]
async fn a_claim_of_a_node_that_is_ahead_by_a_minute_holds() {
    let (world, _) = world().await;
    queue(&world, "ada@acme.example").await;
    break_transport(&world);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(deliver(&world).await, 0);
    mend_transport(&world);

    world.clock.advance(TimeDelta::minutes(-1));

    assert_eq!(deliver(&world).await, 0);
    world.clock.advance(TimeDelta::seconds(98));
    assert_eq!(deliver(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_send_a_letter_once() {
    let (world, _) = world().await;
    let node = world.another_node().await;
    for number in 0..30 {
        queue(&world, &format!("user{number}@acme.example")).await;
    }

    let (one, two) = tokio::join!(deliver(&world), deliver::run_once(&node.app));

    assert_eq!(one + two.unwrap(), 30);
    assert_eq!(files(&world, "mail").len(), 30);
}

#[tokio::test]
async fn one_bad_letter_does_not_hold_the_others_up() {
    let (world, _) = world().await;
    queue(&world, "ada@acme.example").await;
    queue(&world, "ben@acme.example").await;
    let rows_before = rows(&world).await;
    // what was sealed for one letter cannot be sent as another
    let mut stolen = rows_before[0].clone().into_active_model();
    stolen.sealed = Set(rows_before[1].sealed.clone());
    let txn = world.app.store.begin().await.unwrap();
    stolen.update(&txn).await.unwrap();
    txn.commit().await.unwrap();

    assert_eq!(deliver(&world).await, 1);

    let rows = rows(&world).await;
    assert!(rows[0].sent_at.is_none() && rows[0].last_error.is_some());
    assert_eq!((&rows[0].sealed, rows[0].next_attempt_at), (&None, None));
    assert!(rows[1].sent_at.is_some());
    assert_eq!(world.take_mail().await[0].to, "ben@acme.example");
}
