//! `authorization_details` (RFC 9396): the other spelling of scope tokens that are confined to
//! something.
//!
//! ```json
//! {"type": "latchkey_permission", "permission": "leads:read", "serviceId": "…"}
//! ```
//! is `leads:read?serviceId=…` ([`Permission`]), be it asked for, allowed or told.

use serde_json::{Map, Value};

use super::{
    permission::{Limits, Permission},
    scopes::Scope,
};

/// The one type that there is (RFC 9396 §2.1).
pub const TYPE: &str = "latchkey_permission";
const MAX_BYTES: usize = 32 * 1024;
const MAX_DETAILS: usize = 50;

/// What is asked for in detail, and what that is as a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Each as it is told.
    pub values: Vec<Value>,
    /// All of them as scope tokens.
    pub scope: Scope,
}

/// Reads the parameter of a client that has registered these types, or none, which means any; the
/// text of a refusal goes to the client (`invalid_authorization_details`, RFC 9396 §5).
///
/// # Errors
/// What is wrong with it; not a word of it is repeated.
pub fn parse(text: &str, registered: &[String]) -> Result<Details, &'static str> {
    if text.len() > MAX_BYTES {
        return Err("authorization_details is longer than 32 KiB");
    }
    let items: Vec<Map<String, Value>> = serde_json::from_str(text)
        .map_err(|_| "authorization_details must be a list of objects")?;
    if items.is_empty() || items.len() > MAX_DETAILS {
        return Err("authorization_details must have 1 to 50 items");
    }
    if !registered.is_empty() && !registered.iter().any(|name| name == TYPE) {
        return Err("the client has not registered this type");
    }
    let permissions: Vec<_> = items.iter().map(permission).collect::<Result<_, _>>()?;
    let scope = permissions.iter().map(Permission::to_string).collect();
    Ok(Details { values: permissions.iter().map(detail).collect(), scope })
}

fn permission(item: &Map<String, Value>) -> Result<Permission, &'static str> {
    if item.get("type").and_then(Value::as_str) != Some(TYPE) {
        return Err("a type of authorization_details is missing or unknown");
    }
    let name = item.get("permission").and_then(Value::as_str);
    let name = name.ok_or("an item of authorization_details has no permission")?;
    let mut limits = Limits::default();
    for (member, value) in item {
        if !matches!(member.as_str(), "type" | "permission") {
            limit(&mut limits, member, value)
                .ok_or("an item of authorization_details has an unknown or malformed member")?;
        }
    }
    // what reads back is what can be stored, compared and shown
    let spelled = Permission { permission: name.to_owned(), limits }.to_string();
    Permission::parse(&spelled)
        .filter(|read| read.permission == name)
        .ok_or("an item of authorization_details is no permission")
}

fn limit(limits: &mut Limits, name: &str, value: &Value) -> Option<()> {
    let id = || value.as_str().and_then(|text| uuid::Uuid::try_parse(text).ok());
    match name {
        "resourceType" => limits.resource_type = Some(value.as_str()?.to_owned()),
        "resourceId" => limits.resource_id = Some(id()?),
        "serviceId" => limits.service_id = Some(id()?),
        "environmentId" => limits.environment_id = Some(id()?),
        "workflowId" => limits.workflow_id = Some(id()?),
        "resourceConstraints" => {
            limits.resource_constraints = serde_json::from_value(value.clone()).ok()?;
        }
        _ => return None,
    }
    Some(())
}

fn detail(permission: &Permission) -> Value {
    let mut members: Map<String, Value> =
        permission.limits.members().map(|(name, value)| (name.to_owned(), value)).collect();
    members.insert("type".to_owned(), TYPE.into());
    members.insert("permission".to_owned(), permission.permission.as_str().into());
    Value::Object(members)
}

/// What of `asked` is within `scope`, as it is told (RFC 9396 §7).
#[must_use]
pub fn granted(asked: &[Value], scope: &Scope) -> Vec<Value> {
    let tokens = asked.iter().filter_map(Value::as_object).filter_map(|item| permission(item).ok());
    let asked: Scope = tokens.map(|permission| permission.to_string()).collect();
    told(&asked.intersection(scope))
}

/// Every scope token that is confined to something, as it is told.
#[must_use]
pub fn confined(scope: &Scope) -> Vec<Value> {
    let permissions = scope.iter().filter_map(Permission::parse);
    permissions.filter(|it| !it.limits.is_none()).map(|it| detail(&it)).collect()
}

fn told(scope: &Scope) -> Vec<Value> {
    scope.iter().filter_map(Permission::parse).map(|it| detail(&it)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVICE: &str = "6c9b2f2e-51d6-4c3f-8a42-0c6f6d0a4d11";

    #[test]
    fn a_detail_is_a_scope_token_in_other_words() {
        let asked = json!([
            {"type": TYPE, "permission": "leads:read", "serviceId": SERVICE},
            {"type": TYPE, "permission": "leads:write"},
        ]);

        let read = parse(&asked.to_string(), &[]).unwrap();

        let scope = format!("leads:read?serviceId={SERVICE} leads:write");
        assert_eq!(read.scope.to_string(), scope);
        assert_eq!(read.values, *asked.as_array().unwrap());
        assert_eq!(granted(&read.values, &Scope::stored("leads:read")), [asked[0].clone()]);
        assert_eq!(granted(&read.values, &Scope::stored(&scope)).len(), 2);
        assert_eq!(confined(&Scope::stored(&scope)), [asked[0].clone()]);
    }

    #[test]
    fn what_is_no_detail_is_refused() {
        let item = |more: Value| {
            let mut item = json!({"type": TYPE, "permission": "leads:read"});
            item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([item]).to_string()
        };
        assert!(parse(&item(json!({})), &[TYPE.to_owned()]).is_ok());
        assert!(parse(&item(json!({})), &["payment".to_owned()]).is_err());
        for bad in [
            item(json!({"type": "payment"})),
            item(json!({"type": null})),
            item(json!({"permission": 7})),
            item(json!({"permission": ""})),
            item(json!({"permission": "a b"})),
            item(json!({"permission": "leads:read?serviceId=x"})),
            item(json!({"serviceId": "x"})),
            item(json!({"serviceID": SERVICE})),
            item(json!({"locations": ["https://a.example"]})),
            item(json!({"resourceConstraints": {"a": {}}})),
            item(json!({"resourceType": "x".repeat(81)})),
            "[]".to_owned(),
            "{}".to_owned(),
            "[[]]".to_owned(),
            "x".to_owned(),
            format!("[{}]", vec!["{}"; 51].join(",")),
            format!("[{:>40000}]", ""),
        ] {
            assert!(parse(&bad, &[]).is_err(), "{bad}");
        }
    }
}
