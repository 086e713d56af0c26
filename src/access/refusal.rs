//! Why a request may not go on.

use uuid::Uuid;

use super::{Account, step_up::Demand};
use crate::tokens::{dpop::Problem, scopes::Scope};

/// A request that is refused before it reaches what it asked for. Texts are constants and never
/// quote the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no credential.
    Missing,
    /// A header that should hold a credential does not have its form.
    Malformed(&'static str),
    /// Two different credentials: nobody can tell which one is meant.
    TwoCredentials,
    /// The credential is not, or no longer, one of this server's, or came by a way it may not take.
    Unknown(&'static str),
    /// The network has shown too many credentials that are nobody's, and this one was not looked at.
    TooManyUnknown {
        /// Seconds until it may show one again that is not known by heart.
        retry_after_secs: u64,
    },
    /// The credential is an access token whose possession is not proved (RFC 9449 §7).
    Unproved(Problem),
    /// The credential is known and must not be used now.
    Forbidden {
        /// Why.
        reason: &'static str,
        /// What its requests are counted under all the same.
        account: Account,
        /// The workspace it belongs to, if to any.
        workspace_id: Option<Uuid>,
    },
    /// Scope tokens the credential does not have.
    MissingScope {
        /// All that the request needs.
        required: Scope,
        /// Those of them that are missing.
        missing: Scope,
    },
    /// The credential has the permission, but not for this.
    Confined {
        /// All that the request needs.
        required: Scope,
        /// The permission.
        permission: String,
        /// What the credential has it for, and the limit that is not met by name.
        limits: String,
    },
    /// The user behind the credential has signed in too long ago or not strongly enough, or there is none
    /// (RFC 9470).
    InsufficientSignIn(Demand),
}
