//! `[brand]`: how pages and letters look.

use serde::Deserialize;
use url::Url;

use super::ConfigError;

/// The operator's name and colours.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrandConfig {
    /// What pages and letters call this server.
    pub name: String,
    /// The logo of the pages: an `https` URL or a path on this server.
    pub logo: Option<String>,
    /// The accent colour, `#rrggbb`.
    pub accent: String,
}

impl Default for BrandConfig {
    fn default() -> Self {
        Self { name: "Latchkey".to_owned(), logo: None, accent: "#2457c5".to_owned() }
    }
}

impl BrandConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(ConfigError::invalid("brand.name", "must be one line of text"));
        }
        if self.logo.as_deref().is_some_and(|logo| !is_logo(logo)) {
            return Err(ConfigError::invalid(
                "brand.logo",
                "must be an https:// URL or a path that begins with one /",
            ));
        }
        if !is_colour(&self.accent) {
            return Err(ConfigError::invalid("brand.accent", "must be a colour written #rrggbb"));
        }
        Ok(())
    }
}

fn is_logo(text: &str) -> bool {
    let on_this_server = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    on_this_server || Url::parse(text).is_ok_and(|url| url.scheme() == "https")
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_is_six_hexadecimal_digits() {
        for good in ["#2457c5", "#FFFFFF", "#000000"] {
            assert!(is_colour(good), "{good}");
        }
        for bad in ["", "#", "#fff", "2457c5", "#2457c5ff", "#2457cg", "red", "#2457c5;x"] {
            assert!(!is_colour(bad), "{bad}");
        }
    }

    #[test]
    fn a_logo_cannot_lead_to_another_scheme_or_host_by_accident() {
        for good in ["/static/logo.svg", "https://cdn.example/logo.svg"] {
            assert!(is_logo(good), "{good}");
        }
        for bad in ["//evil.example/x", "/\\evil.example", "http://cdn.example/x", "logo.svg", ""] {
            assert!(!is_logo(bad), "{bad}");
        }
    }
}
