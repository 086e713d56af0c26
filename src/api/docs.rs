//! The document for programs (`/openapi.json`), for people (`/docs`) and for language models
//! (`/llms.txt`): all three made from the same one.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, web::Data};

use super::{document::Document, error::ApiError, outline::Outline};
use crate::{
    app::App,
    fault::Fault,
    web::page::{Brand, Page},
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

/// The document itself.
#[handler]
pub(super) fn openapi(
    Data(app): Data<&Arc<App>>,
    Data(document): Data<&Arc<Document>>,
) -> Response {
    Response::builder()
        .content_type("application/json")
        .body(document.served_at(&app.config.issuer))
}

/// The document as a page.
#[handler]
pub(super) fn page(
    Data(app): Data<&Arc<App>>,
    Data(document): Data<&Arc<Document>>,
) -> Result<Response, ApiError> {
    let page = DocsPage {
        brand: Brand::of(app),
        issuer: &app.config.issuer,
        outline: Outline::of(document),
    };
    Ok(Page::new(&page).respond(app)?)
}

/// The document as Markdown (llmstxt.org).
#[handler]
pub(super) fn llms(
    Data(app): Data<&Arc<App>>,
    Data(document): Data<&Arc<Document>>,
) -> Result<Response, ApiError> {
    let text = LlmsText {
        brand_name: &app.config.brand.name,
        issuer: &app.config.issuer,
        outline: Outline::of(document),
    };
    let text = text
        .render()
        .map_err(|error| Fault::internal(format!("llms.txt could not be rendered: {error}")))?;
    Ok(Response::builder().content_type("text/plain; charset=utf-8").body(text))
}
