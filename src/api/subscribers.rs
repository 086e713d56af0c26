//! `/api/v1/subscribers` (SubscribeFlow).

use std::sync::Arc;

use entity::subscriber::Model;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};
use uuid::Uuid;

use super::{
    answers::{Created, Done, OrConflict},
    body::Body,
    error::ApiError,
    fields::{Email, Line, Maybe},
    paging::{self, Cursor, Limit, Page},
    schema::{Nullable, Time},
    scoped::{Scoped, SubscribersDelete, SubscribersRead, SubscribersWrite},
};
use crate::{
    app::App,
    resources::{
        Change,
        subscribers::{self, Edit, NewSubscriber, Outcome},
    },
};

const LIST: &str = "subscribers";

/// The routes of `/api/v1/subscribers`.
pub(super) struct Subscribers;

#[OpenApi]
impl Subscribers {
    /// The workspace's subscribers, newest first
    #[oai(path = "/api/v1/subscribers", method = "get", operation_id = "listSubscribers")]
    async fn list(
        &self,
        caller: Scoped<SubscribersRead>,
        app: Data<&Arc<App>>,
        /// How many at most.
        limit: Limit,
        /// The `nextCursor` of the page before.
        cursor: Cursor,
    ) -> Result<Json<Page<Subscriber>>, ApiError> {
        let tenant = caller.tenant();
        let window = paging::window(&app, LIST, &tenant, (limit, cursor))?;
        let listing = subscribers::list(&app, &tenant, &window).await?;
        Ok(Json(Page::of(&app, LIST, &tenant, listing)))
    }

    /// Add a subscriber
    ///
    /// An address is there once: 409 if it already is, whatever its capitals.
    #[oai(path = "/api/v1/subscribers", method = "post", operation_id = "createSubscriber")]
    async fn create(
        &self,
        caller: Scoped<SubscribersWrite>,
        app: Data<&Arc<App>>,
        body: Body<CreateSubscriber>,
    ) -> Result<Created<Subscriber>, OrConflict> {
        let outcome =
            subscribers::create(&app, caller.actor(), &caller.tenant(), body.0.into()).await?;
        Ok(Created(saved(outcome)?))
    }

    /// One subscriber
    #[oai(path = "/api/v1/subscribers/:id", method = "get", operation_id = "getSubscriber")]
    async fn get(
        &self,
        caller: Scoped<SubscribersRead>,
        app: Data<&Arc<App>>,
        /// The subscriber's id.
        id: Path<Uuid>,
    ) -> Result<Json<Subscriber>, ApiError> {
        let found = subscribers::find(&app, &caller.tenant(), id.0).await?;
        Ok(Json(found.ok_or_else(ApiError::not_found)?.into()))
    }

    /// Change a subscriber
    ///
    /// What is not sent stays as it is; a name that is `null` is taken away.
    #[oai(path = "/api/v1/subscribers/:id", method = "patch", operation_id = "updateSubscriber")]
    async fn update(
        &self,
        caller: Scoped<SubscribersWrite>,
        app: Data<&Arc<App>>,
        /// The subscriber's id.
        id: Path<Uuid>,
        body: Body<UpdateSubscriber>,
    ) -> Result<Json<Subscriber>, OrConflict> {
        let outcome =
            subscribers::edit(&app, caller.actor(), &caller.tenant(), id.0, body.0.into()).await?;
        Ok(Json(saved(outcome)?))
    }

    /// Delete a subscriber
    #[oai(path = "/api/v1/subscribers/:id", method = "delete", operation_id = "deleteSubscriber")]
    async fn delete(
        &self,
        caller: Scoped<SubscribersDelete>,
        app: Data<&Arc<App>>,
        /// The subscriber's id.
        id: Path<Uuid>,
    ) -> Result<Done, ApiError> {
        if subscribers::delete(&app, caller.actor(), &caller.tenant(), id.0).await? {
            Ok(Done)
        } else {
            Err(ApiError::not_found())
        }
    }
}

fn saved(outcome: Outcome) -> Result<Subscriber, ApiError> {
    match outcome {
        Outcome::Saved(row) => Ok((*row).into()),
        Outcome::Missing => Err(ApiError::not_found()),
        Outcome::Taken => Err(ApiError::conflict("a subscriber with this email address exists")),
        Outcome::Invalid(problem) => Err(ApiError::validation(vec![problem])),
    }
}

/// A subscriber to be added.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct CreateSubscriber {
    /// The email address.
    email: Email,
    /// The first name.
    first_name: Maybe<Line<0, 200>>,
    /// The last name.
    last_name: Maybe<Line<0, 200>>,
    /// Words to find them by.
    #[oai(default, validator(max_items = 20))]
    tags: Vec<Line<1, 100>>,
}

/// What is to change.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct UpdateSubscriber {
    /// The email address.
    email: Option<Email>,
    /// The first name; `null` takes it away.
    first_name: Change<Line<0, 200>>,
    /// The last name; `null` takes it away.
    last_name: Change<Line<0, 200>>,
    /// Words to find them by, in place of those there are.
    #[oai(validator(max_items = 20))]
    tags: Option<Vec<Line<1, 100>>>,
}

/// A subscriber.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Subscriber {
    /// Its UUID.
    id: Uuid,
    /// The email address, as it was given.
    email: String,
    /// The first name.
    first_name: Nullable<String>,
    /// The last name.
    last_name: Nullable<String>,
    /// Words to find them by.
    tags: Vec<String>,
    /// When they were added.
    created_at: Time,
}

fn texts(tags: Vec<Line<1, 100>>) -> Vec<String> {
    tags.into_iter().map(|tag| tag.0).collect()
}

impl From<CreateSubscriber> for NewSubscriber {
    fn from(body: CreateSubscriber) -> Self {
        Self {
            email: body.email.0,
            first_name: body.first_name.0.map(|line| line.0),
            last_name: body.last_name.0.map(|line| line.0),
            tags: texts(body.tags),
        }
    }
}

impl From<UpdateSubscriber> for Edit {
    fn from(body: UpdateSubscriber) -> Self {
        Self {
            email: body.email.map(|email| email.0),
            first_name: body.first_name.map(|line| line.0),
            last_name: body.last_name.map(|line| line.0),
            tags: body.tags.map(texts),
        }
    }
}

impl From<Model> for Subscriber {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            first_name: Nullable(row.first_name),
            last_name: Nullable(row.last_name),
            tags: row.tags.0,
            created_at: Time(row.created_at.0),
        }
    }
}
