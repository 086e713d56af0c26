//! `POST /api/v1/emails/send` (SubscribeFlow).

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi};
use uuid::Uuid;

use super::{
    answers::Accepted,
    body::Body,
    error::ApiError,
    fields::{Email, Line, Maybe, Text},
    scoped::{EmailsSend, Scoped},
};
use crate::{
    app::App,
    resources::emails::{self, NewEmail, Status},
};

/// The route of `/api/v1/emails/send`.
pub(super) struct Emails;

#[OpenApi]
impl Emails {
    /// Send an email
    ///
    /// A key of the test environment sends none: the answer says `sandboxed`.
    #[oai(path = "/api/v1/emails/send", method = "post", operation_id = "sendEmail")]
    async fn send(
        &self,
        caller: Scoped<EmailsSend>,
        app: Data<&Arc<App>>,
        body: Body<SendEmail>,
    ) -> Result<Accepted<SentEmail>, ApiError> {
        let (email, status) =
            emails::send(&app, caller.actor(), &caller.tenant(), body.0.into()).await?;
        Ok(Accepted(SentEmail { id: email.id, status: status.into() }))
    }
}

/// An email to be sent.
#[derive(Debug, Object)]
struct SendEmail {
    /// To whom: one address.
    to: Email,
    /// The subject.
    subject: Line<1, 200>,
    /// What it says, as plain text.
    text: Text<1, 100_000>,
    /// The same as HTML.
    html: Maybe<Text<0, 200_000>>,
}

/// An email that was accepted.
#[derive(Debug, Object)]
struct SentEmail {
    /// Its UUID.
    id: Uuid,
    /// What happens to it.
    status: EmailStatus,
}

#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
enum EmailStatus {
    /// It leaves with the next mail.
    Queued,
    /// It goes nowhere: this is the test environment.
    Sandboxed,
}

impl From<Status> for EmailStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Sandboxed => Self::Sandboxed,
        }
    }
}

impl From<SendEmail> for NewEmail {
    fn from(body: SendEmail) -> Self {
        Self {
            to: body.to.0,
            subject: body.subject.0,
            text: body.text.0,
            html: body.html.0.map(|text| text.0),
        }
    }
}
