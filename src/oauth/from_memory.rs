//! Introspection of a credential that is known, for a client that is known: answered without a task or
//! a route, and word for word as the route answers. Whatever is not as simple as that, every refusal
//! included, goes the long way.

use std::sync::Arc;

use poem::{Request, Response, http::Method};

use super::{
    client_auth::{self, ReadForm},
    introspect,
};
use crate::{app::App, web::request_id};

/// Whether a request is one that [`answer`] may have the answer to.
#[must_use]
pub fn may_answer(request: &Request) -> bool {
    request.uri().path() == introspect::PATH && request.method() == Method::POST
}

/// The answer, if all that it takes is in memory. What was read stays with a request that goes the long
/// way.
pub async fn answer(app: &Arc<App>, request: &mut Request) -> Option<Response> {
    let body = request.take_body();
    let form = client_auth::form(request, body).await;
    let known = form.as_ref().ok().and_then(|params| {
        let client = client_auth::known(app, request, params)?;
        introspect::from_memory(app, &client, params)
    });
    let Some(mut response) = known else {
        request.set_data(ReadForm(form));
        return None;
    };
    let id = request_id::new(app);
    request_id::name(&mut response, &id);
    tracing::debug!(
        request.id = id.as_str(),
        http.path = request.uri().path(),
        "answered from memory"
    );
    Some(response)
}
