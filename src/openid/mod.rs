//! OpenID Connect (Core 1.0): what is said about the user who signed in, to whom, and what a client
//! may demand of that sign-in.

pub mod claims;
pub mod claims_request;
pub mod demands;
pub mod hint;
pub mod id_token;
pub mod logout_request;
pub mod userinfo;

use entity::{client_settings::Settings, signing_key::Algorithm};

/// The scope token that makes an OAuth request one of OpenID Connect (Core §3.1.2.1).
pub const OPENID: &str = "openid";

/// What the ID tokens of a client are signed with: what it has registered, else RS256 (OpenID Connect
/// Registration §2), which FAPI 2.0 forbids (Security Profile §5.4).
#[must_use]
pub fn id_token_algorithm(settings: &Settings) -> Algorithm {
    let default = if settings.is_fapi2() { Algorithm::Ps256 } else { Algorithm::Rs256 };
    settings.id_token_signed_response_alg.unwrap_or(default)
}
