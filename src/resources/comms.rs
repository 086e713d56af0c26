//! Messages that a workspace sends (Qflow's Comms API).

use chrono::{DateTime, Utc};
use entity::{message::Model, outbox as letter};
use uuid::Uuid;

use super::{Listing, Tenant, Window, write_down};
use crate::{
    app::App,
    audit::Actor,
    config::Environment,
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, Txn},
};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A text of the sender's own.
    Text(String),
    /// A text that the sender knows by this name.
    Template(String),
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Where to: an email address.
    pub to: String,
    /// What it says.
    pub content: Content,
    /// Its subject; without one, the letter names the workspace.
    pub subject: Option<String>,
}

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: Uuid,
    /// Where to.
    pub to: String,
    /// What it says.
    pub content: Content,
    /// Its subject.
    pub subject: Option<String>,
    /// What became of it.
    pub status: Status,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits to be mailed.
    Queued,
    /// It is in the sandbox and is never mailed.
    Sandboxed,
    /// It was handed to the mail server.
    Sent,
    /// It could not be mailed and was given up.
    Failed,
}

/// Accepts a message; in the live environment it is mailed.
///
/// # Errors
/// When the database fails.
pub async fn send(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    new: NewMessage,
) -> Result<Message, Fault> {
    let txn = app.store.begin().await?;
    let message = write(app, &txn, (actor, tenant), new).await?;
    txn.commit().await?;
    Ok(message)
}

/// The messages of a tenant, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, tenant: &Tenant, window: &Window) -> Result<Listing<Message>, Fault> {
    let db = app.store.read();
    let page: Listing<Model> = store::confined::list(db, tenant, window).await?;
    let ids = page.items.iter().filter_map(|message| message.outbox_id);
    let letters = store::outbox::list_by_ids(db, ids).await?;
    let message = |row: Model| {
        let letter = letters.iter().find(|letter| Some(letter.id) == row.outbox_id);
        Message::of(row, letter)
    };
    Ok(Listing { items: page.items.into_iter().map(message).collect(), next: page.next })
}

/// Writes a message and its letter, in the transaction of whoever sends it.
pub(super) async fn write(
    app: &App,
    txn: &Txn,
    (actor, tenant): (Actor, &Tenant),
    new: NewMessage,
) -> Result<Message, Fault> {
    let NewMessage { to, content, subject } = new;
    let outbox_id = match tenant.environment {
        Environment::Live => {
            let letter = letter(txn, tenant, &content, subject.clone()).await?;
            Some(outbox::queue(app, txn, &to, &letter).await?)
        }
        // contract §5: what is done with a test credential sends no mail
        Environment::Test => None,
    };
    let (text, template_id) = match content {
        Content::Text(text) => (Some(text), None),
        Content::Template(name) => (None, Some(name)),
    };
    let now = app.now();
    let row = Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        recipient: to,
        subject,
        template_id,
        text,
        outbox_id,
        created_at: store::instant(now),
    };
    store::confined::insert(txn, row.clone()).await?;
    write_down(app, txn, (actor, tenant), "message.send", row.id).await?;
    let mut message = Message::of(row, None);
    if outbox_id.is_some() {
        message.status = Status::Queued;
    }
    Ok(message)
}

async fn letter(
    txn: &Txn,
    tenant: &Tenant,
    content: &Content,
    subject: Option<String>,
) -> Result<LetterKind, Fault> {
    let workspace = store::workspaces::find(txn, tenant.workspace_id)
        .await?
        .ok_or_else(|| Fault::internal("a message of no workspace"))?;
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Template(name) => format!("Message “{name}”"),
    };
    Ok(LetterKind::Comms { workspace_name: workspace.name, subject, text })
}

impl Message {
    fn of(row: Model, letter: Option<&letter::Model>) -> Self {
        let status = match (row.outbox_id, letter) {
            (None, _) => Status::Sandboxed,
            (Some(_), Some(letter)) if letter.sent_at.is_some() => Status::Sent,
            (Some(_), Some(letter)) if letter.next_attempt_at.is_some() => Status::Queued,
            (Some(_), Some(_)) => Status::Failed,
            // a letter is removed only after it was sent
            (Some(_), None) => Status::Sent,
        };
        Self {
            id: row.id,
            to: row.recipient,
            content: match row.text {
                Some(text) => Content::Text(text),
                None => Content::Template(row.template_id.unwrap_or_default()),
            },
            subject: row.subject,
            status,
            created_at: row.created_at.0,
        }
    }
}
