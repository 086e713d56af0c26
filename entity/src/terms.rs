//! What an authorization request asks beyond RFC 6749, and how its user was signed in: a column of JSON
//! that goes from the request to its code and from there to the token family.

use std::collections::BTreeMap;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked and what was found. Nothing said is an absent column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "that many demands are yes or no")]
pub struct Terms {
    /// The claims that were asked for by name (OpenID Connect Core §5.5).
    #[serde(skip_serializing_if = "Claims::is_empty")]
    pub claims: Claims,
    /// How strong a sign-in is wanted, the best first (OpenID Connect Core §3.1.2.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Whether a sign-in of one of these strengths is demanded, and not just wanted.
    #[serde(skip_serializing_if = "is_false")]
    pub is_acr_essential: bool,
    /// Who should sign in, for the field of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// The user who must be signed in: the `sub` of an ID token that came as a hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hinted_sub: Option<String>,
    /// Since when the user must have proved who they are, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_since: Option<i64>,
    /// Whether the user is asked even if they have allowed all of it before.
    #[serde(skip_serializing_if = "is_false")]
    pub must_consent: bool,
    /// Whether the user chooses an account even if somebody is signed in.
    #[serde(skip_serializing_if = "is_false")]
    pub must_select: bool,
    /// Whether the ID token says when the user signed in.
    #[serde(skip_serializing_if = "is_false")]
    pub wants_auth_time: bool,
    /// The key that the code is bound to: its thumbprint (RFC 9449 §10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// What is asked for in detail (RFC 9396 §2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// The pushed request that this one came from: the digest of its `request_uri`, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<String>,
    /// The session in which the user was signed in (`sid`, Back-Channel Logout §2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// By what the user has proved who they are (RFC 8176), with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<String>,
    /// The client that acts for the user, if that was shown (`act`, RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// The `claims` parameter (OpenID Connect Core §5.5): by place, the claims that were asked for there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// Those for the UserInfo endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: BTreeMap<String, Option<ClaimRequest>>,
    /// Those for the ID token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: BTreeMap<String, Option<ClaimRequest>>,
}

/// How a claim was asked for (OpenID Connect Core §5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimRequest {
    /// Whether it is demanded.
    #[serde(skip_serializing_if = "is_false")]
    pub essential: bool,
    /// The only value that will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values that will do, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl Claims {
    /// Whether none was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }
}

impl Terms {
    /// These, as they are stored: `None` if nothing is said.
    #[must_use]
    pub fn stored(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }

    /// What of these outlives the request: its code and its tokens say it.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self {
            login_hint: None,
            hinted_sub: None,
            proved_since: None,
            must_consent: false,
            must_select: false,
            pushed: None,
            ..self
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_false(it: &bool) -> bool {
    !it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_nothing_stored() {
        assert_eq!(Terms::default().stored(), None);
        assert_eq!(serde_json::to_string(&Terms::default()).unwrap(), "{}");
        let hinted = Terms { login_hint: Some("ada".to_owned()), ..Terms::default() };
        assert_eq!(hinted.clone().lasting().stored(), None);
        assert_eq!(hinted.clone().stored(), Some(hinted));
    }

    #[test]
    fn claims_read_back() {
        let text = r#"{"claims":{"userinfo":{"email":null,"name":{"essential":true}}},"sid":"x"}"#;

        let terms: Terms = serde_json::from_str(text).unwrap();

        assert_eq!(terms.claims.userinfo["email"], None);
        assert!(terms.claims.userinfo["name"].as_ref().is_some_and(|claim| claim.essential));
        assert_eq!(serde_json::to_string(&terms).unwrap(), text);
    }
}
