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
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp,
};
use thiserror::Error;
use tokio::{fs, time::timeout};
use url::{Host, Url};
use uuid::Uuid;

use super::{Letter, smtp::transport};
use crate::{
    config::Config,
    fault::Fault,
    traces::{self, Step},
};

/// For the whole dialogue.
const DIALOGUE: Duration = Duration::from_secs(30);
/// RFC 3834 §5: no holiday notice shall answer.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

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
    /// Behind the `@` of a message's id.
    domain: String,
    transport: Transport,
}

/// Whom a letter is for.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The address, and nothing but an address.
    pub address: &'a str,
    /// The same for each attempt to send the same letter, so that a mailbox that gets it twice can
    /// tell.
    pub letter_id: Uuid,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files { drafts: PathBuf, mail: PathBuf },
}

impl Mailer {
    /// A mailer by SMTP, or, without `mail.smtp_url`, one that leaves `.eml` files in
    /// `<data_dir>/mail`.
    ///
    /// # Errors
    /// When the sender or the URL cannot be used, or the directory cannot be made.
    pub fn new(config: &Config) -> Result<Self, Fault> {
        let from =
            config.mail.from.parse().map_err(|_| {
                Fault::internal("mail.from is not an address that mail can come from")
            })?;
        let transport = match &config.mail.smtp_url {
            Some(url) => {
                Transport::Smtp(transport(url, config.http.extra_ca_file.as_deref())?.build())
            }
            None => files(&config.data_dir)
                .map_err(|error| Fault::internal(format!("no directory for mail: {error}")))?,
        };
        Ok(Self { from, domain: domain(&config.issuer), transport })
    }

    /// Sends `letter`.
    ///
    /// # Errors
    /// [`MailError::Refused`] when trying again cannot help, else [`MailError::Transient`].
    pub async fn send(&self, letter: &Letter, to: Recipient<'_>) -> Result<(), MailError> {
        let message = self.message(letter, to)?;
        let step = traces::alone(Step::Letter);
        step.ended(match &self.transport {
            Transport::Smtp(transport) => match timeout(DIALOGUE, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(refusal(&error)),
                Err(_) => Err(MailError::Transient("the SMTP server is too slow".to_owned())),
            },
            Transport::Files { drafts, mail } => keep(message, drafts, mail)
                .await
                .map_err(|error| MailError::Transient(format!("no file for the letter: {error}"))),
        })
    }

    /// Goes to the SMTP server as a letter would: connects, greets, begins TLS, signs in; and sends
    /// nothing. Without an SMTP server there is nowhere to go.
    ///
    /// # Errors
    /// [`MailError::Transient`] with what the server, or the way to it, says.
    pub async fn reach(&self) -> Result<(), MailError> {
        let Transport::Smtp(transport) = &self.transport else { return Ok(()) };
        match timeout(DIALOGUE, transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(MailError::Transient("the SMTP server hangs up".to_owned())),
            Ok(Err(error)) => Err(MailError::Transient(reason(&error))),
            Err(_) => Err(MailError::Transient("the SMTP server is too slow".to_owned())),
        }
    }

    fn message(&self, letter: &Letter, to: Recipient<'_>) -> Result<Message, MailError> {
        // an address alone, never a mailbox: no display name, no list, no second line
        let address: Address = to
            .address
            .parse()
            .map_err(|_| MailError::Refused("not an email address".to_owned()))?;
        let head = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(letter.subject.clone())
            .message_id(Some(format!("<{}@{}>", to.letter_id, self.domain)))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()));
        let text = letter.text.clone();
        let message = match &letter.html {
            Some(html) => head.multipart(MultiPart::alternative_plain_html(text, html.clone())),
            None => head.singlepart(SinglePart::plain(text)),
        };
        message.map_err(|error| MailError::Refused(error.to_string()))
    }
}

/// What stands behind the `@` of a message's id (RFC 5322 §3.6.4): the issuer's host.
fn domain(issuer: &str) -> String {
    let url = Url::parse(issuer).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => format!("[{address}]"),
        Some(Host::Ipv6(address)) => format!("[IPv6:{address}]"),
        None => "localhost".to_owned(),
    }
}

/// An error with what is behind it.
fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| {
        let cause = cause.to_string();
        if said.contains(&cause) { said } else { format!("{said}: {cause}") }
    })
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
mod tests;
