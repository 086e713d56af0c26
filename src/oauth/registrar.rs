//! oxide-auth's view of one client that has already been loaded: its rules are asked, its storage is
//! ours. Fenced: see `flow.rs`.

use entity::client;
use oxide_auth::primitives::{
    registrar::{BoundClient, ClientUrl, PreGrant, RegisteredUrl, Registrar, RegistrarError},
    scope::Scope as OxideScope,
};

use crate::{clients::redirect_uri, tokens::scopes::Scope};

/// The registrar of exactly this client.
pub struct LoadedClient<'a>(pub &'a client::Model);

impl Registrar for LoadedClient<'_> {
    /// Contract §3: the redirect URI is always required and compared byte for byte.
    fn bound_redirect<'a>(&self, bound: ClientUrl<'a>) -> Result<BoundClient<'a>, RegistrarError> {
        let given = bound.redirect_uri.ok_or(RegistrarError::Unspecified)?;
        let is_registered =
            self.0.redirect_uris.0.iter().any(|uri| redirect_uri::matches(uri, given.as_str()));
        if bound.client_id != self.0.id.as_str() || !is_registered {
            return Err(RegistrarError::Unspecified);
        }
        Ok(BoundClient {
            client_id: bound.client_id,
            redirect_uri: std::borrow::Cow::Owned(RegisteredUrl::Exact(given.into_owned())),
        })
    }

    /// Requested ∩ client's; nothing left of something is refused (RFC 6749 §4.1.2.1).
    fn negotiate(
        &self,
        bound: BoundClient<'_>,
        requested: Option<OxideScope>,
    ) -> Result<PreGrant, RegistrarError> {
        let ceiling = Scope::stored(&self.0.scope);
        let granted = match requested {
            None => ceiling,
            Some(requested) => {
                let requested: Scope = requested.iter().map(str::to_owned).collect();
                let granted = requested.intersection(&ceiling);
                if granted.is_empty() && !requested.is_empty() {
                    return Err(RegistrarError::Unspecified);
                }
                granted
            }
        };
        Ok(PreGrant {
            client_id: bound.client_id.into_owned(),
            redirect_uri: bound.redirect_uri.into_owned(),
            scope: granted.to_string().parse().map_err(|_| RegistrarError::PrimitiveError)?,
        })
    }

    /// Clients are authenticated before any of oxide-auth's machines runs.
    fn check(&self, client_id: &str, _: Option<&[u8]>) -> Result<(), RegistrarError> {
        if client_id == self.0.id { Ok(()) } else { Err(RegistrarError::Unspecified) }
    }
}
