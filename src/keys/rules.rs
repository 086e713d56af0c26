//! What a new key may be: every rule is checked and every field that breaks one is named.

use chrono::{DateTime, Utc};
use entity::member::Role;
use uuid::Uuid;

use super::manage::{KeyOwner, NewKey};
use crate::{
    config::{EmptyScopes, KeyFormat, Product},
    fault::{Fault, FieldError},
    store::{self, Txn},
    tokens::scopes::{Scope, is_scope_token},
};

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 120;

/// How far a new key may reach: the roles of those it comes from and acts as, and the scopes of the
/// credential that asks for it.
#[derive(Debug, Default)]
pub(super) struct Ceiling<'a> {
    roles: Vec<Role>,
    scopes: Option<&'a Scope>,
}

impl<'a> Ceiling<'a> {
    /// The same ceiling, and no higher than `scopes`.
    pub(super) fn within(self, scopes: Option<&'a Scope>) -> Self {
        Self { scopes, ..self }
    }

    /// What of `asked` is above it.
    fn excess(&self, asked: &Scope) -> Scope {
        let allowed =
            self.roles.iter().fold(asked.clone(), |left, role| left.for_role(Some(*role)));
        let allowed = self.scopes.map_or(allowed.clone(), |scopes| allowed.intersection(scopes));
        asked.iter().filter(|token| !allowed.contains(token)).map(str::to_owned).collect()
    }
}

/// What passed the rules.
pub(super) struct Checked<'a> {
    /// How the key will look.
    pub(super) format: &'a KeyFormat,
    /// Whether it will have everything the product offers.
    pub(super) full_access: bool,
}

/// The ceiling of the key's creator and owner, who must both belong to the workspace.
pub(super) async fn ceiling(
    txn: &Txn,
    new: &NewKey,
) -> Result<Result<Ceiling<'static>, FieldError>, Fault> {
    let mut roles = Vec::new();
    let owner = match new.owner {
        KeyOwner::User(id) => Some(id),
        KeyOwner::ServiceAccount(id) => {
            if store::service_accounts::find(txn, new.workspace_id, id).await?.is_none() {
                return Ok(Err(FieldError::new("owner", "is not known in this workspace")));
            }
            None
        }
    };
    for (field, user_id) in [("owner", owner), ("createdBy", new.created_by)] {
        let Some(user_id) = user_id else { continue };
        match role(txn, new.workspace_id, user_id).await? {
            Some(role) => roles.push(role),
            None => {
                return Ok(Err(FieldError::new(field, "is not a member of this workspace")));
            }
        }
    }
    Ok(Ok(Ceiling { roles, scopes: None }))
}

async fn role(txn: &Txn, workspace_id: Uuid, user_id: Uuid) -> Result<Option<Role>, Fault> {
    let member = store::members::find(txn, workspace_id, user_id).await?;
    Ok(member.map(|member| member.role))
}

/// Checks every field of a new key.
pub(super) fn check<'p>(
    product: &'p Product,
    new: &NewKey,
    ceiling: &Ceiling<'_>,
    now: DateTime<Utc>,
) -> Result<Checked<'p>, Vec<FieldError>> {
    let mut errors = Vec::new();
    errors.extend(name(&new.name).map(|message| FieldError::new("name", message)));
    let full_access = scopes(product, new, ceiling, &mut errors);
    let format = product.format_for(new.environment);
    if format.is_none() {
        let message = if product.key_formats.is_empty() {
            "this workspace's product has no API keys"
        } else {
            "this workspace's product has no keys for this environment"
        };
        errors.push(FieldError::new("environment", message));
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        errors.push(FieldError::new("expiresAt", "must be in the future"));
    }
    match format {
        Some(format) if errors.is_empty() => Ok(Checked { format, full_access }),
        _ => Err(errors),
    }
}

fn name(name: &str) -> Option<&'static str> {
    let length = name.trim().chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&length) {
        Some("must be 1 to 120 characters")
    } else if name.chars().any(char::is_control) {
        Some("must not contain control characters")
    } else {
        None
    }
}

/// Checks what the key may do; answers whether that is everything.
fn scopes(
    product: &Product,
    new: &NewKey,
    ceiling: &Ceiling<'_>,
    errors: &mut Vec<FieldError>,
) -> bool {
    let mut refuse = |message: String| errors.push(FieldError::new("scopes", message));
    if new.full_access || new.scopes.is_empty() {
        let catalogue = product.scopes.keys().cloned().collect();
        if !new.scopes.is_empty() {
            refuse("must be empty for a key with full access".to_owned());
        } else if product.empty_scopes == EmptyScopes::Reject {
            refuse("at least one is required".to_owned());
        } else if ceiling.scopes.is_some() || !ceiling.excess(&catalogue).is_empty() {
            refuse("full access is more than may be given here: choose scopes".to_owned());
        }
        return true;
    }
    let unknown: Vec<_> =
        new.scopes.iter().filter(|token| !product.scopes.contains_key(*token)).collect();
    if unknown.iter().any(|token| !is_scope_token(token)) {
        refuse("contains what is not a scope token".to_owned());
    } else if !unknown.is_empty() {
        refuse(format!("not offered by this workspace's product: {}", unknown.join(" ")));
    }
    let excess = ceiling.excess(&new.scopes);
    if unknown.is_empty() && !excess.is_empty() {
        refuse(format!("more than may be given here: {excess}"));
    }
    false
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::config::{Environment, Products};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn products() -> Products {
        toml::from_str(
            r#"
            [full]
            key_formats = [{ environment = "live", prefix = "ff_", body = "hex32" }]
            empty_scopes = "full_access"
            scopes = { "leads:read" = "See leads", "api-keys:manage" = "Manage keys" }
            [plain]
            key_formats = [{ environment = "live", prefix = "pp_", body = "hex32" }]
            scopes = { "leads:read" = "See leads" }
            [none]
            "#,
        )
        .unwrap()
    }

    fn key(scope: &str) -> NewKey {
        NewKey {
            workspace_id: Uuid::nil(),
            name: "ci".to_owned(),
            scopes: Scope::stored(scope),
            full_access: false,
            environment: Environment::Live,
            owner: KeyOwner::User(Uuid::nil()),
            created_by: None,
            expires_at: None,
        }
    }

    fn fields(product: &str, new: &NewKey, ceiling: &Ceiling<'_>) -> Vec<String> {
        let products = products();
        match check(products.get(product).unwrap(), new, ceiling, NOW) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.field.into_owned()).collect(),
        }
    }

    #[test]
    fn every_field_that_breaks_a_rule_is_named() {
        let open = Ceiling::default();
        let name = |name: &str| NewKey { name: name.to_owned(), ..key("leads:read") };
        for (new, broken) in [
            (key("leads:read"), vec![]),
            (name(&"\u{e9}".repeat(120)), vec![]),
            (name(&"a".repeat(121)), vec!["name"]),
            (name(" "), vec!["name"]),
            (name("a\nb"), vec!["name"]),
            (key("leads:steal"), vec!["scopes"]),
            (key("openid"), vec!["scopes"]),
            (key(""), vec!["scopes"]),
            (NewKey { environment: Environment::Test, ..key("leads:read") }, vec!["environment"]),
            (NewKey { expires_at: Some(NOW), ..key("leads:read") }, vec!["expiresAt"]),
            (NewKey { expires_at: Some(NOW + Duration::seconds(1)), ..key("leads:read") }, vec![]),
            (
                NewKey {
                    expires_at: Some(NOW - Duration::days(1)),
                    name: String::new(),
                    ..key("")
                },
                vec!["name", "scopes", "expiresAt"],
            ),
        ] {
            assert_eq!(fields("plain", &new, &open), broken, "{new:?}");
        }
        assert_eq!(fields("none", &key("x"), &open), ["scopes", "environment"]);
    }

    #[test]
    fn an_unknown_scope_is_named() {
        let products = products();

        let errors = check(
            products.get("plain").unwrap(),
            &key("leads:read leads:steal"),
            &Ceiling::default(),
            NOW,
        )
        .err()
        .unwrap();

        assert!(errors[0].message.ends_with(": leads:steal"), "{}", errors[0].message);
    }

    #[test]
    fn an_empty_list_means_what_the_product_says() {
        let products = products();
        let full = |product: &str, new: &NewKey| {
            check(products.get(product).unwrap(), new, &Ceiling::default(), NOW)
                .map(|checked| checked.full_access)
                .map_err(|errors| errors[0].field.to_string())
        };

        assert_eq!(full("full", &key("")), Ok(true));
        assert_eq!(full("full", &key("leads:read")), Ok(false));
        assert_eq!(full("plain", &key("")), Err("scopes".to_owned()));
        let both = NewKey { full_access: true, ..key("leads:read") };
        assert_eq!(full("full", &both), Err("scopes".to_owned()));
        let asked = NewKey { full_access: true, ..key("") };
        assert_eq!(full("full", &asked), Ok(true));
        assert_eq!(full("plain", &asked), Err("scopes".to_owned()));
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let member = || Ceiling { roles: vec![Role::Owner, Role::Member], scopes: None };
        let owner = || Ceiling { roles: vec![Role::Owner], scopes: None };
        let narrow = Scope::stored("leads:read");

        for (scope, ceiling, is_allowed) in [
            ("leads:read", member(), true),
            ("api-keys:manage", member(), false),
            ("", member(), false),
            ("api-keys:manage", owner(), true),
            ("", owner(), true),
            ("leads:read", owner().within(Some(&narrow)), true),
            ("api-keys:manage", owner().within(Some(&narrow)), false),
            ("", owner().within(Some(&narrow)), false),
        ] {
            let broken = fields("full", &key(scope), &ceiling);
            assert_eq!(broken.is_empty(), is_allowed, "{scope:?} {ceiling:?}");
        }
    }
}
