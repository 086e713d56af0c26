//! The key grammar: a product's prefix, then 32 hexadecimal digits or 30 base62 characters and a
//! checksum. What is not of that form never reaches the database.

use std::{fmt, ops::RangeInclusive};

use zeroize::Zeroizing;

use crate::{
    config::{KeyBody, KeyFormat, Product, Products},
    crypto::{
        digest,
        secret::{CHECKSUM_CHARS, checksum_holds},
    },
};

/// Hexadecimal digits of a [`KeyBody::Hex32`].
pub const HEX_CHARS: usize = 32;
/// Random characters of a [`KeyBody::Base62c`], before its checksum.
pub const BASE62_CHARS: usize = 30;
/// Characters of a body that was imported.
const IMPORTED_CHARS: RangeInclusive<usize> = 16..=200;
/// Characters of the body that may be displayed after the prefix.
pub const SHOWN_AT_START: usize = 4;
/// Characters at the end that may be displayed.
pub const SHOWN_AT_END: usize = 4;

/// A key in clear: lives only between its arrival, or its creation, and one answer.
#[derive(Clone)]
pub struct RawKey {
    text: Zeroizing<String>,
    prefix_len: usize,
}

impl RawKey {
    /// Wraps what is known to be a key of this format.
    pub(super) fn wrap(text: Zeroizing<String>, format: &KeyFormat) -> Self {
        Self { text, prefix_len: format.prefix.len() }
    }

    /// The clear text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The SHA-256 under which the key is stored.
    #[must_use]
    pub fn sha256(&self) -> Vec<u8> {
        digest::sha256(self.text.as_bytes())
    }

    /// The displayable start: the prefix and four characters (`prefix` in answers).
    #[must_use]
    pub fn start(&self) -> &str {
        &self.text[..self.prefix_len + SHOWN_AT_START]
    }

    /// The displayable end: the last four characters.
    #[must_use]
    pub fn last4(&self) -> &str {
        &self.text[self.text.len() - SHOWN_AT_END..]
    }
}

impl fmt::Debug for RawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.text[..self.prefix_len])
    }
}

/// A well-formed key and whose it claims to be; whether it exists is another question.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The product its prefix names.
    pub product: &'a Product,
    /// The format it follows.
    pub format: &'a KeyFormat,
    /// The key itself.
    pub raw: RawKey,
}

/// Reads a presented key: its prefix must be a product's, and its body what that format says.
#[must_use]
pub fn parse<'a>(products: &'a Products, text: &str) -> Option<Parsed<'a>> {
    let (product, format) = products.format_of(text)?;
    let body = text.strip_prefix(format.prefix.as_str())?;
    let is_imported = || format.imported_bodies && is_imported_body(body);
    (is_body(format.body, body, text) || is_imported()).then(|| Parsed {
        product,
        format,
        raw: RawKey::wrap(Zeroizing::new(text.to_owned()), format),
    })
}

fn is_body(kind: KeyBody, body: &str, whole: &str) -> bool {
    let all = |legal: fn(u8) -> bool| body.bytes().all(legal);
    match kind {
        KeyBody::Hex32 => {
            body.len() == HEX_CHARS && all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
        KeyBody::Base62c => {
            body.len() == BASE62_CHARS + CHECKSUM_CHARS
                && all(|byte| byte.is_ascii_alphanumeric())
                && checksum_holds(whole)
        }
    }
}

/// What another server may have minted: long enough to be a secret, short enough to be a header.
fn is_imported_body(body: &str) -> bool {
    IMPORTED_CHARS.contains(&body.len())
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::with_checksum;

    fn products() -> Products {
        toml::from_str(
            r#"
            [flow]
            key_formats = [{ environment = "live", prefix = "fe_k_", body = "hex32" }]
            [sub]
            key_formats = [
                { environment = "live", prefix = "sf_live_", body = "base62c" },
                { environment = "test", prefix = "sf_test_", body = "base62c" },
            ]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn well_formed_keys_are_read_with_their_product_and_environment() {
        let hex = format!("fe_k_{}", "0123456789abcdef".repeat(2));
        let base62 = |prefix: &str| with_checksum(format!("{prefix}{}", "aZ0".repeat(10)));

        for (text, product, environment) in [
            (hex, "flow", "live"),
            (base62("sf_live_"), "sub", "live"),
            (base62("sf_test_"), "sub", "test"),
            (base62("lk_live_"), "default", "live"),
        ] {
            let products = products();
            let parsed = parse(&products, &text).unwrap();

            assert_eq!(parsed.product.name, product, "{text}");
            assert_eq!(parsed.format.environment.as_str(), environment, "{text}");
            assert_eq!(parsed.raw.reveal(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let products = products();
        let good = with_checksum(format!("sf_live_{}", "a".repeat(30)));
        let hex = "0".repeat(32);
        for text in [
            String::new(),
            "fe_k_".to_owned(),
            format!("fe_k_{}", &hex[1..]),
            format!("fe_k_{hex}0"),
            format!("fe_k_{}A", &hex[1..]),
            format!("fe_k_{}g", &hex[1..]),
            format!("FE_K_{hex}"),
            format!(" fe_k_{hex}"),
            format!("fe_k_{hex}\n"),
            format!("sf_live_{}", "a".repeat(36)),
            good.replace("sf_live_", "sf_test_"),
            good.replacen('a', "b", 1),
            with_checksum(format!("sf_live_{}", "a".repeat(29))),
            with_checksum(format!("sf_live_{}", "a".repeat(31))),
            with_checksum(format!("sf_live_{}-", "a".repeat(29))),
            with_checksum(format!("lk_at_{}", "a".repeat(43))),
            format!("sf_live_{}", "\u{e9}".repeat(18)),
        ] {
            assert!(parse(&products, &text).is_none(), "{text:?}");
        }
        assert!(parse(&products, &good).is_some());
    }

    #[test]
    fn imported_bodies_are_read_where_the_format_says_so() {
        let products: Products = toml::from_str(
            r#"
            [moved]
            key_formats = [
                { environment = "live", prefix = "mv_", body = "base62c", imported_bodies = true },
            ]
            "#,
        )
        .unwrap();

        for (body, is_read) in [
            ("0123456789abcdef", true),
            ("0123456789-ABC_def", true),
            ("0123456789abcde", false),
            ("0123456789 abcdef", false),
            (&*"a".repeat(201), false),
        ] {
            assert_eq!(parse(&products, &format!("mv_{body}")).is_some(), is_read, "{body}");
        }
    }

    #[test]
    fn only_the_start_and_the_end_may_be_seen() {
        let products = products();
        let text = "fe_k_0123456789abcdef0123456789abcdef";

        let raw = parse(&products, text).unwrap().raw;

        assert_eq!(raw.start(), "fe_k_0123");
        assert_eq!(raw.last4(), "cdef");
        assert_eq!(format!("{raw:?}"), "fe_k_…");
    }
}
