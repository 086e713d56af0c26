//! `POST /oauth/introspect` (RFC 7662): access tokens, refresh tokens and API keys.
//!
//! 1. the caller authenticates as a confidential client that may introspect (§2.1)
//! 2. `token` is there; its prefix decides what it is
//! 3. unknown, expired, revoked, or of another workspace than the one the caller is bound to:
//!    `{"active":false}` and nothing else (§2.2)

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::client::{self, Kind};
use poem::{Body, IntoResponse, Request, Response, handler, http::StatusCode, web::Data};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    client_auth::ClientRequest,
    error::{OAuthError, json_text},
    params::Params,
};
use crate::{
    app::App,
    cache::Known,
    clients::binding::Binding,
    crypto::{
        digest,
        secret::{AccessToken, RefreshToken, Secret},
    },
    fault::Fault,
    keys::{
        format,
        verify::{self, Verdict},
    },
    store::{api_keys::KeyRecord, token_records::TokenRecord},
    tokens::{
        acr, authorization_details, dpop,
        permission::{self, Permission},
        resolve::{self, Resolved},
        scopes::Scope,
    },
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/introspect";

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match answer(app, req, body).await {
        Ok(body) => json_text(StatusCode::OK, body),
        Err(error) => error.into_response(),
    }
}

async fn answer(app: &Arc<App>, req: &Request, body: Body) -> Result<String, OAuthError> {
    let request = ClientRequest::read(app, req, body).await?;
    let token = asked(&request.client, &request.params)?;
    let described = describe(app, token).await?;
    Ok(said(described.as_deref(), &request.client))
}

/// The answer, if what is asked about is in memory and its asker is not refused.
pub(super) fn from_memory(app: &App, client: &client::Model, params: &Params) -> Option<Response> {
    let token = asked(client, params).ok()?;
    let described = app.cache.find::<Described>(&name_of_entry(token), app.now())?;
    Some(json_text(StatusCode::OK, said(Some(&described), client)))
}

/// What a client asks about, if it may.
fn asked<'p>(client: &client::Model, params: &'p Params) -> Result<&'p str, OAuthError> {
    if client.kind == Kind::Public {
        return Err(OAuthError::invalid_client());
    }
    if !client.may_introspect {
        return Err(OAuthError::unauthorized_client("the client may not introspect"));
    }
    params.get("token").ok_or_else(|| OAuthError::invalid_request("token is missing"))
}

/// What is said to a client.
fn said(described: Option<&Described>, client: &client::Model) -> String {
    described
        .filter(|described| described.is_visible_to(client))
        .map_or_else(|| INACTIVE.to_owned(), |described| described.body.clone())
}

/// RFC 7662 §2.2: nothing else is said.
const INACTIVE: &str = r#"{"active":false}"#;

/// What is said of a live credential, and whose it is.
struct Described {
    workspace_id: Option<Uuid>,
    body: String,
}

impl Described {
    fn is_visible_to(&self, caller: &client::Model) -> bool {
        match Binding::of(caller) {
            Binding::None => true,
            Binding::Workspace(id) => self.workspace_id == Some(id),
            // nobody is bound to one and may ask
            Binding::Enterprise(_) => false,
        }
    }
}

/// Under what [`Described`] is kept.
fn name_of_entry(token: &str) -> [u8; 32] {
    digest::sha256_array(token.as_bytes())
}

/// What is said of a credential: from memory, where that is still true.
async fn describe(app: &App, token: &str) -> Result<Option<Arc<Described>>, Fault> {
    let (now, digest) = (app.now(), name_of_entry(token));
    if let Some(described) = app.cache.find::<Described>(&digest, now) {
        return Ok(Some(described));
    }
    if app.cache.is_unknown(&digest, now) {
        return Ok(None);
    }
    let begun = app.cache.begin();
    let (described, subjects, ends_at) = if let Some(token) = Secret::<AccessToken>::parse(token) {
        let resolved = resolve::access_token(app, &token).await?;
        if matches!(resolved, Resolved::Dead) {
            app.cache.keep_unknown(digest, now);
        }
        let Some(record) = resolved.live() else { return Ok(None) };
        let ends_at = Some(record.expires_at.0);
        let kind = if record.jkt.is_some() { "DPoP" } else { "Bearer" };
        (of_token(app, &record, (Some(kind), &digest)), resolve::subjects_of(&record), ends_at)
    } else if let Some(token) = Secret::<RefreshToken>::parse(token) {
        // a refresh token is spent by its use, and its use is no change: never from memory
        let record = resolve::refresh_token(app, &token).await?.live();
        return Ok(record.map(|record| Arc::new(of_token(app, &record, (None, &digest)))));
    } else {
        let Some(key) = format::parse(&app.config.products, token) else { return Ok(None) };
        let live = match verify::verify(app, &key.raw).await? {
            Verdict::Live(live) => live,
            Verdict::Unknown => {
                app.cache.keep_unknown(digest, now);
                return Ok(None);
            }
            Verdict::Barred(..) => return Ok(None),
        };
        let ends_at = verify::end_of(&live, &digest);
        (of_key(app, &live), verify::subjects_of(&live), ends_at)
    };
    let described = Arc::new(described);
    let known = Known { begun, subjects: &subjects, ends_at };
    app.cache.keep(digest, Arc::clone(&described), known, now);
    Ok(Some(described))
}

fn of_token(
    app: &App,
    record: &TokenRecord,
    (token_type, digest): (Option<&str>, &[u8]),
) -> Described {
    let scope = resolve::scope_of(record);
    let mut body = json!({
        "active": true,
        "scope": scope.to_string(),
        "client_id": record.client_id,
        "exp": record.expires_at.0.timestamp(),
        "iat": record.issued_at.0.timestamp(),
        "sub": record.user_id.map_or_else(|| record.client_id.clone(), |id| id.to_string()),
        "iss": app.config.issuer,
        "jti": name_of(digest),
    });
    // who knows plain scope tokens only finds these limited ones to be none it knows
    if scope.iter().any(|token| permission::limits_of(token).is_some()) {
        body["permissions"] = permissions(&scope);
    }
    let details = record.terms.as_ref().map(|terms| &*terms.authorization_details);
    let mut details = authorization_details::granted(details.unwrap_or_default(), &scope);
    let confined = authorization_details::confined(&scope);
    details.extend(confined.into_iter().filter(|it| !details.contains(it)).collect::<Vec<_>>());
    if !details.is_empty() {
        // RFC 9396 §9.2
        body["authorization_details"] = details.into();
    }
    if let Some(key) = &record.jkt {
        // RFC 9449 §6.2
        body["cnf"] = json!({ "jkt": dpop::written(key) });
    }
    if token_type.is_some() {
        put_sign_in(&mut body, record);
    }
    put(&mut body, "token_type", token_type);
    put(&mut body, "username", record.username.as_deref());
    put(&mut body, "aud", resolve::audience_of(record));
    put(&mut body, "workspace", record.workspace_slug.as_deref());
    Described { workspace_id: record.workspace_id, body: body.to_string() }
}

/// What a token is called by those who must not see it (`jti`, RFC 7662 §2.2): always the same, and
/// neither the token nor what it is stored as.
fn name_of(token_sha256: &[u8]) -> String {
    let name = digest::sha256_array(&[b"jti:".as_slice(), token_sha256].concat());
    URL_SAFE_NO_PAD.encode(name.get(..16).unwrap_or_default())
}

/// When and how strongly the user of an access token has signed in (RFC 9470 §6.2), and who acts for them
/// (RFC 8693 §4.1).
fn put_sign_in(body: &mut Value, record: &TokenRecord) {
    if let (Some(at), Some(_)) = (record.authenticated_at, record.user_id) {
        let terms = record.terms.clone().unwrap_or_default();
        body["auth_time"] = at.0.timestamp().into();
        put(body, "acr", acr::of(&terms.amr.unwrap_or_default(), &terms.acr_values));
    }
    if let Some(actor) = record.terms.as_ref().and_then(|terms| terms.actor.as_deref()) {
        body["act"] = json!({ "sub": actor });
    }
}

fn of_key(app: &App, record: &KeyRecord) -> Described {
    let owner = record.user_id.or(record.service_account_id);
    let mut body = json!({
        "active": true,
        "scope": verify::scope_of(app, record).to_string(),
        "token_type": "api_key",
        "iat": record.created_at.0.timestamp(),
        "sub": owner.unwrap_or(record.id).to_string(),
        "iss": app.config.issuer,
        "jti": record.id.to_string(),
        "workspace": record.workspace_slug,
        "environment": record.environment,
        "permissions": permissions(&verify::scope_of(app, record)),
        "full_access": record.has_full_access(),
    });
    if let Some(expires_at) = record.expires_at {
        body["exp"] = expires_at.0.timestamp().into();
    }
    put(&mut body, "username", record.username.as_deref());
    Described { workspace_id: Some(record.workspace_id), body: body.to_string() }
}

/// Each scope token taken apart: the permission and what it is confined to.
fn permissions(scope: &Scope) -> Value {
    let limit = |(name, value): (&'static str, Value)| (name.to_owned(), value);
    let taken_apart = scope.iter().filter_map(Permission::parse).map(|it| {
        let mut members: Map<String, Value> = it.limits.members().map(limit).collect();
        members.insert("permission".to_owned(), it.permission.into());
        Value::Object(members)
    });
    taken_apart.collect()
}

fn put(body: &mut Value, member: &str, value: Option<&str>) {
    if let Some(value) = value {
        body[member] = value.into();
    }
}
