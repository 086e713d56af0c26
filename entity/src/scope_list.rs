//! What a key may do, as it is stored: scope tokens, and permissions that are confined to something.

use std::collections::BTreeMap;

use sea_orm::{FromJsonQueryResult, prelude::Uuid};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A list of scope tokens and confined permissions, stored as JSON: strings and objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct ScopeList(pub Vec<ScopeItem>);

/// One item of a [`ScopeList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScopeItem {
    /// A scope token: everywhere in the workspace.
    Token(String),
    /// A permission for some things only.
    Confined(Box<ConfinedScope>),
}

/// A permission and what it is confined to. A member that is not known here makes the row
/// unreadable: a limit that is overlooked would be no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfinedScope {
    pub id: Uuid,
    pub permission: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource_constraints: BTreeMap<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_objects_are_read_and_written_back() {
        let text = r#"["leads:read",{"id":"00000000-0000-0000-0000-000000000001","permission":"endpoints:write","serviceId":"00000000-0000-0000-0000-000000000002"}]"#;

        let list: ScopeList = serde_json::from_str(text).unwrap();

        assert_eq!(list.0.len(), 2);
        assert_eq!(serde_json::to_string(&list).unwrap(), text);
    }

    #[test]
    fn a_limit_that_nobody_knows_is_not_overlooked() {
        let text =
            r#"[{"id":"00000000-0000-0000-0000-000000000001","permission":"a","onSundays":true}]"#;
        assert!(serde_json::from_str::<ScopeList>(text).is_err());
    }
}
