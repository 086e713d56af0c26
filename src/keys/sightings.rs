//! Finding this server's secrets in what somebody has written: source code, logs, dumps.
//!
//! What has a checksum is proved by it, wherever it stands. A product's keys that have none are
//! recognised by their form, and only where nothing of theirs goes on before or after.

use crate::{
    config::{KeyBody, Products},
    crypto::secret::{self, BODY_CHARS, CHECKSUM_CHARS},
    keys::format::{BASE62_CHARS, HEX_CHARS, SHOWN_AT_END, SHOWN_AT_START},
};

/// No secret is longer than this, in bytes.
pub const LONGEST: usize = 256;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Where it begins, in bytes.
    pub at: usize,
    /// How long it is, in bytes.
    pub length: usize,
    /// What it is, for instance `access token`, or `API key of flowestate`.
    pub what: String,
    /// How it begins: its prefix and four characters.
    pub start: String,
    /// How it ends: four characters.
    pub last4: String,
    /// Whether a checksum proves it.
    pub is_proved: bool,
}

/// What is looked for: how it begins, and how long it is after that.
#[derive(Clone, Debug)]
struct Pattern {
    prefix: String,
    body: usize,
    what: String,
    has_checksum: bool,
}

/// What this server's secrets look like, those of its products included.
#[derive(Clone, Debug)]
pub struct Spotter {
    patterns: Vec<Pattern>,
}

impl Spotter {
    /// One that knows these products.
    #[must_use]
    pub fn new(products: &Products) -> Self {
        let own = secret::KINDS.iter().map(|(prefix, what)| Pattern {
            prefix: (*prefix).to_owned(),
            body: BODY_CHARS + CHECKSUM_CHARS,
            what: (*what).to_owned(),
            has_checksum: true,
        });
        let keys = products.formats().map(|(product, format)| {
            let (body, has_checksum) = match format.body {
                KeyBody::Hex32 => (HEX_CHARS, false),
                KeyBody::Base62c => (BASE62_CHARS + CHECKSUM_CHARS, true),
            };
            let what = format!("API key of {}", product.name);
            Pattern { prefix: format.prefix.clone(), body, what, has_checksum }
        });
        Self { patterns: own.chain(keys).collect() }
    }

    /// Every secret in `text` that begins at `from` or after it, from first to last.
    #[must_use]
    pub fn look(&self, text: &[u8], from: usize) -> Vec<Sighting> {
        let mut is_first = [false; 256];
        for first in self.patterns.iter().filter_map(|pattern| pattern.prefix.bytes().next()) {
            is_first[usize::from(first)] = true;
        }
        let (mut found, mut at) = (Vec::new(), from);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let sighting = is_first[usize::from(rest[0])]
                .then(|| self.patterns.iter().find_map(|pattern| pattern.at(text, at)))
                .flatten();
            at += sighting.as_ref().map_or(1, |sighting| sighting.length);
            found.extend(sighting);
        }
        found
    }
}

impl Pattern {
    fn at(&self, text: &[u8], at: usize) -> Option<Sighting> {
        let length = self.prefix.len() + self.body;
        let whole = text.get(at..at + length)?;
        let body = whole.strip_prefix(self.prefix.as_bytes())?;
        let whole = std::str::from_utf8(whole).ok()?;
        let is_it = if self.has_checksum {
            body.iter().all(u8::is_ascii_alphanumeric) && secret::checksum_holds(whole)
        } else {
            let stands_alone = |byte: Option<&u8>| !byte.is_some_and(|it| is_part_of_a_word(*it));
            body.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                && stands_alone(at.checked_sub(1).and_then(|before| text.get(before)))
                && stands_alone(text.get(at + length))
        };
        is_it.then(|| Sighting {
            at,
            length,
            what: self.what.clone(),
            start: whole[..self.prefix.len() + SHOWN_AT_START].to_owned(),
            last4: whole[length - SHOWN_AT_END..].to_owned(),
            is_proved: self.has_checksum,
        })
    }
}

fn is_part_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::with_checksum;

    fn spotter() -> Spotter {
        let products = r#"
            [flow]
            key_formats = [{ environment = "live", prefix = "fe_k_", body = "hex32" }]
            [sub]
            key_formats = [{ environment = "live", prefix = "sf_live_", body = "base62c" }]
        "#;
        Spotter::new(&toml::from_str(products).unwrap())
    }

    fn token() -> String {
        with_checksum(format!("lk_at_{}", "a".repeat(BODY_CHARS)))
    }

    fn hex() -> String {
        format!("fe_k_{}", "0123456789abcdef".repeat(2))
    }

    fn seen(text: &str) -> Vec<(usize, String)> {
        let found = spotter().look(text.as_bytes(), 0);
        found.into_iter().map(|it| (it.at, it.what)).collect()
    }

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        let key = with_checksum(format!("sf_live_{}", "aZ0".repeat(10)));
        let (token, hex) = (token(), hex());
        for around in ["\"", "=", " ", "\n", "\u{e4}", ""] {
            let text = format!("{around}{token}{around} {hex} {around}{key}{around}");
            let what: Vec<_> = seen(&text).into_iter().map(|(_, what)| what).collect();
            assert_eq!(what, ["access token", "API key of flow", "API key of sub"], "{around:?}");
        }
        // a checksum proves it in the middle of a word, too
        assert_eq!(seen(&format!("x{token}y")), [(1, "access token".to_owned())]);
        assert_eq!(seen(&token.repeat(3)).len(), 3);
        let found = spotter().look(hex.as_bytes(), 0);
        assert_eq!((&*found[0].start, &*found[0].last4), ("fe_k_0123", "cdef"));
        assert!(!found[0].is_proved && spotter().look(token.as_bytes(), 0)[0].is_proved);
    }

    #[test]
    fn what_only_looks_like_one_is_not_found() {
        let (token, hex) = (token(), hex());
        for text in [
            token.replace("aaaa", "aaab"),
            token[..token.len() - 1].to_owned(),
            token.to_uppercase(),
            format!("lk_at_{}", "x".repeat(BODY_CHARS + CHECKSUM_CHARS)),
            format!("{hex}0"),
            format!("x{hex}"),
            format!("_{hex}"),
            hex.to_uppercase(),
            hex.replace("0123", "xyzw"),
            "lk_at_ sf_live_ fe_k_".to_owned(),
        ] {
            assert_eq!(seen(&text), [], "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_cut_off_is_found_once_it_is_whole() {
        let token = token();
        for end in 0..token.len() {
            assert_eq!(seen(&token[..end]), []);
        }
        assert!(token.len() <= LONGEST);
    }
}
