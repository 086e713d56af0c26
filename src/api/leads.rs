//! `/api/v1/leads` (FlowEstate).

use std::sync::Arc;

use entity::lead::Model;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json};
use uuid::Uuid;

use super::{
    answers::Created,
    body::Body,
    error::ApiError,
    fields::{Email, Line, Maybe},
    paging::{self, Cursor, Limit, Page},
    schema::{Nullable, Time},
    scoped::{LeadsRead, LeadsWrite, Scoped},
};
use crate::{
    app::App,
    resources::leads::{self, NewLead},
};

const LIST: &str = "leads";

/// The routes of `/api/v1/leads`.
pub(super) struct Leads;

#[OpenApi]
impl Leads {
    /// The workspace's leads, newest first
    #[oai(path = "/api/v1/leads", method = "get", operation_id = "listLeads")]
    async fn list(
        &self,
        caller: Scoped<LeadsRead>,
        app: Data<&Arc<App>>,
        /// How many at most.
        limit: Limit,
        /// The `nextCursor` of the page before.
        cursor: Cursor,
    ) -> Result<Json<Page<Lead>>, ApiError> {
        let tenant = caller.tenant();
        let window = paging::window(&app, LIST, &tenant, (limit, cursor))?;
        let listing = leads::list(&app, &tenant, &window).await?;
        Ok(Json(Page::of(&app, LIST, &tenant, listing)))
    }

    /// Create a lead
    #[oai(path = "/api/v1/leads", method = "post", operation_id = "createLead")]
    async fn create(
        &self,
        caller: Scoped<LeadsWrite>,
        app: Data<&Arc<App>>,
        body: Body<CreateLead>,
    ) -> Result<Created<Lead>, ApiError> {
        let made = leads::create(&app, caller.actor(), &caller.tenant(), body.0.into()).await?;
        Ok(Created(made.into()))
    }
}

/// A lead to be created.
#[derive(Debug, Object)]
struct CreateLead {
    /// Who it is.
    name: Line<1, 200>,
    /// The email address.
    email: Maybe<Email>,
    /// The telephone number, as people write it.
    phone: Maybe<Line<0, 40>>,
    /// Where it came from.
    source: Maybe<Line<0, 100>>,
}

/// A lead.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Lead {
    /// Its UUID.
    id: Uuid,
    /// Who it is.
    name: String,
    /// The email address.
    email: Nullable<String>,
    /// The telephone number, as people write it.
    phone: Nullable<String>,
    /// Where it came from.
    source: Nullable<String>,
    /// When it was created.
    created_at: Time,
}

impl From<CreateLead> for NewLead {
    fn from(body: CreateLead) -> Self {
        Self {
            name: body.name.0,
            email: body.email.0.map(|email| email.0),
            phone: body.phone.0.map(|line| line.0),
            source: body.source.0.map(|line| line.0),
        }
    }
}

impl From<Model> for Lead {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: Nullable(row.email),
            phone: Nullable(row.phone),
            source: Nullable(row.source),
            created_at: Time(row.created_at.0),
        }
    }
}
