//! Whether a principal may do what it asks for.

use super::{Principal, Refusal};
use crate::tokens::{
    permission::{self, Resource},
    scopes::Scope,
};

/// Demands every scope token of a set. A permission that is confined to something is not enough for
/// a token that is not: a route that knows what it is about asks [`require_for`].
///
/// # Errors
/// [`Refusal::MissingScope`], which names those that are missing; [`Refusal::Confined`], which names
/// the limit, where nothing is missing but width.
pub fn require_all(principal: &Principal, required: &Scope) -> Result<(), Refusal> {
    if principal.full_access || required.is_within(&principal.scopes) {
        return Ok(());
    }
    let missing: Scope = required
        .iter()
        .filter(|token| !principal.scopes.covers(token))
        .map(str::to_owned)
        .collect();
    let confined = missing.iter().map(|token| confined(principal, token, required, None));
    if let Some(Some(refusal)) = confined.reduce(std::option::Option::and) {
        return Err(refusal);
    }
    Err(Refusal::MissingScope { required: required.clone(), missing })
}

/// Demands one permission for one thing: without limits, or within limits that the thing meets, or
/// what it is part of. `about` is the thing first, then what it is part of.
///
/// # Errors
/// [`Refusal::MissingScope`], which names the permission; [`Refusal::Confined`], which names the
/// limit.
pub fn require_for(
    principal: &Principal,
    scope: &str,
    about: &[Resource<'_>],
) -> Result<(), Refusal> {
    let is_met = || {
        let mut held = principal.scopes.permissions(scope);
        held.any(|held| about.iter().any(|it| held.limits.unmet(it).is_none()))
    };
    if principal.full_access || is_met() {
        return Ok(());
    }
    let required = Scope::from_iter([scope.to_owned()]);
    Err(confined(principal, scope, &required, about.first())
        .unwrap_or(Refusal::MissingScope { missing: required.clone(), required }))
}

/// Demands that a permission is there, for something at least: the first look of a route that asks
/// [`require_for`] once it knows what the request is about.
///
/// # Errors
/// [`Refusal::MissingScope`], which names it.
pub fn require_somewhere(principal: &Principal, scope: &str) -> Result<(), Refusal> {
    if principal.full_access || principal.scopes.permissions(scope).next().is_some() {
        return Ok(());
    }
    let required = Scope::from_iter([scope.to_owned()]);
    Err(Refusal::MissingScope { missing: required.clone(), required })
}

/// The refusal of who has the permission of a scope token, but not so widely; `None` if it is not
/// there at all.
fn confined(
    principal: &Principal,
    token: &str,
    required: &Scope,
    resource: Option<&Resource<'_>>,
) -> Option<Refusal> {
    let name = permission::name_of(token);
    let held: Vec<_> = principal.scopes.permissions(name).collect();
    let first = held.first()?;
    let unmet = resource.and_then(|resource| first.limits.unmet(resource));
    let limits: Vec<_> =
        held.iter().filter_map(|held| permission::limits_of(&held.to_string())).collect();
    let limits = limits.join("; or ");
    Some(Refusal::Confined {
        required: required.clone(),
        permission: name.to_owned(),
        limits: match unmet {
            Some(unmet) => format!("{limits} ({unmet} is another one here, or none)"),
            None => limits,
        },
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
            bound_to: None,
            account: Account { counted: Counted::Key(id), product: None },
            sign_in: None,
        }
    }

    #[test]
    fn every_scope_that_is_missing_is_named() {
        let principal = principal("a:read b:read", false);
        let all = |scope| require_all(&principal, &Scope::stored(scope));

        assert_eq!(all(""), Ok(()));
        assert_eq!(all("a:read"), Ok(()));
        assert_eq!(all("a:read b:read"), Ok(()));
        assert_eq!(
            all("a:read b:write c:read"),
            Err(Refusal::MissingScope {
                required: Scope::stored("a:read b:write c:read"),
                missing: Scope::stored("b:write c:read"),
            })
        );
        assert!(all("a").is_err());
    }

    const A: &str = "00000000-0000-0000-0000-00000000000a";
    const B: &str = "00000000-0000-0000-0000-00000000000b";

    #[test]
    fn a_permission_for_one_service_is_refused_on_another_and_the_limit_is_named() {
        let held = format!("endpoints:write?serviceId={A} x:read");
        let principal = principal(&held, false);
        let about = |id: &str| [Resource { service_id: id.parse().ok(), ..Resource::default() }];
        let on = |id| require_for(&principal, "endpoints:write", &about(id));

        assert_eq!(on(A), Ok(()));
        let refusal = |limits: &str| {
            Err(Refusal::Confined {
                required: Scope::stored("endpoints:write"),
                permission: "endpoints:write".to_owned(),
                limits: limits.to_owned(),
            })
        };
        let elsewhere = format!("serviceId {A} (serviceId is another one here, or none)");
        assert_eq!(on(B), refusal(&elsewhere));
        assert_eq!(
            require_for(&principal, "endpoints:write", &[Resource::default()]),
            refusal(&elsewhere)
        );
        let everywhere = require_all(&principal, &Scope::stored("endpoints:write"));
        assert_eq!(everywhere, refusal(&format!("serviceId {A}")));
        assert_eq!(require_for(&principal, "x:read", &about(B)), Ok(()));
        assert!(matches!(
            require_for(&principal, "y:read", &about(A)),
            Err(Refusal::MissingScope { .. })
        ));
        assert_eq!(require_somewhere(&principal, "endpoints:write"), Ok(()));
        assert!(require_somewhere(&principal, "endpoints:read").is_err());
        let narrow = Scope::stored(&format!("endpoints:write?serviceId={A}"));
        assert_eq!(require_all(&principal, &narrow), Ok(()));
        assert!(matches!(
            require_all(&principal, &Scope::stored("endpoints:write y:read")),
            Err(Refusal::MissingScope { .. })
        ));
    }

    #[test]
    fn a_thing_is_also_what_it_is_part_of_but_not_half_of_each() {
        let scan = Resource {
            resource_type: Some("scan"),
            resource_id: A.parse().ok(),
            ..Resource::default()
        };
        let service = Resource {
            resource_type: Some("service"),
            resource_id: B.parse().ok(),
            ..Resource::default()
        };
        for (limits, is_met) in [
            (format!("resourceType=scan&resourceId={A}"), true),
            (format!("resourceType=service&resourceId={B}"), true),
            (format!("resourceType=scan&resourceId={B}"), false),
            (format!("resourceType=service&resourceId={A}"), false),
        ] {
            let principal = principal(&format!("x?{limits}"), false);
            let answer = require_for(&principal, "x", &[scan, service]);
            assert_eq!(answer.is_ok(), is_met, "{limits}");
        }
        assert!(require_for(&principal("x?resourceType=scan", false), "x", &[]).is_err());
    }

    #[test]
    fn no_scopes_mean_nothing_and_only_the_flag_means_everything() {
        let everywhere = |principal| require_all(&principal, &Scope::stored("a:read"));

        assert!(everywhere(principal("", false)).is_err());
        assert_eq!(everywhere(principal("", true)), Ok(()));
    }
}
