//! Proofs of possession at the API (RFC 9449 §7): for the request's own method and address, as clients
//! know it.
//!
//! A gateway that asks about a request with `GET /api/v1/verify` passes the proof on that was made for
//! that request. Which one it is only the gateway knows: if it is a trusted proxy, its
//! `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri` say it.

use ipnet::IpNet;
use poem::{
    Request,
    http::{HeaderName, HeaderValue},
};

use super::verify;
use crate::{
    access::{Presented, Principal, Refusal, presented::PresentedCredential},
    app::App,
    fault::Fault,
    tokens::dpop::{self, Problem, Shown, Target},
    web::client_ip::peer,
};

const PROOF: HeaderName = HeaderName::from_static("dpop");
/// Method, scheme, host and path with query of the request that a gateway asks about.
const FORWARDED: [&str; 4] =
    ["x-forwarded-method", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri"];

/// Whether whoever came with a credential may use it: one that is bound to a key needs a proof.
///
/// # Errors
/// When the database fails.
pub(super) async fn demand(
    app: &App,
    request: &Request,
    presented: &Presented,
    principal: &Principal,
) -> Result<Result<(), Refusal>, Fault> {
    let bound = principal.bound_to.as_deref();
    let PresentedCredential::Token(token) = &presented.credential else { return Ok(Ok(())) };
    if bound.is_none() && !presented.by_dpop {
        return Ok(Ok(()));
    }
    let proofs = request.headers().get_all(PROOF);
    let proofs: Vec<_> = proofs.iter().map(HeaderValue::as_bytes).collect();
    let elsewhere = forwarded(app, request);
    let own = app.url(request.uri().path());
    let target = match &elsewhere {
        Some((method, url)) => Target { method, url },
        None => Target { method: request.method().as_str(), url: &own },
    };
    let (by_dpop, token) = (presented.by_dpop, token.reveal());
    let shown = Shown { by_dpop, proofs: &proofs, target, token };
    let proved = dpop::at_resource(app, bound, shown).await?;
    Ok(proved.map_err(|problem| match problem {
        Problem::Elsewhere if elsewhere.is_none() && request.uri().path() == verify::PATH => {
            Refusal::Unproved(Problem::Gateway)
        }
        problem => Refusal::Unproved(problem),
    }))
}

/// The request that a trusted gateway asks about.
fn forwarded(app: &App, request: &Request) -> Option<(String, String)> {
    let trusted: &[IpNet] = &app.config.http.trusted_proxies;
    let peer = peer(request);
    if request.uri().path() != verify::PATH || !trusted.iter().any(|net| net.contains(&peer)) {
        return None;
    }
    let only = |name: &str| {
        let mut values = request.headers().get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok().filter(|text| !text.is_empty())
    };
    let [method, scheme, host, uri] = FORWARDED.map(only);
    Some((method?.to_owned(), format!("{}://{}{}", scheme?, host?, uri?)))
}
