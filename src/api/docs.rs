//! The document for programs (`/openapi.json`), for people (`/docs`) and for language models
//! (`/llms.txt`): all three made from the same one.

use std::sync::{Arc, OnceLock};

use askama::Template;
use hyper::body::Bytes;
use poem::{Response, handler, web::Data};

use super::{DOCUMENT, error::ApiError, outline::Outline};
use crate::{
    app::App,
    fault::Fault,
    web::page::{Brand, ready, rendered},
};

#[derive(Template)]
#[template(path = "api/docs.html")]
struct DocsPage<'a> {
    brand: Brand,
    issuer: &'a str,
    outline: Outline,
}

#[derive(Template)]
#[template(path = "api/llms.txt")]
struct LlmsText<'a> {
    brand_name: &'a str,
    issuer: &'a str,
    outline: Outline,
}

/// What anybody may ask for and nobody need take: made once, for a server has one document, issuer and brand, and kept
/// once, however many are on their way with it.
#[derive(Default)]
pub(super) struct Made {
    openapi: OnceLock<Bytes>,
    page: OnceLock<Bytes>,
    llms: OnceLock<Bytes>,
}

fn once(
    kept: &OnceLock<Bytes>,
    make: impl FnOnce() -> Result<String, Fault>,
) -> Result<Bytes, Fault> {
    if let Some(text) = kept.get() {
        return Ok(text.clone());
    }
    let text = make()?.into();
    Ok(kept.get_or_init(|| text).clone())
}

/// The document itself.
#[handler]
pub(super) fn openapi(
    Data(app): Data<&Arc<App>>,
    Data(made): Data<&Arc<Made>>,
) -> Result<Response, ApiError> {
    let text = || Ok(DOCUMENT.served_at(&app.config.issuer).to_string());
    let text = once(&made.openapi, text)?;
    Ok(Response::builder().content_type("application/json").body(text))
}

/// The document as a page.
#[handler]
pub(super) fn page(
    Data(app): Data<&Arc<App>>,
    Data(made): Data<&Arc<Made>>,
) -> Result<Response, ApiError> {
    let html = || {
        rendered(&DocsPage {
            brand: Brand::of(app),
            issuer: &app.config.issuer,
            outline: Outline::of(&DOCUMENT),
        })
    };
    Ok(ready(app, once(&made.page, html)?))
}

/// The document as Markdown (llmstxt.org).
#[handler]
pub(super) fn llms(
    Data(app): Data<&Arc<App>>,
    Data(made): Data<&Arc<Made>>,
) -> Result<Response, ApiError> {
    let text = || {
        rendered(&LlmsText {
            brand_name: &app.config.brand.name,
            issuer: &app.config.issuer,
            outline: Outline::of(&DOCUMENT),
        })
    };
    let text = once(&made.llms, text)?;
    Ok(Response::builder().content_type("text/plain; charset=utf-8").body(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_kept_once_for_all_who_take_it() {
        let made = OnceLock::new();
        let failed = || Err(Fault::internal("it is made anew"));
        assert!(once(&made, failed).is_err());

        let first = once(&made, || Ok("a document".to_owned())).unwrap();
        let second = once(&made, failed).unwrap();

        assert_eq!((&*first, first.as_ptr()), (&b"a document"[..], second.as_ptr()));
    }
}
