//! The username grammar: `enterprise_pin/email` or `email` (Qflow).
//!
//! Split at the first `/`, exactly one allowed. PINs are ASCII letters, digits, `-`, `_`, 2 to 32
//! long, case-insensitive. Emails compare with ASCII lower-casing after NFC, and are in NFC again. This
//! is the only function that canonicalises either (rule 19); the canonical form is what the database
//! holds.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::workspaces::Pin;

/// RFC 5321 §4.5.3.1: the longest address that can travel, in bytes.
const MAX_EMAIL_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// A username in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username {
    pin: Option<Pin>,
    email: String,
}

impl Username {
    /// What is typed, as it is counted: the canonical name, and what is none as it stands.
    #[must_use]
    pub fn counted(typed: &str) -> String {
        Self::parse(typed).map_or_else(|| typed.to_owned(), |name| name.to_string())
    }

    /// Reads a username as it was typed; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => Some(Self { pin: None, email: canonical_email(text)? }),
            Some((pin, email)) => {
                Some(Self { pin: Some(Pin::parse(pin)?), email: canonical_email(email)? })
            }
        }
    }

    /// The same person's username with another address, in the same realm; `None` if that is no
    /// address.
    #[must_use]
    pub fn with_email(&self, email: &str) -> Option<Self> {
        Some(Self { pin: self.pin.clone(), email: canonical_email(email)? })
    }

    /// The realm's PIN; `None` is the public realm.
    #[must_use]
    pub fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// The canonical email address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pin {
            Some(pin) => write!(f, "{pin}/{}", self.email),
            None => f.write_str(&self.email),
        }
    }
}

/// An email address as it is compared; `None` if it is none. Deliberately plain: one `@`, something
/// on both sides, nothing that could be a second recipient, a header or a second PIN.
#[must_use]
pub fn canonical_email(text: &str) -> Option<String> {
    let lower = text.nfc().collect::<String>().to_ascii_lowercase();
    // some letters have an accented form in lower case only: J and a caron stay two, j and a caron do not
    let email: String = lower.nfc().collect();
    let (local, domain) = email.split_once('@')?;
    let legal = |c: char| {
        let is_syntax = r#"/@<>(),;:"\"#.contains(c);
        !(c.is_control() || c.is_whitespace() || is_invisible(c) || is_syntax)
    };
    let dotted = |part: &str| !part.split('.').any(str::is_empty);
    (email.len() <= MAX_EMAIL_BYTES
        && (1..=MAX_LOCAL_BYTES).contains(&local.len())
        && local.chars().all(legal)
        && domain.chars().all(legal)
        && dotted(local)
        && dotted(domain))
    .then_some(email)
}

/// Characters that take no room on a page, so that two names with and without them look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{180e}' | '\u{fff0}'..='\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_usernames_have_one_canonical_form() {
        for (typed, canonical) in [
            ("joe@example.com", "joe@example.com"),
            ("Joe.Bloggs@Example.COM", "joe.bloggs@example.com"),
            ("enterprise_pin/joe.bloggs@example.com", "enterprise_pin/joe.bloggs@example.com"),
            ("ACME/Ada@acme.example", "acme/ada@acme.example"),
            ("a-1/x+tag@d", "a-1/x+tag@d"),
            // decomposed é becomes composed é
            ("jose\u{301}@example.com", "jos\u{e9}@example.com"),
            // there is no composed capital of this one
            ("J\u{30c}o@example.com", "\u{1f0}o@example.com"),
            ("H\u{331}@w\u{30a}.example", "\u{1e96}@\u{1e98}.example"),
            // only ASCII is folded: É stays another letter than é
            ("JOS\u{c9}@example.com", "jos\u{c9}@example.com"),
        ] {
            assert_eq!(Username::parse(typed).unwrap().to_string(), canonical, "{typed}");
            assert_eq!(Username::parse(canonical).unwrap().to_string(), canonical, "{typed}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for typed in [
            "",
            "/",
            "joe",
            "/joe@example.com",
            "acme/",
            "acme//joe@example.com",
            "acme/b/joe@example.com",
            "a/joe@example.com",
            "acme /joe@example.com",
            " acme/joe@example.com",
            "acme/ joe@example.com",
            "joe@example.com ",
            "joe@example.com\t",
            "joe@example.com\n",
            "joe@exa\0mple.com",
            "acm\0e/joe@example.com",
            "acme\u{ff0f}/joe@example.com",
            "\u{430}cme/joe@example.com",
            "joe@@example.com",
            "joe@a@b",
            "@example.com",
            "joe@",
            "joe@.example.com",
            "joe..x@example.com",
            "<joe@example.com>",
            "joe@example.com,eve@example.com",
            "jo\u{200b}e@example.com",
            "jo\u{202e}e@example.com",
        ] {
            assert!(Username::parse(typed).is_none(), "{typed:?}");
        }
        assert!(Username::parse(&format!("{}@example.com", "a".repeat(65))).is_none());
        assert!(Username::parse(&format!("a@{}", "b".repeat(260))).is_none());
        assert!(Username::parse(&format!("{}/joe@example.com", "p".repeat(33))).is_none());
    }

    #[test]
    fn a_full_width_slash_does_not_separate() {
        let username = Username::parse("acme\u{ff0f}joe@example.com").unwrap();
        assert_eq!(username.pin(), None);
        assert_ne!(username, Username::parse("acme/joe@example.com").unwrap());
    }
}
