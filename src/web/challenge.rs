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
    /// The headers for a request to `path`: one for every scheme that may be tried (RFC 6750 §3,
    /// RFC 9449 §7.1). The metadata that they name are those of what was asked for: clients use no
    /// others (RFC 9728 §3.3, §5.1).
    #[must_use]
    pub fn headers(&self, app: &App, path: &str) -> Vec<String> {
        let metadata = format!("resource_metadata=\"{}\"", resource::metadata_url(app, path));
        let algorithms = dpop::ALGORITHMS.map(Algorithm::name).join(" ");
        let why = match self {
            Self::Nothing => String::new(),
            Self::Unproved(problem) => {
                let code = problem.code();
                return vec![format!("DPoP {metadata}, error=\"{code}\", algs=\"{algorithms}\"")];
            }
            Self::InvalidToken => ", error=\"invalid_token\"".to_owned(),
            Self::InsufficientScope(scope) => {
                format!(", error=\"insufficient_scope\", scope=\"{scope}\"")
            }
            Self::InsufficientSignIn(demand) => {
                let demanded = demand.attributes();
                format!(", error=\"insufficient_user_authentication\"{demanded}")
            }
        };
        // a client that knows one scheme only reads the first
        vec![
            format!("Bearer {metadata}{why}"),
            format!("DPoP {metadata}{why}, algs=\"{algorithms}\""),
        ]
    }
}
