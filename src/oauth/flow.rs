//! The rulebook of the authorization-code flow: oxide-auth's state machines, driven straight through
//! as pure checks on what has been loaded (RFC 6749 §4.1). Nothing here waits, reads or writes; no
//! machine is kept across an `.await`, and every answer on the wire is written elsewhere.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use entity::{authorization_code, client};
use oxide_auth::{
    code_grant::{accesstoken, authorization},
    primitives::{
        grant::{Extensions, Grant},
        registrar::{ClientUrl, Registrar},
    },
};

use super::{params::Params, pkce, registrar::LoadedClient};
use crate::tokens::scopes::Scope;

/// Why an authorization request is refused, by a redirect (RFC 6749 §4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `response_type` is not `code`.
    UnsupportedResponseType,
    /// The scope is malformed, or nothing of it may be granted.
    InvalidScope,
    /// PKCE is missing or wrong; the text goes to the client.
    Pkce(pkce::Refusal),
    /// The client or the redirect URI, which were checked before, do not bind.
    Unbound,
}

/// What a sound authorization request asks for.
#[derive(Debug)]
pub struct Sound {
    /// Requested ∩ client's.
    pub scope: Scope,
    /// The S256 challenge.
    pub code_challenge: Option<String>,
}

/// Checks an authorization request of a client that is known, to a redirect URI that is its own.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_authorization(
    client: &client::Model,
    params: &Params,
    is_pkce_required: bool,
) -> Result<Sound, Refused> {
    use authorization::{Authorization, Error, Input, Output};
    let registrar = LoadedClient(client);
    let mut machine = Authorization::new(params);
    let Output::Bind { client_id, redirect_uri } = machine.advance(Input::None) else {
        return Err(Refused::Unbound);
    };
    let url =
        ClientUrl { client_id: Cow::Owned(client_id), redirect_uri: redirect_uri.map(Cow::Owned) };
    let bound_client = registrar.bound_redirect(url).map_err(|_| Refused::Unbound)?;
    match machine.advance(Input::Bound { request: params, bound_client }) {
        Output::Extend => {}
        Output::Err(Error::Redirect(mut error)) => {
            return Err(match error.description().kind().as_ref() {
                "invalid_scope" => Refused::InvalidScope,
                _ => Refused::UnsupportedResponseType,
            });
        }
        _ => return Err(Refused::Unbound),
    }
    let (method, challenge) = (params.get("code_challenge_method"), params.get("code_challenge"));
    let code_challenge =
        pkce::challenge(method, challenge, is_pkce_required).map_err(Refused::Pkce)?;
    let Output::Negotiate { bound_client, scope } =
        machine.advance(Input::Extended(Extensions::new()))
    else {
        return Err(Refused::Unbound);
    };
    let pre_grant =
        registrar.negotiate(bound_client.clone(), scope).map_err(|_| Refused::InvalidScope)?;
    match machine.advance(Input::Negotiated { pre_grant, state: None }) {
        Output::Ok { pre_grant, .. } => {
            Ok(Sound { scope: pre_grant.scope.iter().map(str::to_owned).collect(), code_challenge })
        }
        _ => Err(Refused::Unbound),
    }
}

/// What a client presents with a code (RFC 6749 §4.1.3), already authenticated.
#[derive(Clone, Copy)]
pub struct CodeRequest<'a> {
    /// The client that authenticated.
    pub client: &'a client::Model,
    /// The request's parameters.
    pub params: &'a Params,
    /// The redirect URI the machine is to compare: as sent, or the stored one if rightly left out.
    redirect_uri: Option<&'a str>,
}

impl<'a> CodeRequest<'a> {
    /// A code request of this client.
    #[must_use]
    pub fn new(client: &'a client::Model, params: &'a Params) -> Self {
        Self { client, params, redirect_uri: params.get("redirect_uri") }
    }

    /// Whether the stored code may be exchanged by this request: same client, same redirect URI, the
    /// right verifier.
    #[must_use]
    pub fn is_worthy_of(self, code: &authorization_code::Model) -> bool {
        use accesstoken::{AccessToken, Input, Output};
        match self.redirect_uri {
            // byte for byte, before the machine compares parsed URLs
            Some(uri) if uri != code.redirect_uri => return false,
            // contract §3: may be missing only if PKCE was used
            None if code.code_challenge.is_none() => return false,
            Some(_) | None => {}
        }
        let asked = CodeRequest { redirect_uri: Some(&code.redirect_uri), ..self };
        let (Ok(redirect_uri), Ok(scope)) = (code.redirect_uri.parse(), code.scope.parse()) else {
            return false;
        };
        let stored = Grant {
            owner_id: code.grant_id.to_string(),
            client_id: code.client_id.clone(),
            scope,
            redirect_uri,
            // the clock is ours and has been looked at; the machine's own must not judge
            until: DateTime::<Utc>::MAX_UTC,
            extensions: Extensions::new(),
        };
        let mut machine = AccessToken::new(&asked);
        if !matches!(machine.advance(Input::None), Output::Authenticate { .. })
            || !matches!(machine.advance(Input::Authenticated), Output::Recover { .. })
        {
            return false;
        }
        let recovered = machine.advance(Input::Recovered(Some(Box::new(stored))));
        matches!(recovered, Output::Extend { .. })
            && pkce::verify(code.code_challenge.as_deref(), self.params.get("code_verifier"))
    }
}

fn cow<'a>(params: &'a Params, name: &str) -> Option<Cow<'a, str>> {
    params.get(name).map(Cow::Borrowed)
}

impl authorization::Request for Params {
    fn valid(&self) -> bool {
        true
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        cow(self, "client_id")
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        cow(self, "scope")
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        cow(self, "redirect_uri")
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        cow(self, "state")
    }
    fn response_type(&self) -> Option<Cow<'_, str>> {
        cow(self, "response_type")
    }
    fn extension(&self, name: &str) -> Option<Cow<'_, str>> {
        cow(self, name)
    }
}

impl accesstoken::Request for CodeRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        cow(self.params, "code")
    }
    fn authorization(&self) -> accesstoken::Authorization<'_> {
        accesstoken::Authorization::Username(Cow::Borrowed(&self.client.id))
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        None // part of `authorization` already
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.redirect_uri.map(Cow::Borrowed)
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        cow(self.params, "grant_type")
    }
    fn extension(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "client_secret" => None, // the client has authenticated
            name => cow(self.params, name),
        }
    }
}
