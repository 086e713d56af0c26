//! What a credential is that was reported, and how it ends. It is looked for where requests are
//! answered, and ended by one conditional write: whoever has replaced it meanwhile keeps what is new.

use chrono::{DateTime, Utc};
use entity::{client, leak, registration_token, subscription};
use uuid::Uuid;

use super::Credential;
use crate::{
    app::App,
    audit::Target,
    clients::initial_tokens,
    config::{DEFAULT_PRODUCT, OnLeak},
    crypto::{
        digest,
        secret::{ClientSecret, Secret},
    },
    fault::Fault,
    identity::session,
    keys::verify,
    store::{
        self, Txn, api_keys::KeyRecord, browser_sessions::SessionRecord, token_records::TokenRecord,
    },
    tokens::logout::{self, Ending},
    workspaces,
};

/// A credential that works now, with what is needed to end it and to tell its owners.
pub(super) enum Found {
    /// A key, and whether it is the secret that it had before its last rotation.
    Key(Box<KeyRecord>, bool),
    Access(Box<TokenRecord>),
    Refresh(Box<TokenRecord>),
    Client(Box<client::Model>, Option<Home>, bool),
    Subscription(Box<subscription::Model>, bool),
    Registration(registration_token::Model),
    /// A client whose registration is managed with it.
    Management(Box<client::Model>, Option<Home>),
    Session(Box<SessionRecord>),
}

/// The workspace that a client is bound to.
pub(super) struct Home {
    pub(super) id: Uuid,
    pub(super) name: String,
    product: String,
}

impl Found {
    /// The credential as it stands; `None` if there is none, or if it opens nothing any more.
    pub(super) async fn find(app: &App, credential: &Credential) -> Result<Option<Self>, Fault> {
        let (db, now, sha256) = (app.store.read(), app.now(), credential.sha256());
        Ok(match credential {
            Credential::Key(_) => store::api_keys::find_record(db, &sha256)
                .await?
                .filter(|key| key.revoked_at.is_none())
                .filter(|key| verify::end_of(key, &sha256).is_none_or(|end| end > now))
                .map(|key| {
                    Self::Key(Box::new(key.clone()), !digest::equal(&key.key_sha256, &sha256))
                }),
            Credential::Access(_) => store::token_records::find_access(db, &sha256)
                .await?
                .filter(|token| token.expires_at.0 > now && token.family_revoked_at.is_none())
                .map(|token| Self::Access(Box::new(token))),
            Credential::Refresh(token) => {
                let Some(family_id) = app.secrets.deriver.family_of(token) else { return Ok(None) };
                // of those before only the last is known for certain, and it alone can still be retried
                let is_it = |known: &[u8]| digest::equal(known, &sha256);
                store::token_records::find_refresh(db, family_id)
                    .await?
                    .filter(|found| {
                        is_it(&found.refresh_sha256)
                            || found.parent_sha256.as_deref().is_some_and(is_it)
                    })
                    .filter(|found| {
                        found.ends_at.0 > now && found.token.family_revoked_at.is_none()
                    })
                    .map(|found| Self::Refresh(Box::new(found.token)))
            }
            Credential::Client(_) => client(app, &sha256, now).await?,
            Credential::Subscription(_) => {
                store::subscriptions::find_by_key(db, &sha256, now).await?.map(|row| {
                    Self::Subscription(
                        Box::new(row.clone()),
                        !digest::equal(&row.key_sha256, &sha256),
                    )
                })
            }
            Credential::Registration(_) => store::registration_tokens::find(db, sha256)
                .await?
                .filter(|token| token.revoked_at.is_none())
                .map(Self::Registration),
            Credential::Management(_) => match store::leaks::find_managed(db, &sha256).await? {
                Some(client) => {
                    let home = home(app, &client).await?;
                    Some(Self::Management(Box::new(client), home))
                }
                None => None,
            },
            Credential::Session(_) => store::browser_sessions::find(db, sha256, now)
                .await?
                .filter(session::stands)
                .map(|session| Self::Session(Box::new(session))),
        })
    }

    /// Whether a report ends it. Apps replace their tokens by themselves, or ask again, and people sign in again: those
    /// always end. What the configuration does not know any more ends, too.
    pub(super) fn is_to_end(&self, app: &App) -> bool {
        let product = match self {
            Self::Access(_) | Self::Refresh(_) | Self::Session(_) => return true,
            Self::Key(key, _) => key.product.as_str(),
            Self::Client(_, Some(home), _) | Self::Management(_, Some(home)) => {
                home.product.as_str()
            }
            Self::Client(_, None, _)
            | Self::Management(_, None)
            | Self::Subscription(..)
            | Self::Registration(_) => DEFAULT_PRODUCT,
        };
        let product = app.config.products.get(product);
        product.is_none_or(|product| product.on_leak == OnLeak::Revoke)
    }

    /// Ends it; `false` if somebody else just did, or replaced it.
    pub(super) async fn end(&self, app: &App, txn: &Txn, sha256: &[u8]) -> Result<bool, Fault> {
        let now = app.now();
        match self {
            Self::Key(key, is_previous) => {
                let place = (key.workspace_id, key.id);
                if *is_previous {
                    store::leaks::forget_previous_key(txn, place, sha256).await
                } else {
                    store::leaks::revoke_key(txn, place, sha256, now).await
                }
            }
            Self::Access(token) => {
                // a retry of its parent must not bring it back
                let (id, generation) = (token.family_id, token.generation);
                store::token_families::close_retry_window(txn, id, generation, now).await?;
                store::access_tokens::delete(txn, id, sha256).await
            }
            Self::Refresh(token) => store::token_families::revoke(txn, token.family_id, now).await,
            Self::Client(client, _, true) => {
                store::leaks::forget_previous_secret(txn, &client.id, sha256).await
            }
            Self::Client(client, ..) => {
                // a client without a secret would need none: it gets one that nobody knows
                let unknown = Secret::<ClientSecret>::random(&*app.random).sha256();
                store::clients::replace_secret(txn, client, (unknown, None)).await
            }
            Self::Subscription(row, true) => {
                store::leaks::forget_previous_subscription_key(txn, row.id, sha256).await
            }
            Self::Subscription(row, _) => {
                workspaces::replace_leaked_subscription_key(app, txn, row).await
            }
            Self::Registration(_) => store::registration_tokens::revoke(txn, sha256, now).await,
            Self::Management(client, _) => {
                store::leaks::forget_management(txn, &client.id, sha256).await
            }
            Self::Session(it) => {
                if !store::browser_sessions::delete(txn, sha256).await? {
                    return Ok(false);
                }
                logout::end(app, txn, it.user.id, Ending::One(it.session.id)).await?;
                Ok(true)
            }
        }
    }

    /// What it is, in words, with nothing secret in them.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Key(_, false) => "API key",
            Self::Key(_, true) => "secret of an API key from before its rotation",
            Self::Access(_) => "access token",
            Self::Refresh(_) => "refresh token",
            Self::Client(_, _, false) => "client secret",
            Self::Client(_, _, true) => "client secret from before its rotation",
            Self::Subscription(_, false) => "subscription key",
            Self::Subscription(_, true) => "subscription key from before its rotation",
            Self::Registration(_) => "registration token",
            Self::Management(..) => "token that manages a client's registration",
            Self::Session(_) => "session cookie",
        }
    }

    /// The workspace that the trail of events is of.
    pub(super) fn workspace_id(&self) -> Option<Uuid> {
        match self {
            Self::Key(key, _) => Some(key.workspace_id),
            Self::Access(token) | Self::Refresh(token) => token.workspace_id,
            Self::Client(_, home, _) | Self::Management(_, home) => {
                home.as_ref().map(|home| home.id)
            }
            Self::Subscription(..) | Self::Registration(_) | Self::Session(_) => None,
        }
    }

    /// Which one it is: its kind and its id.
    fn identity(&self) -> (&'static str, String) {
        match self {
            Self::Key(key, _) => ("api_key", key.id.to_string()),
            Self::Access(token) | Self::Refresh(token) => {
                ("token_family", token.family_id.to_string())
            }
            Self::Client(client, ..) | Self::Management(client, _) => ("client", client.id.clone()),
            Self::Subscription(row, _) => ("subscription", row.id.to_string()),
            Self::Registration(token) => ("registration_token", initial_tokens::id_of(token)),
            Self::Session(session) => ("user", session.user.id.to_string()),
        }
    }

    pub(super) fn target(&self) -> Target {
        let (kind, id) = self.identity();
        Target::new(kind, &id)
    }

    /// What is written down of the report.
    pub(super) fn leak(&self, sha256: Vec<u8>, now: DateTime<Utc>, is_ended: bool) -> leak::Model {
        let (kind, target_id) = self.identity();
        let reported_at = store::instant(now);
        leak::Model { sha256, kind: kind.to_owned(), target_id, reported_at, is_ended }
    }
}

async fn client(app: &App, sha256: &[u8], now: DateTime<Utc>) -> Result<Option<Found>, Fault> {
    let db = app.store.read();
    let Some(client) = store::leaks::find_client(db, sha256).await? else { return Ok(None) };
    let present = client.secret_sha256.as_deref();
    let is_previous = !present.is_some_and(|present| digest::equal(present, sha256));
    if is_previous && client.previous_secret_expires_at.is_none_or(|end| end.0 <= now) {
        return Ok(None);
    }
    let home = home(app, &client).await?;
    Ok(Some(Found::Client(Box::new(client), home, is_previous)))
}

async fn home(app: &App, client: &client::Model) -> Result<Option<Home>, Fault> {
    let Some(id) = client.workspace_id else { return Ok(None) };
    let workspace = store::workspaces::find(app.store.read(), id).await?;
    Ok(workspace.map(|it| Home { id: it.id, name: it.name, product: it.product }))
}
