//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693 §2.1): confidential clients that
//! are bound to a workspace, with tokens of that workspace. An invalid token is `invalid_request` (§2.2.2).

use entity::client::Kind;

use super::{requested_details, requested_resource, requested_scope};
use crate::{
    app::App,
    crypto::secret::{AccessToken, Secret},
    oauth::{client_auth::ClientRequest, error::OAuthError, params::Params},
    tokens::{
        exchange::{self, Asked, Exchanged},
        issue::Issued,
    },
};

/// The only type of token there is to exchange.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

const BAD_SUBJECT: &str = "the subject token is not a live token of a user in this workspace";
const BAD_ACTOR: &str = "the actor token is not a live token of the client itself";

/// Answers the grant.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn answer(app: &App, request: &ClientRequest) -> Result<Issued, OAuthError> {
    let client = &request.client;
    if client.kind == Kind::Public || client.workspace_id.is_none() {
        let description = "only a confidential client of a workspace exchanges tokens";
        return Err(OAuthError::unauthorized_client(description));
    }
    let asked = read(app, request)?;
    match exchange::exchange(app, client, asked).await? {
        Exchanged::Issued(issued) => Ok(issued),
        Exchanged::BadSubject => Err(OAuthError::invalid_request(BAD_SUBJECT)),
        Exchanged::BadActor => Err(OAuthError::invalid_request(BAD_ACTOR)),
        Exchanged::ScopeTooWide => {
            let description = "the scope is wider than the subject token's or the client's";
            Err(OAuthError::invalid_scope(description))
        }
    }
}

fn read(app: &App, request: &ClientRequest) -> Result<Asked, OAuthError> {
    let params = &request.params;
    if params.get("requested_token_type").is_some_and(|it| it != ACCESS_TOKEN) {
        return Err(OAuthError::invalid_request("only access tokens are issued"));
    }
    let subject = token(params, ("subject_token", "subject_token_type"), BAD_SUBJECT)?
        .ok_or_else(|| OAuthError::invalid_request("subject_token is missing"))?;
    let actor = token(params, ("actor_token", "actor_token_type"), BAD_ACTOR)?;
    Ok(Asked {
        subject,
        actor,
        scope: requested_scope(request)?,
        details: requested_details(request)?.map(|details| details.values),
        resource: target(app, params)?,
        key: request.key,
    })
}

/// A token that was sent, with its type.
fn token(
    params: &Params,
    (name, kind): (&str, &str),
    bad: &'static str,
) -> Result<Option<Secret<AccessToken>>, OAuthError> {
    match (params.get(name), params.get(kind)) {
        (None, None) => Ok(None),
        (Some(token), Some(ACCESS_TOKEN)) => {
            Secret::parse(token).map(Some).ok_or_else(|| OAuthError::invalid_request(bad))
        }
        (Some(_), Some(_)) => Err(OAuthError::invalid_request("only access tokens are exchanged")),
        (Some(_), None) => Err(OAuthError::invalid_request("the type of a token is missing")),
        // §2.1: must not be there without the token
        (None, Some(_)) => Err(OAuthError::invalid_request("a token is missing")),
    }
}

/// `resource` or `audience`: one name for one target.
fn target(app: &App, params: &Params) -> Result<Option<String>, OAuthError> {
    let resource = requested_resource(app, params)?;
    let Some(audience) = params.get("audience") else { return Ok(resource) };
    let is_same = resource.as_deref().is_none_or(|resource| resource == audience);
    if !is_same || !crate::tokens::audience::is_registered(app, audience) {
        return Err(OAuthError::invalid_target());
    }
    Ok(Some(audience.to_owned()))
}
