//! `/metrics`, and what is counted of every request.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use poem::{
    Request, Response, Result, handler,
    http::{HeaderMap, StatusCode, header},
    web::Data,
};
use tokio::time::timeout;

use super::{Face, health};
use crate::{
    app::App,
    crypto::digest,
    fault::Fault,
    metrics::{CONTENT_TYPE, Reading},
    store, traces,
    web::{
        client_ip::{client_ip, is_forwarded},
        page_error::PageError,
    },
};

/// How long the database is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Paths that are counted by themselves; every other one by the face that it belongs to.
const ENDPOINTS: [&str; 23] = [
    "/api/v1/check",
    "/api/v1/me",
    "/api/v1/verify",
    "/device",
    "/healthz",
    "/login",
    "/metrics",
    "/oauth/authorize",
    "/oauth/consent",
    "/oauth/device_authorization",
    "/oauth/introspect",
    "/oauth/jwks.json",
    "/oauth/logout",
    "/oauth/par",
    "/oauth/register",
    "/oauth/revoke",
    "/oauth/token",
    "/oauth/userinfo",
    "/openapi.json",
    "/readyz",
    "/signup",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// Under which name a request is counted: one of few, whatever the path.
pub(super) fn endpoint_of(path: &str) -> &'static str {
    if let Some(known) = ENDPOINTS.iter().find(|known| **known == path) {
        return known;
    }
    match Face::of(path) {
        Face::Server => "static",
        Face::OAuth => "oauth",
        Face::Api => "api",
        Face::Admin => "admin",
        Face::Account => "account",
    }
}

/// Counts an answer.
pub(super) fn count(app: &App, endpoint: &'static str, answer: &Result<Response>, began: Instant) {
    let status = match answer {
        Ok(response) => response.status(),
        Err(error) => error.status(),
    };
    app.metrics.answered(endpoint, status.as_u16(), began.elapsed());
}

/// Everything that is counted, for those who may see it; for all others there is no such page.
#[handler]
pub(super) async fn show(
    Data(app): Data<&Arc<App>>,
    request: &Request,
) -> Result<Response, PageError> {
    if !is_allowed(app, request) {
        return Err(PageError::not_found());
    }
    let text = app
        .metrics
        .text(reading(app).await, app.now())
        .map_err(|_| Fault::internal("metrics cannot be written"))?;
    Ok(Response::builder()
        .status(StatusCode::OK)
        .content_type(CONTENT_TYPE)
        .header(header::CACHE_CONTROL, "no-store")
        .body(text))
}

/// What stands in memory and, if it answers soon, in the database.
async fn reading(app: &App) -> Reading {
    let mut reading = Reading {
        is_following: app.cache.is_trusted(app.now()),
        in_memory: app.cache.len(),
        passwords: app.passwords.waiting(),
        hashed: app.passwords.hashed(),
        spans: traces::counts(),
        ..Reading::default()
    };
    // what was read until the patience ended stands
    let _ = timeout(PATIENCE, read_database(app, &mut reading)).await;
    reading
}

async fn read_database(app: &App, reading: &mut Reading) -> Result<(), Fault> {
    let (db, now, began) = (app.store.read(), app.now(), Instant::now());
    let backlog = store::outbox::backlog(db).await?;
    reading.database = Some(began.elapsed());
    reading.letters_waiting = Some(backlog.waiting);
    reading.letters_given_up = Some(backlog.given_up);
    let overdue = backlog.next_attempt_at.map(|due| now - due.0);
    reading.letters_overdue = overdue.and_then(|overdue| overdue.to_std().ok());
    reading.logouts_waiting = Some(store::logout_deliveries::count(db).await?);
    // counts by itself
    health::schema(app).await?;
    Ok(())
}

/// Whoever has the token; without one those who ask this server itself, from an address that is
/// nobody's on the internet.
fn is_allowed(app: &App, request: &Request) -> bool {
    if let Some(token) = &app.config.http.metrics_token {
        let sent = bearer(request.headers()).unwrap_or_default();
        let [sent, token] = [sent, token.as_str()].map(|it| digest::sha256_array(it.as_bytes()));
        return digest::equal(&sent, &token);
    }
    !is_forwarded(request, app) && is_private(client_ip(request, app))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.is_loopback() || it.is_private() || it.is_link_local(),
        IpAddr::V6(it) => it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_counted_under_one_of_few_names() {
        for (path, name) in [
            ("/oauth/token", "/oauth/token"),
            ("/oauth/token/", "oauth"),
            ("/oauth/register/anything", "oauth"),
            ("/api/v1/leads/7", "api"),
            ("/admin/users", "admin"),
            ("/settings/profile", "account"),
            ("/static/latchkey.css", "static"),
            ("/%00", "account"),
        ] {
            assert_eq!(endpoint_of(path), name, "{path}");
        }
    }
}
