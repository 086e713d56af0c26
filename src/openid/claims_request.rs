//! The `claims` parameter (OpenID Connect Core §5.5), read strictly and kept small: what nobody knows
//! or the client may not have is ignored, what has not the form is refused.

use entity::terms::{ClaimRequest, Claims};
use serde_json::{Map, Value};

use super::claims::{self, Named};
use crate::tokens::{acr, scopes::Scope};

/// Longer than any request for every claim there is.
const MAX_BYTES: usize = 8192;
/// More values than a claim can have here.
const MAX_VALUES: usize = 20;
/// OpenID Connect Core §2: as long as a `sub` may be.
const MAX_SUB_BYTES: usize = 255;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Claims about the user, by place; and `sub`, if it must be a certain one.
    pub claims: Claims,
    /// How strong a sign-in is asked for, if it is.
    pub acr: Option<AskedAcr>,
    /// Whether the ID token shall say when the user signed in.
    pub wants_auth_time: bool,
}

/// The claim `acr` (OpenID Connect Core §5.5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedAcr {
    /// The values that will do and can be returned, the best first.
    pub values: Vec<String>,
    /// Whether one of them is demanded.
    pub is_essential: bool,
}

/// The parameter has not the form that it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads the parameter; `ceiling` is what the client may have at all.
///
/// # Errors
/// [`Malformed`], also when it is longer than 8 KiB.
pub fn parse(text: &str, ceiling: &Scope) -> Result<Asked, Malformed> {
    if text.len() > MAX_BYTES {
        return Err(Malformed);
    }
    let Ok(Value::Object(places)) = serde_json::from_str(text) else { return Err(Malformed) };
    let userinfo = entries(places.get("userinfo"))?;
    let id_token = entries(places.get("id_token"))?;
    Ok(Asked {
        acr: asked_acr(&id_token),
        wants_auth_time: id_token.contains_key("auth_time"),
        claims: Claims { userinfo: kept(userinfo, ceiling)?, id_token: kept(id_token, ceiling)? },
    })
}

/// The claims of one place.
fn entries(place: Option<&Value>) -> Result<Named, Malformed> {
    match place {
        None | Some(Value::Null) => Ok(Named::new()),
        Some(Value::Object(members)) => {
            members.iter().map(|(name, value)| Ok((name.clone(), entry(value)?))).collect()
        }
        Some(_) => Err(Malformed),
    }
}

fn entry(value: &Value) -> Result<Option<ClaimRequest>, Malformed> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => read(members).map(Some),
        _ => Err(Malformed),
    }
}

fn read(members: &Map<String, Value>) -> Result<ClaimRequest, Malformed> {
    let essential = match members.get("essential") {
        None => false,
        Some(value) => value.as_bool().ok_or(Malformed)?,
    };
    let values = match members.get("values") {
        None => Vec::new(),
        Some(Value::Array(values)) if (1..=MAX_VALUES).contains(&values.len()) => values.clone(),
        Some(_) => return Err(Malformed),
    };
    Ok(ClaimRequest { essential, value: members.get("value").cloned(), values })
}

/// The values that will do.
fn values(request: &ClaimRequest) -> impl Iterator<Item = &Value> {
    request.value.iter().chain(&request.values)
}

fn asked_acr(id_token: &Named) -> Option<AskedAcr> {
    let request = id_token.get("acr")?.as_ref()?;
    let is_essential = request.essential && values(request).next().is_some();
    let values = acr::supported(values(request).filter_map(Value::as_str));
    (is_essential || !values.is_empty()).then_some(AskedAcr { values, is_essential })
}

/// What is worth keeping: which claims, and which `sub`. What a claim about the user should be is not
/// kept, since it is told as it is.
fn kept(asked: Named, ceiling: &Scope) -> Result<Named, Malformed> {
    let mut kept = Named::new();
    for (name, request) in asked {
        if name == "sub" {
            if let Some(request) = request.filter(|it| values(it).next().is_some()) {
                let is_sub = |value: &Value| value.as_str().is_some_and(is_sub);
                if !values(&request).all(is_sub) {
                    return Err(Malformed);
                }
                kept.insert(name, Some(request));
            }
        } else if claims::scope_of(&name).is_some_and(|token| ceiling.contains(token)) {
            let essential = request.is_some_and(|it| it.essential);
            let request = ClaimRequest { essential, ..ClaimRequest::default() };
            kept.insert(name, essential.then_some(request));
        }
    }
    Ok(kept)
}

fn is_sub(text: &str) -> bool {
    (1..=MAX_SUB_BYTES).contains(&text.len()) && text.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Asked, Malformed> {
        parse(text, &Scope::stored("email openid profile"))
    }

    #[test]
    fn known_claims_are_kept_as_far_as_the_client_may_have_them() {
        let text = r#"{"userinfo":{"name":{"essential":true,"value":"Ada"},"email":null,
            "phone_number":null,"http://x.example/y":{"purpose":1}},
            "id_token":{"auth_time":{"essential":true},"nickname":{}},"other":[1]}"#;

        let asked = parsed(text).unwrap();

        let shown = serde_json::to_string(&asked.claims).unwrap();
        assert_eq!(
            shown,
            r#"{"userinfo":{"email":null,"name":{"essential":true}},"id_token":{"nickname":null}}"#
        );
        assert!(asked.wants_auth_time);
        assert_eq!(asked.acr, None);
    }

    #[test]
    fn how_strong_a_sign_in_is_asked_for() {
        let acr =
            |request: &str| parsed(&format!(r#"{{"id_token":{{"acr":{request}}}}}"#)).unwrap().acr;
        let asked = |values: &[&str], is_essential| {
            let values = values.iter().map(|it| (*it).to_owned()).collect();
            Some(AskedAcr { values, is_essential })
        };
        let mfa = acr::TWO_FACTORS;

        assert_eq!(acr("null"), None);
        assert_eq!(acr(r#"{"essential":true}"#), None);
        assert_eq!(acr(&format!(r#"{{"value":"{mfa}"}}"#)), asked(&[mfa], false));
        let values = format!(r#"{{"essential":true,"values":["urn:x","{mfa}"]}}"#);
        assert_eq!(acr(&values), asked(&[mfa], true));
        assert_eq!(acr(r#"{"essential":true,"value":"urn:x"}"#), asked(&[], true));
        assert_eq!(acr(r#"{"value":"urn:x"}"#), None);
    }

    #[test]
    fn what_has_not_the_form_is_refused() {
        let long = format!(r#"{{"x":"{}"}}"#, "a".repeat(MAX_BYTES));
        let many =
            format!(r#"{{"id_token":{{"acr":{{"values":[{}1]}}}}}}"#, "1,".repeat(MAX_VALUES));
        let long_sub = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, "a".repeat(256));
        for bad in [
            "",
            "x",
            "[]",
            "null",
            "{",
            r#"{"userinfo":[]}"#,
            r#"{"id_token":1}"#,
            r#"{"userinfo":{"name":true}}"#,
            r#"{"userinfo":{"name":{"essential":"yes"}}}"#,
            r#"{"id_token":{"acr":{"values":"x"}}}"#,
            r#"{"id_token":{"acr":{"values":[]}}}"#,
            r#"{"id_token":{"sub":{"value":1}}}"#,
            &long,
            &many,
            &long_sub,
        ] {
            assert_eq!(parsed(bad), Err(Malformed), "{bad}");
        }
        assert_eq!(parsed("{}"), Ok(Asked::default()));
        assert_eq!(parsed(r#"{"userinfo":null}"#), Ok(Asked::default()));
    }
}
