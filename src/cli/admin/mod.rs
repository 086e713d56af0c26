//! `latchkey admin …`: what an operator sets up and changes, also while the server runs. Every
//! change is one rule with its audit event; this room only asks and prints.

mod accounts;
mod client_settings;
mod create;
mod end;
mod export;
mod import;
mod issue;
mod list;
mod outbox;
mod registration;
mod rotate_secrets;
mod signing_keys;

use std::sync::Arc;

use clap::{Args, Subcommand};
use entity::{user, workspace};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    Failure,
    settings::{self, Settings},
};
use crate::{app::App, audit, cache, identity::username::Username, store};

/// Events that a command puts into the chain of the audit trail when it is done: its own, and some more.
const CHAINED: u64 = 500;

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
    /// Enable an account for API access; its subscription key is mailed and printed once
    EnableApiAccess(accounts::One),
    /// Replace an account's subscription key; the new one is mailed and printed once
    RotateSubscription(accounts::Rotation),
    /// Refuse an account's subscription key from now on
    SuspendSubscription(accounts::One),
    /// Accept a suspended account's subscription key again
    ResumeSubscription(accounts::One),
    /// Put an account on the allow-list of the Comms API
    AllowComms(accounts::One),
    /// Mark a user's account as verified (KYC)
    VerifyAccount(accounts::Verification),
    /// Move a workspace to another plan
    SetPlan(accounts::Plan),
    /// Refuse a client and its tokens from now on
    DisableClient(end::Client),
    /// Take a client's binding away; the API refuses its own tokens from now on
    UnbindClient(end::Client),
    /// Refuse a user and the user's tokens and keys from now on
    DisableUser(end::User),
    /// Take a user's authenticator app, passkeys and recovery codes away; the user is told by mail
    ResetSecondFactor(end::User),
    /// Refuse a workspace's tokens and keys from now on
    DisableWorkspace(end::Workspace),
    /// Replace a client's secret; the new one is printed once
    RotateClientSecret(end::Rotation),
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
    /// List the letters that wait, were given up, or were sent within a day
    ListOutbox(list::All),
    /// Print the audit trail as JSON lines, in the order of its chain
    ExportAudit(export::Audit),
    /// Make an initial access token, with which clients register themselves; it is printed once
    CreateRegistrationToken(registration::New),
    /// List the initial access tokens
    ListRegistrationTokens(registration::All),
    /// Refuse an initial access token from now on; clients that have registered with it stay
    RevokeRegistrationToken(registration::One),
    /// Try letters that wait now, and not when their pause is over
    RetryOutbox(outbox::Retry),
    /// Replace the keys that the server signs with; the new ones sign in an hour
    RotateSigningKeys(signing_keys::Rotate),
    /// Replace the keys of the secrets file, and sign nobody out
    RotateSecrets(rotate_secrets::RotateSecrets),
    /// List the keys that the server signs with
    ListSigningKeys(signing_keys::List),
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
    if app.store.stamps().have_changed() {
        // what a command has ended is at an end on every node when the command is
        sleep(cache::SETTLED).await;
    }
    // if no server runs, nobody else does it soon; if one does, it does it anyway
    let _ = audit::chain::extend(&app, CHAINED).await;
    app.store.close().await?;
    done
}

async fn dispatch(app: &Arc<App>, command: Command) -> Result<(), Failure> {
    match command {
        Command::CreateEnterprise(new) => new.run(app).await,
        Command::CreateWorkspace(new) => new.run(app).await,
        Command::CreateUser(new) => new.run(app).await,
        Command::CreateClient(new) => new.run(app).await,
        Command::CreateKey(new) => new.run(app).await,
        Command::ImportKeys(keys) => keys.run(app).await,
        Command::EnableApiAccess(account) => account.enable_api_access(app).await,
        Command::RotateSubscription(rotation) => rotation.run(app).await,
        Command::SuspendSubscription(account) => account.suspend(app).await,
        Command::ResumeSubscription(account) => account.resume(app).await,
        Command::AllowComms(account) => account.allow_comms(app).await,
        Command::VerifyAccount(verification) => verification.run(app).await,
        Command::SetPlan(plan) => plan.run(app).await,
        Command::DisableClient(client) => client.disable(app).await,
        Command::UnbindClient(client) => client.unbind(app).await,
        Command::DisableUser(user) => user.disable(app).await,
        Command::ResetSecondFactor(user) => user.reset_second_factor(app).await,
        Command::DisableWorkspace(workspace) => workspace.disable(app).await,
        Command::RotateClientSecret(rotation) => rotation.run(app).await,
        Command::RemoveMember(member) => member.remove(app).await,
        Command::RevokeGrant(grant) => grant.revoke(app).await,
        Command::RevokeKey(key) => key.revoke(app).await,
        Command::ListClients(all) => all.clients(app).await,
        Command::ListUsers(all) => all.users(app).await,
        Command::ListWorkspaces(all) => all.workspaces(app).await,
        Command::ListGrants(grants) => grants.run(app).await,
        Command::ListKeys(keys) => keys.run(app).await,
        Command::ListOutbox(all) => all.outbox(app).await,
        Command::ExportAudit(export) => export.run(app).await,
        Command::CreateRegistrationToken(new) => new.run(app).await,
        Command::ListRegistrationTokens(all) => all.run(app).await,
        Command::RevokeRegistrationToken(one) => one.revoke(app).await,
        Command::RetryOutbox(retry) => retry.run(app).await,
        Command::RotateSecrets(rotate) => rotate.run(app).await,
        Command::RotateSigningKeys(rotate) => rotate.run(app).await,
        Command::ListSigningKeys(list) => list.run(app).await,
    }
}

async fn find_workspace(app: &App, slug: &str) -> Result<workspace::Model, Failure> {
    store::workspaces::find_by_slug(app.store.read(), slug)
        .await?
        .ok_or_else(|| Failure::unknown("workspace"))
}

/// The user of this username or id.
async fn find_user(app: &App, name: &str) -> Result<user::Model, Failure> {
    if let Ok(id) = Uuid::try_parse(name) {
        let found = store::users::find(app.store.read(), id).await?;
        return found.ok_or_else(|| Failure::unknown("user"));
    }
    let username = Username::parse(name)
        .ok_or_else(|| Failure::field("user", "must be email, pin/email or an id"))?;
    store::users::find_by_username(app.store.read(), &username.to_string())
        .await?
        .ok_or_else(|| Failure::unknown("user"))
}
