//! What a mailer does with a letter.

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::*;
use crate::config::MailConfig;

fn letter() -> Letter {
    Letter {
        subject: "Reset your password".into(),
        text: "plain".into(),
        html: Some("<p>rich".into()),
    }
}

/// A mailer whose files are in `data_dir`.
fn mailer(smtp_url: Option<String>, data_dir: &Path) -> Mailer {
    Mailer::new(&config(smtp_url, data_dir)).unwrap()
}

fn config(smtp_url: Option<String>, data_dir: &Path) -> Config {
    Config {
        issuer: "https://id.example:8443".into(),
        mail: MailConfig { smtp_url, ..MailConfig::default() },
        data_dir: data_dir.to_owned(),
        ..Config::default()
    }
}

fn to(address: &str) -> Recipient<'_> {
    Recipient { address, letter_id: Uuid::from_u128(7) }
}

/// An SMTP server that answers each command by its first word, and what it was told.
async fn server(answers: &'static [(&str, &str)]) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let dialogue = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (read, mut write) = socket.split();
        let mut lines = BufReader::new(read).lines();
        let (mut told, mut in_letter) = (String::new(), false);
        write.write_all(b"220 test\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            told.extend([line.as_str(), "\n"]);
            let word = if line == "." { "." } else { line.split([' ', ':']).next().unwrap() };
            if in_letter && word != "." {
                continue;
            }
            let answer = answers.iter().find(|(command, _)| *command == word);
            let answer = answer.map_or("250 ok", |(_, answer)| answer);
            in_letter = answer.starts_with("354");
            write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            if word == "QUIT" {
                break;
            }
        }
        told
    });
    (url, dialogue)
}

async fn sent(answers: &'static [(&str, &str)]) -> Result<(), MailError> {
    let (url, _dialogue) = server(answers).await;
    let mailer = mailer(Some(url), Path::new("/nowhere"));
    mailer.send(&letter(), to("ada@example.com")).await
}

#[tokio::test]
async fn without_a_server_a_letter_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = mailer(None, directory.path());

    mailer.send(&letter(), to("ada@example.com")).await.unwrap();

    let mail = directory.path().join("mail");
    assert_eq!(std::fs::metadata(&mail).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(mail.join(".drafts")).unwrap().count(), 0);
    let files: Vec<_> = std::fs::read_dir(&mail)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    for part in [
        "From: Latchkey <no-reply@localhost>\r\n",
        "To: ada@example.com\r\n",
        "Subject: Reset your password\r\n",
        "Content-Type: multipart/alternative;",
        "text/plain",
        "text/html",
        "Auto-Submitted: auto-generated\r\n",
        "Message-ID: <00000000-0000-0000-0000-000000000007@id.example>\r\n",
        "\r\nDate: ",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[tokio::test]
async fn a_server_gets_sender_recipient_and_letter() {
    let (url, dialogue) = server(&[("DATA", "354 go on")]).await;
    let mailer = mailer(Some(url), Path::new("/nowhere"));

    mailer.send(&letter(), to("ada@example.com")).await.unwrap();

    drop(mailer);
    let told = dialogue.await.unwrap();
    assert!(told.contains("MAIL FROM:<no-reply@localhost>"), "{told}");
    assert!(told.contains("RCPT TO:<ada@example.com>"), "{told}");
    assert!(told.contains("Subject: Reset your password"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_mended_is_told_from_what_can() {
    for answers in [&[("RCPT", "550 no such user")], &[("DATA", "554 no")]] {
        assert!(matches!(sent(answers).await, Err(MailError::Refused(_))), "{answers:?}");
    }
    for answers in [
        &[("RCPT", "451 try later")],
        &[("MAIL", "530 authentication required")],
        &[("EHLO", "421 closing")],
    ] {
        assert!(matches!(sent(answers).await, Err(MailError::Transient(_))), "{answers:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_transient() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let mailer = mailer(Some(url), Path::new("/nowhere"));

    let result = mailer.send(&letter(), to("ada@example.com")).await;

    assert!(matches!(result, Err(MailError::Transient(_))), "{result:?}");
}

#[tokio::test]
async fn an_address_is_one_address() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = mailer(None, directory.path());

    for address in [
        "",
        "ada",
        "a@example.com, b@example.com",
        "Ada <ada@example.com>",
        "ada@example.com\r\nBcc: all@example.com",
        "ada@example.com\n",
        "ada@exa mple.com",
    ] {
        let result = mailer.send(&letter(), to(address)).await;
        assert!(matches!(result, Err(MailError::Refused(_))), "{address:?}: {result:?}");
    }
}

#[test]
fn a_sender_or_url_that_cannot_be_used_is_a_fault_without_its_password() {
    let mut bad = config(None, Path::new("/nowhere"));
    bad.mail.from = "Latchkey".into();
    assert!(Mailer::new(&bad).is_err());

    let bad = config(Some("smtp://u:hunter2@h?tls=maybe".into()), Path::new("/nowhere"));
    let fault = Mailer::new(&bad).err().unwrap().to_string();
    assert!(!fault.contains("hunter2"), "{fault}");
}

#[test]
fn a_message_is_named_after_the_issuers_host() {
    for (issuer, expected) in [
        ("https://id.example", "id.example"),
        ("http://127.0.0.1:8080", "[127.0.0.1]"),
        ("http://[::1]:8080", "[IPv6:::1]"),
        ("", "localhost"),
    ] {
        assert_eq!(domain(issuer), expected, "{issuer}");
    }
}
