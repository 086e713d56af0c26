//! The request of a client to a machine-facing endpoint, and who the client is (RFC 6749 §2.3).
//!
//! 1. The body is a form (415), of at most 64 KiB (413), each parameter once (400).
//! 2. Where tokens are bound to keys, a proof of possession is good (`dpop.rs`): whoever has to come
//!    again with a nonce (RFC 9449 §8) comes with the same assertion, so nothing is spent before.
//! 3. One way of authenticating: `client_secret_basic`, `client_secret_post`, `private_key_jwt` or
//!    `none`; two at once are 400, none at all, a wrong one or another than the client's 401. A network that has
//!    been wrong too often hears 429 for the rest of the minute.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::client;
use poem::{Body, Request, http::header};
use zeroize::Zeroizing;

use super::{
    dpop,
    error::OAuthError,
    params::{Params, is_form},
    token,
};
use crate::{
    access::Guess,
    app::App,
    clients::{
        assertion::{Assertion, Endpoint},
        authentication::{self, Proof, ShownSecret},
        dynamic::TooMany,
    },
    tokens::dpop::{Proof as Possession, Thumbprint},
    web::{body, client_ip::client_ip},
};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// The one kind of assertion (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request whose client is known.
pub struct ClientRequest {
    /// What was asked.
    pub params: Params,
    /// By whom.
    pub client: Arc<client::Model>,
    /// From where.
    pub address: IpAddr,
    /// What proves that a key is at hand (RFC 9449); not spent yet.
    pub proof: Option<Possession>,
    /// That key, once the proof is spent.
    pub key: Option<Thumbprint>,
}

impl ClientRequest {
    /// Steps 1 and 3, where nobody asks for a proof of possession.
    ///
    /// # Errors
    /// The refusal that the client is to be answered with.
    pub async fn read(app: &Arc<App>, req: &Request, body: Body) -> Result<Self, OAuthError> {
        let params = form(req, body).await?;
        Self::authenticated(app, req, params).await
    }

    /// Steps 1 to 3.
    ///
    /// # Errors
    /// The refusal that the client is to be answered with.
    pub async fn read_with_proof(
        app: &Arc<App>,
        req: &Request,
        body: Body,
    ) -> Result<Self, OAuthError> {
        let params = form(req, body).await?;
        let proof = dpop::presented(app, req, &app.url(req.uri().path()))?;
        Ok(Self { proof, ..Self::authenticated(app, req, params).await? })
    }

    async fn authenticated(
        app: &Arc<App>,
        req: &Request,
        params: Params,
    ) -> Result<Self, OAuthError> {
        let presented = Presented::read(authorization(req)?, &params)?;
        let address = client_ip(req, app);
        let secret = presented.secret();
        let known = secret.and_then(|it| authentication::known(app, &presented.client_id, &it));
        let client = match known {
            Some(client) => client,
            None => presented.believed(app, req, address).await?,
        };
        Ok(Self { params, client, address, proof: None, key: None })
    }
}

/// The client of a request, if it is known by heart and has shown its secret; `None` says nothing.
pub(super) fn known(app: &App, req: &Request, params: &Params) -> Option<Arc<client::Model>> {
    let presented = Presented::read(authorization(req).ok()?, params).ok()?;
    authentication::known(app, &presented.client_id, &presented.secret()?)
}

/// A form that was read before its request went the long way.
#[derive(Clone)]
pub(super) struct ReadForm(pub(super) Result<Params, OAuthError>);

/// Step 1.
pub(super) async fn form(req: &Request, body: Body) -> Result<Params, OAuthError> {
    if let Some(ReadForm(form)) = req.data() {
        return form.clone();
    }
    if !is_form(req.content_type()) {
        return Err(OAuthError::unsupported_media_type());
    }
    let bytes = Zeroizing::new(body::read(body, MAX_BODY_BYTES).await?);
    let params = Params::parse(&bytes);
    match params.defect() {
        Some(defect) => Err(OAuthError::invalid_request(defect)),
        None => Ok(params),
    }
}

fn authorization(req: &Request) -> Result<Option<&str>, OAuthError> {
    let mut values = req.headers().get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| OAuthError::invalid_client()),
        (Some(_), Some(_)) => Err(OAuthError::invalid_request("two Authorization headers")),
    }
}

/// What a client presented, not yet believed.
struct Presented {
    client_id: String,
    evidence: Evidence,
}

enum Evidence {
    Nothing,
    Header(Zeroizing<String>),
    Body(Zeroizing<String>),
    Assertion(Box<Assertion>),
}

impl Presented {
    fn proof<'a>(&'a self, endpoint: Endpoint<'a>) -> Proof<'a> {
        match &self.evidence {
            Evidence::Assertion(assertion) => Proof::Assertion(assertion, endpoint),
            Evidence::Nothing | Evidence::Header(_) | Evidence::Body(_) => {
                self.secret().map_or(Proof::Nothing, Proof::Secret)
            }
        }
    }

    fn secret(&self) -> Option<ShownSecret<'_>> {
        match &self.evidence {
            Evidence::Header(secret) => Some(ShownSecret::Basic(secret)),
            Evidence::Body(secret) => Some(ShownSecret::Post(secret)),
            Evidence::Nothing | Evidence::Assertion(_) => None,
        }
    }

    /// The client that this proves, once it was looked for. What proves nothing is counted for the network.
    async fn believed(
        &self,
        app: &App,
        req: &Request,
        address: IpAddr,
    ) -> Result<Arc<client::Model>, OAuthError> {
        let guess = Guess::admit(app, address).map_err(OAuthError::too_many_requests)?;
        // clients sign for the token endpoint everywhere (OpenID Connect Core §9, RFC 9126 §2)
        let (own, token) = (app.url(req.uri().path()), app.url(token::PATH));
        let proof = self.proof(Endpoint { own: &own, token: &token });
        let found = authentication::authenticate(app, &self.client_id, proof, address).await;
        if !matches!(found, Ok(Ok(None))) {
            guess.take_back(app);
        }
        let found = found?.map_err(|TooMany(secs)| OAuthError::too_many_requests(secs))?;
        found.ok_or_else(OAuthError::invalid_client)
    }

    fn read(authorization: Option<&str>, params: &Params) -> Result<Self, OAuthError> {
        let secret = params.get("client_secret");
        let assertion = params.get("client_assertion");
        // RFC 6749 §2.3: not more than one authentication method in each request
        let ways = [authorization, secret, assertion];
        if ways.iter().flatten().count() > 1 {
            return Err(OAuthError::invalid_request("the client authenticates in two ways"));
        }
        let body_id = params.get("client_id");
        let (client_id, evidence) = match (authorization, assertion) {
            (Some(authorization), _) => {
                let (id, secret) = basic(authorization).ok_or_else(OAuthError::invalid_client)?;
                (id, Evidence::Header(secret))
            }
            (None, Some(assertion)) => {
                let (id, assertion) = asserted(params.get("client_assertion_type"), assertion)?;
                (id, Evidence::Assertion(Box::new(assertion)))
            }
            (None, None) => {
                let client_id = body_id.ok_or_else(OAuthError::invalid_client)?.to_owned();
                let secret = secret.map(|secret| Zeroizing::new(secret.to_owned()));
                (client_id, secret.map_or(Evidence::Nothing, Evidence::Body))
            }
        };
        // many clients repeat their id in the body; it must be the same one
        if body_id.is_some_and(|id| id != client_id) {
            return Err(OAuthError::invalid_request("two different clients are named"));
        }
        Ok(Self { client_id, evidence })
    }
}

/// RFC 7523 §2.2: who an assertion says it is of, to be proved by `clients/assertion.rs`.
fn asserted(kind: Option<&str>, assertion: &str) -> Result<(String, Assertion), OAuthError> {
    match kind {
        Some(JWT_BEARER) => {
            let assertion = Assertion::parse(assertion).ok_or_else(OAuthError::invalid_client)?;
            let client_id = assertion.client_id().ok_or_else(OAuthError::invalid_client)?;
            Ok((client_id.to_owned(), assertion))
        }
        Some(_) => Err(OAuthError::invalid_client()),
        None => Err(OAuthError::invalid_request("client_assertion_type is missing")),
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined and encoded in base64.
#[must_use]
pub fn basic(authorization: &str) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((form_decoded(id)?, Zeroizing::new(form_decoded(secret)?)))
}

fn form_decoded(text: &str) -> Option<String> {
    // a lone value: a bare '&' or '=' cannot stand in it
    let pair = format!("x={text}");
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    let (_, value) = pairs.next()?;
    pairs.next().is_none().then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, body: &str) -> Result<(String, Option<String>), &'static str> {
        let params = Params::parse(body.as_bytes());
        match Presented::read(header, &params) {
            Ok(it) => Ok((
                it.client_id,
                match it.evidence {
                    Evidence::Header(secret) | Evidence::Body(secret) => Some(secret.to_string()),
                    Evidence::Nothing | Evidence::Assertion(_) => None,
                },
            )),
            Err(error) => Err(if format!("{error:?}").contains("invalid_client") {
                "invalid_client"
            } else {
                "invalid_request"
            }),
        }
    }

    #[test]
    fn one_method_at_a_time() {
        let header = |pair: &str| format!("bAsIc {}", STANDARD.encode(pair));
        let ok = |id: &str, secret: Option<&str>| Ok((id.to_owned(), secret.map(str::to_owned)));
        assert_eq!(read(Some(&header("my%3Aid:p%25+q")), ""), ok("my:id", Some("p% q")));
        assert_eq!(read(Some(&header("a:b")), "client_id=a"), ok("a", Some("b")));
        assert_eq!(read(None, "client_id=a&client_secret=b"), ok("a", Some("b")));
        assert_eq!(read(None, "client_id=a"), ok("a", None));
        assert_eq!(read(Some(&header("a:b")), "client_secret=b"), Err("invalid_request"));
        assert_eq!(read(Some(&header("a:b")), "client_id=c"), Err("invalid_request"));
        assert_eq!(read(None, "client_secret=b"), Err("invalid_client"));
        let kind = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        assert_eq!(read(None, &format!("{kind}&client_assertion=x")), Err("invalid_client"));
        assert_eq!(read(None, "client_assertion=x"), Err("invalid_request"));
        for body in ["client_assertion=x&client_secret=b", "client_assertion=x"] {
            assert_eq!(read(Some(&header("a:b")), body), Err("invalid_request"), "{body}");
        }
        for bad in ["Bearer x", "Basic", "Basic !!", "Basic YQ==", "basic  "] {
            assert_eq!(read(Some(bad), "client_id=a"), Err("invalid_client"), "{bad}");
        }
    }
}
