//! Whether a principal may do what it asks for.

use super::{Principal, Refusal};
use crate::tokens::scopes::Scope;

/// Demands one scope token; full access has every one.
///
/// # Errors
/// [`Refusal::MissingScope`], which names it.
pub fn require(principal: &Principal, scope: &str) -> Result<(), Refusal> {
    require_all(principal, &Scope::from_iter([scope.to_owned()]))
}

/// Demands every scope token of a set.
///
/// # Errors
/// [`Refusal::MissingScope`], which names those that are missing.
pub fn require_all(principal: &Principal, required: &Scope) -> Result<(), Refusal> {
    if principal.full_access || required.is_within(&principal.scopes) {
        return Ok(());
    }
    let missing = required.iter().filter(|token| !principal.scopes.contains(token));
    Err(Refusal::MissingScope {
        missing: missing.map(str::to_owned).collect(),
        required: required.clone(),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        access::{Account, Credential, CredentialKind, PrincipalKind, Workspace},
        config::Environment,
        limiter::Counted,
    };

    fn principal(scope: &str, full_access: bool) -> Principal {
        let id = Uuid::nil();
        Principal {
            kind: PrincipalKind::ServiceAccount { id, name: "ci".to_owned() },
            workspace: Workspace {
                id,
                slug: "acme".to_owned(),
                name: "Acme".to_owned(),
                product: "default".to_owned(),
                plan: "free".to_owned(),
            },
            environment: Environment::Live,
            credential: Credential {
                kind: CredentialKind::ApiKey,
                id,
                name: None,
                client_id: None,
                expires_at: None,
            },
            scopes: Scope::stored(scope),
            full_access,
            account: Account { counted: Counted::Key(id), product: None },
            in_query: false,
        }
    }

    #[test]
    fn every_scope_that_is_missing_is_named() {
        let principal = principal("a:read b:read", false);
        let all = |scope| require_all(&principal, &Scope::stored(scope));

        assert_eq!(require(&principal, "a:read"), Ok(()));
        assert_eq!(all(""), Ok(()));
        assert_eq!(all("a:read b:read"), Ok(()));
        assert_eq!(
            all("a:read b:write c:read"),
            Err(Refusal::MissingScope {
                required: Scope::stored("a:read b:write c:read"),
                missing: Scope::stored("b:write c:read"),
            })
        );
        assert!(require(&principal, "a").is_err());
    }

    #[test]
    fn no_scopes_mean_nothing_and_only_the_flag_means_everything() {
        assert!(require(&principal("", false), "a:read").is_err());
        assert_eq!(require(&principal("", true), "a:read"), Ok(()));
    }
}
