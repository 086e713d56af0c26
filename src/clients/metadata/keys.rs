//! How a client proves who it is, and the keys it does that with (RFC 7591 §2, OpenID Connect Core §9).

use entity::client_settings::AuthMethod;

use super::{NewClient, Problems};
use crate::{crypto::jwk, outbound::Outbound};

/// More than a set of 20 keys needs, stored with each client.
const MAX_JWKS_BYTES: usize = 32 * 1024;
const MAX_URI_BYTES: usize = 2_000;

impl Problems {
    pub(super) fn keys(&mut self, client: &NewClient, outbound: &Outbound) {
        self.auth_method(client);
        self.own_keys(client, outbound);
    }

    fn auth_method(&mut self, client: &NewClient) {
        const FIELD: &str = "token_endpoint_auth_method";
        let settings = &client.settings;
        let method = settings.token_endpoint_auth_method;
        // RFC 6749 §2.1: a public client keeps no secret, and so has no key either
        match (client.is_public, method) {
            (true, None | Some(AuthMethod::None)) => {}
            (true, Some(_)) => self.add(FIELD, "of a public client must be none"),
            (false, Some(AuthMethod::None)) => self.add(FIELD, "none is for public clients only"),
            (false, _) => {}
        }
        let has_keys = settings.jwks.is_some() || settings.jwks_uri.is_some();
        if method == Some(AuthMethod::PrivateKeyJwt) && !has_keys {
            self.add(FIELD, "private_key_jwt needs jwks or jwks_uri");
        }
        if settings.token_endpoint_auth_signing_alg.is_some()
            && method != Some(AuthMethod::PrivateKeyJwt)
        {
            self.add("token_endpoint_auth_signing_alg", "is for private_key_jwt only");
        }
    }

    fn own_keys(&mut self, client: &NewClient, outbound: &Outbound) {
        let settings = &client.settings;
        // RFC 7591 §2: they must not both be present
        if settings.jwks.is_some() && settings.jwks_uri.is_some() {
            self.add("jwks", "and jwks_uri exclude each other");
        }
        if let Some(jwks) = &settings.jwks {
            match jwk::read_set(jwks) {
                Err(problem) => self.add("jwks", problem),
                Ok(keys) if keys.is_empty() => {
                    self.add("jwks", "has no RSA, P-256 or Ed25519 key for signatures");
                }
                Ok(_) if jwks.to_string().len() > MAX_JWKS_BYTES => {
                    self.add("jwks", "must be at most 32 KiB");
                }
                Ok(_) => {}
            }
        }
        let is_bad = |uri: &String| uri.len() > MAX_URI_BYTES || !outbound.is_acceptable(uri);
        if settings.jwks_uri.as_ref().is_some_and(is_bad) {
            self.add("jwks_uri", "must be an https URL of a public host, of at most 2000 bytes");
        }
    }
}
