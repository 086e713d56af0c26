//! `POST /api/v1/leaked/github`: GitHub's secret scanning reports what it has found in public.
//!
//! It is GitHub's protocol and not this API's: it is not in the document, and where the operator has not
//! asked for it (`leaks.github`) there is nothing.

use std::sync::Arc;

use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderMap, Method},
};
use serde_json::{Value, json};

use super::{body, error::ApiError, guard::close};
use crate::{
    app::App,
    leaks::{
        self,
        github::{self, Finding},
    },
    web::{self, client_ip::client_ip},
};

/// Where GitHub reports to.
pub(super) const PATH: &str = "/api/v1/leaked/github";
const KEY: &str = "Github-Public-Key-Identifier";
const SIGNATURE: &str = "Github-Public-Key-Signature";
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Tokens of one report.
const MAX_FINDINGS: usize = 2_000;

/// The endpoint.
pub(super) struct GitHub;

impl Endpoint for GitHub {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let app = Arc::clone(web::app::of(&request)?);
        let mut response = answer(&app, request).await?;
        close(&mut response);
        Ok(response)
    }
}

async fn answer(app: &App, request: Request) -> Result<Response, ApiError> {
    if !app.config.leaks.github {
        return Err(ApiError::not_found());
    }
    if request.method() != Method::POST {
        return Err(ApiError::method_not_allowed("POST"));
    }
    let count = leaks::count_signed(app, client_ip(&request, app));
    if !count.is_allowed {
        return Err(ApiError::rate_limited(count.secs_left(app.now())));
    }
    let (request, mut sent) = request.split();
    let bytes = body::read(request.headers(), &mut sent, MAX_BODY_BYTES).await?;
    let signed = (only(request.headers(), KEY)?, only(request.headers(), SIGNATURE)?);
    if !github::has_signed(app, signed, &bytes).await? {
        return Err(ApiError::forbidden("the signature is not that of a key of GitHub"));
    }
    let mut answers = Vec::new();
    for (finding, kind) in findings(&body::parse(&bytes)?)? {
        let feedback = github::take(app, finding).await?;
        let label = if feedback.is_ours { "true_positive" } else { "false_positive" };
        answers.push(json!({
            "token_hash": feedback.token_sha256, "token_type": kind, "label": label,
        }));
    }
    let answers = Value::Array(answers).to_string();
    Ok(Response::builder().content_type("application/json").body(answers))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, ApiError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none());
    value
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| ApiError::unreadable(format!("the header {name} must be there once")))
}

/// Every token that was found, and what kind GitHub takes it for.
fn findings(report: &Value) -> Result<Vec<(Finding, &str)>, ApiError> {
    let unreadable = || ApiError::unreadable("the body is no list of what was found");
    let items = report.as_array().ok_or_else(unreadable)?;
    if items.len() > MAX_FINDINGS {
        return Err(ApiError::unreadable("the body lists more than 2000 tokens"));
    }
    let text = |item: &Value, name: &str| item[name].as_str().map(str::to_owned);
    let read =
        |item: &'_ Value| Some(Finding { token: text(item, "token")?, place: text(item, "url") });
    items
        .iter()
        .map(|item| {
            let finding = read(item).ok_or_else(unreadable)?;
            Ok((finding, item["type"].as_str().ok_or_else(unreadable)?))
        })
        .collect()
}
