//! The members of a client's metadata that are words and numbers (OpenID Connect Registration §2).

use entity::client_settings::Settings;

use super::{MAX_NAME_CHARS, Problems, has_twice};
use crate::workspaces::names::is_hidden;

const MAX_CONTACTS: usize = 10;
const MAX_VALUES: usize = 10;
const MAX_VALUE_BYTES: usize = 255;
/// Ten years: longer is a mistake.
const MAX_AGE_SECS: u32 = 10 * 365 * 24 * 60 * 60;
const APPLICATION_TYPES: [&str; 2] = ["web", "native"];

impl Problems {
    pub(super) fn settings(&mut self, settings: &Settings) {
        let is_line = |text: &String| {
            !text.trim().is_empty()
                && text.chars().count() <= MAX_NAME_CHARS
                && !text.chars().any(is_hidden)
        };
        if settings.contacts.len() > MAX_CONTACTS || !settings.contacts.iter().all(is_line) {
            self.add("contacts", "must be at most 10 lines of 1 to 120 characters");
        }
        for (field, text) in [
            ("software_id", &settings.software_id),
            ("software_version", &settings.software_version),
        ] {
            if !text.as_ref().is_none_or(is_line) {
                self.add(field, "must be 1 to 120 characters without invisible ones");
            }
        }
        let kind = settings.application_type.as_deref();
        if kind.is_some_and(|kind| !APPLICATION_TYPES.contains(&kind)) {
            self.add("application_type", "may be: web, native");
        }
        if settings.default_max_age.is_some_and(|age| age > MAX_AGE_SECS) {
            self.add("default_max_age", "must be at most ten years");
        }
        self.values("default_acr_values", &settings.default_acr_values);
        self.values("authorization_details_types", &settings.authorization_details_types);
    }

    fn values(&mut self, field: &'static str, values: &[String]) {
        let is_value = |value: &String| {
            (1..=MAX_VALUE_BYTES).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if values.len() > MAX_VALUES || has_twice(values) || !values.iter().all(is_value) {
            self.add(field, "must be at most 10 different words of at most 255 bytes");
        }
    }
}
