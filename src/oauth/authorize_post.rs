//! `POST /oauth/authorize`: the same request in a form (OpenID Connect Core §3.1.2.1).
//!
//! The form is another site's, and browsers send no cookie with it: who is signed in cannot be seen, and
//! an answer that set a cookie would sign them out. So the request is looked at as one that comes by GET,
//! and the browser sent on by GET with the same request, for which it has its cookie. What is too long for
//! an address is kept here as if it had been pushed (RFC 9126), and its name goes on.

use std::sync::Arc;

use poem::{Body, Request, Response, Result, handler, web::Data};
use url::form_urlencoded;

use super::{
    asked,
    authorize::{self, Refusal, Sound},
    params::{Params, is_form},
};
use crate::{
    app::App,
    tokens::{
        flood::{self, BROUGHT},
        pushed::{self, Pushed},
    },
    web::{body, client_ip::client_ip, page::see_other, page_error::PageError},
};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longer addresses do not pass every proxy.
const MAX_QUERY_BYTES: usize = 4_000;

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Result<Response> {
    if !is_form(req.content_type()) {
        return Err(PageError::unsupported_form().into());
    }
    let bytes = body::read(body, MAX_BODY_BYTES).await.map_err(PageError::from)?;
    let params = Params::parse(&bytes);
    Ok(match authorize::look(app, &params, client_ip(req, app)).await {
        Ok(sound) => send_on(app, req, &params, sound).await?,
        Err(refusal) => authorize::refuse(app, refusal).await?,
    })
}

async fn send_on(
    app: &Arc<App>,
    req: &Request,
    params: &Params,
    (sound, asked): (Sound, asked::Asked),
) -> Result<Response, PageError> {
    let query = urlencoded(asked::without_credentials(params.values()));
    if query.len() <= MAX_QUERY_BYTES {
        return Ok(by_get(&query));
    }
    let Some(parameters) = asked.to_be_kept() else {
        let error = ("invalid_request", "the request is larger than 32 KiB");
        return authorize::refuse(app, Refusal::Redirectable(sound.to, error)).await;
    };
    let (client, address) = (&*sound.client, client_ip(req, app));
    if let Some(wait) = flood::excess(app, BROUGHT, client, address) {
        return Err(PageError::too_soon(wait));
    }
    let Pushed { uri, .. } = pushed::keep(app, client, parameters, (BROUGHT, address)).await?;
    let named = [("client_id", client.id.as_str()), ("request_uri", uri.as_str())];
    Ok(by_get(&urlencoded(named)))
}

fn by_get(query: &str) -> Response {
    see_other(&format!("/oauth/authorize?{query}"))
}

fn urlencoded(pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
