//! The commands that make credentials: clients and keys.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use clap::{Args, ValueEnum};
use entity::client_settings::Settings;

use super::{Failure, Format, client_settings::Flags, find_user, find_workspace};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    clients::{
        binding,
        registration::{NewClient, Registration, register},
    },
    config::Environment,
    keys::{
        manage::{self, Creation, KeyOwner, NewKey},
        scope_list,
    },
    workspaces,
};

/// Owns the keys that an operator makes for nobody in particular.
const OPERATORS_ACCOUNT: &str = "operator";

/// `create-client`.
#[derive(Args)]
pub(crate) struct Client {
    /// Its name on the consent page
    #[arg(long)]
    name: String,
    /// Where it may receive authorization codes (repeatable)
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    #[arg(
        long = "grant-type",
        value_name = "GRANT_TYPE",
        required = true,
        value_delimiter = ',',
        help = "authorization_code, refresh_token, password, client_credentials, or the names of the device \
                grant and of token exchange: urn:ietf:params:oauth:grant-type:device_code and \
                …:token-exchange (repeatable)"
    )]
    grant_types: Vec<String>,
    /// A scope token it may ask for (repeatable)
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    scope: Vec<String>,
    /// It cannot keep a secret
    #[arg(long)]
    public: bool,
    /// The slug of the workspace that its client-credentials tokens belong to
    #[arg(long, value_name = "SLUG")]
    workspace: Option<String>,
    /// The PIN of the enterprise in whose workspaces it is at home, and in no others
    #[arg(long, value_name = "PIN", conflicts_with = "workspace")]
    enterprise: Option<String>,
    /// It may call the introspection endpoint
    #[arg(long)]
    introspection: bool,
    #[command(flatten)]
    settings: Flags,
    #[command(flatten)]
    format: Format,
}

impl Client {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let (slug, pin) = (self.workspace.as_deref(), self.enterprise.as_deref());
        let binding = binding::named(app, slug, pin).await??;
        let is_public = self.public || self.settings.is_public();
        let new = NewClient {
            name: self.name,
            redirect_uris: self.redirect_uris,
            grant_types: self.grant_types,
            scope: self.scope.into_iter().filter(|token| !token.is_empty()).collect(),
            is_public,
            binding,
            may_introspect: self.introspection,
            settings: self.settings.settings()?,
            ..NewClient::default()
        };
        let (client, secret) = match register(app, Actor::Operator, new).await? {
            Registration::Registered { client, secret } => (client, secret),
            Registration::Invalid(problems) => return Err(problems.into()),
        };
        let mut record = Record::new().with("client_id", client.id).with("name", client.name);
        if let Some(secret) = secret {
            record = record.with("client_secret", secret.reveal());
        }
        let record = record
            .with("redirect_uris", client.redirect_uris.0)
            .with("grant_types", client.grant_types.0)
            .with("scope", client.scope)
            .with("workspace", self.workspace)
            .with("introspection", client.may_introspect);
        let record = match self.enterprise {
            Some(pin) => record.with("enterprise", pin),
            None => record,
        };
        let settings = serde_json::to_value(&client.settings)?;
        let has_settings = client.settings != Settings::default();
        let record = if has_settings { record.with("settings", settings) } else { record };
        output::record(record, self.format.json)
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum EnvironmentFlag {
    Live,
    Test,
}

/// `create-key`.
#[derive(Args)]
pub(crate) struct Key {
    /// The slug of the workspace it is confined to
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// What people call it
    #[arg(long)]
    name: String,
    /// A scope token it has (repeatable)
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    scope: Vec<String>,
    /// Which data it sees
    #[arg(long, value_enum, default_value = "live")]
    environment: EnvironmentFlag,
    /// When it ends: 2027-01-31 (midnight UTC) or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// The user who owns it [default: the workspace's service account "operator"]
    #[arg(long, value_name = "USERNAME")]
    owner: Option<String>,
    #[command(flatten)]
    format: Format,
}

impl Key {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let workspace_id = find_workspace(app, &self.workspace).await?.id;
        let expires_at = self.expires.as_deref().map(instant).transpose()?;
        let owner = match &self.owner {
            Some(username) => KeyOwner::User(find_user(app, username).await?.id),
            None => KeyOwner::ServiceAccount(
                workspaces::service_account(app, Actor::Operator, workspace_id, OPERATORS_ACCOUNT)
                    .await??
                    .id,
            ),
        };
        let new = NewKey {
            workspace_id,
            name: self.name,
            scopes: self.scope.into_iter().filter(|token| !token.is_empty()).collect(),
            full_access: false,
            environment: match self.environment {
                EnvironmentFlag::Live => Environment::Live,
                EnvironmentFlag::Test => Environment::Test,
            },
            owner,
            created_by: None,
            expires_at,
        };
        let (key, raw) = match manage::create(app, Actor::Operator, new).await? {
            Creation::Created { key, raw } => (key, raw),
            Creation::PlanLimitReached { limit } => {
                let problem = format!("has all {limit} keys that its plan allows");
                return Err(Failure::field("workspace", &problem));
            }
            Creation::BeyondCredential(excess) => {
                return Err(vec![manage::too_wide(&excess)].into());
            }
            Creation::Invalid(problems) => return Err(problems.into()),
        };
        let scopes: Vec<_> = scope_list::scope_of(&key.scopes).iter().map(str::to_owned).collect();
        let record = Record::new()
            .with("id", key.id.to_string())
            .with("name", key.name)
            .with("key", raw.reveal())
            .with("environment", key.environment)
            .with("scopes", scopes)
            .with("full_access", key.full_access)
            .with(
                "expires_at",
                key.expires_at.map(|at| at.0.to_rfc3339_opts(SecondsFormat::Millis, true)),
            );
        output::record(record, self.format.json)
    }
}

pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, Failure> {
    let day = || text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .or_else(|_| day())
        .map_err(|_| Failure::field("expires", "must be like 2027-01-31 or 2027-01-31T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_or_an_instant() {
        for (text, millis) in [
            ("2027-01-31", 1_801_353_600_000),
            ("2027-01-31T12:00:00Z", 1_801_396_800_000),
            ("2027-01-31T12:00:00+02:00", 1_801_389_600_000),
        ] {
            assert_eq!(instant(text).unwrap().timestamp_millis(), millis, "{text}");
        }
        for text in ["", "tomorrow", "2027-02-30", "2027-01-31T12:00:00"] {
            assert!(instant(text).is_err(), "{text}");
        }
    }
}
