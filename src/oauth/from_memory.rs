//! Introspection of a credential that is known, for a client that is known: answered without a task or
//! a route, and word for word as the route answers. Whatever is not as simple as that, every refusal
//! included, goes the long way.

use std::sync::Arc;

use poem::{Request, Response, http::Method};
use zeroize::Zeroizing;

use super::{
    client_auth::{self, MAX_BODY_BYTES},
    introspect,
    params::{Params, is_form},
};
use crate::{
    app::App,
    web::{body, request_id},
};

/// Whether a request is one that [`answer`] may have the answer to.
#[must_use]
pub fn may_answer(request: &Request) -> bool {
    request.uri().path() == introspect::PATH
        && request.method() == Method::POST
        && is_form(request.content_type())
}

/// The answer, if all that it takes is in memory. A request that goes the long way has its body again,
/// or says why that could not be read.
pub async fn answer(app: &Arc<App>, request: &mut Request) -> Option<Response> {
    let mut bytes = match body::read(request.take_body(), MAX_BODY_BYTES).await {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) => {
            request.set_data(error);
            return None;
        }
    };
    let Some(mut response) = known(app, request, &bytes) else {
        request.set_body(std::mem::take(&mut *bytes));
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

fn known(app: &App, request: &Request, body: &[u8]) -> Option<Response> {
    let params = Params::parse(body);
    if params.defect().is_some() {
        return None;
    }
    let client = client_auth::known(app, request, &params)?;
    introspect::from_memory(app, &client, &params)
}
