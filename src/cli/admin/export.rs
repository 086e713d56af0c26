//! `latchkey admin export-audit`: the audit trail as JSON lines, for whoever keeps it elsewhere.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use entity::audit_event::Model;
use serde_json::json;

use super::{Failure, find_workspace};
use crate::{
    app::App,
    audit::chain,
    cli::output,
    crypto::digest,
    store::{audit::Sought, audit_chain},
};

/// Events that one query reads and one write prints.
const PAGE: u64 = 500;

/// `export-audit`.
#[derive(Args)]
pub(crate) struct Audit {
    /// Events that happened then or later (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// Events that happened before (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<DateTime<Utc>>,
    /// Events of one kind, such as grant.revoke
    #[arg(long)]
    action: Option<String>,
    /// Events in one workspace
    #[arg(long, value_name = "SLUG")]
    workspace: Option<String>,
    /// Events behind this place of the chain, where an earlier export has ended
    #[arg(long, value_name = "PLACE", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let read = DateTime::parse_from_rfc3339(text);
    read.map(|at| at.to_utc()).map_err(|_| "must be an instant such as 2026-11-26T12:00:00Z".into())
}

impl Audit {
    /// In the order of the chain, so that an export that goes on where another has ended has everything once. What
    /// cannot be put there was not written by this server: `latchkey doctor audit` tells.
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let (sought, db) = (self.sought(app).await?, app.store.read());
        chain::extend(app, u64::MAX).await?;
        let mut after = self.after.unwrap_or_default();
        loop {
            let events = audit_chain::list(db, &sought, after, PAGE).await?;
            let Some(last) = events.last().and_then(|event| event.place) else { return Ok(()) };
            after = last;
            let lines: Vec<_> = events.iter().map(|event| line(event).to_string()).collect();
            output::line(&lines.join("\n"))?;
        }
    }

    async fn sought(&self, app: &App) -> Result<Sought, Failure> {
        let workspace = match &self.workspace {
            Some(slug) => Some(find_workspace(app, slug).await?),
            None => None,
        };
        Ok(Sought {
            workspace_id: workspace.map(|workspace| workspace.id),
            action: self.action.clone(),
            actors: None,
            from: self.from,
            until: self.until,
        })
    }
}

fn line(event: &Model) -> serde_json::Value {
    json!({
        "place": event.place,
        "id": event.id,
        "at": event.at.0.to_rfc3339_opts(SecondsFormat::Millis, true),
        "action": event.action,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "workspace_id": event.workspace_id,
        "target_kind": event.target_kind,
        "target_id": event.target_id,
        "detail": event.detail,
        "digest": event.chain.as_deref().map(digest::hex),
    })
}
