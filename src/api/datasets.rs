//! `/v1/datasets` (Subworkflow).

use std::sync::Arc;

use entity::dataset::Model;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};
use uuid::Uuid;

use super::{
    answers::{Created, Done},
    body::Body,
    error::ApiError,
    fields::{Line, Maybe, Text},
    paging::{self, Cursor, Limit, Page},
    schema::{Nullable, Time},
    scoped::{DatasetsRead, DatasetsWrite, Scoped},
};
use crate::{
    app::App,
    resources::datasets::{self, NewDataset},
};

const LIST: &str = "datasets";

/// The routes of `/v1/datasets`.
pub(super) struct Datasets;

#[OpenApi]
impl Datasets {
    /// The workspace's datasets, newest first
    #[oai(path = "/v1/datasets", method = "get", operation_id = "listDatasets")]
    async fn list(
        &self,
        caller: Scoped<DatasetsRead>,
        app: Data<&Arc<App>>,
        /// How many at most.
        limit: Limit,
        /// The `nextCursor` of the page before.
        cursor: Cursor,
    ) -> Result<Json<Page<Dataset>>, ApiError> {
        let tenant = caller.tenant();
        let window = paging::window(&app, LIST, &tenant, (limit, cursor))?;
        let listing = datasets::list(&app, &tenant, &window).await?;
        Ok(Json(Page::of(&app, LIST, &tenant, listing)))
    }

    /// Create a dataset
    #[oai(path = "/v1/datasets", method = "post", operation_id = "createDataset")]
    async fn create(
        &self,
        caller: Scoped<DatasetsWrite>,
        app: Data<&Arc<App>>,
        body: Body<CreateDataset>,
    ) -> Result<Created<Dataset>, ApiError> {
        let made = datasets::create(&app, caller.actor(), &caller.tenant(), body.0.into()).await?;
        Ok(Created(made.into()))
    }

    /// One dataset
    #[oai(path = "/v1/datasets/:id", method = "get", operation_id = "getDataset")]
    async fn get(
        &self,
        caller: Scoped<DatasetsRead>,
        app: Data<&Arc<App>>,
        /// The dataset's id.
        id: Path<Uuid>,
    ) -> Result<Json<Dataset>, ApiError> {
        let found = datasets::find(&app, &caller.tenant(), id.0).await?;
        Ok(Json(found.ok_or_else(ApiError::not_found)?.into()))
    }

    /// Delete a dataset
    #[oai(path = "/v1/datasets/:id", method = "delete", operation_id = "deleteDataset")]
    async fn delete(
        &self,
        caller: Scoped<DatasetsWrite>,
        app: Data<&Arc<App>>,
        /// The dataset's id.
        id: Path<Uuid>,
    ) -> Result<Done, ApiError> {
        if datasets::delete(&app, caller.actor(), &caller.tenant(), id.0).await? {
            Ok(Done)
        } else {
            Err(ApiError::not_found())
        }
    }
}

/// A dataset to be created.
#[derive(Debug, Object)]
struct CreateDataset {
    /// Its name.
    name: Line<1, 120>,
    /// What it is.
    description: Maybe<Text<0, 2000>>,
    /// Where it is.
    uri: Maybe<Line<0, 2000>>,
}

/// A dataset.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Dataset {
    /// Its UUID.
    id: Uuid,
    /// Its name.
    name: String,
    /// What it is.
    description: Nullable<String>,
    /// Where it is.
    uri: Nullable<String>,
    /// When it was created.
    created_at: Time,
}

impl From<CreateDataset> for NewDataset {
    fn from(body: CreateDataset) -> Self {
        Self {
            name: body.name.0,
            description: body.description.0.map(|text| text.0),
            uri: body.uri.0.map(|line| line.0),
        }
    }
}

impl From<Model> for Dataset {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: Nullable(row.description),
            uri: Nullable(row.uri),
            created_at: Time(row.created_at.0),
        }
    }
}
