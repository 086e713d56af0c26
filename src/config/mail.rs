//! `[mail]`: how mail leaves.

use std::fmt;

use serde::Deserialize;
use url::Url;

use super::{ConfigError, redacted};

/// The way out for mail.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Where mail goes; absent means `.eml` files in `data_dir`. Holds a password.
    ///
    /// - `smtps://user:password@host`: TLS from the first byte (port 465 unless it is given).
    /// - `smtp://user:password@host?tls=required`: STARTTLS (port 587), and nothing without it.
    /// - `smtp://user:password@host?tls=opportunistic`: STARTTLS if the server offers it; whoever
    ///   sits in between can say that it does not.
    /// - `smtp://host`: no TLS (port 25), for a server on this machine.
    ///
    /// User and password may be left out; a path, `smtp://host/name`, is what this server calls
    /// itself. Certificates are checked; `http.extra_ca_file` adds authorities.
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
                "must be smtps://[user:password@]host[:port] or \
                 smtp://[user:password@]host[:port][?tls=required|opportunistic], special \
                 characters in the password percent-encoded",
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
    let Ok(url) = Url::parse(text) else { return false };
    let is_query_known = url.query_pairs().all(|(name, value)| {
        name == "tls" && matches!(&*value, "required" | "opportunistic") && url.scheme() == "smtp"
    });
    matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some() && is_query_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_smtp_url_says_how_it_is_protected() {
        for good in [
            "smtp://localhost",
            "smtp://localhost:2525/me.example",
            "smtps://u:p%40ss@mail.example",
            "smtp://u:p@mail.example?tls=required",
            "smtp://mail.example:587?tls=opportunistic",
        ] {
            assert!(is_smtp_url(good), "{good}");
        }
        for bad in [
            "",
            "localhost:25",
            "http://mail.example",
            "smtp:",
            "smtp://mail.example?tls=none",
            "smtp://mail.example?TLS=required",
            "smtps://mail.example?tls=opportunistic",
            "smtp://mail.example?tls=required&starttls=1",
        ] {
            assert!(!is_smtp_url(bad), "{bad}");
        }
    }
}
