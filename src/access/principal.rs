//! Who a request acts as: the same shape for every kind of credential.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::UserSignIn;
use crate::{audit::Actor, config::Environment, limiter::Counted, tokens::scopes::Scope};

/// Who a request acts as.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who acts.
    pub kind: PrincipalKind,
    /// The workspace every read and write is confined to.
    pub workspace: Workspace,
    /// Which data is seen; access tokens see `live`.
    pub environment: Environment,
    /// What the request came with.
    pub credential: Credential,
    /// What it may do now, roles taken into account.
    pub scopes: Scope,
    /// Whether it may do everything its product offers.
    pub full_access: bool,
    /// What its requests are counted under.
    pub account: Account,
    /// The key that its access token is bound to: a thumbprint (RFC 9449 §6).
    pub bound_to: Option<Vec<u8>>,
    /// When and how strongly the user behind an access token has signed in.
    pub sign_in: Option<UserSignIn>,
}

impl Principal {
    /// Who is written down as having done what it does.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match (&self.kind, self.credential.kind) {
            (_, CredentialKind::ApiKey) => Actor::Key(self.credential.id),
            (PrincipalKind::User { id, .. }, _) => Actor::User(*id),
            (PrincipalKind::Client { id, .. }, _) => Actor::Client(id.clone()),
            (PrincipalKind::ServiceAccount { id, .. }, _) => Actor::Client(id.to_string()),
        }
    }
}

/// What requests are counted under, and whose limit holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The key, the grant, or the client.
    pub counted: Counted,
    /// The product whose limit holds, if it has one of its own.
    pub product: Option<String>,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person, through a client or a key.
    User {
        /// The user's id.
        id: Uuid,
        /// The user's name, or the username where there is none.
        name: String,
        /// The canonical username.
        username: String,
    },
    /// A workspace's non-human owner of keys.
    ServiceAccount {
        /// Its id.
        id: Uuid,
        /// Its name.
        name: String,
    },
    /// A client, for itself (RFC 6749 §4.4).
    Client {
        /// The `client_id`.
        id: String,
        /// Its name.
        name: String,
    },
}

/// The workspace of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: Uuid,
    /// Its name in paths.
    pub slug: String,
    /// Its name on pages.
    pub name: String,
    /// Its product, one of the configuration's.
    pub product: String,
    /// Its plan.
    pub plan: String,
}

/// What a request came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its kind.
    pub kind: CredentialKind,
    /// The key's id, or that of the token family an access token comes from.
    pub id: Uuid,
    /// A key's name.
    pub name: Option<String>,
    /// The client an access token was issued to.
    pub client_id: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The kinds of credential the API takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// An access token (RFC 6749 §1.4).
    AccessToken,
    /// An API key.
    ApiKey,
}

impl PrincipalKind {
    /// The id, whatever its kind.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::User { id, .. } | Self::ServiceAccount { id, .. } => id.to_string(),
            Self::Client { id, .. } => id.clone(),
        }
    }

    /// The name, whatever its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User { name, .. }
            | Self::ServiceAccount { name, .. }
            | Self::Client { name, .. } => name,
        }
    }

    /// A user's canonical username.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::User { username, .. } => Some(username),
            _ => None,
        }
    }
}
