//! `/comms/v1/api/comms/…` (Qflow): messages, for accounts that may.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, payload::Json};
use uuid::Uuid;

use super::{
    answers::Accepted,
    body::Body,
    error::ApiError,
    fields::{Email, Line, Maybe, Text},
    gated::{CommsEnabled, CommsTrusted, Gated},
    paging::{self, Cursor, Limit, Page},
    schema::{Nullable, Time},
    scoped::{CommsRead, CommsSend},
};
use crate::{
    app::App,
    fault::FieldError,
    resources::comms::{self, Content, NewMessage},
};

const LIST: &str = "messages";

/// The routes of `/comms/v1/api/comms`.
pub(super) struct Comms;

#[OpenApi]
impl Comms {
    /// Whether the account may use the Comms API
    ///
    /// The probe: 200 means that it is enabled, 403 `comms_api_not_enabled` that it is not.
    #[oai(path = "/comms/v1/api/comms/status", method = "get", operation_id = "commsStatus")]
    #[expect(clippy::unused_async, reason = "poem-openapi awaits every operation")]
    async fn status(
        &self,
        caller: Gated<CommsRead, CommsEnabled>,
    ) -> Result<Json<CommsStatus>, ApiError> {
        Ok(Json(CommsStatus { enabled: true, verified: caller.standing.is_verified() }))
    }

    /// Send a message
    ///
    /// For verified accounts. What is sent with a test key stays in the sandbox.
    #[oai(path = "/comms/v1/api/comms/send", method = "post", operation_id = "sendMessage")]
    async fn send(
        &self,
        caller: Gated<CommsSend, CommsTrusted>,
        app: Data<&Arc<App>>,
        body: Body<SendMessage>,
    ) -> Result<Accepted<AcceptedMessage>, ApiError> {
        let message =
            comms::send(&app, caller.actor(), &caller.tenant(), body.0.try_into()?).await?;
        Ok(Accepted(AcceptedMessage { id: message.id, status: message.status.into() }))
    }

    /// The workspace's messages, newest first
    #[oai(path = "/comms/v1/api/comms/messages", method = "get", operation_id = "listMessages")]
    async fn list(
        &self,
        caller: Gated<CommsRead, CommsEnabled>,
        app: Data<&Arc<App>>,
        /// How many at most.
        limit: Limit,
        /// The `nextCursor` of the page before.
        cursor: Cursor,
    ) -> Result<Json<Page<Message>>, ApiError> {
        let tenant = caller.tenant();
        let window = paging::window(&app, LIST, &tenant, (limit, cursor))?;
        let listing = comms::list(&app, &tenant, &window).await?;
        Ok(Json(Page::of(&app, LIST, &tenant, listing)))
    }
}

/// Whether the account may use the Comms API, and may send.
#[derive(Debug, Object)]
struct CommsStatus {
    /// Always true: other accounts get 403.
    enabled: bool,
    /// Whether the account is verified, without which nothing can be sent.
    verified: bool,
}

/// A message to be sent: a text, or the name of a template.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct SendMessage {
    /// Where to.
    to: Email,
    /// What it says, by the sender's name for it; not beside `text`.
    template_id: Maybe<Line<1, 100>>,
    /// What it says; needed without `templateId`.
    text: Maybe<Text<1, 100_000>>,
    /// Its subject; without one, the letter names the workspace.
    subject: Maybe<Line<1, 200>>,
}

/// A message that was accepted.
#[derive(Debug, Object)]
struct AcceptedMessage {
    /// Its UUID.
    id: Uuid,
    /// What becomes of it.
    status: MessageStatus,
}

/// A message.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Message {
    /// Its UUID.
    id: Uuid,
    /// Where to.
    to: String,
    /// The sender's name for what it says; `null` if it has a text of its own.
    template_id: Nullable<String>,
    /// What it says; `null` if it is a template.
    text: Nullable<String>,
    /// Its subject.
    subject: Nullable<String>,
    /// What became of it.
    status: MessageStatus,
    /// When it was accepted.
    created_at: Time,
}

#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
enum MessageStatus {
    /// It waits to be mailed.
    Queued,
    /// It was sent with a test key and is never mailed.
    Sandboxed,
    /// It was mailed.
    Sent,
    /// It could not be mailed.
    Failed,
}

impl TryFrom<SendMessage> for NewMessage {
    type Error = ApiError;

    fn try_from(body: SendMessage) -> Result<Self, ApiError> {
        let content = match (body.text.0, body.template_id.0) {
            (Some(text), None) => Content::Text(text.0),
            (None, Some(name)) => Content::Template(name.0),
            (None, None) => {
                let message = "is required without templateId";
                return Err(ApiError::validation(vec![FieldError::new("text", message)]));
            }
            (Some(_), Some(_)) => {
                let message = "must not be sent beside text";
                return Err(ApiError::validation(vec![FieldError::new("templateId", message)]));
            }
        };
        Ok(Self { to: body.to.0, content, subject: body.subject.0.map(|line| line.0) })
    }
}

impl From<comms::Message> for Message {
    fn from(message: comms::Message) -> Self {
        let (text, template_id) = match message.content {
            Content::Text(text) => (Some(text), None),
            Content::Template(name) => (None, Some(name)),
        };
        Self {
            id: message.id,
            to: message.to,
            template_id: Nullable(template_id),
            text: Nullable(text),
            subject: Nullable(message.subject),
            status: message.status.into(),
            created_at: Time(message.created_at),
        }
    }
}

impl From<comms::Status> for MessageStatus {
    fn from(status: comms::Status) -> Self {
        match status {
            comms::Status::Queued => Self::Queued,
            comms::Status::Sandboxed => Self::Sandboxed,
            comms::Status::Sent => Self::Sent,
            comms::Status::Failed => Self::Failed,
        }
    }
}
