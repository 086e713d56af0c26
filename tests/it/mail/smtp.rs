//! Letters leave through a real SMTP server: plain, with TLS in each way, with a password.

use chrono::TimeDelta;
use entity::outbox::{Column, Entity, Model};
use latchkey::{jobs::deliver, mail::LetterKind, outbox};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use super::smtp_server::SmtpServer;
use crate::support::{Certificates, World};

/// A server that sends its mail to `url`, and trusts an authority beside the public ones.
pub async fn world(url: &str, trusted: Option<&Certificates>) -> World {
    World::with(|config| {
        config.mail.smtp_url = Some(url.to_owned());
        config.http.extra_ca_file = trusted.map(Certificates::authority);
    })
    .await
}

/// Queues a letter, a millisecond after the last one.
pub async fn queue(world: &World, to: &str) {
    world.clock.advance(TimeDelta::milliseconds(1));
    let txn = world.app.store.begin().await.unwrap();
    let letter =
        LetterKind::PasswordReset { link: world.url("/reset-password?token=SECRET"), minutes: 30 };
    outbox::queue(&world.app, &txn, to, &letter).await.unwrap();
    txn.commit().await.unwrap();
}

pub async fn rows(world: &World) -> Vec<Model> {
    Entity::find().order_by_asc(Column::Id).all(world.app.store.read()).await.unwrap()
}

pub async fn deliver(world: &World) -> u64 {
    deliver::run_once(&world.app).await.unwrap()
}

fn with(mut settings: Value, more: Value) -> Value {
    let Value::Object(more) = more else { unreachable!() };
    settings.as_object_mut().unwrap().extend(more);
    settings
}

#[tokio::test]
async fn a_letter_arrives_whole() {
    let server = SmtpServer::start(&json!({}));
    let world = world(&format!("smtp://127.0.0.1:{}", server.port), None).await;
    queue(&world, "ada@acme.example").await;

    assert_eq!(deliver(&world).await, 1);

    let letter = server.letter();
    assert_eq!(
        (&*letter.to, letter.is_protected, &letter.user),
        (&["ada@acme.example".to_owned()][..], false, &None)
    );
    assert_eq!(letter.header("Subject"), "Reset your password");
    assert_eq!(letter.header("From"), "Latchkey <no-reply@localhost>");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    let row = &rows(&world).await[0];
    assert_eq!(letter.header("Message-ID"), format!("<{}@[127.0.0.1]>", row.id));
    assert!(letter.header("Date").ends_with("+0000"), "{}", letter.header("Date"));
    assert!(letter.header("Content-Type").starts_with("multipart/alternative"));
    for part in ["text/plain", "text/html", "SECRET"] {
        assert!(letter.data.contains(part), "{part}");
    }
    assert!(!letter.data.contains("List-Unsubscribe"));
    assert_eq!((&row.sealed, row.next_attempt_at, row.attempts), (&None, None, 1));
    assert!(row.sent_at.is_some());
}

#[tokio::test]
async fn several_letters_share_a_connection() {
    let server = SmtpServer::start(&json!({}));
    let world = world(&format!("smtp://127.0.0.1:{}", server.port), None).await;
    for number in 0..5 {
        queue(&world, &format!("user{number}@acme.example")).await;
    }

    assert_eq!(deliver(&world).await, 5);

    let (connections, letters) = server.counts();
    assert_eq!(letters, 5);
    // a connection comes back in a task of its own: who is quicker than that opens another one
    assert!(connections < letters, "{connections} connections");
}

#[tokio::test]
async fn starttls_protects_the_letter() {
    let certificates = Certificates::make();
    let server = SmtpServer::start(&certificates.settings("required"));
    for tls in ["required", "opportunistic"] {
        let url = format!("smtp://localhost:{}?tls={tls}", server.port);
        let world = world(&url, Some(&certificates)).await;
        queue(&world, "ada@acme.example").await;

        assert_eq!(deliver(&world).await, 1, "{tls}");

        assert!(server.letter().is_protected, "{tls}");
    }
}

#[tokio::test]
async fn tls_from_the_first_byte_protects_the_letter() {
    let certificates = Certificates::make();
    let server = SmtpServer::start(&certificates.settings("implicit"));
    let url = format!("smtps://localhost:{}", server.port);
    let world = world(&url, Some(&certificates)).await;
    queue(&world, "ada@acme.example").await;

    assert_eq!(deliver(&world).await, 1);

    assert!(server.letter().is_protected);
}

#[tokio::test]
async fn a_user_and_a_password_are_shown() {
    let certificates = Certificates::make();
    let auth = json!({ "auth": ["latchkey", "p@ss word/"] });
    let server = SmtpServer::start(&with(certificates.settings("required"), auth));
    let at = format!("localhost:{}?tls=required", server.port);
    let right = world(&format!("smtp://latchkey:p%40ss%20word%2F@{at}"), Some(&certificates)).await;
    queue(&right, "ada@acme.example").await;

    assert_eq!(deliver(&right).await, 1);

    let letter = server.letter();
    assert_eq!((letter.user.as_deref(), letter.is_protected), (Some("latchkey"), true));
    // a wrong one is an operator's to mend: the letter waits
    for user in ["latchkey:wrong@", ""] {
        let wrong = world(&format!("smtp://{user}{at}"), Some(&certificates)).await;
        queue(&wrong, "ada@acme.example").await;
        assert_eq!(deliver(&wrong).await, 0, "{user}");
        let row = &rows(&wrong).await[0];
        assert!(row.sealed.is_some() && row.next_attempt_at.is_some(), "{user} {row:?}");
        let error = row.last_error.clone().unwrap();
        assert!(error.starts_with("the letter cannot be sent now"), "{error}");
        assert!(!error.contains("wrong"), "{error}");
    }
}

/// Whoever sits in between must not read letters.
#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_no_letter() {
    let certificates = Certificates::make();
    let starttls = SmtpServer::start(&certificates.settings("starttls"));
    let implicit = SmtpServer::start(&certificates.settings("implicit"));
    let others = Certificates::make();
    for (url, trusted) in [
        (format!("smtp://localhost:{}?tls=required", starttls.port), None),
        (format!("smtp://localhost:{}?tls=required", starttls.port), Some(&others)),
        (format!("smtp://localhost:{}?tls=opportunistic", starttls.port), None),
        (format!("smtps://localhost:{}", implicit.port), None),
        (format!("smtps://localhost:{}", implicit.port), Some(&others)),
    ] {
        let world = world(&url, trusted).await;
        queue(&world, "ada@acme.example").await;

        assert_eq!(deliver(&world).await, 0, "{url}");

        assert!(rows(&world).await[0].sealed.is_some(), "{url}");
    }
    assert_eq!((starttls.counts().1, implicit.counts().1), (0, 0));
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_letter_where_it_is_required() {
    let server = SmtpServer::start(&json!({}));
    let world = world(&format!("smtp://localhost:{}?tls=required", server.port), None).await;
    queue(&world, "ada@acme.example").await;

    assert_eq!(deliver(&world).await, 0);

    assert_eq!(server.counts().1, 0);
    assert!(rows(&world).await[0].next_attempt_at.is_some());
}
