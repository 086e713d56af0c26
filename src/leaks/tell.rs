//! Letters to those whose credential has leaked.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::found::Found;
use crate::{
    app::App,
    fault::Fault,
    mail::{LeakedKind, LetterKind},
    outbox,
    store::{self, Txn},
    workspaces,
};

/// The people who run a workspace, an enterprise or this server who are told.
const MAX_RECIPIENTS: u64 = 20;

/// Tells those whose it is, and those who run what it belongs to.
pub(super) async fn owners(
    app: &App,
    txn: &Txn,
    found: &Found,
    (place, is_ended): (Option<&str>, bool),
) -> Result<(), Fault> {
    let (leaked, name, workspace_name) = names(txn, found).await?;
    let letter = LetterKind::Leaked {
        leaked,
        name,
        workspace_name,
        place: place.map(str::to_owned),
        is_ended,
        at: app.now(),
    };
    for email in recipients(txn, found).await? {
        outbox::queue(app, txn, &email, &letter).await?;
    }
    Ok(())
}

/// What kind of thing has leaked, what it is called, and the workspace that it is of.
async fn names(txn: &Txn, found: &Found) -> Result<(LeakedKind, String, Option<String>), Fault> {
    Ok(match found {
        Found::Key(key, _) => {
            let kind = LeakedKind::Key { slug: key.workspace_slug.clone() };
            (kind, key.name.clone(), Some(key.workspace_name.clone()))
        }
        Found::Access(token) => {
            let name = token.client_name.clone();
            (LeakedKind::AccessToken, name, token.workspace_name.clone())
        }
        Found::Refresh(token) => {
            let name = token.client_name.clone();
            (LeakedKind::RefreshToken, name, token.workspace_name.clone())
        }
        Found::Client(client, home, _) => {
            let workspace = home.as_ref().map(|home| home.name.clone());
            (LeakedKind::ClientSecret, client.name.clone(), workspace)
        }
        Found::Subscription(row, is_previous) => {
            let account = workspaces::account_of(row);
            let name = workspaces::addressees(txn, account).await?.map(|(name, _)| name);
            let kind = LeakedKind::SubscriptionKey { is_replaced: !is_previous };
            (kind, name.unwrap_or_default(), None)
        }
        Found::Registration(token) => (LeakedKind::RegistrationToken, token.note.clone(), None),
        Found::Management(client, home) => {
            let workspace = home.as_ref().map(|home| home.name.clone());
            (LeakedKind::ManagementToken, client.name.clone(), workspace)
        }
        Found::Session(session) => (LeakedKind::Session, session.user.username.clone(), None),
    })
}

/// To whom the letter goes: each once.
async fn recipients(txn: &Txn, found: &Found) -> Result<BTreeSet<String>, Fault> {
    let mut emails = BTreeSet::new();
    match found {
        Found::Key(key, _) => {
            // who has left or is disabled has no business here any more
            if key.role.is_some() && key.user_disabled_at.is_none() {
                emails.extend(email(txn, key.user_id).await?);
            }
            emails.extend(administrators(txn, key.workspace_id).await?);
        }
        Found::Access(token) | Found::Refresh(token) => match (token.user_id, token.workspace_id) {
            (Some(_), _) if token.user_disabled_at.is_none() => {
                emails.extend(email(txn, token.user_id).await?);
            }
            (None, Some(workspace_id)) => emails.extend(administrators(txn, workspace_id).await?),
            _ => {}
        },
        Found::Client(client, ..) | Found::Management(client, _) => {
            if let Some(workspace_id) = client.workspace_id {
                emails.extend(administrators(txn, workspace_id).await?);
            }
            if let Some(enterprise_id) = client.enterprise_id {
                let owners = store::users::list_owners(txn, enterprise_id, MAX_RECIPIENTS).await?;
                emails.extend(owners.into_iter().map(|owner| owner.email));
            }
            emails.extend(operators(txn).await?);
        }
        Found::Subscription(row, _) => {
            let account = workspaces::account_of(row);
            let found = workspaces::addressees(txn, account).await?;
            emails.extend(found.into_iter().flat_map(|(_, emails)| emails));
        }
        Found::Registration(_) => emails.extend(operators(txn).await?),
        Found::Session(session) => emails.extend([session.user.email.clone()]),
    }
    Ok(emails)
}

async fn email(txn: &Txn, user_id: Option<Uuid>) -> Result<Option<String>, Fault> {
    let Some(user_id) = user_id else { return Ok(None) };
    Ok(store::users::find(txn, user_id).await?.map(|user| user.email))
}

async fn administrators(txn: &Txn, workspace_id: Uuid) -> Result<Vec<String>, Fault> {
    let found = store::members::list_administrators(txn, workspace_id, MAX_RECIPIENTS).await?;
    Ok(found.into_iter().map(|user| user.email).collect())
}

async fn operators(txn: &Txn) -> Result<Vec<String>, Fault> {
    let found = store::administrators::list_enabled(txn, MAX_RECIPIENTS).await?;
    Ok(found.into_iter().map(|user| user.email).collect())
}
