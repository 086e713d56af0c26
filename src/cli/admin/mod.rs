//! `latchkey admin …`: what an operator sets up and changes, also while the server runs. Every
//! change is one rule with its audit event; this room only asks and prints.

mod create;
mod end;
mod import;
mod issue;
mod list;

use std::sync::Arc;

use clap::{Args, Subcommand};
use entity::{user, workspace};

use super::{
    Failure,
    settings::{self, Settings},
};
use crate::{app::App, identity::username::Username, store};

/// What an operator can do.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Create an enterprise: a realm of users, named by a PIN
    CreateEnterprise(create::Enterprise),
    /// Create a workspace: the tenant that owns data, members and keys
    CreateWorkspace(create::Workspace),
    /// Create a user; without --password-stdin a password is generated and printed once
    CreateUser(create::User),
    /// Register an OAuth client; its secret is printed once
    CreateClient(issue::Client),
    /// Create an API key; it is printed once
    CreateKey(issue::Key),
    /// Import API keys that exist elsewhere, by their SHA-256: all of a file, or nothing
    ImportKeys(import::Keys),
    /// Refuse a client and its tokens from now on
    DisableClient(end::Client),
    /// Refuse a user and the user's tokens and keys from now on
    DisableUser(end::User),
    /// Refuse a workspace's tokens and keys from now on
    DisableWorkspace(end::Workspace),
    /// Replace a client's secret; the new one is printed once
    RotateClientSecret(end::Client),
    /// End a membership
    RemoveMember(end::Member),
    /// Revoke a connected app
    RevokeGrant(end::Grant),
    /// Revoke an API key for good
    RevokeKey(end::Key),
    /// List clients
    ListClients(list::All),
    /// List users
    ListUsers(list::All),
    /// List workspaces
    ListWorkspaces(list::All),
    /// List a user's connected apps
    ListGrants(list::Grants),
    /// List a workspace's API keys
    ListKeys(list::Keys),
}

/// How a command prints.
#[derive(Args, Clone, Copy)]
pub(super) struct Format {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs one command on the database that the settings name.
pub(super) async fn run(settings: &Settings, command: Command) -> Result<(), Failure> {
    let app: Arc<App> = settings::open(settings.load()?).await?;
    let done = dispatch(&app, command).await;
    app.store.close().await?;
    done
}

async fn dispatch(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::CreateEnterprise(new) => new.run(app).await,
        Command::CreateWorkspace(new) => new.run(app).await,
        Command::CreateUser(new) => new.run(app).await,
        Command::CreateClient(new) => new.run(app).await,
        Command::CreateKey(new) => new.run(app).await,
        Command::ImportKeys(keys) => keys.run(app).await,
        Command::DisableClient(client) => client.disable(app).await,
        Command::DisableUser(user) => user.disable(app).await,
        Command::DisableWorkspace(workspace) => workspace.disable(app).await,
        Command::RotateClientSecret(client) => client.rotate_secret(app).await,
        Command::RemoveMember(member) => member.remove(app).await,
        Command::RevokeGrant(grant) => grant.revoke(app).await,
        Command::RevokeKey(key) => key.revoke(app).await,
        Command::ListClients(all) => all.clients(app).await,
        Command::ListUsers(all) => all.users(app).await,
        Command::ListWorkspaces(all) => all.workspaces(app).await,
        Command::ListGrants(grants) => grants.run(app).await,
        Command::ListKeys(keys) => keys.run(app).await,
    }
}

async fn find_workspace(app: &App, slug: &str) -> Result<workspace::Model, Failure> {
    store::workspaces::find_by_slug(app.store.read(), slug)
        .await?
        .ok_or_else(|| Failure::unknown("workspace"))
}

async fn find_user(app: &App, username: &str) -> Result<user::Model, Failure> {
    let username = Username::parse(username)
        .ok_or_else(|| Failure::field("user", "must be email or pin/email"))?;
    store::users::find_by_username(app.store.read(), &username.to_string())
        .await?
        .ok_or_else(|| Failure::unknown("user"))
}
