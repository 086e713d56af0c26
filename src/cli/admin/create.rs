//! The commands that make enterprises, workspaces and users.

use std::io::{self, BufRead, Read};

use clap::{Args, ValueEnum};
use entity::member::Role;
use zeroize::Zeroizing;

use super::{Failure, Format, find_workspace};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    config::DEFAULT_PRODUCT,
    crypto::password::MAX_PASSWORD_BYTES,
    identity::users::{self, NewUser},
    workspaces::{self, Membership, NewWorkspace},
};

/// `create-enterprise`.
#[derive(Args)]
pub(crate) struct Enterprise {
    /// 2 to 32 letters, digits, - and _
    #[arg(long)]
    pin: String,
    /// How people call it
    #[arg(long)]
    name: String,
    #[command(flatten)]
    format: Format,
}

impl Enterprise {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let made =
            workspaces::create_enterprise(app, Actor::Operator, &self.pin, &self.name).await??;
        let record = Record::new()
            .with("id", made.id.to_string())
            .with("pin", made.pin)
            .with("name", made.name);
        output::record(record, self.format.json)
    }
}

/// `create-workspace`.
#[derive(Args)]
pub(crate) struct Workspace {
    /// How paths name it
    #[arg(long)]
    slug: String,
    /// How people call it
    #[arg(long)]
    name: String,
    /// The PIN of the enterprise it belongs to
    #[arg(long, value_name = "PIN")]
    enterprise: Option<String>,
    /// A product of the configuration
    #[arg(long, default_value = DEFAULT_PRODUCT)]
    product: String,
    /// A plan of the configuration
    #[arg(long, default_value = "free")]
    plan: String,
    #[command(flatten)]
    format: Format,
}

impl Workspace {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let new = NewWorkspace {
            slug: self.slug,
            name: self.name,
            enterprise: self.enterprise,
            product: self.product,
            plan: self.plan,
        };
        let made = workspaces::create_workspace(app, Actor::Operator, new).await??;
        let record = Record::new()
            .with("id", made.id.to_string())
            .with("slug", made.slug)
            .with("name", made.name)
            .with("product", made.product)
            .with("plan", made.plan);
        output::record(record, self.format.json)
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleFlag {
    Owner,
    Admin,
    Member,
}

impl From<RoleFlag> for Role {
    fn from(flag: RoleFlag) -> Self {
        match flag {
            RoleFlag::Owner => Self::Owner,
            RoleFlag::Admin => Self::Admin,
            RoleFlag::Member => Self::Member,
        }
    }
}

/// `create-user`.
#[derive(Args)]
pub(crate) struct User {
    /// email, or pin/email for a user of an enterprise
    #[arg(long)]
    username: String,
    /// Where mail goes [default: the email in the username]
    #[arg(long)]
    email: Option<String>,
    /// How the user is called
    #[arg(long)]
    name: Option<String>,
    /// The slug of a workspace the user shall be in
    #[arg(long, value_name = "SLUG")]
    workspace: Option<String>,
    /// What the user may do there [default: member]
    #[arg(long, value_enum, requires = "workspace")]
    role: Option<RoleFlag>,
    /// The user runs this server
    #[arg(long)]
    admin: bool,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    format: Format,
}

impl User {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let role = self.role.map_or(Role::Member, Role::from);
        let memberships = match &self.workspace {
            None => Vec::new(),
            Some(slug) => {
                let workspace_id = find_workspace(app, slug).await?.id;
                vec![Membership { workspace_id, role }]
            }
        };
        let new = NewUser {
            username: self.username,
            email: self.email,
            name: self.name,
            password: self.password_stdin.then(read_password).transpose()?,
            memberships,
            is_admin: self.admin,
            ..NewUser::default()
        };
        let made = users::create(app, Actor::Operator, new).await??;
        let mut record = Record::new()
            .with("id", made.user.id.to_string())
            .with("username", made.user.username)
            .with("email", made.user.email);
        if let Some(password) = made.generated {
            record = record.with("password", password.as_str());
        }
        output::record(record, self.format.json)
    }
}

fn read_password() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    // room for what is too long, so that it is refused and not cut
    let limit = u64::try_from(MAX_PASSWORD_BYTES + 3).unwrap_or(u64::MAX);
    io::stdin().lock().take(limit).read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}
