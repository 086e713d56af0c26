//! `[mail]`: how mail leaves.

use std::fmt;

use serde::Deserialize;
use url::Url;

use super::{ConfigError, redacted};

/// The way out for mail.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// `smtp://…` or `smtps://…`; absent means `.eml` files in `data_dir`. Holds a password.
    pub smtp_url: Option<String>,
    /// The sender of every letter (RFC 5322 §3.4 mailbox).
    pub from: String,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { smtp_url: None, from: "Latchkey <no-reply@localhost>".to_owned() }
    }
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig")
            .field("smtp_url", &redacted(self.smtp_url.as_ref()))
            .field("from", &self.from)
            .finish()
    }
}

impl MailConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.smtp_url.as_deref().is_some_and(|url| !is_smtp_url(url)) {
            return Err(ConfigError::invalid(
                "mail.smtp_url",
                "must be smtp://[user:password@]host[:port][?tls=required] or smtps://…, \
                 special characters in the password percent-encoded",
            ));
        }
        if !self.from.contains('@') || self.from.chars().any(char::is_control) {
            return Err(ConfigError::invalid(
                "mail.from",
                "must be an address, or a name and an address in angle brackets",
            ));
        }
        Ok(())
    }
}

fn is_smtp_url(text: &str) -> bool {
    Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some())
}
