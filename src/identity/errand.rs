//! What somebody was about who has to do something else first: to sign up, or to choose a new password.

use serde::{Deserialize, Serialize};

/// Where somebody goes on, as the link of a letter carries it. Whoever reads it back looks at it like at
/// what anybody sends: a link may be followed in another browser, by somebody else, later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// The authorization request that waits in the browser, by its handle.
    #[serde(default)]
    pub request: Option<String>,
    /// A page of this server, by its path.
    #[serde(default)]
    pub next: Option<String>,
}
