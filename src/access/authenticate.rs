//! From a credential to whom the request acts as, and what that still is worth (contract §4):
//! 1. it is known, unrevoked and, if an access token, for this server; else 401;
//! 2. it is active and unexpired, and its client, workspace and owner live and belong together;
//!    else 403.

use super::{
    Credential, CredentialKind, Presented, Principal, PrincipalKind, Refusal, Workspace,
    presented::PresentedCredential,
};
use crate::{
    app::App,
    config::Environment,
    fault::Fault,
    keys::{
        RawKey,
        verify::{self, LiveKey, Verdict},
    },
    limiter::{Count, Counted},
    store::token_records::TokenRecord,
    tokens::{
        audience,
        resolve::{self, Resolved},
    },
};

const TOKEN_DEAD: &str = "the access token is not valid, has expired or was revoked";
const TOKEN_ELSEWHERE: &str = "the access token is for another resource";
const CLIENT_DISABLED: &str = "the client is disabled";
const NOT_BOUND: &str = "the client or the user is not bound to a workspace";
const WORKSPACE_DISABLED: &str = "the workspace is disabled";
const KEY_UNKNOWN: &str = "the API key is not valid or was revoked";
const KEY_INACTIVE: &str = "the API key is not active";
const KEY_EXPIRED: &str = "the API key has expired";
const OWNER_DISABLED: &str = "the user who owns the API key is disabled";
const OWNER_NOT_MEMBER: &str = "the owner of the API key is no longer in its workspace";
const NO_PRODUCT: &str = "the workspace's product is not served here";

/// Finds out whom a request acts as.
///
/// # Errors
/// When the database fails.
pub async fn authenticate(
    app: &App,
    presented: Presented,
) -> Result<Result<Principal, Refusal>, Fault> {
    let found = match &presented.credential {
        PresentedCredential::Token(token) => {
            by_token(app, resolve::access_token(app, token).await?)?
        }
        PresentedCredential::Key(raw) => by_key(app, raw).await?,
    };
    Ok(found.map(|principal| Principal { in_query: presented.in_query, ..principal }))
}

/// Counts one request of a principal against its limit: its product's, or the server's.
#[must_use]
pub fn count_request(app: &App, principal: &Principal) -> Count {
    let product = app.config.products.get(&principal.workspace.product);
    let limit = product
        .and_then(|product| product.rate_limit_per_minute)
        .unwrap_or(app.config.api.rate_limit_per_minute);
    app.limiter.requests.count(&principal.rate_key, limit, app.now())
}

fn by_token(app: &App, resolved: Resolved) -> Result<Result<Principal, Refusal>, Fault> {
    let forbidden = |reason| Ok(Err(Refusal::Forbidden(reason)));
    let record = match resolved {
        Resolved::Live(record) => *record,
        Resolved::Dead => return Ok(Err(Refusal::Unknown(TOKEN_DEAD))),
        Resolved::ClientDisabled => return forbidden(CLIENT_DISABLED),
        Resolved::NotBound => return forbidden(NOT_BOUND),
        Resolved::WorkspaceDisabled => return forbidden(WORKSPACE_DISABLED),
    };
    // RFC 8707 §2: a token that was asked for elsewhere is nothing here
    if resolve::audience_of(&record).is_some_and(|uri| !audience::is_this_server(app, uri)) {
        return Ok(Err(Refusal::Unknown(TOKEN_ELSEWHERE)));
    }
    let Some(workspace) = workspace_of(&record) else {
        return forbidden(NOT_BOUND);
    };
    if app.config.products.get(&workspace.product).is_none() {
        return forbidden(NO_PRODUCT);
    }
    token_principal(record, workspace).map(Ok)
}

fn token_principal(record: TokenRecord, workspace: Workspace) -> Result<Principal, Fault> {
    let scopes = resolve::scope_of(&record);
    let credential = Credential {
        kind: CredentialKind::AccessToken,
        id: record.family_id,
        name: None,
        client_id: Some(record.client_id.clone()),
        expires_at: Some(record.expires_at.0),
    };
    let (kind, rate_key) = match (record.user_id, record.grant_id) {
        (Some(id), Some(grant_id)) => {
            let username = record.username.unwrap_or_default();
            let name = record.user_name.unwrap_or_else(|| username.clone());
            (PrincipalKind::User { id, name, username }, Counted::Grant(grant_id))
        }
        (None, None) => {
            let client =
                PrincipalKind::Client { id: record.client_id.clone(), name: record.client_name };
            (client, Counted::Client(record.client_id))
        }
        _ => return Err(Fault::internal("a grant without its user")),
    };
    Ok(Principal {
        kind,
        workspace,
        environment: Environment::Live,
        credential,
        scopes,
        full_access: false,
        rate_key,
        in_query: false,
    })
}

fn workspace_of(record: &TokenRecord) -> Option<Workspace> {
    Some(Workspace {
        id: record.workspace_id?,
        slug: record.workspace_slug.clone()?,
        name: record.workspace_name.clone()?,
        product: record.product.clone()?,
        plan: record.plan.clone()?,
    })
}

async fn by_key(app: &App, raw: &RawKey) -> Result<Result<Principal, Refusal>, Fault> {
    let forbidden = |reason| Ok(Err(Refusal::Forbidden(reason)));
    let live = match verify::verify(app, raw).await? {
        Verdict::Live(live) => *live,
        Verdict::Unknown => return Ok(Err(Refusal::Unknown(KEY_UNKNOWN))),
        Verdict::Inactive => return forbidden(KEY_INACTIVE),
        Verdict::Expired => return forbidden(KEY_EXPIRED),
        Verdict::WorkspaceDisabled => return forbidden(WORKSPACE_DISABLED),
        Verdict::OwnerDisabled => return forbidden(OWNER_DISABLED),
        Verdict::OwnerNotMember => return forbidden(OWNER_NOT_MEMBER),
    };
    match app.config.products.get(&live.record.workspace.product) {
        Some(_) => key_principal(app, live).map(Ok),
        None => forbidden(NO_PRODUCT),
    }
}

fn key_principal(app: &App, live: LiveKey) -> Result<Principal, Fault> {
    let (scopes, full_access) = (verify::scope_of(app, &live), live.has_full_access());
    let LiveKey { record, .. } = live;
    let environment = match record.key.environment.as_str() {
        "live" => Environment::Live,
        "test" => Environment::Test,
        _ => return Err(Fault::internal("an API key of an unknown environment")),
    };
    let kind = match (record.user, record.service_account) {
        (Some(user), _) => PrincipalKind::User {
            id: user.id,
            name: user.name.unwrap_or_else(|| user.username.clone()),
            username: user.username,
        },
        (None, Some(account)) => {
            PrincipalKind::ServiceAccount { id: account.id, name: account.name }
        }
        (None, None) => return Err(Fault::internal("an API key without an owner")),
    };
    let workspace = Workspace {
        id: record.workspace.id,
        slug: record.workspace.slug,
        name: record.workspace.name,
        product: record.workspace.product,
        plan: record.workspace.plan,
    };
    Ok(Principal {
        kind,
        workspace,
        environment,
        credential: Credential {
            kind: CredentialKind::ApiKey,
            id: record.key.id,
            name: Some(record.key.name),
            client_id: None,
            expires_at: record.key.expires_at.map(|at| at.0),
        },
        scopes,
        full_access,
        rate_key: Counted::Key(record.key.id),
        in_query: false,
    })
}
