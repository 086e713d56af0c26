//! Proofs of possession at the machine-facing endpoints (RFC 9449 §5): the `DPoP` header in, and the
//! nonce for the next proof out.

use entity::client;
use poem::{
    Request, Response,
    http::{HeaderName, HeaderValue},
};

use super::error::OAuthError;
use crate::{
    app::App,
    clients::policy::Policy,
    tokens::dpop::{self, Problem, Target, Thumbprint},
};

/// The header of a proof.
pub const PROOF: HeaderName = HeaderName::from_static("dpop");
/// The header of a nonce.
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The key that the request for tokens at `path` proves, if any; there must be one if the client's
/// tokens are bound (§5.2). The proof is spent.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn demanded(
    app: &App,
    req: &Request,
    path: &str,
    client: &client::Model,
) -> Result<Option<Thumbprint>, OAuthError> {
    let key = presented(app, req, path).await?;
    if key.is_none() && Policy::of(app, client).must_bind_tokens() {
        let description = "the client's tokens are bound to keys: a proof of possession is missing";
        return Err(OAuthError::refused("invalid_dpop_proof", description));
    }
    Ok(key)
}

/// The key that a request to `path` proves, if any. The proof is spent.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn presented(
    app: &App,
    req: &Request,
    path: &str,
) -> Result<Option<Thumbprint>, OAuthError> {
    let refused = |problem| refused(app, problem);
    let headers: Vec<_> = req.headers().get_all(PROOF).iter().map(HeaderValue::as_bytes).collect();
    let Some(proof) = dpop::only(&headers).map_err(refused)? else { return Ok(None) };
    let target = Target { method: req.method().as_str(), url: &app.url(path) };
    let proof = dpop::check(app, proof, target, None).map_err(refused)?;
    dpop::spend(app, proof).await?.map(Some).map_err(refused)
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
