//! What one client is held to: its own settings, its profile and the server's, answered in one place.

use chrono::TimeDelta;
use entity::{
    client::{Kind, Model},
    signing_key::Algorithm,
};

use crate::{app::App, config::RequirePkce};

/// How long a code lives at most under FAPI 2.0 (Security Profile §5.3.2.1).
const FAPI2_CODE_TTL: TimeDelta = TimeDelta::seconds(60);

/// The rules for one client.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    app: &'a App,
    client: &'a Model,
}

impl<'a> Policy<'a> {
    /// Those for `client`.
    #[must_use]
    pub fn of(app: &'a App, client: &'a Model) -> Self {
        Self { app, client }
    }

    fn is_fapi2(self) -> bool {
        self.client.settings.is_fapi2()
    }

    /// Whether its authorization requests must be pushed (RFC 9126 §6, FAPI 2.0 §5.3.2.2).
    #[must_use]
    pub fn must_push(self) -> bool {
        self.is_fapi2() || self.client.settings.require_pushed_authorization_requests
    }

    /// Whether its authorization requests must be signed request objects (RFC 9101 §10.5).
    #[must_use]
    pub fn must_sign_requests(self) -> bool {
        self.client.settings.require_signed_request_object
    }

    /// Whether nothing beside a signed request object counts, not even what it does not say (RFC 9101
    /// §6.3); OpenID Connect Core §6.1 lets the rest of the request fill it up.
    #[must_use]
    pub fn ignores_what_is_unsigned(self) -> bool {
        self.is_fapi2() || self.must_sign_requests()
    }

    /// Whether its request objects must say since and until when they are good (FAPI 2.0 Message
    /// Signing §5.3.1).
    #[must_use]
    pub fn wants_dated_requests(self) -> bool {
        self.is_fapi2()
    }

    /// Whether its request objects may be signed with this.
    #[must_use]
    pub fn takes_requests_signed_with(self, algorithm: Algorithm) -> bool {
        self.takes(self.client.settings.request_object_signing_alg, algorithm)
    }

    /// What its authorization responses are signed with (JARM §3): RS256 unless it says, or PS256 where
    /// RS256 is not allowed.
    #[must_use]
    pub fn response_algorithm(self) -> Algorithm {
        self.signs_with(self.client.settings.authorization_signed_response_alg)
    }

    /// What its ID tokens and logout tokens are signed with: what it has registered, else RS256 (OpenID
    /// Connect Registration §2), or PS256 where RS256 is not allowed (FAPI 2.0 §5.4).
    #[must_use]
    pub fn id_token_algorithm(self) -> Algorithm {
        self.signs_with(self.client.settings.id_token_signed_response_alg)
    }

    /// What was registered, as far as it is allowed, else what everybody knows.
    fn signs_with(self, registered: Option<Algorithm>) -> Algorithm {
        let default = if self.is_fapi2() { Algorithm::Ps256 } else { Algorithm::Rs256 };
        let is_allowed = |it: &Algorithm| !self.is_fapi2() || Algorithm::FAPI2.contains(it);
        registered.filter(is_allowed).unwrap_or(default)
    }

    /// Whether its assertions may be signed with this (RFC 7523, FAPI 2.0 §5.4).
    #[must_use]
    pub fn takes_assertions_signed_with(self, algorithm: Algorithm) -> bool {
        self.takes(self.client.settings.token_endpoint_auth_signing_alg, algorithm)
    }

    /// Whether its assertions name the issuer as their only audience, and not in a list: what is made
    /// for one server is of no use at another (FAPI 2.0 Security Profile §5.3.2.1).
    #[must_use]
    pub fn names_the_issuer_alone(self) -> bool {
        self.is_fapi2()
    }

    /// Whether an algorithm is the one that was registered, if one was, and one of the profile's.
    fn takes(self, registered: Option<Algorithm>, algorithm: Algorithm) -> bool {
        registered.is_none_or(|only| only == algorithm)
            && (!self.is_fapi2() || Algorithm::FAPI2.contains(&algorithm))
    }

    /// Whether its access tokens must be bound to keys (RFC 9449 §5.2, FAPI 2.0 §5.3.2.1).
    #[must_use]
    pub fn must_bind_tokens(self) -> bool {
        self.is_fapi2() || self.client.settings.dpop_bound_access_tokens
    }

    /// Whether it must use PKCE (RFC 7636): public clients always, and those of FAPI 2.0 (§5.3.2.2).
    #[must_use]
    pub fn must_use_pkce(self) -> bool {
        self.client.kind == Kind::Public
            || self.is_fapi2()
            || self
                .client
                .settings
                .require_pkce
                .unwrap_or(self.app.config.oauth.require_pkce == RequirePkce::All)
    }

    /// How long its authorization codes live.
    #[must_use]
    pub fn code_ttl(self) -> TimeDelta {
        let ttl = self.app.config.oauth.code_ttl();
        if self.is_fapi2() { ttl.min(FAPI2_CODE_TTL) } else { ttl }
    }
}
