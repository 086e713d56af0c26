//! `POST /checkin/v1/api/guest` (Qflow): a guest arrives, and may be sent a message.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use uuid::Uuid;

use super::{
    answers::Created,
    body::Draft,
    error::ApiError,
    fields::{Email, Line, Maybe},
    gated::{CommsIfAsked, Gated, TEMPLATE},
    schema::{Nullable, Time},
    scoped::CheckinWrite,
};
use crate::{
    app::App,
    fault::FieldError,
    resources::{
        comms::{Content, NewMessage},
        guests::{self, NewGuest},
    },
};

/// The route of `/checkin/v1/api/guest`.
pub(super) struct Checkin;

#[OpenApi]
impl Checkin {
    /// Check a guest in
    ///
    /// With `commsTemplateId`, in the body or in the query, the guest is sent that message: the
    /// account must then be allowed to use the Comms API, and be verified.
    #[oai(path = "/checkin/v1/api/guest", method = "post", operation_id = "checkInGuest")]
    async fn post(
        &self,
        caller: Gated<CheckinWrite, CommsIfAsked>,
        app: Data<&Arc<App>>,
        /// What the guest is sent, unless the body says it.
        #[oai(
            name = "commsTemplateId",
            validator(
                min_length = 1,
                max_length = 100,
                pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
            )
        )]
        template: Query<Option<String>>,
        body: Draft<CheckIn>,
    ) -> Result<Created<Guest>, ApiError> {
        if body.has(TEMPLATE) {
            let standing = &caller.standing;
            let open = standing.demand_comms().and_then(|()| standing.demand_trust());
            open.map_err(|closed| ApiError::closed(&app, closed))?;
        }
        let guest = new_guest(body.checked()?, template.0)?;
        Ok(Created(guests::check_in(&app, caller.actor(), &caller.tenant(), guest).await?.into()))
    }
}

/// A guest who arrives.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct CheckIn {
    /// The guest's name.
    name: Line<1, 200>,
    /// The guest's email address; needed for a message.
    email: Maybe<Email>,
    /// What the guest is sent.
    comms_template_id: Maybe<Line<1, 100>>,
}

/// A guest who is there.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Guest {
    /// The UUID of this arrival.
    id: Uuid,
    /// The guest's name.
    name: String,
    /// When the guest was checked in.
    checked_in_at: Time,
    /// The message that is sent; `null` if none is.
    message_id: Nullable<Uuid>,
}

fn new_guest(body: CheckIn, in_query: Option<String>) -> Result<NewGuest, ApiError> {
    let in_body = body.comms_template_id.0.map(|line| line.0);
    let refused = |field, message| Err(ApiError::validation(vec![FieldError::new(field, message)]));
    let template = match (in_body, in_query) {
        (Some(one), Some(other)) if one != other => {
            return refused(TEMPLATE, "is another one in the query");
        }
        (one, other) => one.or(other),
    };
    let email = body.email.0.map(|email| email.0);
    let message = match (template, &email) {
        (None, _) => None,
        (Some(_), None) => return refused("email", "is required with commsTemplateId"),
        (Some(name), Some(email)) => {
            Some(NewMessage { to: email.clone(), content: Content::Template(name), subject: None })
        }
    };
    Ok(NewGuest { name: body.name.0, email, message })
}

impl From<guests::Guest> for Guest {
    fn from(guest: guests::Guest) -> Self {
        Self {
            id: guest.id,
            name: guest.name,
            checked_in_at: Time(guest.checked_in_at),
            message_id: Nullable(guest.message_id),
        }
    }
}
