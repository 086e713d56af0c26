//! The API face: the routes every kind of credential works on, and their document.
//!
//! A request passes `guard` first: path and method, credential, rate limit. Only then is a route
//! called, with a principal. Every error leaves as `error::ApiError`, in contract §4's shape.

mod answers;
mod api_keys;
mod body;
mod caller;
mod check;
mod checkin;
mod comms;
mod datasets;
mod docs;
mod document;
mod emails;
mod error;
mod fields;
mod from_memory;
mod gated;
mod guard;
pub mod json;
mod leads;
mod leaked;
mod leaked_github;
mod me;
mod outline;
pub mod paging;
mod paths;
mod proof;
mod scan_schema;
mod scans;
mod schema;
mod scoped;
mod subscribers;
mod verify;

use std::sync::{Arc, LazyLock};

use poem::{EndpointExt, IntoEndpoint, Route, RouteMethod, get};
use poem_openapi::OpenApiService;

pub use self::from_memory::{answer as answer_from_memory, answer_after_a_look};
use self::{document::Document, error::Shaped, guard::Guard, paths::Paths};
use crate::web::{links, methods::only};

/// Where the routes of the API are.
const ROOMS: [&str; 4] = ["/api", "/v1", "/comms", "/checkin"];

/// The document of this face, and the paths in it: made when a request first needs them, for a server that has only been
/// started has no use for either.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::of(&service()));
static PATHS: LazyLock<Paths> = LazyLock::new(|| Paths::of(&DOCUMENT));

/// The routes of this face; `Arc<App>` must be in the request's data.
#[must_use]
pub fn routes() -> Route {
    let guard = Arc::new(Guard::of(service().into_endpoint()));
    let made = Arc::<docs::Made>::default();
    let read = |route: RouteMethod| Shaped(only("GET, HEAD", route)).data(Arc::clone(&made));
    let docs = Route::new()
        .at(leaked_github::PATH, Shaped(leaked_github::GitHub))
        .at("/openapi.json", read(get(docs::openapi)))
        .at(links::api_docs(), read(get(docs::page)))
        .at("/llms.txt", read(get(docs::llms)));
    // these rooms are this face's whole, so that an unknown path there is answered in JSON too
    ROOMS.into_iter().fold(docs, |routes, room| routes.nest_no_strip(room, Arc::clone(&guard)))
}

/// Every route, one line each.
type Operations = (
    me::Me,
    verify::Verify,
    api_keys::ApiKeys,
    datasets::Datasets,
    leads::Leads,
    leaked::Leaked,
    subscribers::Subscribers,
    emails::Emails,
    scans::Scans,
    comms::Comms,
    checkin::Checkin,
);

const OPERATIONS: Operations = (
    me::Me,
    verify::Verify,
    api_keys::ApiKeys,
    datasets::Datasets,
    leads::Leads,
    leaked::Leaked,
    subscribers::Subscribers,
    emails::Emails,
    scans::Scans,
    comms::Comms,
    checkin::Checkin,
);

fn service() -> OpenApiService<Operations, ()> {
    OpenApiService::new(OPERATIONS, "Latchkey", env!("CARGO_PKG_VERSION"))
}
