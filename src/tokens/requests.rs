//! Authorization requests, frozen on the server while their user signs in and consents; later steps
//! carry only a handle, which works only in the browser that began (rule 8).

use std::net::IpAddr;

use chrono::TimeDelta;
use entity::{authorization_request, client, terms::Terms, user};
use uuid::Uuid;

use super::{
    admission::Barred,
    code::{self, Asked, Yes},
    flood::{self, Crowd},
    grants::{self, Remembered},
    pushed,
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::redirect_uri,
    crypto::secret::{AuthorizationCode, RequestHandle, Secret, SessionCookie},
    fault::Fault,
    store::{self, crowds::AUTHORIZATION_REQUESTS},
};

/// How long a user may take to sign in and decide.
const LIFETIME: TimeDelta = TimeDelta::minutes(30);
/// How many may wait for one client, and about a hundred more between two looks. A user's own network has few; theirs is
/// taken away only when every network that asks has as few, which takes as many networks as requests may wait. To go is
/// to have been gone for too long: the user is asked to begin again.
pub const CROWD: Crowd = Crowd { of: AUTHORIZATION_REQUESTS, most: 10_000, room: 0 };

/// A sound request, before its user is known (RFC 6749 §4.1.1).
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// The client that asks.
    pub client_id: String,
    /// Where the answer goes, exactly as it was received.
    pub redirect_uri: String,
    /// How the answer travels: `query`, `form_post`, or one of them with `.jwt`.
    pub response_mode: &'static str,
    /// Requested ∩ client's.
    pub scope: Scope,
    /// Given back as it came.
    pub state: Option<String>,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: Option<String>,
    /// RFC 7636 §4.2, S256.
    pub code_challenge: Option<String>,
    /// RFC 8707 §2.
    pub resource: Option<String>,
    /// What else is asked.
    pub terms: Terms,
}

/// Freezes a request for one browser at an address; the handle goes into the addresses of the pages to come.
///
/// # Errors
/// When the database fails.
pub async fn freeze(
    app: &App,
    (browser, address): (&Secret<SessionCookie>, IpAddr),
    request: NewRequest,
) -> Result<Secret<RequestHandle>, Fault> {
    let now = app.now();
    let handle = Secret::<RequestHandle>::random(&*app.random);
    let pushed = pushed::digest_of(&request.terms);
    let row = authorization_request::Model {
        handle_sha256: handle.sha256(),
        browser_sha256: browser.sha256(),
        network_sha256: Some(flood::network_of(address)),
        client_id: request.client_id,
        redirect_uri: request.redirect_uri,
        response_mode: request.response_mode.to_owned(),
        scope: request.scope.to_string(),
        state: request.state,
        nonce: request.nonce,
        code_challenge: request.code_challenge,
        resource: request.resource,
        terms: request.terms.stored(),
        created_at: store::instant(now),
        expires_at: store::instant(now + LIFETIME),
    };
    flood::look_after(app, CROWD, &row.client_id, &row.handle_sha256).await;
    let txn = app.store.begin().await?;
    if let Some(uri) = pushed {
        store::pushed_requests::hold(&txn, uri, now + LIFETIME).await?;
    }
    store::authorization_requests::insert(&txn, row).await?;
    txn.commit().await?;
    Ok(handle)
}

/// The waiting request under this handle, in this browser.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    browser: &Secret<SessionCookie>,
    handle: &str,
) -> Result<Option<authorization_request::Model>, Fault> {
    let Some(handle) = Secret::<RequestHandle>::parse(handle) else { return Ok(None) };
    let (handle, browser) = (handle.sha256(), browser.sha256());
    store::authorization_requests::find(app.store.read(), handle, &browser, app.now()).await
}

/// What became of a user's yes.
#[derive(Debug)]
pub enum Approval {
    /// The code.
    Code(Secret<AuthorizationCode>),
    /// Somebody else took the request first: a double click, another tab.
    Gone,
    /// The client may not act there, as has been decided since the page was shown; the request still
    /// waits.
    Barred(Barred),
}

/// Takes the request out and makes a code for it, in one transaction.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    app: &App,
    request: authorization_request::Model,
    yes: Yes<'_>,
) -> Result<Approval, Fault> {
    store::retrying(|| approve_once(app, request.clone(), yes.clone())).await
}

async fn approve_once(
    app: &App,
    request: authorization_request::Model,
    yes: Yes<'_>,
) -> Result<Approval, Fault> {
    let txn = app.store.begin().await?;
    if !store::authorization_requests::consume(&txn, request.handle_sha256).await? {
        return Ok(Approval::Gone);
    }
    let terms = request.terms.unwrap_or_default();
    if let Some(uri) = pushed::digest_of(&terms)
        && !store::pushed_requests::consume(&txn, uri).await?
    {
        return Ok(Approval::Gone);
    }
    let asked = Asked {
        redirect_uri: request.redirect_uri,
        code_challenge: request.code_challenge,
        nonce: request.nonce,
        resource: request.resource,
        terms,
    };
    match code::create(app, &txn, yes, asked).await? {
        Ok(code) => {
            txn.commit().await?;
            Ok(Approval::Code(code))
        }
        Err(barred) => Ok(Approval::Barred(barred)),
    }
}

/// Makes a code at once, for a user who is signed in and has allowed all of it before. `None` if what
/// they allowed was revoked in this moment, or the pushed request was spent.
///
/// # Errors
/// When the database fails.
pub async fn approve_at_once(
    app: &App,
    request: NewRequest,
    grant_id: Uuid,
    yes: Yes<'_>,
) -> Result<Option<Secret<AuthorizationCode>>, Fault> {
    let pushed = pushed::digest_of(&request.terms);
    let asked = Asked {
        redirect_uri: request.redirect_uri,
        code_challenge: request.code_challenge,
        nonce: request.nonce,
        resource: request.resource,
        terms: request.terms,
    };
    let (code, row) = code::new(app, grant_id, &yes, asked);
    Ok(store::issuing::authorize(&app.store, row, pushed).await?.then_some(code))
}

/// Takes the request out because this user said no, or because nothing can come of it; `false` if somebody else took
/// it first.
///
/// # Errors
/// When the database fails.
pub async fn deny(
    app: &App,
    request: &authorization_request::Model,
    by: Option<Uuid>,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let taken = store::authorization_requests::consume(&txn, request.handle_sha256.clone()).await?;
    if let Some(uri) = request.terms.as_ref().and_then(pushed::digest_of) {
        // whoever spent it before has answered; no is no all the same
        let _ = store::pushed_requests::consume(&txn, uri).await?;
    }
    if let Some(user_id) = by.filter(|_| taken) {
        let target = Target::new("client", request.client_id.as_str());
        audit::record(app, &txn, Event::new("app.refuse", Actor::User(user_id), target)).await?;
    }
    txn.commit().await?;
    Ok(taken)
}

/// Where the user has already allowed all of this, unless they must be asked every time: a public
/// client on the user's own machine proves nothing by its redirect URI (RFC 8252 §8.6).
///
/// # Errors
/// When the database fails.
pub async fn remembered(
    app: &App,
    client: &client::Model,
    user: &user::Model,
    (scope, uri): (&Scope, &str),
) -> Result<Option<Remembered>, Fault> {
    if client.kind == client::Kind::Public && redirect_uri::is_native(uri) {
        return Ok(None);
    }
    grants::remembered(app, client, user, scope).await
}
