//! Proofs of possession at the machine-facing endpoints (RFC 9449 §5): the `DPoP` header in, and the
//! nonce for the next proof out.

use std::net::IpAddr;

use entity::client;
use poem::{
    Request, Response,
    http::{HeaderName, HeaderValue},
};

use super::error::OAuthError;
use crate::{
    app::App,
    clients::{dynamic::TooMany, policy::Policy, spending},
    tokens::dpop::{self, Problem, Proof, Target, Thumbprint},
};

/// The header of a proof.
pub const PROOF: HeaderName = HeaderName::from_static("dpop");
/// The header of a nonce.
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The proof that a request for `url` brings along, if it does. It is good, and not spent.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub fn presented(app: &App, req: &Request, url: &str) -> Result<Option<Proof>, OAuthError> {
    let refused = |problem| refused(app, problem);
    let headers: Vec<_> = req.headers().get_all(PROOF).iter().map(HeaderValue::as_bytes).collect();
    let Some(proof) = dpop::only(&headers).map_err(refused)? else { return Ok(None) };
    let target = Target { method: req.method().as_str(), url };
    dpop::check(app, proof, target, None).map(Some).map_err(refused)
}

/// The key that a proof proves; there must be a proof if the client's tokens are bound (§5.2). It is
/// spent.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn demanded(
    app: &App,
    proof: Option<Proof>,
    (client, address): (&client::Model, IpAddr),
) -> Result<Option<Thumbprint>, OAuthError> {
    if proof.is_none() && Policy::of(app, client).must_bind_tokens() {
        // §5 has a code for a proof that is wrong, and none for one that is not there
        let description = "the client's tokens are bound to keys: a proof of possession is missing";
        return Err(OAuthError::invalid_request(description));
    }
    spent(app, proof, (client, address)).await
}

/// The key that a proof proves, if there is one that came in the name of this client from this address. It is spent,
/// unless too many are from there.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn spent(
    app: &App,
    proof: Option<Proof>,
    (client, address): (&client::Model, IpAddr),
) -> Result<Option<Thumbprint>, OAuthError> {
    let Some(proof) = proof else { return Ok(None) };
    spending::admit(app, client, address)
        .map_err(|TooMany(secs)| OAuthError::too_many_requests(secs))?;
    dpop::spend(app, proof).await?.map(Some).map_err(|problem| refused(app, problem))
}

fn refused(app: &App, problem: Problem) -> OAuthError {
    match problem {
        Problem::NeedsNonce => {
            OAuthError::use_dpop_nonce(&dpop::present_nonce(app).unwrap_or_default())
        }
        problem => OAuthError::refused("invalid_dpop_proof", problem.text()),
    }
}

/// An answer that also says what nonce the next proof must have, where one is demanded (§8.2).
pub fn with_nonce(app: &App, mut response: Response) -> Response {
    let nonce = dpop::present_nonce(app).and_then(|nonce| HeaderValue::try_from(nonce).ok());
    if let Some(nonce) = nonce {
        response.headers_mut().insert(NONCE, nonce);
    }
    response
}
