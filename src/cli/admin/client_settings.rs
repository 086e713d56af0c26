//! The flags of `create-client` for what goes beyond RFC 6749.

use std::{fs, path::PathBuf};

use clap::{Args, ValueEnum};
use entity::{
    client_settings::{AuthMethod, Profile, Settings},
    signing_key::Algorithm,
};

use super::Failure;
use crate::clients::metadata::with_profile;

/// More than any set of keys that can be registered.
const MAX_JWKS_BYTES: u64 = 64 * 1024;

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    #[value(name = "client_secret_basic")]
    Basic,
    #[value(name = "client_secret_post")]
    Post,
    #[value(name = "private_key_jwt")]
    PrivateKeyJwt,
    #[value(name = "none")]
    None,
}

#[derive(Clone, Copy, ValueEnum)]
enum Signature {
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "PS256")]
    Ps256,
    #[value(name = "ES256")]
    Es256,
    #[value(name = "EdDSA")]
    EdDsa,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileFlag {
    Fapi2,
}

/// What a client registers beyond RFC 6749.
#[derive(Args)]
pub(crate) struct Flags {
    /// How it proves who it is [default: its secret, in the header or in the body]
    #[arg(long, value_enum, value_name = "METHOD")]
    auth_method: Option<Method>,
    /// The only algorithm of its assertions
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    auth_signing_alg: Option<Signature>,
    /// A file with its public keys (a JWK set)
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks_file: Option<PathBuf>,
    /// Where its public keys are
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// What its ID tokens are signed with [default: RS256]
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    id_token_alg: Option<Signature>,
    /// What its userinfo is signed with [default: it is not signed]
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    userinfo_alg: Option<Signature>,
    /// The only algorithm of its request objects
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    request_object_alg: Option<Signature>,
    /// What its authorization responses are signed with, when it asks for that
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    authorization_alg: Option<Signature>,
    /// Rules under one name: fapi2 demands keys, pushed requests, PKCE and bound tokens
    #[arg(long, value_enum)]
    profile: Option<ProfileFlag>,
    /// Where browsers may go after signing out (repeatable)
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// What this server tells that a user has signed out
    #[arg(long, value_name = "URL")]
    backchannel_logout_uri: Option<String>,
    /// What browsers tell that a user has signed out
    #[arg(long, value_name = "URL")]
    frontchannel_logout_uri: Option<String>,
    /// It pushes its requests only (RFC 9126)
    #[arg(long)]
    require_par: bool,
    /// It sends its requests signed only (RFC 9101)
    #[arg(long)]
    require_signed_request: bool,
    /// Its tokens are bound to keys only (RFC 9449)
    #[arg(long)]
    dpop: bool,
    /// Whether it must use PKCE [default: as the server is configured]
    #[arg(long, value_name = "BOOLEAN")]
    require_pkce: Option<bool>,
}

impl Flags {
    /// Whether the client is one that proves itself by nothing.
    pub(super) fn is_public(&self) -> bool {
        matches!(self.auth_method, Some(Method::None))
    }

    pub(super) fn settings(self) -> Result<Settings, Failure> {
        let method = match self.auth_method {
            Some(Method::Basic) => Some(AuthMethod::ClientSecretBasic),
            Some(Method::Post) => Some(AuthMethod::ClientSecretPost),
            Some(Method::PrivateKeyJwt) => Some(AuthMethod::PrivateKeyJwt),
            Some(Method::None) => Some(AuthMethod::None),
            None => None,
        };
        let tells_front = self.frontchannel_logout_uri.is_some();
        let tells_back = self.backchannel_logout_uri.is_some();
        Ok(with_profile(Settings {
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: self.auth_signing_alg.map(Into::into),
            jwks: self.jwks_file.as_ref().map(read_jwks).transpose()?,
            jwks_uri: self.jwks_uri,
            id_token_signed_response_alg: self.id_token_alg.map(Into::into),
            userinfo_signed_response_alg: self.userinfo_alg.map(Into::into),
            request_object_signing_alg: self.request_object_alg.map(Into::into),
            authorization_signed_response_alg: self.authorization_alg.map(Into::into),
            profile: self.profile.map(|ProfileFlag::Fapi2| Profile::Fapi2),
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            backchannel_logout_uri: self.backchannel_logout_uri,
            backchannel_logout_session_required: tells_back,
            frontchannel_logout_uri: self.frontchannel_logout_uri,
            frontchannel_logout_session_required: tells_front,
            require_pushed_authorization_requests: self.require_par,
            require_signed_request_object: self.require_signed_request,
            dpop_bound_access_tokens: self.dpop,
            require_pkce: self.require_pkce,
            ..Settings::default()
        }))
    }
}

fn read_jwks(path: &PathBuf) -> Result<serde_json::Value, Failure> {
    let unreadable = |why: &str| Failure::field("--jwks-file", why);
    let length = fs::metadata(path).map_err(|_| unreadable("cannot be read"))?.len();
    if length > MAX_JWKS_BYTES {
        return Err(unreadable("is larger than 64 KiB"));
    }
    let text = fs::read(path).map_err(|_| unreadable("cannot be read"))?;
    serde_json::from_slice(&text).map_err(|_| unreadable("is no JSON"))
}

impl From<Signature> for Algorithm {
    fn from(flag: Signature) -> Self {
        match flag {
            Signature::Rs256 => Self::Rs256,
            Signature::Ps256 => Self::Ps256,
            Signature::Es256 => Self::Es256,
            Signature::EdDsa => Self::EdDsa,
        }
    }
}
