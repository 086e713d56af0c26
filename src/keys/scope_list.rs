//! A key's scopes as they are stored and as rules compare them: one list, two readings.

use chrono::{DateTime, Utc};
use entity::scope_list::{ConfinedScope, ScopeItem, ScopeList};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    crypto::random::Random,
    tokens::{
        permission::{Limits, Permission},
        scopes::{Scope, is_scope_token},
    },
};

/// The scope tokens of a stored list.
#[must_use]
pub fn scope_of(list: &ScopeList) -> Scope {
    let token = |item: &ScopeItem| match item {
        ScopeItem::Token(token) => token.clone(),
        ScopeItem::Confined(confined) => permission_of(confined).to_string(),
    };
    list.0.iter().map(token).collect()
}

/// A stored permission as rules compare it.
#[must_use]
pub fn permission_of(confined: &ConfinedScope) -> Permission {
    Permission {
        permission: confined.permission.clone(),
        limits: Limits {
            resource_type: confined.resource_type.clone(),
            resource_id: confined.resource_id,
            service_id: confined.service_id,
            environment_id: confined.environment_id,
            workflow_id: confined.workflow_id,
            resource_constraints: confined.resource_constraints.clone(),
        },
    }
}

/// Reads a JSON list of scope tokens and objects, as another server wrote it; `None` if an item is
/// neither.
#[must_use]
pub fn read(items: Vec<Value>) -> Option<Scope> {
    let token = |item: Value| match item {
        Value::String(token) => is_scope_token(&token).then_some(token),
        Value::Object(mut members) => {
            // its id was given by that server, and nothing refers to it here
            members.insert("id".to_owned(), Uuid::nil().to_string().into());
            members.retain(|_, value| !value.is_null());
            let confined = serde_json::from_value(Value::Object(members)).ok()?;
            let token = permission_of(&confined).to_string();
            is_scope_token(&token).then_some(token)
        }
        _ => None,
    };
    items.into_iter().map(token).collect()
}

/// The list to store for a scope: strings, and an object with an id for what is confined.
#[must_use]
pub fn list_of(scope: &Scope, random: &dyn Random, now: DateTime<Utc>) -> ScopeList {
    let item = |token: &str| match Permission::parse(token) {
        Some(Permission { permission, limits }) if !limits.is_none() => {
            ScopeItem::Confined(Box::new(ConfinedScope {
                id: random.uuid(now),
                permission,
                resource_type: limits.resource_type,
                resource_id: limits.resource_id,
                service_id: limits.service_id,
                environment_id: limits.environment_id,
                workflow_id: limits.workflow_id,
                resource_constraints: limits.resource_constraints,
            }))
        }
        _ => ScopeItem::Token(token.to_owned()),
    };
    ScopeList(scope.iter().map(item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    #[test]
    fn what_is_stored_reads_back_as_the_same_scope() {
        let text = "a:read b?resourceType=x&serviceId=00000000-0000-0000-0000-00000000000a \
                    c?resourceConstraints=%7B%22method%22%3A%5B%22GET%22%5D%7D";
        let scope = Scope::parse(text).unwrap();

        let list = list_of(&scope, &SystemRandom::default(), DateTime::UNIX_EPOCH);

        assert_eq!(list.0[0], ScopeItem::Token("a:read".to_owned()));
        assert!(matches!(&list.0[1], ScopeItem::Confined(it) if it.permission == "b"));
        assert_eq!(scope_of(&list), scope);
    }
}
