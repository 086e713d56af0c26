//! The commands about billable accounts: API access, the Comms API, verification and plans.

use chrono::{SecondsFormat, TimeDelta};
use clap::Args;

use super::{Failure, Format, find_user, find_workspace};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    store,
    workspaces::{self, Account, IssuedSubscription, Pin},
};

/// Which account: exactly one of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The PIN of an enterprise
    #[arg(long, alias = "pin", value_name = "PIN")]
    enterprise: Option<String>,
    /// email, pin/email or the user's id
    #[arg(long, alias = "username", value_name = "USERNAME")]
    user: Option<String>,
}

impl Whose {
    /// The account, and how it is printed.
    async fn find(&self, app: &App) -> Result<(Account, Record), Failure> {
        if let Some(username) = &self.user {
            let user = find_user(app, username).await?;
            return Ok((Account::User(user.id), Record::new().with("username", user.username)));
        }
        let pin = self.enterprise.as_deref().and_then(Pin::parse);
        let found = match &pin {
            Some(pin) => store::enterprises::find_by_pin(app.store.read(), pin.as_str()).await?,
            None => None,
        };
        let enterprise = found.ok_or_else(|| Failure::unknown("enterprise"))?;
        let record = Record::new().with("enterprise", enterprise.pin);
        Ok((Account::Enterprise(enterprise.id), record))
    }
}

/// An account.
#[derive(Args)]
pub(crate) struct One {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    format: Format,
}

impl One {
    pub(super) async fn enable_api_access(self, app: &App) -> Result<(), Failure> {
        let (account, record) = self.whose.find(app).await?;
        let issued = workspaces::open_subscription(app, Actor::Operator, account).await?;
        let issued = issued.map_err(|problems| {
            let hint = "resume-subscription ends a suspension, rotate-subscription makes a new key";
            Failure::from(problems).because(hint)
        })?;
        output::record(with_key(record, &issued), self.format.json)
    }

    pub(super) async fn suspend(self, app: &App) -> Result<(), Failure> {
        let (account, record) = self.whose.find(app).await?;
        if !workspaces::suspend_subscription(app, Actor::Operator, account).await? {
            return Err(Failure::field("account", "has no API access or is suspended already"));
        }
        output::record(record.with("suspended", true), self.format.json)
    }

    pub(super) async fn resume(self, app: &App) -> Result<(), Failure> {
        let (account, record) = self.whose.find(app).await?;
        if !workspaces::resume_subscription(app, Actor::Operator, account).await? {
            return Err(Failure::field("account", "is not suspended"));
        }
        output::record(record.with("suspended", false), self.format.json)
    }

    pub(super) async fn allow_comms(self, app: &App) -> Result<(), Failure> {
        let (account, record) = self.whose.find(app).await?;
        if !workspaces::allow_comms(app, Actor::Operator, account).await? {
            return Err(Failure::field("account", "is on the allow-list already"));
        }
        output::record(record.with("comms", true), self.format.json)
    }
}

/// `rotate-subscription`.
#[derive(Args)]
pub(crate) struct Rotation {
    #[command(flatten)]
    whose: Whose,
    /// How many hours the old key goes on working; 0 ends it at once
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    overlap_hours: u16,
    #[command(flatten)]
    format: Format,
}

impl Rotation {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let (account, record) = self.whose.find(app).await?;
        let overlap = TimeDelta::hours(self.overlap_hours.into());
        let issued =
            workspaces::rotate_subscription(app, Actor::Operator, account, overlap).await??;
        output::record(with_key(record, &issued), self.format.json)
    }
}

fn with_key(record: Record, issued: &IssuedSubscription) -> Record {
    let ends = issued.previous_expires_at;
    record
        .with("subscription_key", issued.key.reveal())
        .with("mailed_to", issued.mailed_to.clone())
        .with("previous_expires_at", ends.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)))
}

/// `verify-account`.
#[derive(Args)]
pub(crate) struct Verification {
    /// email, pin/email or the user's id
    #[arg(long, alias = "username", value_name = "USERNAME")]
    user: String,
    #[command(flatten)]
    format: Format,
}

impl Verification {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let user = find_user(app, &self.user).await?;
        if !workspaces::verify_user(app, Actor::Operator, user.id).await? {
            return Err(Failure::field("user", "is verified already"));
        }
        let record = Record::new().with("username", user.username).with("verified", true);
        output::record(record, self.format.json)
    }
}

/// `set-plan`.
#[derive(Args)]
pub(crate) struct Plan {
    /// The slug
    #[arg(long, alias = "slug", value_name = "SLUG")]
    workspace: String,
    /// A plan of the configuration
    #[arg(long = "plan", value_name = "PLAN")]
    name: String,
    #[command(flatten)]
    format: Format,
}

impl Plan {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let workspace = find_workspace(app, &self.workspace).await?;
        workspaces::set_plan(app, Actor::Operator, workspace.id, &self.name).await??;
        let record = Record::new().with("slug", workspace.slug).with("plan", self.name);
        output::record(record, self.format.json)
    }
}
