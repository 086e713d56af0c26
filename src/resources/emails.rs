//! Emails that are sent through the API (SubscribeFlow). In the test environment none ever leaves.

use entity::email::Model;

use super::{Tenant, write_down};
use crate::{
    app::App, audit::Actor, config::Environment, fault::Fault, mail::LetterKind, outbox, store,
};

/// An email to be sent; the sizes were checked at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEmail {
    /// To whom: one address.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// What happens to an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It leaves with the next mail.
    Queued,
    /// It was noted and goes nowhere.
    Sandboxed,
}

impl Status {
    /// The status of emails that are sent in an environment.
    #[must_use]
    pub const fn of(environment: Environment) -> Self {
        match environment {
            Environment::Live => Self::Queued,
            Environment::Test => Self::Sandboxed,
        }
    }

    /// `queued` or `sandboxed`, as in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sandboxed => "sandboxed",
        }
    }
}

/// Sends an email, or notes it where none is sent.
///
/// # Errors
/// When the database fails.
pub async fn send(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    new: NewEmail,
) -> Result<(Model, Status), Fault> {
    let (now, status) = (app.now(), Status::of(tenant.environment));
    let email = Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        recipient: new.to,
        subject: new.subject.clone(),
        status: status.as_str().to_owned(),
        created_at: store::instant(now),
    };
    let txn = app.store.begin().await?;
    store::confined::insert(&txn, email.clone()).await?;
    if status == Status::Queued {
        let letter = LetterKind::Message { subject: new.subject, text: new.text, html: new.html };
        outbox::queue(app, &txn, &email.recipient, &letter).await?;
    }
    write_down(app, &txn, (actor, tenant), "email.send", email.id).await?;
    txn.commit().await?;
    Ok((email, status))
}
