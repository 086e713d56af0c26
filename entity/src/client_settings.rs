//! What a client has registered beyond RFC 6749, and what it is held to: a column of JSON.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::signing_key::Algorithm;

/// How a client proves who it is at the endpoints it calls itself (RFC 7591 §2,
/// `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Its secret, in the header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// Its secret, in the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A signed assertion (RFC 7523 §2.2, OpenID Connect Core §9).
    PrivateKeyJwt,
    /// Nothing: a public client.
    None,
}

/// A set of rules under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// FAPI 2.0 Security Profile.
    Fapi2,
}

/// Metadata and rules of a client, by their names in RFC 7591, OpenID Connect Registration and Logout,
/// RFC 9101, 9126 and 9449. A member that is not known here makes the row unreadable: a rule that is
/// overlooked would be no rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "that many members are booleans")]
pub struct Settings {
    /// `None` for a client with a secret: in the header or in the body, as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// What alone its assertions may be signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// Its public keys (RFC 7517 §5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its public keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What its ID tokens are signed with; RS256 if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// What its userinfo is signed with; not at all if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// What its authorization responses are signed with, when it asks for `jwt` response modes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<Algorithm>,
    /// What alone its request objects may be signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<Algorithm>,
    /// Whether it sends its requests as signed request objects only (RFC 9101 §10.5).
    #[serde(skip_serializing_if = "is_false")]
    pub require_signed_request_object: bool,
    /// Whether it pushes its requests only (RFC 9126 §6).
    #[serde(skip_serializing_if = "is_false")]
    pub require_pushed_authorization_requests: bool,
    /// Whether its tokens are bound to keys only (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens: bool,
    /// Whether it must use PKCE, if not as the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// The rules it is held to besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// How old a sign-in may be, in seconds, unless the request says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u32>,
    /// Whether its ID tokens always say when the user signed in.
    #[serde(skip_serializing_if = "is_false")]
    pub require_auth_time: bool,
    /// How strong a sign-in it asks for, unless the request says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Where browsers may go after signing out (RP-Initiated Logout §3.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// What is told in a frame that a user signed out (Front-Channel Logout §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether it wants to know the session's id there.
    #[serde(skip_serializing_if = "is_false")]
    pub frontchannel_logout_session_required: bool,
    /// What is told by this server that a user signed out (Back-Channel Logout §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it wants to know the session's id there.
    #[serde(skip_serializing_if = "is_false")]
    pub backchannel_logout_session_required: bool,
    /// Where others may send a user to sign in (OpenID Connect Core §4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// The URLs of its request objects that it has registered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// Its home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Whom to ask about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// `web` or `native` (OpenID Connect Registration §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// A document that lists its redirect URIs (OpenID Connect Registration §5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// What software it is (RFC 7591 §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Which version of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The types of `authorization_details` that it asks for (RFC 9396 §10).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_false(it: &bool) -> bool {
    !it
}

impl Settings {
    /// Whether the client is held to the FAPI 2.0 Security Profile.
    #[must_use]
    pub fn is_fapi2(&self) -> bool {
        self.profile == Some(Profile::Fapi2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_says_nothing_is_an_empty_object() {
        assert_eq!(serde_json::to_string(&Settings::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), Settings::default());
    }

    #[test]
    fn members_have_their_registered_names() {
        let text = r#"{"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://a.example/jwks","id_token_signed_response_alg":"EdDSA","require_pushed_authorization_requests":true,"profile":"fapi2"}"#;

        let settings: Settings = serde_json::from_str(text).unwrap();

        assert_eq!(settings.token_endpoint_auth_method, Some(AuthMethod::PrivateKeyJwt));
        assert_eq!(settings.id_token_signed_response_alg, Some(Algorithm::EdDsa));
        assert!(settings.is_fapi2());
        assert_eq!(serde_json::to_string(&settings).unwrap(), text);
    }

    #[test]
    fn a_rule_that_nobody_knows_is_not_overlooked() {
        assert!(serde_json::from_str::<Settings>(r#"{"only_on_sundays":true}"#).is_err());
    }
}
