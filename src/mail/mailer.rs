//! How a letter leaves: by SMTP, or as a file when no SMTP server is configured.

use std::{
    fs::{DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{
    Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, SinglePart},
    transport::smtp,
};
use thiserror::Error;
use tokio::{fs, time::timeout};

use super::Letter;
use crate::{config::MailConfig, fault::Fault};

/// For each command of the SMTP dialogue.
const COMMAND: Duration = Duration::from_secs(10);
/// For the whole dialogue.
const DIALOGUE: Duration = Duration::from_secs(30);

/// Why a letter did not leave.
#[derive(Debug, Error)]
pub enum MailError {
    /// It never will: the address or the letter itself is refused (RFC 5321 §4.2.1, 5yz).
    #[error("the letter is refused: {0}")]
    Refused(String),
    /// It may later.
    #[error("the letter cannot be sent now: {0}")]
    Transient(String),
}

/// The way out for letters.
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files { drafts: PathBuf, mail: PathBuf },
}

impl Mailer {
    /// A mailer by SMTP, or, without `smtp_url`, one that leaves `.eml` files in
    /// `<data_dir>/mail`.
    ///
    /// # Errors
    /// When the sender or the URL cannot be used, or the directory cannot be made.
    pub fn new(config: &MailConfig, data_dir: &Path) -> Result<Self, Fault> {
        let from = config
            .from
            .parse()
            .map_err(|_| Fault::internal("mail.from is not an address that mail can come from"))?;
        let transport = match &config.smtp_url {
            Some(url) => Transport::Smtp(smtp(url)?),
            None => files(data_dir)
                .map_err(|error| Fault::internal(format!("no directory for mail: {error}")))?,
        };
        Ok(Self { from, transport })
    }

    /// Sends `letter` to the address `to`.
    ///
    /// # Errors
    /// [`MailError::Refused`] when trying again cannot help, else [`MailError::Transient`].
    pub async fn send(&self, letter: &Letter, to: &str) -> Result<(), MailError> {
        let message = self.message(letter, to)?;
        match &self.transport {
            Transport::Smtp(transport) => match timeout(DIALOGUE, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(refusal(&error)),
                Err(_) => Err(MailError::Transient("the SMTP server is too slow".to_owned())),
            },
            Transport::Files { drafts, mail } => keep(message, drafts, mail)
                .await
                .map_err(|error| MailError::Transient(format!("no file for the letter: {error}"))),
        }
    }

    fn message(&self, letter: &Letter, to: &str) -> Result<Message, MailError> {
        // an address alone, never a mailbox: no display name, no list, no second line
        let to: Address =
            to.parse().map_err(|_| MailError::Refused("not an email address".to_owned()))?;
        let head = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .message_id(None);
        let text = letter.text.clone();
        let message = match &letter.html {
            Some(html) => head.multipart(MultiPart::alternative_plain_html(text, html.clone())),
            None => head.singlepart(SinglePart::plain(text)),
        };
        message.map_err(|error| MailError::Refused(error.to_string()))
    }
}

fn smtp(url: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, Fault> {
    // the error is not quoted: it may hold parts of the URL
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| Fault::internal("mail.smtp_url cannot be used"))?;
    Ok(builder.timeout(Some(COMMAND)).build())
}

fn refusal(error: &smtp::Error) -> MailError {
    // RFC 4954 §6: the server refused us and not the letter; an operator can mend that
    let is_ours =
        error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
    if error.is_permanent() && !is_ours {
        MailError::Refused(error.to_string())
    } else {
        MailError::Transient(error.to_string())
    }
}

fn files(data_dir: &Path) -> io::Result<Transport> {
    let mail = data_dir.join("mail");
    let drafts = mail.join(".drafts");
    DirBuilder::new().recursive(true).mode(0o700).create(&drafts)?;
    Ok(Transport::Files { drafts, mail })
}

/// Writes the letter aside and moves it, so that whoever watches the directory sees whole letters.
async fn keep(
    message: Message,
    drafts: &Path,
    mail: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let id = AsyncFileTransport::<Tokio1Executor>::new(drafts).send(message).await?;
    let name = format!("{id}.eml");
    let draft = drafts.join(&name);
    fs::set_permissions(&draft, Permissions::from_mode(0o600)).await?;
    fs::File::open(&draft).await?.sync_all().await?;
    fs::rename(draft, mail.join(name)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpListener,
    };

    use super::*;

    fn letter() -> Letter {
        Letter {
            subject: "Reset your password".into(),
            text: "plain".into(),
            html: Some("<p>rich".into()),
        }
    }

    fn config(smtp_url: Option<String>) -> MailConfig {
        MailConfig { smtp_url, ..MailConfig::default() }
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
        let mailer = Mailer::new(&config(Some(url)), Path::new("/nowhere")).unwrap();
        mailer.send(&letter(), "ada@example.com").await
    }

    #[tokio::test]
    async fn without_a_server_a_letter_is_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(&config(None), directory.path()).unwrap();

        mailer.send(&letter(), "ada@example.com").await.unwrap();

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
        ] {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
    }

    #[tokio::test]
    async fn a_server_gets_sender_recipient_and_letter() {
        let (url, dialogue) = server(&[("DATA", "354 go on")]).await;
        let mailer = Mailer::new(&config(Some(url)), Path::new("/nowhere")).unwrap();

        mailer.send(&letter(), "ada@example.com").await.unwrap();

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
        let mailer = Mailer::new(&config(Some(url)), Path::new("/nowhere")).unwrap();

        let result = mailer.send(&letter(), "ada@example.com").await;

        assert!(matches!(result, Err(MailError::Transient(_))), "{result:?}");
    }

    #[tokio::test]
    async fn an_address_is_one_address() {
        let directory = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(&config(None), directory.path()).unwrap();

        for to in [
            "",
            "ada",
            "a@example.com, b@example.com",
            "Ada <ada@example.com>",
            "ada@example.com\r\nBcc: all@example.com",
            "ada@example.com\n",
            "ada@exa mple.com",
        ] {
            let result = mailer.send(&letter(), to).await;
            assert!(matches!(result, Err(MailError::Refused(_))), "{to:?}: {result:?}");
        }
    }

    #[test]
    fn a_sender_or_url_that_cannot_be_used_is_a_fault_without_its_password() {
        let bad = MailConfig { from: "Latchkey".into(), ..MailConfig::default() };
        assert!(Mailer::new(&bad, Path::new("/nowhere")).is_err());

        let bad = config(Some("smtp://u:hunter2@h?tls=maybe".into()));
        let fault = Mailer::new(&bad, Path::new("/nowhere")).err().unwrap().to_string();
        assert!(!fault.contains("hunter2"), "{fault}");
    }
}
