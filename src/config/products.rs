//! `[products.…]`: the products whose credentials this process serves.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ConfigError, catalogue};

/// How the server's own credentials begin; no key format may overlap one of them.
pub const TOKEN_PREFIXES: [&str; 11] = [
    "lk_at_", "lk_rt_", "lk_cs_", "lk_ac_", "lk_rq_", "lk_bs_", "lk_sk_", "lk_ir_", "lk_pr_",
    "lk_iv_", "lk_ra_",
];

/// The product that always exists.
pub const DEFAULT_PRODUCT: &str = "default";

/// Which data a key sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Production.
    Live,
    /// The sandbox.
    Test,
}

impl Environment {
    /// `live` or `test`, as on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// What follows a key's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyBody {
    /// 32 lower-case hexadecimal digits.
    Hex32,
    /// 30 random base62 characters and a 6-character checksum.
    Base62c,
}

/// How a product's keys look in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFormat {
    /// Which data such a key sees.
    pub environment: Environment,
    /// How it begins; this alone decides what a credential is.
    pub prefix: String,
    /// What follows.
    pub body: KeyBody,
    /// Whether keys with any other body may exist too: those that were imported from elsewhere.
    #[serde(default)]
    pub imported_bodies: bool,
}

/// What a key without scopes may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyScopes {
    /// Everything.
    FullAccess,
    /// There is none: a key must be created with scopes.
    Reject,
}

/// What becomes of a credential that somebody reports as leaked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLeak {
    /// It ends at once, and its owners are told.
    #[default]
    Revoke,
    /// Its owners are told, and it works until they replace it.
    Notify,
}

/// A product: how its keys look and what they may be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name: the key of its table.
    pub name: String,
    /// How its keys look; none means that it has no API keys.
    pub key_formats: Vec<KeyFormat>,
    /// Whether a key may travel as `?api-key=`.
    pub query_keys: bool,
    /// Each scope token (RFC 6749 §3.3) and its words for the consent page.
    pub scopes: BTreeMap<String, String>,
    /// What a key without scopes may do.
    pub empty_scopes: EmptyScopes,
    /// Requests a minute for each key and grant; absent means `api.rate_limit_per_minute`.
    pub rate_limit_per_minute: Option<u32>,
    /// What becomes of a key that is reported as leaked. The default product's also says it of client
    /// secrets without a workspace, of subscription keys and of registration tokens; tokens always end.
    pub on_leak: OnLeak,
}

/// A product as written; what is absent falls back to the default product's or to nothing.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Section {
    key_formats: Option<Vec<KeyFormat>>,
    query_keys: Option<bool>,
    scopes: Option<BTreeMap<String, String>>,
    empty_scopes: Option<EmptyScopes>,
    rate_limit_per_minute: Option<u32>,
    on_leak: Option<OnLeak>,
}

impl Product {
    /// The default product as shipped.
    fn shipped() -> Self {
        let format = |environment, prefix: &str| KeyFormat {
            environment,
            prefix: prefix.to_owned(),
            body: KeyBody::Base62c,
            imported_bodies: false,
        };
        let scopes = catalogue::SCOPES.iter();
        Self {
            key_formats: vec![
                format(Environment::Live, "lk_live_"),
                format(Environment::Test, "lk_test_"),
            ],
            scopes: scopes.map(|(scope, words)| ((*scope).into(), (*words).into())).collect(),
            ..Self::bare(DEFAULT_PRODUCT)
        }
    }

    fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key_formats: Vec::new(),
            query_keys: false,
            scopes: BTreeMap::new(),
            empty_scopes: EmptyScopes::Reject,
            rate_limit_per_minute: None,
            on_leak: OnLeak::default(),
        }
    }

    fn with(self, section: Section) -> Self {
        Self {
            name: self.name,
            key_formats: section.key_formats.unwrap_or(self.key_formats),
            query_keys: section.query_keys.unwrap_or(self.query_keys),
            scopes: section.scopes.unwrap_or(self.scopes),
            empty_scopes: section.empty_scopes.unwrap_or(self.empty_scopes),
            rate_limit_per_minute: section.rate_limit_per_minute.or(self.rate_limit_per_minute),
            on_leak: section.on_leak.unwrap_or(self.on_leak),
        }
    }

    /// The format of this product's keys for an environment.
    #[must_use]
    pub fn format_for(&self, environment: Environment) -> Option<&KeyFormat> {
        self.key_formats.iter().find(|format| format.environment == environment)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key: &str, message: String| {
            Err(ConfigError::invalid(format!("products.{}.{key}", self.name), message))
        };
        for KeyFormat { prefix, .. } in &self.key_formats {
            if !is_prefix(prefix) {
                return invalid(
                    "key_formats",
                    format!("the prefix {prefix:?} must be 2 to 20 of A-Z a-z 0-9 _ -"),
                );
            }
        }
        for (scope, words) in &self.scopes {
            if !is_scope_token(scope) {
                return invalid(
                    "scopes",
                    format!("{scope:?} is not a scope token (RFC 6749 §3.3) without a ?"),
                );
            }
            if words.trim().is_empty() {
                return invalid("scopes", format!("{scope:?} needs words for the consent page"));
            }
        }
        if self.rate_limit_per_minute == Some(0) {
            return invalid("rate_limit_per_minute", "must be at least 1".to_owned());
        }
        Ok(())
    }
}

/// The products by name; `default` is always among them.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "BTreeMap<String, Section>")]
pub struct Products(BTreeMap<String, Product>);

impl Default for Products {
    fn default() -> Self {
        Self::from(BTreeMap::new())
    }
}

impl From<BTreeMap<String, Section>> for Products {
    fn from(written: BTreeMap<String, Section>) -> Self {
        let mut products = BTreeMap::from([(DEFAULT_PRODUCT.to_owned(), Product::shipped())]);
        for (name, section) in written {
            let base = products.remove(&name).unwrap_or_else(|| Product::bare(&name));
            products.insert(name, base.with(section));
        }
        Self(products)
    }
}

impl Products {
    /// The product of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Product> {
        self.0.get(name)
    }

    /// Every product, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Product> {
        self.0.values()
    }

    /// Whose key a credential is, by its prefix alone and before any lookup.
    #[must_use]
    pub fn format_of(&self, credential: &str) -> Option<(&Product, &KeyFormat)> {
        self.formats().find(|(_, format)| credential.starts_with(&format.prefix))
    }

    /// Every format of every product's keys.
    pub fn formats(&self) -> impl Iterator<Item = (&Product, &KeyFormat)> {
        self.iter().flat_map(|product| product.key_formats.iter().map(move |f| (product, f)))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (name, product) in &self.0 {
            if !is_name(name) {
                return Err(ConfigError::invalid(
                    format!("products.{name}"),
                    "a product's name is 1 to 40 of a-z 0-9 _ -",
                ));
            }
            product.check()?;
        }
        self.check_prefixes()
    }

    fn check_prefixes(&self) -> Result<(), ConfigError> {
        let own = TOKEN_PREFIXES.map(|prefix| ("Latchkey's own tokens".to_owned(), prefix));
        let keys = self.formats().map(|(product, format)| {
            (format!("product {:?}", product.name), format.prefix.as_str())
        });
        let all: Vec<_> = own.into_iter().chain(keys).collect();
        for (index, (owner, prefix)) in all.iter().enumerate() {
            for (other_owner, other) in &all[..index] {
                if prefix.starts_with(other) || other.starts_with(prefix) {
                    return Err(ConfigError::invalid(
                        "products",
                        format!(
                            "the prefixes {other:?} of {other_owner} and {prefix:?} of {owner} \
                             overlap: a prefix must not begin with another"
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn is_prefix(text: &str) -> bool {
    (2..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// RFC 6749 §3.3: printable ASCII without space, `"` and `\`; and without `?`, after which a scope
/// token says what it is confined to.
fn is_scope_token(text: &str) -> bool {
    (1..=120).contains(&text.len())
        && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x3e | 0x40..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(toml: &str) -> Products {
        toml::from_str(toml).unwrap()
    }

    fn refusal(toml: &str) -> String {
        products(toml).check().unwrap_err().to_string()
    }

    #[test]
    fn the_default_product_is_always_there_with_every_scope() {
        let products = products("[other]\nquery_keys = true");

        products.check().unwrap();
        let default = products.get(DEFAULT_PRODUCT).unwrap();
        assert_eq!(default.scopes.len(), catalogue::SCOPES.len());
        assert_eq!(default.empty_scopes, EmptyScopes::Reject);
        let other = products.get("other").unwrap();
        assert!(other.query_keys && other.key_formats.is_empty() && other.scopes.is_empty());
    }

    #[test]
    fn what_is_written_for_the_default_product_is_laid_over_the_shipped_one() {
        let products = products("[default.scopes]\n\"a:b\" = \"Do a thing\"");

        let default = products.get(DEFAULT_PRODUCT).unwrap();
        assert_eq!(default.scopes.keys().collect::<Vec<_>>(), ["a:b"]);
        assert_eq!(default.format_for(Environment::Test).unwrap().prefix, "lk_test_");
    }

    #[test]
    fn the_prefix_alone_decides_whose_key_it_is() {
        let products = products(
            "[a]\nkey_formats = [{ environment = \"test\", prefix = \"aa_\", body = \"hex32\" }]",
        );

        let (product, format) = products.format_of("aa_anything").unwrap();
        assert_eq!((product.name.as_str(), format.body), ("a", KeyBody::Hex32));
        assert_eq!(products.format_of("lk_live_x").unwrap().0.name, DEFAULT_PRODUCT);
        assert!(products.format_of("lk_at_x").is_none());
        assert!(products.format_of("AA_x").is_none());
        assert!(products.format_of("").is_none());
    }

    #[test]
    fn overlapping_prefixes_are_refused_and_both_are_named() {
        let format = |prefix: &str| {
            format!(
                "key_formats = [{{ environment = \"live\", prefix = \"{prefix}\", body = \"hex32\" }}]"
            )
        };
        let two = |a: &str, b: &str| refusal(&format!("[a]\n{}\n[b]\n{}", format(a), format(b)));

        for text in [two("xx_", "xx_y_"), two("xx_y_", "xx_"), two("xx_", "xx_")] {
            for part in ["\"xx_", "product \"a\"", "product \"b\""] {
                assert!(text.contains(part), "{text}");
            }
        }
        assert!(two("zz_", "lk_at_").contains("\"lk_at_\" of Latchkey's own tokens"));
        assert!(two("zz_", "lk_").contains("product \"b\""));
        assert!(two("zz_", "lk_live_").contains("product \"default\""));
    }

    #[test]
    fn prefixes_names_and_scopes_are_checked() {
        for (toml, key) in [
            ("[\"A\"]", "products.A"),
            ("[a.scopes]\n\"two words\" = \"x\"", "products.a.scopes"),
            ("[a.scopes]\n'back\\slash' = \"x\"", "products.a.scopes"),
            ("[a.scopes]\n\"a?b=c\" = \"x\"", "products.a.scopes"),
            ("[a.scopes]\n\"a:b\" = \" \"", "products.a.scopes"),
            ("[a]\nrate_limit_per_minute = 0", "products.a.rate_limit_per_minute"),
            (
                "[a]\nkey_formats = [{ environment = \"live\", prefix = \"x\", body = \"hex32\" }]",
                "products.a.key_formats",
            ),
            (
                "[a]\nkey_formats = [{ environment = \"live\", prefix = \"a b\", body = \"hex32\" }]",
                "products.a.key_formats",
            ),
        ] {
            let text = refusal(toml);
            assert!(text.starts_with(&format!("{key}: ")), "{text}");
        }
    }
}
