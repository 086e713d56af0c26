//! What resources answer to whom they do not let in: `WWW-Authenticate`.

use entity::signing_key::Algorithm;

use super::resource;
use crate::{
    access::Demand,
    app::App,
    tokens::{
        dpop::{self, Problem},
        scopes::Scope,
    },
};

/// What `WWW-Authenticate` says (RFC 6750 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Nothing was presented: no error code (RFC 6750 §3.1).
    Nothing,
    /// What was presented is no live token (RFC 6750 §3.1).
    InvalidToken,
    /// It was not granted this (RFC 6750 §3.1).
    InsufficientScope(Scope),
    /// Possession is not proved (RFC 9449 §7.1).
    Unproved(Problem),
    /// The user has not signed in so lately or so strongly (RFC 9470 §3).
    InsufficientSignIn(Demand),
}

impl Challenge {
    /// The header for a request to `path` (RFC 6750 §3, RFC 9728 §5.1). The metadata that it names are
    /// those of what was asked for: clients use no others (RFC 9728 §3.3).
    #[must_use]
    pub fn header(&self, app: &App, path: &str) -> String {
        let metadata = format!("resource_metadata=\"{}\"", resource::metadata_url(app, path));
        if let Self::Unproved(problem) = self {
            let algorithms = dpop::ALGORITHMS.map(Algorithm::name).join(" ");
            return format!("DPoP {metadata}, error=\"{}\", algs=\"{algorithms}\"", problem.code());
        }
        let metadata = format!("Bearer {metadata}");
        match self {
            Self::Nothing | Self::Unproved(_) => metadata,
            Self::InvalidToken => format!("{metadata}, error=\"invalid_token\""),
            Self::InsufficientScope(scope) => {
                format!("{metadata}, error=\"insufficient_scope\", scope=\"{scope}\"")
            }
            Self::InsufficientSignIn(demand) => {
                let demanded = demand.attributes();
                format!("{metadata}, error=\"insufficient_user_authentication\"{demanded}")
            }
        }
    }
}
