//! OpenID Connect (Core 1.0): what is said about the user who signed in, to whom, and what a client
//! may demand of that sign-in.

pub mod claims;
pub mod claims_request;
pub mod demands;
pub mod hint;
pub mod id_token;
pub mod logout_request;
pub mod userinfo;

/// The scope token that makes an OAuth request one of OpenID Connect (Core §3.1.2.1).
pub const OPENID: &str = "openid";
