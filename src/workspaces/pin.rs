//! The PIN that names an enterprise (Qflow): ASCII letters, digits, `-`, `_`, 2 to 32 long,
//! case-insensitive.

use std::fmt;

/// An enterprise's PIN in canonical form: ASCII lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pin(String);

impl Pin {
    /// Reads a PIN as it was typed; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((2..=32).contains(&text.len()) && text.bytes().all(legal))
            .then(|| Self(text.to_ascii_lowercase()))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_short_ascii_and_has_one_case() {
        for (typed, canonical) in
            [("ACME", "acme"), ("a-1", "a-1"), ("enterprise_pin", "enterprise_pin")]
        {
            assert_eq!(Pin::parse(typed).unwrap().as_str(), canonical);
        }
        for typed in ["", "a", "a b", "a/b", "\u{430}cme", "acm\0e", &"p".repeat(33)] {
            assert!(Pin::parse(typed).is_none(), "{typed:?}");
        }
    }
}
