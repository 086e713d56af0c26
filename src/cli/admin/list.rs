//! The commands that list something.

use chrono::SecondsFormat;
use clap::Args;
use entity::{api_key, client, grant, outbox, types::Instant, user, workspace};

use super::{Failure, Format, find_user, find_workspace};
use crate::{
    app::App,
    cli::output::{self, Record},
    fault::Fault,
    keys::scope_list,
    store::{
        self,
        api_keys::Sight,
        paging::{Page, Wanted},
    },
};

/// Rows that one query reads.
const PAGE: u64 = 500;

/// Everything of a kind.
#[derive(Args)]
pub(crate) struct All {
    #[command(flatten)]
    format: Format,
}

impl All {
    pub(super) async fn clients(self, app: &App) -> Result<(), Failure> {
        let db = app.store.read();
        self.print(async |wanted| store::clients::page(db, wanted).await, of_client).await
    }

    pub(super) async fn users(self, app: &App) -> Result<(), Failure> {
        let db = app.store.read();
        self.print(async |wanted| store::users::page(db, wanted).await, of_user).await
    }

    pub(super) async fn workspaces(self, app: &App) -> Result<(), Failure> {
        let db = app.store.read();
        self.print(async |wanted| store::workspaces::page(db, None, wanted).await, of_workspace)
            .await
    }

    pub(super) async fn outbox(self, app: &App) -> Result<(), Failure> {
        let db = app.store.read();
        self.print(async |wanted| store::outbox::page(db, None, wanted).await, of_letter).await
    }

    /// Prints every page.
    async fn print<T>(
        self,
        page: impl AsyncFn(&Wanted) -> Result<Page<T>, Fault>,
        record: impl Fn(T) -> Record,
    ) -> Result<(), Failure> {
        output::list(every(page, record).await?, self.format.json)
    }
}

/// The records of every page.
pub(super) async fn every<T>(
    page: impl AsyncFn(&Wanted) -> Result<Page<T>, Fault>,
    record: impl Fn(T) -> Record,
) -> Result<Vec<Record>, Fault> {
    let (mut wanted, mut all) = (Wanted { rows: PAGE, ..Wanted::default() }, Vec::new());
    loop {
        let found = page(&wanted).await?;
        all.extend(found.rows.into_iter().map(&record));
        wanted.after = found.next;
        if wanted.after.is_none() {
            return Ok(all);
        }
    }
}

/// `list-grants`.
#[derive(Args)]
pub(crate) struct Grants {
    /// email or pin/email
    #[arg(long, alias = "username", value_name = "USERNAME")]
    user: String,
    #[command(flatten)]
    format: Format,
}

impl Grants {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let user = find_user(app, &self.user).await?;
        let db = app.store.read();
        let page =
            async |wanted: &Wanted| store::connected_apps::page_of_user(db, user.id, wanted).await;
        output::list(every(page, of_grant).await?, self.format.json)
    }
}

/// `list-keys`.
#[derive(Args)]
pub(crate) struct Keys {
    /// The slug
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    #[command(flatten)]
    format: Format,
}

impl Keys {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let workspace = find_workspace(app, &self.workspace).await?;
        let db = app.store.read();
        let page = async |wanted: &Wanted| {
            store::api_keys::page(db, workspace.id, Sight::All, wanted).await
        };
        output::list(every(page, of_key).await?, self.format.json)
    }
}

fn time(at: Option<Instant>) -> Option<String> {
    at.map(|at| at.0.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn of_client(client: client::Model) -> Record {
    let kind = match client.kind {
        client::Kind::Public => "public",
        client::Kind::Confidential => "confidential",
    };
    Record::new()
        .with("client_id", client.id)
        .with("name", client.name)
        .with("type", kind)
        .with("grant_types", client.grant_types.0)
        .with("redirect_uris", client.redirect_uris.0)
        .with("created_at", time(Some(client.created_at)))
        .with("disabled_at", time(client.disabled_at))
}

fn of_user(user: user::Model) -> Record {
    Record::new()
        .with("id", user.id.to_string())
        .with("username", user.username)
        .with("email", user.email)
        .with("name", user.name)
        .with("admin", user.is_admin)
        .with("created_at", time(Some(user.created_at)))
        .with("disabled_at", time(user.disabled_at))
}

fn of_workspace(workspace: workspace::Model) -> Record {
    Record::new()
        .with("id", workspace.id.to_string())
        .with("slug", workspace.slug)
        .with("name", workspace.name)
        .with("product", workspace.product)
        .with("plan", workspace.plan)
        .with("created_at", time(Some(workspace.created_at)))
        .with("disabled_at", time(workspace.disabled_at))
}

fn of_letter(letter: outbox::Model) -> Record {
    let status = match (letter.sent_at, letter.next_attempt_at) {
        (Some(_), _) => "sent",
        (None, Some(_)) => "waiting",
        (None, None) => "given up",
    };
    Record::new()
        .with("id", letter.id.to_string())
        .with("kind", letter.kind)
        .with("to", letter.recipient)
        .with("status", status)
        .with("created_at", time(Some(letter.created_at)))
        .with("attempts", letter.attempts)
        .with("next_attempt_at", time(letter.next_attempt_at))
        .with("sent_at", time(letter.sent_at))
        .with("last_error", letter.last_error)
}

fn of_grant(grant: grant::Model) -> Record {
    Record::new()
        .with("id", grant.id.to_string())
        .with("client_id", grant.client_id)
        .with("workspace_id", grant.workspace_id.map(|id| id.to_string()))
        .with("scope", grant.scope)
        .with("created_at", time(Some(grant.created_at)))
        .with("last_used_at", time(grant.last_used_at))
        .with("uses", grant.uses)
}

fn of_key(key: api_key::Model) -> Record {
    let scopes: Vec<_> = scope_list::scope_of(&key.scopes).iter().map(str::to_owned).collect();
    Record::new()
        .with("id", key.id.to_string())
        .with("name", key.name)
        .with("prefix", key.prefix)
        .with("last4", key.last4)
        .with("environment", key.environment)
        .with("scopes", scopes)
        .with("full_access", key.full_access)
        .with("active", key.is_active)
        .with("expires_at", time(key.expires_at))
        .with("last_used_at", time(key.last_used_at))
        .with("uses", key.uses)
        .with("revoked_at", time(key.revoked_at))
}
