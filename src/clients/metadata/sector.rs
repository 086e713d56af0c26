//! The document that lists the redirect URIs of a sector (OpenID Connect Registration §5).

use super::NewClient;
use crate::{app::App, fault::FieldError};

const FIELD: &str = "sector_identifier_uri";
/// Some hundred URIs.
const MAX_BYTES: usize = 64 * 1024;

/// What is wrong with the document of a client's sector, if it names one: it must list every redirect
/// URI of the client. Fetches it, so never inside a transaction.
pub async fn problem(app: &App, client: &NewClient) -> Option<FieldError> {
    let uri = client.settings.sector_identifier_uri.as_ref()?;
    let document = match app.outbound.get(uri, "application/json", MAX_BYTES).await {
        Ok(document) => document,
        Err(error) => return Some(FieldError::new(FIELD, error.to_string())),
    };
    let Ok(listed) = serde_json::from_slice::<Vec<String>>(&document.body) else {
        return Some(FieldError::new(FIELD, "is no JSON list of URIs"));
    };
    let is_complete = client.redirect_uris.iter().all(|uri| listed.contains(uri));
    (!is_complete).then(|| FieldError::new(FIELD, "does not list every redirect URI"))
}
