//! From a credential to whom the request acts as, and what that still is worth (contract §4):
//! 1. it is known, unrevoked and, if an access token, for this server; else 401;
//! 2. it is active and unexpired, and its client, workspace and owner live and belong together;
//!    else 403.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use super::{
    Account, Credential, CredentialKind, Presented, Principal, PrincipalKind, Refusal, UserSignIn,
    Workspace, presented::PresentedCredential,
};
use crate::{
    app::App,
    cache::{Known, Subject},
    config::Environment,
    crypto::{
        digest,
        secret::{AccessToken, Secret},
    },
    fault::Fault,
    keys::{
        RawKey,
        verify::{self, Bar, Verdict},
    },
    limiter::{Count, Counted},
    store::{api_keys::KeyRecord, token_records::TokenRecord},
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

/// Finds out whom a request acts as: from memory, where that is still true.
///
/// # Errors
/// When the database fails.
pub async fn authenticate(
    app: &App,
    presented: &Presented,
) -> Result<Result<Arc<Principal>, Refusal>, Fault> {
    let (now, digest) = (app.now(), presented.sha256());
    if let Some(principal) = app.cache.find::<Principal>(&digest, now) {
        return Ok(Ok(principal));
    }
    if app.cache.is_unknown(&digest, now) {
        return Ok(Err(presented.unknown()));
    }
    let begun = app.cache.begin();
    let found = match &presented.credential {
        PresentedCredential::Token(token) => by_token(app, token).await?,
        PresentedCredential::Key(raw) => by_key(app, raw).await?,
    };
    Ok(match found {
        Ok(Found { principal, subjects, ends_at }) => {
            let principal = Arc::new(principal);
            let known = Known { begun, subjects: &subjects, ends_at };
            app.cache.keep(digest, Arc::clone(&principal), known, now);
            Ok(principal)
        }
        Err(refusal) => {
            if let Refusal::Unknown(TOKEN_DEAD | KEY_UNKNOWN) = refusal {
                app.cache.keep_unknown(digest, now);
            }
            Err(refusal)
        }
    })
}

/// A principal, and how long it is this one.
struct Found {
    principal: Principal,
    subjects: Vec<Subject>,
    ends_at: Option<DateTime<Utc>>,
}

impl Presented {
    /// The refusal of a credential that is nobody's.
    fn unknown(&self) -> Refusal {
        Refusal::Unknown(match self.credential {
            PresentedCredential::Token(_) => TOKEN_DEAD,
            PresentedCredential::Key(_) => KEY_UNKNOWN,
        })
    }
}

/// Counts one request against its limit, and as a use of its credential if it is within the limit.
#[must_use]
pub fn count_use(app: &App, account: &Account) -> Count {
    app.limiter.requests.count_use(&account.counted, limit_of(app, account), app.now())
}

/// Counts one request against its limit whose credential is known and refused.
#[must_use]
pub fn count_refused(app: &App, account: &Account) -> Count {
    app.limiter.requests.count(&account.counted, limit_of(app, account), app.now())
}

/// Requests a minute: the product's limit, or the server's.
fn limit_of(app: &App, account: &Account) -> u32 {
    let product = account.product.as_deref().and_then(|name| app.config.products.get(name));
    product
        .and_then(|product| product.rate_limit_per_minute)
        .unwrap_or(app.config.api.rate_limit_per_minute)
}

async fn by_token(app: &App, token: &Secret<AccessToken>) -> Result<Result<Found, Refusal>, Fault> {
    let barred = |reason, record: &TokenRecord| Ok(Err(forbidden_token(reason, record)));
    let record = match resolve::access_token(app, token).await? {
        Resolved::Live(record) => *record,
        Resolved::Dead => return Ok(Err(Refusal::Unknown(TOKEN_DEAD))),
        // known, and not to be used now: such requests count all the same
        Resolved::ClientDisabled(record) => return barred(CLIENT_DISABLED, &record),
        Resolved::NotBound(record) => return barred(NOT_BOUND, &record),
        Resolved::WorkspaceDisabled(record) => return barred(WORKSPACE_DISABLED, &record),
    };
    // RFC 8707 §2: a token that was asked for elsewhere is nothing here
    if resolve::audience_of(&record).is_some_and(|uri| !audience::is_this_server(app, uri)) {
        return Ok(Err(Refusal::Unknown(TOKEN_ELSEWHERE)));
    }
    let Some(workspace) = workspace_of(&record) else {
        return Ok(Err(forbidden_token(NOT_BOUND, &record)));
    };
    if app.config.products.get(&workspace.product).is_none() {
        return Ok(Err(forbidden_token(NO_PRODUCT, &record)));
    }
    let (account, subjects) = (account_of(&record), resolve::subjects_of(&record));
    let ends_at = Some(record.expires_at.0);
    let principal = token_principal(record, workspace, account)?;
    Ok(Ok(Found { principal, subjects, ends_at }))
}

fn forbidden_token(reason: &'static str, record: &TokenRecord) -> Refusal {
    let workspace_id = record.workspace_id;
    Refusal::Forbidden { reason, account: account_of(record), workspace_id }
}

pub(super) fn account_of(record: &TokenRecord) -> Account {
    Account {
        counted: match record.grant_id {
            Some(id) => Counted::Grant(id),
            None => Counted::Client(record.client_id.clone()),
        },
        product: record.product.clone(),
    }
}

/// A family as API callers know it: ids are UUIDs there, and its number stays in this house.
fn id_of_family(number: i64) -> Uuid {
    let digest = digest::sha256_array(format!("token family {number}").as_bytes());
    let (bytes, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
    Builder::from_custom_bytes(*bytes).into_uuid()
}

fn token_principal(
    record: TokenRecord,
    workspace: Workspace,
    account: Account,
) -> Result<Principal, Fault> {
    let scopes = resolve::scope_of(&record);
    let bound_to = record.jkt.clone();
    let credential = Credential {
        kind: CredentialKind::AccessToken,
        id: id_of_family(record.family_id),
        name: None,
        client_id: Some(record.client_id.clone()),
        expires_at: Some(record.expires_at.0),
    };
    let amr = record.terms.as_ref().and_then(|terms| terms.amr.clone()).unwrap_or_default();
    let signed_in_at = record.authenticated_at.filter(|_| record.user_id.is_some());
    let sign_in = signed_in_at.map(|at| UserSignIn { at: at.0, amr });
    let kind = match record.user_id {
        Some(id) => {
            let username = record.username.unwrap_or_default();
            let name = record.user_name.unwrap_or_else(|| username.clone());
            PrincipalKind::User { id, name, username }
        }
        None if record.grant_id.is_none() => {
            PrincipalKind::Client { id: record.client_id, name: record.client_name }
        }
        None => return Err(Fault::internal("a grant without its user")),
    };
    Ok(Principal {
        kind,
        workspace,
        environment: Environment::Live,
        credential,
        scopes,
        full_access: false,
        account,
        bound_to,
        sign_in,
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

async fn by_key(app: &App, raw: &RawKey) -> Result<Result<Found, Refusal>, Fault> {
    let barred = |reason, record: &KeyRecord| {
        let workspace_id = Some(record.workspace_id);
        Ok(Err(Refusal::Forbidden { reason, account: account_of_key(record), workspace_id }))
    };
    match verify::verify(app, raw).await? {
        Verdict::Unknown => Ok(Err(Refusal::Unknown(KEY_UNKNOWN))),
        Verdict::Barred(bar, record) => barred(reason_of(bar), &record),
        Verdict::Live(record) => match app.config.products.get(&record.product) {
            Some(_) => {
                let subjects = verify::subjects_of(&record);
                let ends_at = verify::end_of(&record, &raw.sha256());
                Ok(Ok(Found { principal: key_principal(app, *record)?, subjects, ends_at }))
            }
            None => barred(NO_PRODUCT, &record),
        },
    }
}

fn account_of_key(record: &KeyRecord) -> Account {
    Account { counted: Counted::Key(record.id), product: Some(record.product.clone()) }
}

fn reason_of(bar: Bar) -> &'static str {
    match bar {
        Bar::Inactive => KEY_INACTIVE,
        Bar::Expired => KEY_EXPIRED,
        Bar::WorkspaceDisabled => WORKSPACE_DISABLED,
        Bar::OwnerDisabled => OWNER_DISABLED,
        Bar::OwnerNotMember => OWNER_NOT_MEMBER,
    }
}

fn key_principal(app: &App, record: KeyRecord) -> Result<Principal, Fault> {
    let (scopes, full_access) = (verify::scope_of(app, &record), record.has_full_access());
    let account = account_of_key(&record);
    let environment = match record.environment.as_str() {
        "live" => Environment::Live,
        "test" => Environment::Test,
        _ => return Err(Fault::internal("an API key of an unknown environment")),
    };
    let kind = match (record.user_id, record.service_account_id) {
        (Some(id), _) => {
            let username = record.username.unwrap_or_default();
            let name = record.user_name.unwrap_or_else(|| username.clone());
            PrincipalKind::User { id, name, username }
        }
        (None, Some(id)) => {
            let name = record.service_account_name.unwrap_or_default();
            PrincipalKind::ServiceAccount { id, name }
        }
        (None, None) => return Err(Fault::internal("an API key without an owner")),
    };
    let workspace = Workspace {
        id: record.workspace_id,
        slug: record.workspace_slug,
        name: record.workspace_name,
        product: record.product,
        plan: record.plan,
    };
    Ok(Principal {
        kind,
        workspace,
        environment,
        credential: Credential {
            kind: CredentialKind::ApiKey,
            id: record.id,
            name: Some(record.name),
            client_id: None,
            expires_at: record.expires_at.map(|at| at.0),
        },
        scopes,
        full_access,
        account,
        bound_to: None,
        sign_in: None,
    })
}
