//! Reaching the [`App`] from a request.

use std::sync::Arc;

use poem::Request;

use super::page_error::PageError;
use crate::{app::App, fault::Fault};

/// The application that `server.rs` put into every request.
///
/// # Errors
/// When a route was mounted outside it, which is a mistake of ours.
pub fn of(request: &Request) -> Result<&Arc<App>, PageError> {
    request
        .data::<Arc<App>>()
        .ok_or_else(|| Fault::internal("a route without its application").into())
}
