//! New keys.

use zeroize::Zeroizing;

use super::format::{BASE62_CHARS, HEX_CHARS, RawKey};
use crate::{
    config::{KeyBody, KeyFormat},
    crypto::{
        digest,
        random::Random,
        secret::{random_base62, with_checksum},
    },
};

/// A new random key of this format: 128 bits as hexadecimal digits, or 178 as base62.
#[must_use]
pub fn mint(random: &dyn Random, format: &KeyFormat) -> RawKey {
    let prefix = &format.prefix;
    let text = match format.body {
        KeyBody::Hex32 => {
            let body = digest::hex(&random.bytes::<{ HEX_CHARS / 2 }>());
            format!("{prefix}{body}")
        }
        KeyBody::Base62c => {
            with_checksum(format!("{prefix}{}", random_base62(random, BASE62_CHARS)))
        }
    };
    RawKey::wrap(Zeroizing::new(text), format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Products, crypto::random::SystemRandom, keys::format};

    #[test]
    fn what_is_minted_reads_back_and_never_repeats() {
        let products: Products = toml::from_str(
            "[h]\nkey_formats = [{ environment = \"live\", prefix = \"hh_\", body = \"hex32\" }]",
        )
        .unwrap();
        let random = SystemRandom::default();

        for (product, length) in [("h", 3 + 32), ("default", 8 + 36)] {
            let key_format = &products.get(product).unwrap().key_formats[0];
            let (first, second) = (mint(&random, key_format), mint(&random, key_format));

            assert_eq!(first.reveal().len(), length);
            assert_ne!(first.reveal(), second.reveal());
            let parsed = format::parse(&products, first.reveal()).unwrap();
            assert_eq!(parsed.format, key_format);
            assert_eq!(parsed.raw.sha256(), first.sha256());
        }
    }
}
