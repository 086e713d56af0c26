//! The commands that end something, or replace it.

use chrono::TimeDelta;
use clap::Args;
use uuid::Uuid;

use super::{Failure, Format, find_user, find_workspace};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    clients::{
        binding::unbind,
        registration::{Replacement, replace_secret, set_disabled},
    },
    identity::{second_factor, users},
    keys, store, tokens,
    workspaces::{LastOwner, disable_workspace, remove_member, roles::Outcome},
};

/// A client, by its `client_id`.
#[derive(Args)]
pub(crate) struct Client {
    #[arg(long, alias = "client-id", value_name = "CLIENT_ID", help = "The client_id")]
    client: String,
    #[command(flatten)]
    format: Format,
}

impl Client {
    pub(super) async fn disable(self, app: &App) -> Result<(), Failure> {
        if !set_disabled(app, Actor::Operator, &self.client, true).await? {
            return Err(Failure::unknown("client"));
        }
        let record = Record::new().with("client_id", self.client).with("disabled", true);
        output::record(record, self.format.json)
    }

    pub(super) async fn unbind(self, app: &App) -> Result<(), Failure> {
        unbind(app, Actor::Operator, &self.client).await??;
        let record = Record::new().with("client_id", self.client).with("unbound", true);
        output::record(record, self.format.json)
    }
}

/// `rotate-client-secret`.
#[derive(Args)]
pub(crate) struct Rotation {
    #[arg(long, alias = "client-id", value_name = "CLIENT_ID", help = "The client_id")]
    client: String,
    /// How many hours the old secret still works
    #[arg(long, value_name = "HOURS", default_value_t = 0)]
    overlap_hours: u32,
    #[command(flatten)]
    format: Format,
}

impl Rotation {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let overlap = TimeDelta::hours(self.overlap_hours.into());
        let how = (overlap, None);
        let secret = match replace_secret(app, Actor::Operator, &self.client, how).await? {
            Replacement::Made(secret) => secret,
            Replacement::Invalid(problems) => return Err(problems.into()),
            Replacement::Unknown => {
                return Err(Failure::field("client", "does not exist or has no secret"));
            }
            Replacement::Replaced => {
                return Err(Failure::field("client", "got another secret just now"));
            }
        };
        let record =
            Record::new().with("client_id", self.client).with("client_secret", secret.reveal());
        output::record(record, self.format.json)
    }
}

/// A user, by username.
#[derive(Args)]
pub(crate) struct User {
    /// email or pin/email
    #[arg(long, alias = "username", value_name = "USERNAME")]
    user: String,
    #[command(flatten)]
    format: Format,
}

impl User {
    pub(super) async fn disable(self, app: &App) -> Result<(), Failure> {
        let user = find_user(app, &self.user).await?;
        if !users::disable(app, Actor::Operator, user.id).await? {
            return Err(Failure::field("user", "is disabled already"));
        }
        let record = Record::new().with("username", user.username).with("disabled", true);
        output::record(record, self.format.json)
    }

    pub(super) async fn reset_second_factor(self, app: &App) -> Result<(), Failure> {
        let user = find_user(app, &self.user).await?;
        if !second_factor::reset(app, Actor::Operator, user.id).await? {
            return Err(Failure::field("user", "has no second factor"));
        }
        let record =
            Record::new().with("username", user.username).with("second_factor_reset", true);
        output::record(record, self.format.json)
    }
}

/// A workspace, by slug.
#[derive(Args)]
pub(crate) struct Workspace {
    /// The slug
    #[arg(long, alias = "slug", value_name = "SLUG")]
    workspace: String,
    #[command(flatten)]
    format: Format,
}

impl Workspace {
    pub(super) async fn disable(self, app: &App) -> Result<(), Failure> {
        let workspace = find_workspace(app, &self.workspace).await?;
        if !disable_workspace(app, Actor::Operator, workspace.id).await? {
            return Err(Failure::field("workspace", "is disabled already"));
        }
        let record = Record::new().with("slug", workspace.slug).with("disabled", true);
        output::record(record, self.format.json)
    }
}

/// A user in a workspace.
#[derive(Args)]
pub(crate) struct Member {
    /// The slug
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// email or pin/email
    #[arg(long, alias = "username", value_name = "USERNAME")]
    user: String,
    /// Also if nobody who can sign in owns the workspace then
    #[arg(long)]
    last_owner: bool,
    #[command(flatten)]
    format: Format,
}

impl Member {
    pub(super) async fn remove(self, app: &App) -> Result<(), Failure> {
        let workspace = find_workspace(app, &self.workspace).await?;
        let user = find_user(app, &self.user).await?;
        let last = if self.last_owner { LastOwner::Goes } else { LastOwner::Stays };
        let problem =
            match remove_member(app, Actor::Operator, (workspace.id, user.id), last).await? {
                Outcome::Done => None,
                Outcome::LastOwner => Some(
                    "is the last owner of this workspace: make somebody else one first, or add \
                     --last-owner",
                ),
                Outcome::Unknown | Outcome::Forbidden => Some("is not a member of this workspace"),
            };
        if let Some(problem) = problem {
            return Err(Failure::field("user", problem));
        }
        let record = Record::new()
            .with("workspace", workspace.slug)
            .with("username", user.username)
            .with("removed", true);
        output::record(record, self.format.json)
    }
}

/// A connected app.
#[derive(Args)]
pub(crate) struct Grant {
    /// The grant's id, as list-grants shows it
    #[arg(long = "grant", alias = "id", value_name = "ID")]
    id: Uuid,
    #[command(flatten)]
    format: Format,
}

impl Grant {
    pub(super) async fn revoke(self, app: &App) -> Result<(), Failure> {
        if !tokens::revoke::revoke_grant(app, Actor::Operator, self.id).await? {
            return Err(Failure::field("grant", "does not exist or is revoked already"));
        }
        let record = Record::new().with("id", self.id.to_string()).with("revoked", true);
        output::record(record, self.format.json)
    }
}

/// A key of a workspace.
#[derive(Args)]
pub(crate) struct Key {
    /// The slug
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// The key's id, as list-keys shows it
    #[arg(long = "key", alias = "id", value_name = "ID")]
    id: Uuid,
    #[command(flatten)]
    format: Format,
}

impl Key {
    pub(super) async fn revoke(self, app: &App) -> Result<(), Failure> {
        let workspace = find_workspace(app, &self.workspace).await?;
        if !keys::manage::revoke(app, Actor::Operator, workspace.id, self.id).await? {
            let found = store::api_keys::find(app.store.read(), workspace.id, self.id).await?;
            return Err(match found {
                Some(_) => Failure::field("key", "is revoked already"),
                None => Failure::field("key", "does not exist in this workspace"),
            });
        }
        let record = Record::new().with("id", self.id.to_string()).with("revoked", true);
        output::record(record, self.format.json)
    }
}
