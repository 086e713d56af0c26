//! The part of the forms for clients that goes beyond RFC 6749: how it signs in, OpenID Connect,
//! signing out, security. Fields have the names of their members; one table describes them all.

use std::collections::BTreeMap;

use entity::{client_settings::Settings, signing_key::Algorithm};
use serde_json::{Map, Value};

use crate::{
    clients::metadata::with_profile,
    fault::FieldError,
    web::{csrf::CsrfForm, problems::Problems},
};

/// How a member is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Url,
    Number,
    Lines,
    Json,
    Tick,
    /// Of these values, with their words; the first one is said if none is chosen.
    One(&'static [(&'static str, &'static str)]),
    Algorithm,
}

struct Spec {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: Kind,
}

const fn spec(name: &'static str, label: &'static str, kind: Kind, hint: &'static str) -> Spec {
    Spec { name, label, hint, kind }
}

const METHODS: &[(&str, &str)] = &[
    ("", "By its secret, in the header or in the body"),
    ("client_secret_basic", "By its secret, in the header"),
    ("client_secret_post", "By its secret, in the body"),
    ("private_key_jwt", "By a key of its own (private_key_jwt)"),
];
const PKCE: &[(&str, &str)] =
    &[("", "As this server is configured"), ("true", "Required"), ("false", "Not required")];
const PROFILES: &[(&str, &str)] = &[("", "None"), ("fapi2", "FAPI 2.0 Security Profile")];

const SIGN_IN: &[Spec] = &[
    spec(
        "token_endpoint_auth_method",
        "How it proves itself",
        Kind::One(METHODS),
        "Of a confidential client; a public one proves itself by nothing.",
    ),
    spec("jwks_uri", "Address of its public keys", Kind::Url, "A JWK set."),
    spec("jwks", "Or its public keys", Kind::Json, "A JWK set: an object with a list of keys."),
    spec("token_endpoint_auth_signing_alg", "It signs with", Kind::Algorithm, ""),
];
const OPENID: &[Spec] = &[
    spec("id_token_signed_response_alg", "ID tokens are signed with", Kind::Algorithm, ""),
    spec("userinfo_signed_response_alg", "Userinfo is signed with", Kind::Algorithm, ""),
    spec(
        "default_max_age",
        "A sign-in is good for",
        Kind::Number,
        "Seconds. After that, users prove again who they are.",
    ),
    spec("require_auth_time", "ID tokens say when the user signed in", Kind::Tick, ""),
    spec(
        "initiate_login_uri",
        "Where others may send users to sign in",
        Kind::Url,
        "Its page that begins a sign-in.",
    ),
];
const LOGOUT: &[Spec] = &[
    spec(
        "post_logout_redirect_uris",
        "Where browsers may go after signing out",
        Kind::Lines,
        "One a line, compared byte for byte.",
    ),
    spec("backchannel_logout_uri", "Tell it here (back channel)", Kind::Url, ""),
    spec("backchannel_logout_session_required", "It wants to know the session", Kind::Tick, ""),
    spec("frontchannel_logout_uri", "Tell it in the browser (front channel)", Kind::Url, ""),
    spec("frontchannel_logout_session_required", "It wants to know the session", Kind::Tick, ""),
];
const SECURITY: &[Spec] = &[
    spec(
        "profile",
        "Profile",
        Kind::One(PROFILES),
        "FAPI 2.0 turns keys, pushed requests, PKCE and bound tokens on.",
    ),
    spec("require_pkce", "PKCE", Kind::One(PKCE), "Public clients always use it."),
    spec("require_pushed_authorization_requests", "It pushes its requests (PAR)", Kind::Tick, ""),
    spec("dpop_bound_access_tokens", "Its tokens are bound to a key (DPoP)", Kind::Tick, ""),
    spec("require_signed_request_object", "It signs its requests", Kind::Tick, ""),
    spec("request_object_signing_alg", "Requests are signed with", Kind::Algorithm, ""),
    spec("authorization_signed_response_alg", "Responses are signed with", Kind::Algorithm, ""),
];
const GROUPS: [(&str, &[Spec]); 4] = [
    ("How the app proves itself", SIGN_IN),
    ("OpenID Connect", OPENID),
    ("Signing out", LOGOUT),
    ("Security", SECURITY),
];

/// The names of all fields: what is wrong with them is shown beside them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.into_iter().flat_map(|(_, specs)| specs.iter().map(|spec| spec.name))
}

/// Fields that belong together, ready to print.
pub(super) struct Group {
    pub(super) title: &'static str,
    /// Whether there is something to see.
    pub(super) is_open: bool,
    pub(super) fields: Vec<Field>,
}

/// A field, ready to print.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) control: Control,
    pub(super) value: String,
}

/// What a field looks like.
pub(super) enum Control {
    Url,
    Number,
    Area,
    Tick,
    Select(Vec<Pick>),
}

/// One value of a field that has few.
pub(super) struct Pick {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) is_chosen: bool,
}

/// What stands in the fields.
#[derive(Clone, Default)]
pub(super) struct Typed(BTreeMap<&'static str, String>);

fn specs() -> impl Iterator<Item = &'static Spec> {
    GROUPS.into_iter().flat_map(|(_, specs)| specs)
}

impl Typed {
    /// What a form was sent with.
    pub(super) fn sent(form: &CsrfForm) -> Self {
        Self(specs().map(|spec| (spec.name, form.text(spec.name).trim().to_owned())).collect())
    }

    /// What a client has.
    pub(super) fn of(settings: &Settings) -> Self {
        let said = serde_json::to_value(settings).unwrap_or_default();
        Self(specs().map(|spec| (spec.name, shown(&said[spec.name]))).collect())
    }

    /// What it means, beside what of `present` no field is for.
    ///
    /// # Errors
    /// Every field that means nothing.
    pub(super) fn settings(&self, present: &Settings) -> Result<Settings, Vec<FieldError>> {
        let mut said = match serde_json::to_value(present) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let mut problems = Vec::new();
        for spec in specs() {
            said.remove(spec.name);
            let typed = self.0.get(spec.name).map(String::as_str).unwrap_or_default();
            if typed.is_empty() {
                continue;
            }
            let meant = meant(spec.kind, typed).filter(|value| {
                let one = Map::from_iter([(spec.name.to_owned(), value.clone())]);
                serde_json::from_value::<Settings>(one.into()).is_ok()
            });
            match meant {
                Some(value) => {
                    said.insert(spec.name.to_owned(), value);
                }
                None => problems.push(FieldError::new(spec.name, complaint(spec.kind))),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let settings: Settings = serde_json::from_value(said.into()).unwrap_or_default();
        Ok(with_profile(settings))
    }

    /// The fields; a group is open if something in it was said, or is wrong.
    pub(super) fn groups(&self, problems: &Problems) -> Vec<Group> {
        let value = |name| self.0.get(name).cloned().unwrap_or_default();
        GROUPS
            .into_iter()
            .map(|(title, specs)| Group {
                title,
                is_open: specs
                    .iter()
                    .any(|spec| !value(spec.name).is_empty() || problems.invalid(spec.name)),
                fields: specs.iter().map(|spec| field(spec, value(spec.name))).collect(),
            })
            .collect()
    }
}

fn field(spec: &Spec, value: String) -> Field {
    let pick = |(it, words): (&'static str, &'static str)| {
        let is_chosen = it == value;
        Pick { value: it, words, is_chosen }
    };
    let control = match spec.kind {
        Kind::Url => Control::Url,
        Kind::Number => Control::Number,
        Kind::Lines | Kind::Json => Control::Area,
        Kind::Tick => Control::Tick,
        Kind::One(choices) => Control::Select(choices.iter().copied().map(pick).collect()),
        Kind::Algorithm => {
            let names = Algorithm::ALL.map(|it| (it.name(), it.name()));
            Control::Select([("", "as usual")].into_iter().chain(names).map(pick).collect())
        }
    };
    Field { name: spec.name, label: spec.label, hint: spec.hint, control, value }
}

/// A member as it stands in its field.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().map(shown).collect::<Vec<_>>().join("\n"),
        Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn meant(kind: Kind, typed: &str) -> Option<Value> {
    Some(match kind {
        Kind::Url | Kind::Algorithm => typed.into(),
        Kind::Number => typed.parse::<u32>().ok()?.into(),
        Kind::Lines => typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
        Kind::Json => serde_json::from_str(typed).ok()?,
        Kind::Tick => true.into(),
        Kind::One(_) => typed.parse::<bool>().map_or_else(|_| typed.into(), Value::Bool),
    })
}

fn complaint(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "must be a number",
        Kind::Json => "must be a JSON object",
        _ => "has a value that is not supported",
    }
}

/// What a client has, for the page that shows it.
pub(super) fn facts(settings: &Settings) -> Vec<(String, String)> {
    let said = match serde_json::to_value(settings) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let words = |(name, value): (String, Value)| {
        let text = match value.get("keys").and_then(Value::as_array) {
            Some(keys) if name == "jwks" => format!("{} keys", keys.len()),
            _ => shown(&value),
        };
        (name, text)
    };
    said.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_means_what_it_meant() {
        let settings: Settings = serde_json::from_value(serde_json::json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": []},
            "default_max_age": 300,
            "require_auth_time": true,
            "require_pkce": false,
            "post_logout_redirect_uris": ["https://a.example/1", "https://a.example/2"],
            "id_token_signed_response_alg": "EdDSA",
            "contacts": ["ops@a.example"],
        }))
        .unwrap();

        let again = Typed::of(&settings).settings(&settings).unwrap();

        assert_eq!(again, settings);
        let nothing = Typed::default().settings(&settings).unwrap();
        assert_eq!(nothing, Settings { contacts: settings.contacts, ..Settings::default() });
    }

    #[test]
    fn what_means_nothing_is_named() {
        let typed = |name, value: &str| Typed([(name, value.to_owned())].into());
        for (name, value) in [
            ("jwks", "{"),
            ("default_max_age", "-1"),
            ("default_max_age", "soon"),
            ("id_token_signed_response_alg", "none"),
            ("token_endpoint_auth_method", "tls_client_auth"),
            ("profile", "fapi1"),
            ("require_pkce", "maybe"),
        ] {
            let problems = typed(name, value).settings(&Settings::default()).unwrap_err();
            assert_eq!(problems[0].field, name, "{value}");
        }
    }
}
