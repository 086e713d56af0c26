//! Keys that another server has made: only their SHA-256 comes here, so that a product moves without
//! reissuing them. All of a file is stored, or nothing.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{api_key, member::Role, workspace};
use uuid::Uuid;

use super::{
    format::{SHOWN_AT_END, SHOWN_AT_START},
    manage::home,
    rules, scope_list,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::{EmptyScopes, KeyFormat, Product},
    fault::{Fault, FieldError},
    store::{self, Txn},
    tokens::scopes::Scope,
    workspaces,
};

/// More than any product has; one transaction holds them all.
pub const MAX_KEYS: usize = 100_000;
/// Owns keys for which nobody is named.
const IMPORTED: &str = "imported";
const SHA256_BYTES: usize = 32;

/// A key as another server knew it.
#[derive(Clone, Debug, Default)]
pub struct ImportedKey {
    /// The line it comes from, from 1.
    pub line: u64,
    /// Its SHA-256.
    pub sha256: Vec<u8>,
    /// What people call it.
    pub name: String,
    /// Its displayable start: one of the product's prefixes and up to 4 characters.
    pub prefix: String,
    /// Its last 4 characters.
    pub last4: String,
    /// What it may do; empty means what the product's `empty_scopes` says.
    pub scopes: Scope,
    /// The username of the member who owns it, or the name of a service account, which is made if
    /// there is none.
    pub owner: Option<String>,
    /// When it ends by itself; it may have ended.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made; now, if nobody knows.
    pub created_at: Option<DateTime<Utc>>,
}

/// How an import went.
#[derive(Debug)]
pub enum Import {
    /// Every key is stored; how many that were.
    Done(usize),
    /// What is wrong with each bad line, by number; nothing is stored.
    Invalid(BTreeMap<u64, Vec<FieldError>>),
}

/// Stores keys that exist elsewhere. The plan's limit does not stop an operator; where it is
/// exceeded, no further key can be made until enough are deleted (Subworkflow).
///
/// # Errors
/// When the database fails, or the workspace cannot have keys.
pub async fn import(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    keys: Vec<ImportedKey>,
) -> Result<Result<Import, FieldError>, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    store::api_keys::lock_workspace(&txn, workspace_id).await?;
    let (workspace, product) = match home(app, &txn, workspace_id).await? {
        Ok(home) => home,
        Err(error) => return Ok(Err(error)),
    };
    let mut problems = problems(product, &keys);
    mark_taken(&txn, &keys, &mut problems).await?;
    let room = Room { app, txn: &txn, actor: &actor, workspace: &workspace, product };
    let mut rows = Vec::with_capacity(keys.len());
    for key in &keys {
        match room.row(key, now).await? {
            Ok(row) => rows.push(row),
            Err(error) => problems.entry(key.line).or_default().push(error),
        }
    }
    if !problems.is_empty() {
        return Ok(Ok(Import::Invalid(problems)));
    }
    for row in rows {
        let event = Event::new("api_key.import", actor.clone(), Target::new("api_key", row.id))
            .in_workspace(workspace_id);
        store::api_keys::insert(&txn, row).await?;
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(Ok(Import::Done(keys.len())))
}

/// What can be said of each line by itself.
fn problems(product: &Product, keys: &[ImportedKey]) -> BTreeMap<u64, Vec<FieldError>> {
    let mut problems: BTreeMap<u64, Vec<FieldError>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for key in keys {
        let mut refuse = |field: &'static str, message: String| {
            problems.entry(key.line).or_default().push(FieldError::new(field, message));
        };
        if key.sha256.len() != SHA256_BYTES {
            refuse("sha256", "must be a SHA-256".to_owned());
        } else if !seen.insert(&key.sha256) {
            refuse("sha256", "is in the file twice".to_owned());
        }
        if let Some(problem) = rules::name(&key.name) {
            refuse("name", problem.to_owned());
        }
        if format_of(product, &key.prefix).is_none() {
            let prefixes: Vec<_> =
                product.key_formats.iter().map(|format| format.prefix.as_str()).collect();
            let prefixes = prefixes.join(" or ");
            refuse("prefix", format!("must be {prefixes} and at most 4 characters of the key"));
        }
        let is_short = |text: &str| text.len() == SHOWN_AT_END && is_shown(text);
        if !is_short(&key.last4) {
            refuse("last4", "must be the last 4 characters of the key".to_owned());
        }
        let unknown = rules::unknown(product, &key.scopes);
        if !unknown.is_empty() {
            refuse("scopes", format!("not offered by this workspace's product: {unknown}"));
        } else if key.scopes.is_empty() && product.empty_scopes == EmptyScopes::Reject {
            refuse("scopes", "at least one is required".to_owned());
        }
    }
    problems
}

/// The format whose prefix a displayable start has.
fn format_of<'a>(product: &'a Product, start: &str) -> Option<&'a KeyFormat> {
    product.key_formats.iter().find(|format| {
        let rest = start.strip_prefix(format.prefix.as_str());
        rest.is_some_and(|rest| rest.len() <= SHOWN_AT_START && is_shown(rest))
    })
}

fn is_shown(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

async fn mark_taken(
    txn: &Txn,
    keys: &[ImportedKey],
    problems: &mut BTreeMap<u64, Vec<FieldError>>,
) -> Result<(), Fault> {
    let digests: Vec<_> = keys.iter().map(|key| key.sha256.clone()).collect();
    let taken: HashSet<_> = store::api_keys::list_taken(txn, &digests).await?.into_iter().collect();
    for key in keys.iter().filter(|key| taken.contains(&key.sha256)) {
        let problem = FieldError::new("sha256", "is a key of this server already");
        problems.entry(key.line).or_default().push(problem);
    }
    Ok(())
}

struct Room<'a> {
    app: &'a App,
    txn: &'a Txn,
    actor: &'a Actor,
    workspace: &'a workspace::Model,
    product: &'a Product,
}

impl Room<'_> {
    async fn row(
        &self,
        key: &ImportedKey,
        now: DateTime<Utc>,
    ) -> Result<Result<api_key::Model, FieldError>, Fault> {
        let (owner_user_id, service_account_id) = match self.owner(key).await? {
            Ok(owner) => owner,
            Err(error) => return Ok(Err(error)),
        };
        // a line without a known prefix has been refused
        let environment = format_of(self.product, &key.prefix)
            .map_or_else(String::new, |format| format.environment.as_str().to_owned());
        Ok(Ok(api_key::Model {
            id: self.app.random.uuid(now),
            workspace_id: self.workspace.id,
            name: key.name.trim().to_owned(),
            key_sha256: key.sha256.clone(),
            prefix: key.prefix.clone(),
            last4: key.last4.clone(),
            environment,
            owner_user_id,
            service_account_id,
            created_by: None,
            scopes: scope_list::list_of(&key.scopes, &*self.app.random, now),
            full_access: key.scopes.is_empty(),
            is_active: true,
            created_at: store::instant(key.created_at.unwrap_or(now)),
            expires_at: key.expires_at.map(store::instant),
            last_used_at: None,
            uses: 0,
            revoked_at: None,
            exposed_at: None,
            previous_sha256: None,
            previous_expires_at: None,
            warned_at: None,
        }))
    }

    /// A name with an `@` is a member's username, any other one a service account's.
    async fn owner(
        &self,
        key: &ImportedKey,
    ) -> Result<Result<(Option<Uuid>, Option<Uuid>), FieldError>, Fault> {
        let name = key.owner.as_deref().unwrap_or(IMPORTED).trim();
        if !name.contains('@') {
            if let Some(problem) = rules::name(name) {
                return Ok(Err(FieldError::new("owner", problem)));
            }
            let place = (self.workspace.id, name);
            let account =
                workspaces::find_or_add_service_account(self.app, self.txn, self.actor, place);
            return Ok(Ok((None, Some(account.await?.id))));
        }
        let refused = |message: &str| Ok(Err(FieldError::new("owner", message)));
        let Some(user) = store::users::find_by_username(self.txn, name).await? else {
            return refused("is not known");
        };
        match store::members::find(self.txn, self.workspace.id, user.id).await? {
            None => refused("is not a member of this workspace"),
            Some(member) if member.role == Role::Member && key.scopes.is_empty() => {
                refused("may not have full access, as a mere member")
            }
            Some(_) => Ok(Ok((Some(user.id), None))),
        }
    }
}
