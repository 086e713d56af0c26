//! Stylesheets and pictures, embedded in the binary, and the operator's colours.

use std::sync::Arc;

use poem::{
    IntoResponse, Response, Route, get, handler,
    http::{HeaderMap, StatusCode, Uri, header},
    web::{Data, Path},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{accent, methods, page_error::PageError};
use crate::{app::App, crypto::digest};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Where `server.rs` mounts [`routes`].
pub const ROOM: &str = "/static";
/// The address of the icon.
pub const ICON: &str = "/static/icon.svg";
/// Addresses with a version never change what they show.
const FOREVER: &str = "public, max-age=31536000, immutable";
const FOR_A_WHILE: &str = "public, max-age=300";

/// The files, to be mounted under [`ROOM`].
#[must_use]
pub fn routes() -> Route {
    Route::new()
        .at("/brand.css", methods::only("GET, HEAD", get(brand)))
        .at("/:name", methods::only("GET, HEAD", get(file)))
}

/// The address of the stylesheet, with its version.
#[must_use]
pub fn stylesheet() -> String {
    let version = Files::get("latchkey.css").map(|css| version(&css.metadata.sha256_hash()));
    format!("{ROOM}/latchkey.css?v={}", version.unwrap_or_default())
}

/// The address of the operator's colours, with their version.
#[must_use]
pub fn accent_stylesheet(app: &App) -> String {
    let hash = digest::sha256(accent::stylesheet(&app.config.brand.accent).as_bytes());
    format!("{ROOM}/brand.css?v={}", version(&hash))
}

#[handler]
fn brand(Data(app): Data<&Arc<App>>, uri: &Uri, headers: &HeaderMap) -> Response {
    let css = accent::stylesheet(&app.config.brand.accent);
    let tag = digest::hex(&digest::sha256(css.as_bytes()));
    answer("text/css; charset=utf-8", &tag, css.into_bytes(), Asked { uri, headers })
}

#[handler]
fn file(Path(name): Path<String>, uri: &Uri, headers: &HeaderMap) -> Result<Response, PageError> {
    let EmbeddedFile { data, metadata } = Files::get(&name).ok_or_else(PageError::not_found)?;
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let tag = digest::hex(&metadata.sha256_hash());
    Ok(answer(kind, &tag, data.into_owned(), Asked { uri, headers }))
}

#[derive(Clone, Copy)]
struct Asked<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

fn answer(kind: &'static str, tag: &str, content: Vec<u8>, asked: Asked<'_>) -> Response {
    let is_versioned = asked.uri.query().is_some_and(|query| query.starts_with("v="));
    let tag = format!("\"{tag}\"");
    let known = asked.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let response = Response::builder()
        .header(header::ETAG, tag)
        .header(header::CACHE_CONTROL, if is_versioned { FOREVER } else { FOR_A_WHILE })
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
        .header("cross-origin-resource-policy", "same-origin");
    if is_known {
        return response.status(StatusCode::NOT_MODIFIED).finish().into_response();
    }
    response.content_type(kind).body(content)
}

fn version(hash: &[u8]) -> String {
    digest::hex(hash).chars().take(12).collect()
}
