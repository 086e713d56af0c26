//! Client metadata as clients write them (RFC 7591 §2, OpenID Connect Registration §2): what they mean
//! here. Unknown members are ignored, absent ones have their defaults, and `null` and the empty text
//! are absent. Nothing of what was sent is repeated in a refusal.

use std::collections::BTreeSet;

use entity::client_settings::{AuthMethod, Settings};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    app::App,
    clients::metadata::{
        AUTHORIZATION_CODE, CLIENT_CREDENTIALS, GRANT_TYPES, NewClient, OPENID_SCOPES, PASSWORD,
    },
    fault::FieldError,
};

/// Members that are kept as they are, under their own names.
const SETTINGS: [&str; 28] = [
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "request_object_signing_alg",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "post_logout_redirect_uris",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "initiate_login_uri",
    "request_uris",
    "client_uri",
    "contacts",
    "application_type",
    "sector_identifier_uri",
    "software_id",
    "software_version",
    "authorization_details_types",
];
/// Members that ask for what is not done here. A client that was promised it would be deceived.
const REFUSED: [&str; 4] = [
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "request_object_encryption_alg",
    "authorization_encrypted_response_alg",
];
/// Grant types that only an administrator registers clients for.
const ADMINISTRATORS: [&str; 3] =
    [PASSWORD, CLIENT_CREDENTIALS, "urn:ietf:params:oauth:grant-type:token-exchange"];
/// Problems that a refusal names.
const MAX_NAMED: usize = 5;

/// By which door metadata come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// They are sent to us: what cannot be is refused.
    Registration,
    /// They are fetched, and written for other servers too: what is not done here is passed over. There
    /// is no secret that both sides could know.
    Document,
}

/// Why metadata are refused (RFC 7591 §3.2.2); the words name fields and never repeat values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A redirect URI cannot be registered.
    RedirectUri(String),
    /// Something else cannot be.
    Metadata(String),
    /// The software statement is no JWT.
    Statement,
    /// Nobody whose statements count has made it.
    UnapprovedStatement,
}

impl Refusal {
    /// The refusal of what breaks these rules, if any is broken.
    #[must_use]
    pub fn of(problems: &[FieldError]) -> Option<Self> {
        let first = problems.first()?;
        let words = |it: &FieldError| {
            let field = if it.field == "name" { "client_name" } else { &*it.field };
            format!("{field} {}", it.message)
        };
        let named: Vec<_> = problems.iter().take(MAX_NAMED).map(words).collect();
        let is_of_redirects = first.field == "redirect_uris";
        Some(if is_of_redirects { Self::RedirectUri } else { Self::Metadata }(named.join("; ")))
    }
}

/// What metadata mean.
///
/// # Errors
/// Why they mean nothing; that they can be read does not say that they break no rule.
pub fn read(app: &App, members: &Map<String, Value>, door: Door) -> Result<NewClient, Refusal> {
    let mut reader = Reader { members, door, problems: Vec::new() };
    reader.statement()?;
    let client = reader.client(app);
    match Refusal::of(&reader.problems) {
        Some(refusal) => Err(refusal),
        None => Ok(client),
    }
}

struct Reader<'a> {
    members: &'a Map<String, Value>,
    door: Door,
    problems: Vec<FieldError>,
}

impl Reader<'_> {
    fn member(&self, name: &str) -> Option<&Value> {
        let is_said = |value: &&Value| !value.is_null() && value.as_str() != Some("");
        self.members.get(name).filter(is_said)
    }

    fn refuse(&mut self, field: &'static str, message: &str) {
        self.problems.push(FieldError::new(field, message));
    }

    /// RFC 7591 §2.3: one would count for more than what the client says itself.
    fn statement(&self) -> Result<(), Refusal> {
        match self.member("software_statement") {
            None => Ok(()),
            Some(Value::String(jwt)) if jwt.split('.').count() == 3 => {
                Err(Refusal::UnapprovedStatement)
            }
            Some(_) => Err(Refusal::Statement),
        }
    }

    fn client(&mut self, app: &App) -> NewClient {
        for name in REFUSED {
            if self.member(name).is_some() && self.door == Door::Registration {
                self.refuse(name, "is not supported");
            }
        }
        if self.member("subject_type").is_some_and(|kind| kind != "public") {
            self.refuse("subject_type", "may be: public");
        }
        let redirect_uris = self.texts("redirect_uris").unwrap_or_default();
        let settings = self.settings();
        let client = NewClient {
            name: self.name(&redirect_uris, &settings),
            grant_types: self.grant_types(),
            scope: self.scope(app),
            is_public: settings.token_endpoint_auth_method == Some(AuthMethod::None),
            is_dynamic: true,
            logo_uri: self.text("logo_uri"),
            policy_uri: self.text("policy_uri"),
            tos_uri: self.text("tos_uri"),
            redirect_uris,
            settings,
            ..NewClient::default()
        };
        self.response_types(&client);
        client
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.member(name)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.refuse(name, "must be a text");
        }
        text
    }

    fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.member(name)?.clone();
        let texts = serde_json::from_value(value).ok();
        if texts.is_none() {
            self.refuse(name, "must be a list of texts");
        }
        texts
    }

    /// Each by itself first, so that the one that cannot be is named.
    fn settings(&mut self) -> Settings {
        let mut said = Map::new();
        for name in SETTINGS {
            let Some(value) = self.member(name).cloned() else { continue };
            let one = Map::from_iter([(name.to_owned(), value)]);
            if serde_json::from_value::<Settings>(Value::Object(one.clone())).is_ok() {
                said.extend(one);
            } else {
                self.refuse(name, "has a value that is not supported");
            }
        }
        let mut settings: Settings = serde_json::from_value(said.into()).unwrap_or_default();
        let method = settings.token_endpoint_auth_method;
        settings.token_endpoint_auth_method = Some(match (self.door, method) {
            // RFC 7591 §2: what it is unless the client says
            (Door::Registration, method) => method.unwrap_or(AuthMethod::ClientSecretBasic),
            (Door::Document, None) => AuthMethod::None,
            (
                Door::Document,
                Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost),
            ) => {
                self.refuse("token_endpoint_auth_method", "may be: none, private_key_jwt");
                AuthMethod::None
            }
            (Door::Document, Some(method)) => method,
        });
        settings
    }

    fn name(&mut self, redirect_uris: &[String], settings: &Settings) -> String {
        if let Some(name) = self.text("client_name") {
            return name;
        }
        let mut homes = settings.client_uri.iter().chain(redirect_uris);
        let host = homes.find_map(|uri| Url::parse(uri).ok()?.host_str().map(str::to_owned));
        host.filter(|host| host.chars().count() <= 120).unwrap_or_else(|| "Unnamed app".to_owned())
    }

    fn grant_types(&mut self) -> Vec<String> {
        let asked = self.texts("grant_types");
        let asked = asked.unwrap_or_else(|| vec![AUTHORIZATION_CODE.to_owned()]);
        let is_possible = |name: &String| {
            GRANT_TYPES.contains(&name.as_str()) && !ADMINISTRATORS.contains(&name.as_str())
        };
        if self.door == Door::Document {
            return asked.into_iter().filter(is_possible).collect();
        }
        if !asked.iter().all(is_possible) {
            let possible = GRANT_TYPES.into_iter().filter(|name| !ADMINISTRATORS.contains(name));
            let possible: Vec<_> = possible.collect();
            self.refuse("grant_types", &format!("may be: {}", possible.join(", ")));
        }
        asked
    }

    /// What was asked for and is known here; everything, if nothing was asked for. RFC 7591 §3.2.1: the
    /// client is told what it has got.
    fn scope(&mut self, app: &App) -> Vec<String> {
        let catalogues = app.config.products.iter().flat_map(|product| product.scopes.keys());
        let known: BTreeSet<&str> = catalogues.map(String::as_str).chain(OPENID_SCOPES).collect();
        let Some(asked) = self.text("scope") else {
            return known.into_iter().map(str::to_owned).collect();
        };
        let asked: BTreeSet<_> = asked.split_whitespace().collect();
        let got: Vec<_> = asked.intersection(&known).map(|token| (*token).to_owned()).collect();
        if got.is_empty() && !asked.is_empty() {
            self.refuse("scope", "has no token that is known here");
        }
        got
    }

    /// RFC 7591 §2.1: they go with the grant types.
    fn response_types(&mut self, client: &NewClient) {
        let asked = self.texts("response_types");
        if self.door == Door::Document {
            return;
        }
        if asked.is_some_and(|asked| asked.iter().any(|kind| kind != "code")) {
            self.refuse("response_types", "may be: code");
        }
        if client.grant_types.iter().all(|kind| kind != AUTHORIZATION_CODE)
            && !client.redirect_uris.is_empty()
        {
            self.refuse(
                "grant_types",
                "must have authorization_code, because there are redirect_uris",
            );
        }
    }
}
