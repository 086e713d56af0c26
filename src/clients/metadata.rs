//! Client metadata (RFC 7591 §2): one validator for every door, be it the command line, the admin's
//! pages or dynamic registration.

mod keys;
mod policy;
mod registrable;
mod sector;
mod settings;
mod uris;

use std::collections::BTreeSet;

use entity::client_settings::Settings;
use url::Url;

pub use self::registrable::redirect_uri_problem;
pub use self::{policy::with_profile, sector::problem as sector_problem};
use super::binding::Binding;
use crate::{
    app::App, config::Products, fault::FieldError, outbound::Outbound, workspaces::names::is_hidden,
};

/// The authorization code grant (RFC 6749 §4.1).
pub const AUTHORIZATION_CODE: &str = "authorization_code";
/// The refresh of a user's tokens (RFC 6749 §6).
pub const REFRESH_TOKEN: &str = "refresh_token";
/// The resource owner password credentials grant (RFC 6749 §4.3).
pub const PASSWORD: &str = "password";
/// The client credentials grant (RFC 6749 §4.4).
pub const CLIENT_CREDENTIALS: &str = "client_credentials";
/// The grant of devices without a browser (RFC 8628 §3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The exchange of others' tokens (RFC 8693 §2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Every grant type that a client may be registered for.
pub const GRANT_TYPES: [&str; 6] =
    [AUTHORIZATION_CODE, REFRESH_TOKEN, PASSWORD, CLIENT_CREDENTIALS, DEVICE_CODE, TOKEN_EXCHANGE];

/// Scope tokens of OpenID Connect (Core §3.1.2.1, §5.4, §11), which are in no product's catalogue.
pub const OPENID_SCOPES: [&str; 6] =
    ["openid", "profile", "email", "address", "phone", "offline_access"];

const MAX_NAME_CHARS: usize = 120;
const MAX_REDIRECT_URIS: usize = 20;
const MAX_URI_BYTES: usize = 2_000;
const MAX_SCOPE_TOKENS: usize = 100;
/// Ten years: longer is a mistake.
const MAX_TTL_SECS: i64 = 10 * 365 * 24 * 60 * 60;

/// A client that does not exist yet.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its name on the consent page.
    pub name: String,
    /// Where it may receive authorization codes.
    pub redirect_uris: Vec<String>,
    /// How it may get tokens: some of [`GRANT_TYPES`].
    pub grant_types: Vec<String>,
    /// The scope tokens it may ask for.
    pub scope: Vec<String>,
    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    pub is_public: bool,
    /// Where it is at home; to a workspace its client-credentials tokens belong.
    pub binding: Binding,
    /// Whether it may call the introspection endpoint.
    pub may_introspect: bool,
    /// Whether it registered itself (RFC 7591) instead of being registered by an administrator.
    pub is_dynamic: bool,
    /// Who made it.
    pub publisher: Option<String>,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    pub policy_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// How long its access tokens live, in seconds, if not as configured.
    pub access_token_ttl_secs: Option<i64>,
    /// How long its refresh tokens live unused, in seconds, if not as configured.
    pub refresh_token_idle_ttl_secs: Option<i64>,
    /// How long its refresh tokens live at all, in seconds, if not as configured.
    pub refresh_token_absolute_ttl_secs: Option<i64>,
    /// What it registers beyond RFC 6749.
    pub settings: Settings,
}

/// Every field of `client` that breaks a rule, with the rule. What only another server can say is
/// asked by [`sector_problem`].
#[must_use]
pub fn problems(client: &NewClient, app: &App) -> Vec<FieldError> {
    check(client, &app.config.products, &app.outbound)
}

fn check(client: &NewClient, products: &Products, outbound: &Outbound) -> Vec<FieldError> {
    let mut problems = Problems(Vec::new());
    problems.line("name", Some(&client.name));
    problems.line("publisher", client.publisher.as_ref());
    problems.grant_types(client);
    problems.redirect_uris(client);
    problems.scope(&client.scope, products);
    problems.page("logo_uri", client.logo_uri.as_ref());
    problems.page("policy_uri", client.policy_uri.as_ref());
    problems.page("tos_uri", client.tos_uri.as_ref());
    problems.lifetimes(client);
    problems.keys(client, outbound);
    problems.settings(&client.settings);
    problems.uris(&client.settings, outbound);
    problems.profile(client);
    if client.may_introspect && client.is_public {
        problems.add("may_introspect", "needs a confidential client");
    }
    problems.0
}

struct Problems(Vec<FieldError>);

impl Problems {
    fn add(&mut self, field: &'static str, message: &str) {
        self.0.push(FieldError::new(field, message));
    }

    fn line(&mut self, field: &'static str, text: Option<&String>) {
        let Some(text) = text else { return };
        if text.trim().is_empty() || text.chars().count() > MAX_NAME_CHARS {
            self.add(field, "must be 1 to 120 characters long");
        } else if text.chars().any(is_hidden) {
            self.add(field, "must not have control characters or invisible ones");
        }
    }

    fn grant_types(&mut self, client: &NewClient) {
        const FIELD: &str = "grant_types";
        let has = |name: &str| has(&client.grant_types, name);
        if client.grant_types.is_empty() {
            return self.add(FIELD, "must name at least one grant type");
        }
        if !client.grant_types.iter().all(|name| GRANT_TYPES.contains(&name.as_str())) {
            let message = format!("may be: {}", GRANT_TYPES.join(", "));
            self.add(FIELD, &message);
        }
        if has_twice(&client.grant_types) {
            self.add(FIELD, "names a grant type twice");
        }
        // RFC 6749 §4.4: the client credentials grant is for confidential clients only
        if has(CLIENT_CREDENTIALS) && client.is_public {
            self.add(FIELD, "client_credentials needs a confidential client");
        }
        if has(PASSWORD) && client.is_dynamic {
            self.add(FIELD, "only an administrator may register a client for password");
        }
        // its tokens would belong to no workspace
        if has(CLIENT_CREDENTIALS) && client.is_dynamic && client.binding == Binding::None {
            self.add(FIELD, "client_credentials needs a client that an administrator registers");
        }
        if has(TOKEN_EXCHANGE) && client.is_public {
            self.add(FIELD, "token-exchange needs a confidential client");
        }
        if has(TOKEN_EXCHANGE) && client.is_dynamic {
            self.add(FIELD, "only an administrator may register a client for token-exchange");
        }
        let users = [AUTHORIZATION_CODE, PASSWORD, DEVICE_CODE];
        if has(REFRESH_TOKEN) && !users.into_iter().any(has) {
            self.add(FIELD, "refresh_token needs authorization_code, password or device_code");
        }
    }

    fn redirect_uris(&mut self, client: &NewClient) {
        const FIELD: &str = "redirect_uris";
        let uris = &client.redirect_uris;
        if has(&client.grant_types, AUTHORIZATION_CODE) == uris.is_empty() {
            let message = if uris.is_empty() {
                "must name at least one URI, because authorization_code is a grant type"
            } else {
                "must be empty, because authorization_code is not a grant type"
            };
            self.add(FIELD, message);
        }
        if uris.len() > MAX_REDIRECT_URIS {
            self.add(FIELD, "must be at most 20");
        }
        if has_twice(uris) {
            self.add(FIELD, "names a URI twice");
        }
        for (index, uri) in uris.iter().take(MAX_REDIRECT_URIS).enumerate() {
            if let Some(problem) = redirect_uri_problem(uri) {
                self.add(FIELD, &format!("number {} {problem}", index + 1));
            }
        }
    }

    fn scope(&mut self, scope: &[String], products: &Products) {
        let is_known = |token: &String| {
            OPENID_SCOPES.contains(&token.as_str())
                || products.iter().any(|product| product.scopes.contains_key(token))
        };
        if scope.len() > MAX_SCOPE_TOKENS {
            self.add("scope", "must have at most 100 scope tokens");
        } else if let Some(index) = scope.iter().position(|token| !is_known(token)) {
            let message = format!("token number {} is in no product's catalogue", index + 1);
            self.add("scope", &message);
        }
    }

    fn page(&mut self, field: &'static str, uri: Option<&String>) {
        let is_page = |uri: &String| {
            uri.len() <= MAX_URI_BYTES
                && uri.bytes().all(|byte| byte.is_ascii_graphic())
                && Url::parse(uri).is_ok_and(|url| url.scheme() == "https" && !has_user(&url))
        };
        if !uri.is_none_or(is_page) {
            self.add(field, "must be an https URL of at most 2000 bytes");
        }
    }

    fn lifetimes(&mut self, client: &NewClient) {
        for (field, secs) in [
            ("access_token_ttl_secs", client.access_token_ttl_secs),
            ("refresh_token_idle_ttl_secs", client.refresh_token_idle_ttl_secs),
            ("refresh_token_absolute_ttl_secs", client.refresh_token_absolute_ttl_secs),
        ] {
            if secs.is_some_and(|secs| !(1..=MAX_TTL_SECS).contains(&secs)) {
                self.add(field, "must be 1 second to 10 years");
            }
        }
    }
}

fn has(list: &[String], item: &str) -> bool {
    list.iter().any(|entry| entry == item)
}

fn has_twice(list: &[String]) -> bool {
    list.iter().collect::<BTreeSet<_>>().len() < list.len()
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn client(grant_types: &[&str], redirect_uris: &[&str]) -> NewClient {
        let owned = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
        NewClient {
            name: "Reader".to_owned(),
            grant_types: owned(grant_types),
            redirect_uris: owned(redirect_uris),
            ..NewClient::default()
        }
    }

    fn fields(client: &NewClient) -> Vec<String> {
        let outbound = Outbound::new(&Config::default()).unwrap();
        let problems = check(client, &Products::default(), &outbound);
        problems.iter().map(|problem| problem.field.to_string()).collect()
    }

    #[test]
    fn redirect_uris_go_with_authorization_code() {
        let web = "https://app.example.com/cb";

        assert!(fields(&client(&["authorization_code", "refresh_token"], &[web])).is_empty());
        assert!(fields(&client(&["password", "refresh_token"], &[])).is_empty());
        assert_eq!(fields(&client(&["authorization_code"], &[])), ["redirect_uris"]);
        assert_eq!(fields(&client(&["password"], &[web])), ["redirect_uris"]);
        assert_eq!(fields(&client(&["authorization_code"], &[web, web])), ["redirect_uris"]);
        let many: Vec<_> = (0..21).map(|n| format!("https://a.example/{n}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(fields(&client(&["authorization_code"], &many)), ["redirect_uris"]);
    }

    #[test]
    fn grant_types_fit_the_kind_of_client() {
        for bad in [&[][..], &["implicit"], &["password", "password"], &["refresh_token"]] {
            assert_eq!(fields(&client(bad, &[])), ["grant_types"], "{bad:?}");
        }
        let service = client(&["client_credentials"], &[]);
        assert!(fields(&service).is_empty());
        assert_eq!(fields(&NewClient { is_public: true, ..service }), ["grant_types"]);
        let script = client(&["password"], &[]);
        assert!(fields(&NewClient { is_public: true, ..script.clone() }).is_empty());
        assert_eq!(fields(&NewClient { is_dynamic: true, ..script }), ["grant_types"]);
        assert!(fields(&client(&[DEVICE_CODE, "refresh_token"], &[])).is_empty());
        let exchanging = client(&[TOKEN_EXCHANGE], &[]);
        assert!(fields(&exchanging).is_empty());
        let public = NewClient { is_public: true, ..exchanging.clone() };
        assert_eq!(fields(&public), ["grant_types"]);
        assert_eq!(fields(&NewClient { is_dynamic: true, ..exchanging }), ["grant_types"]);
    }

    #[test]
    fn scopes_are_in_a_catalogue() {
        let with = |scope: &[&str]| NewClient {
            scope: scope.iter().map(|&token| token.to_owned()).collect(),
            ..client(&["password"], &[])
        };

        assert!(fields(&with(&["leads:read", "openid", "offline_access"])).is_empty());
        assert_eq!(fields(&with(&["leads:read", "leads:burn"])), ["scope"]);
        assert_eq!(fields(&with(&[""])), ["scope"]);
    }

    #[test]
    fn names_lifetimes_and_links_have_limits() {
        let good = client(&["password"], &[]);
        for name in ["", " ", "a\nb", "a\u{202e}b", "a\u{200b}b", &"x".repeat(121)] {
            let named = NewClient { name: name.to_owned(), ..good.clone() };
            assert_eq!(fields(&named), ["name"], "{name:?}");
        }
        let timed = NewClient { access_token_ttl_secs: Some(0), ..good.clone() };
        assert_eq!(fields(&timed), ["access_token_ttl_secs"]);
        for uri in ["http://a.example/", "https://u@a.example/", "javascript:x", "x"] {
            let linked = NewClient { logo_uri: Some(uri.to_owned()), ..good.clone() };
            assert_eq!(fields(&linked), ["logo_uri"], "{uri}");
        }
        let public = NewClient { is_public: true, may_introspect: true, ..good };
        assert_eq!(fields(&public), ["may_introspect"]);
    }
}
