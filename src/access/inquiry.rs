//! What a credential is worth that did not come as the request's own: a gateway holds it and asks.
//! The answer is that of a request with it, but for credentials of other workspaces, of which
//! nobody learns whether they exist; and nothing is counted or noted as a use.

use std::sync::Arc;

use super::{Presented, Principal, Refusal, authenticate, presented, require_all};
use crate::{
    app::App,
    fault::Fault,
    tokens::{dpop::Problem, scopes::Scope},
};

/// Finds out whom a credential acts as, for `caller`, and whether it has all of `required`.
///
/// # Errors
/// When the database fails.
pub async fn inquire(
    app: &App,
    caller: &Principal,
    credential: &str,
    required: &Scope,
) -> Result<Result<Arc<Principal>, Refusal>, Fault> {
    let presented = match Presented::parse(&app.config.products, credential) {
        Ok(presented) => presented,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let found = authenticate(app, &presented).await?;
    let home = caller.workspace.id;
    Ok(match found {
        Ok(principal) if principal.workspace.id != home => Err(presented::unknown()),
        Err(Refusal::Forbidden { workspace_id, .. }) if workspace_id != Some(home) => {
            Err(presented::unknown())
        }
        // which kind of credential is unknown would tell those of others from made-up ones
        Err(Refusal::Unknown(_)) => Err(presented::unknown()),
        // whoever holds it has no proof of its owner's
        Ok(principal) if principal.bound_to.is_some() => Err(Refusal::Unproved(Problem::Bound)),
        Ok(principal) => require_all(&principal, required).map(|()| principal),
        Err(refusal) => Err(refusal),
    })
}
