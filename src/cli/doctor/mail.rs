//! Whether letters leave.

use super::findings::Findings;
use crate::{
    clock::{Clock, SystemClock},
    config::Config,
    crypto::random::{Random, SystemRandom},
    mail::{Letter, MailError, Mailer, Recipient},
};

const MAIL: &str = "mail";
const SENDER: &str = "mail sender";
const LETTER: &str = "mail letter";

pub(super) async fn look(config: &Config, to: Option<&str>, findings: &mut Findings) {
    if config.mail.smtp_url.is_none() {
        let found = "letters are files in the data directory";
        if config.issuer.starts_with("https://") {
            findings.warn(MAIL, found, "set mail.smtp_url, so that people get them");
        } else {
            findings.good(MAIL, found);
        }
        if to.is_some() {
            findings.bad(LETTER, "there is no SMTP server to send it by", "set mail.smtp_url");
        }
        return;
    }
    sender(config, findings);
    let advice = "look at mail.smtp_url: host, port, tls, user and password";
    let mailer = match Mailer::new(config) {
        Ok(mailer) => mailer,
        Err(fault) => return findings.bad(MAIL, fault.to_string(), advice),
    };
    match mailer.reach().await {
        Ok(()) => findings.good(MAIL, "the SMTP server lets us in"),
        Err(error) => return findings.bad(MAIL, error.to_string(), advice),
    }
    if let Some(address) = to {
        match send(&mailer, address).await {
            Ok(()) => findings.good(LETTER, format!("the SMTP server took a letter to {address}")),
            Err(error) => {
                let advice = "look at mail.from and at the address";
                findings.bad(LETTER, error.to_string(), advice);
            }
        }
    }
}

fn sender(config: &Config, findings: &mut Findings) {
    let from = &config.mail.from;
    if from.trim_end_matches('>').ends_with("@localhost") {
        let advice = "set mail.from to an address of a domain of yours";
        findings.warn(SENDER, format!("{from} is nobody's"), advice);
    } else {
        findings.good(SENDER, from.clone());
    }
}

async fn send(mailer: &Mailer, address: &str) -> Result<(), MailError> {
    let letter = Letter {
        subject: "Letters arrive".into(),
        text: "This letter was sent by latchkey doctor. Nothing has to be done.\n".to_owned(),
        html: None,
    };
    let random: &dyn Random = &SystemRandom::default();
    let letter_id = random.uuid(SystemClock.now());
    mailer.send(&letter, Recipient { address, letter_id }).await
}
