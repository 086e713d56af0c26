//! A real SMTP server that refuses, is slow, breaks off, is away, or never answers: no letter is
//! lost, and what a letter said is erased once nobody can send it any more.

use std::net::TcpListener;

use chrono::TimeDelta;
use entity::outbox::Model;
use serde_json::{Value, json};

use super::{
    smtp::{deliver, queue, rows, world},
    smtp_server::SmtpServer,
};
use crate::support::{Browser, Installation, World};

async fn of(settings: &Value) -> (SmtpServer, World) {
    let server = SmtpServer::start(settings);
    let world = world(&format!("smtp://127.0.0.1:{}", server.port), None).await;
    queue(&world, "ada@acme.example").await;
    (server, world)
}

#[track_caller]
fn waits(row: &Model, error: &str) {
    assert!(row.sealed.is_some() && row.next_attempt_at.is_some(), "{row:?}");
    let said = row.last_error.as_deref().unwrap();
    assert!(said.contains(error), "{said}");
}

/// Until the letter is due again, whatever chance has added.
fn pause(world: &World) {
    world.clock.advance(TimeDelta::seconds(40));
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_the_letter_later() {
    for settings in [
        json!({ "rcpt": ["451 4.7.1 greylisted, come again"] }),
        json!({ "data": ["452 4.2.2 mailbox full"] }),
    ] {
        let (server, world) = of(&settings).await;

        assert_eq!(deliver(&world).await, 0);
        waits(&rows(&world).await[0], "the letter cannot be sent now");
        pause(&world);
        assert_eq!(deliver(&world).await, 1);

        assert_eq!(server.letter().to, ["ada@acme.example"]);
        let row = &rows(&world).await[0];
        assert_eq!((row.attempts, &row.sealed, &row.last_error), (2, &None, &None));
    }
}

#[tokio::test]
async fn a_letter_that_is_refused_is_given_up_and_stays_visible() {
    for settings in [
        json!({ "rcpt": ["550 5.1.1 no such mailbox"] }),
        json!({ "data": ["554 5.7.1 looks like spam"] }),
    ] {
        let (server, world) = of(&settings).await;
        queue(&world, "ben@acme.example").await;

        // one that is refused does not hold the next one up
        assert_eq!(deliver(&world).await, 1);

        assert_eq!(server.letter().to, ["ben@acme.example"]);
        let row = &rows(&world).await[0];
        assert_eq!((&row.sealed, row.next_attempt_at, row.sent_at), (&None, None, None));
        let error = row.last_error.as_deref().unwrap();
        assert!(error.starts_with("the letter is refused"), "{error}");
        world.clock.advance(TimeDelta::days(30));
        assert_eq!(deliver(&world).await, 0);
        let listed = world.admin(&["list-outbox"]).unwrap();
        let given_up: Vec<_> =
            listed.as_array().unwrap().iter().filter(|it| it["status"] == "given up").collect();
        assert_eq!((given_up.len(), &given_up[0]["to"]), (1, &json!("ada@acme.example")));
    }
}

#[tokio::test]
async fn a_server_that_is_away_gets_the_letter_when_it_is_back() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let world = world(&format!("smtp://127.0.0.1:{port}"), None).await;
    queue(&world, "ada@acme.example").await;
    assert_eq!(deliver(&world).await, 0);
    waits(&rows(&world).await[0], "the letter cannot be sent now");
    let server = SmtpServer::start(&json!({ "port": port }));
    assert_eq!(deliver(&world).await, 0, "not before its time");
    pause(&world);
    assert_eq!(deliver(&world).await, 1);
    server.letter();

    // and when it goes in between, with a connection that waits for the next letter
    drop(server);
    queue(&world, "ben@acme.example").await;
    assert_eq!(deliver(&world).await, 0);
    let server = SmtpServer::start(&json!({ "port": port }));
    pause(&world);

    assert_eq!(deliver(&world).await, 1);
    assert_eq!(server.letter().to, ["ben@acme.example"]);
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_letter_costs_one_attempt() {
    let (server, world) = of(&json!({ "drops": 1 })).await;

    assert_eq!(deliver(&world).await, 0);
    waits(&rows(&world).await[0], "the letter cannot be sent now");
    assert_eq!(server.counts().1, 0);
    pause(&world);
    assert_eq!(deliver(&world).await, 1);

    assert!(server.letter().data.contains("SECRET"));
}

/// Ten seconds for each command: what is slower holds up nobody.
#[tokio::test]
async fn a_server_that_is_too_slow_is_left_alone() {
    let (server, world) = of(&json!({ "slow": 60 })).await;

    assert_eq!(deliver(&world).await, 0);

    waits(&rows(&world).await[0], "the letter cannot be sent now");
    assert_eq!(server.counts(), (1, 0));
}

#[tokio::test]
async fn an_operator_who_has_mended_it_need_not_wait() {
    let (server, world) = of(&json!({ "rcpt": ["450 no", "450 no", "450 no"] })).await;
    for _ in 0..3 {
        deliver(&world).await;
        world.clock.advance(TimeDelta::seconds(
            (rows(&world).await[0].next_attempt_at.unwrap().0 - world.app.now()).num_seconds() + 1,
        ));
    }
    assert_eq!(deliver(&world).await, 1);
    server.letter();
    let away = self::world("smtp://127.0.0.1:1", None).await;
    queue(&away, "ada@acme.example").await;
    queue(&away, "ben@acme.example").await;
    deliver(&away).await;
    let letters = rows(&away).await;

    // the command's clock is the machine's, which is behind: what waits is due at once
    let one = away.admin(&["retry-outbox", "--id", &letters[0].id.to_string()]).unwrap();
    assert_eq!(one, json!({ "letters": 1 }));
    let all = away.admin(&["retry-outbox"]).unwrap();
    assert_eq!(all, json!({ "letters": 1 }));

    let due = rows(&away)
        .await
        .into_iter()
        .filter(|row| row.next_attempt_at.unwrap().0 <= away.app.now());
    assert_eq!(due.count(), 2);
    assert_eq!(away.audited("outbox.retry").await, 2);
}

/// The server has the letter, and latchkey dies before it hears so: it is sent again, under the same
/// name, so that a mailbox can tell.
#[tokio::test]
async fn a_letter_that_was_sent_when_the_program_was_killed_is_sent_again() {
    let server = SmtpServer::start(&json!({ "holds": 1 }));
    let installation = Installation::new().await;
    installation.admin("create-user --username ada@acme.example");
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let start = || {
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("LATCHKEY_MAIL__SMTP_URL", &url);
        crate::support::Process::start(command)
    };
    let process = start();
    let mut browser = Browser::new(&process);
    let page = browser.open("/forgot-password").await;
    browser.submit(&page, "#forgot-submit", &[("username", "ada@acme.example")]).await;
    let first = server.letter();

    process.signal("KILL");
    assert_eq!(process.exit().code, None);

    let waiting = installation.admin("list-outbox");
    assert_eq!((&waiting[0]["status"], &waiting[0]["attempts"]), (&json!("waiting"), &json!(1)));
    installation.admin("retry-outbox");
    let process = start();
    let second = server.letter();
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    assert_eq!(first.to, second.to);
    process.stop();
    assert_eq!(installation.admin("list-outbox")[0]["status"], json!("sent"));
}
