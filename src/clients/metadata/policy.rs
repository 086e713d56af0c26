//! What the FAPI 2.0 Security Profile demands of a client, wherever it says something else itself.

use entity::{
    client_settings::{AuthMethod, Settings},
    signing_key::Algorithm,
};

use super::{AUTHORIZATION_CODE, NewClient, PASSWORD, Problems, has};

/// Settings with what their profile demands, where nothing else was said: one switch turns it all on.
#[must_use]
pub fn with_profile(settings: Settings) -> Settings {
    if !settings.is_fapi2() {
        return settings;
    }
    let method = settings.token_endpoint_auth_method;
    Settings {
        token_endpoint_auth_method: method.or(Some(AuthMethod::PrivateKeyJwt)),
        require_pushed_authorization_requests: true,
        dpop_bound_access_tokens: true,
        require_pkce: settings.require_pkce.or(Some(true)),
        // it would be RS256 (OpenID Connect Registration §2)
        id_token_signed_response_alg: settings
            .id_token_signed_response_alg
            .or(Some(Algorithm::Ps256)),
        ..settings
    }
}

impl Problems {
    pub(super) fn profile(&mut self, client: &NewClient) {
        let settings = &client.settings;
        if !settings.is_fapi2() {
            return;
        }
        // §5.3.2.1: only confidential clients, by mutual TLS or private_key_jwt
        if client.is_public
            || settings.token_endpoint_auth_method != Some(AuthMethod::PrivateKeyJwt)
        {
            self.add("token_endpoint_auth_method", "of profile fapi2 must be private_key_jwt");
        }
        // §5.3.2.1: not the resource owner password credentials grant
        if has(&client.grant_types, PASSWORD) {
            self.add("grant_types", "of profile fapi2 must not have password");
        }
        if settings.require_pkce == Some(false) {
            self.add("require_pkce", "is demanded by profile fapi2");
        }
        let has_code = has(&client.grant_types, AUTHORIZATION_CODE);
        if has_code && !settings.require_pushed_authorization_requests {
            self.add("require_pushed_authorization_requests", "is demanded by profile fapi2");
        }
        if !settings.dpop_bound_access_tokens {
            self.add("dpop_bound_access_tokens", "is demanded by profile fapi2");
        }
        // RS256 is what it is if nothing is said
        if settings.id_token_signed_response_alg.is_none() {
            self.add("id_token_signed_response_alg", "must be said with profile fapi2");
        }
        for (field, algorithm) in [
            ("token_endpoint_auth_signing_alg", settings.token_endpoint_auth_signing_alg),
            ("id_token_signed_response_alg", settings.id_token_signed_response_alg),
            ("userinfo_signed_response_alg", settings.userinfo_signed_response_alg),
            ("authorization_signed_response_alg", settings.authorization_signed_response_alg),
            ("request_object_signing_alg", settings.request_object_signing_alg),
        ] {
            // §5.4.1: PS256, ES256 or EdDSA
            if algorithm.is_some_and(|it| !Algorithm::FAPI2.contains(&it)) {
                self.add(field, "of profile fapi2 must be PS256, ES256 or EdDSA");
            }
        }
    }
}
