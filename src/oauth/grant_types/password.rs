//! `grant_type=password` (RFC 6749 §4.3) with enterprise-PIN usernames (Qflow).
//!
//! 1. `username` and `password` are there.
//! 2. scope and resource are ones that could be granted at all.
//! 3. the password is right (`identity/sign_in.rs`); every failure is the same `invalid_grant`.
//! 4. the user's workspace: the one `workspace` names by id or slug, else the client's, else the
//!    enterprise's, else the oldest.
//! 5. the client may act there: the user has not blocked it, and the workspace admits it. The error is
//!    `invalid_grant`, the one of RFC 6749 §5.2 for a password that gives no token; only who has proved
//!    the password is told why.

use entity::user;
use zeroize::Zeroizing;

use super::{requested_details, requested_resource, requested_scope};
use crate::{
    app::App,
    audit::{Actor, Event, Target},
    identity::sign_in::{Attempt, Proven, SignIn, prove},
    oauth::{client_auth::ClientRequest, error::OAuthError},
    tokens::{
        admission::Barred,
        grants::{self, Place},
        issue::{self, Issued, Wanted, Withheld},
        scopes::Scope,
    },
};

/// Answers the grant.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn answer(app: &App, request: &ClientRequest) -> Result<Issued, OAuthError> {
    let demanded = |name: &str, missing| {
        request.params.get(name).map(str::to_owned).ok_or(OAuthError::invalid_request(missing))
    };
    let username = demanded("username", "username is missing")?;
    let password = Zeroizing::new(demanded("password", "password is missing")?);
    let scope = requested_scope(request)?;
    let resource = requested_resource(app, &request.params)?;
    let attempt = Attempt { username, password, address: request.address };
    let proven = match prove(app, attempt).await? {
        SignIn::Accepted(proven) => proven,
        // contract §3: a user with a second factor cannot show it here
        SignIn::Refused | SignIn::SecondFactor(_) => {
            return Err(OAuthError::invalid_grant("the username or password is not valid"));
        }
        SignIn::TooSoon { retry_after_secs } => {
            return Err(OAuthError::too_many_requests(retry_after_secs));
        }
    };
    let issued = issue_to(app, request, &proven, (scope, resource)).await;
    // also where nothing came of it: the password was right
    match &issued {
        Ok(Err(why)) => {
            proven.guess.settle_with(app, withheld(request, &proven.user, *why)).await?;
        }
        Ok(Ok(_)) | Err(_) => proven.guess.settle(app).await?,
    }
    issued?.map_err(refusal)
}

/// The event of a right password in an app that may not act for its user.
fn withheld(request: &ClientRequest, user: &user::Model, why: Withheld) -> Event {
    let target = Target::new("client", request.client.id.as_str());
    Event::new("user.sign_in_withheld", Actor::User(user.id), target).because(words(why))
}

async fn issue_to(
    app: &App,
    request: &ClientRequest,
    proven: &Proven,
    (scope, resource): (Option<Scope>, Option<String>),
) -> Result<Result<Issued, Withheld>, OAuthError> {
    let place = place(app, request, &proven.user).await?;
    let details = requested_details(request)?.unwrap_or_default().values;
    let wanted = Wanted { place, scope, resource, key: request.key };
    let commit = |txn| proven.guess.commit(txn);
    let issued = issue::for_user(app, &request.client, &proven.user, &wanted, commit).await?;
    Ok(issued.map(|issued| Issued { details, ..issued }))
}

fn refusal(why: Withheld) -> OAuthError {
    match why {
        Withheld::Scope => OAuthError::invalid_scope(words(why)),
        Withheld::Barred(_) => OAuthError::invalid_grant(words(why)),
    }
}

fn words(why: Withheld) -> &'static str {
    match why {
        Withheld::Scope => "nothing of this scope can be granted",
        Withheld::Barred(Barred::Blocked) => "the user has blocked this client",
        Withheld::Barred(Barred::Elsewhere) => {
            "the client is bound to another workspace or enterprise"
        }
        Withheld::Barred(Barred::Denied) => "the workspace does not allow this client",
        Withheld::Barred(Barred::NeedsApproval) => "the workspace has to approve this client first",
    }
}

async fn place(
    app: &App,
    request: &ClientRequest,
    user: &user::Model,
) -> Result<Place, OAuthError> {
    let client = &request.client;
    match request.params.get("workspace") {
        None => {
            let first = grants::places(app, client, user, 1).await?.into_iter().next();
            Ok(first.unwrap_or(Place::NOWHERE))
        }
        Some(named) => grants::find_place(app, client, user.id, named)
            .await?
            .ok_or(OAuthError::invalid_request("the user is not a member of that workspace")),
    }
}
