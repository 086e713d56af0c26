//! A registered client: an application that speaks to the machine-facing endpoints.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Answer, Draft, Holder, Person, Pkce, Site, World};

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// `client_secret_basic`.
    Basic,
    /// `none`: a public client.
    None,
}

/// A client.
#[derive(Clone, Debug)]
pub struct ClientApp {
    http: reqwest::Client,
    server: String,
    /// Its `client_id`.
    pub id: String,
    /// Its secret, if it is confidential.
    pub secret: Option<String>,
    /// Where it gets its codes.
    pub redirect_uri: String,
    proof: Proof,
    asserting: Option<Asserting>,
}

/// Signs for a client that proves itself by assertions (RFC 7523).
#[derive(Clone)]
struct Asserting {
    holder: Arc<Holder>,
    clock: Arc<super::chance::ManualClock>,
    count: Arc<AtomicU64>,
}

impl fmt::Debug for Asserting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asserting")
    }
}

/// The tokens of a token response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token; empty if there is none.
    pub refresh: String,
    /// The scope that was granted.
    pub scope: String,
}

impl ClientApp {
    /// A client of a server.
    pub fn new(site: &impl Site, id: &str, secret: Option<&str>) -> Self {
        Self {
            http: site.http().clone(),
            server: site.url(""),
            id: id.to_owned(),
            secret: secret.map(str::to_owned),
            redirect_uri: String::new(),
            proof: if secret.is_some() { Proof::Basic } else { Proof::None },
            asserting: None,
        }
    }

    /// The same client, proving itself by assertions that `holder` signs.
    pub fn signed_by(self, world: &World, holder: &Arc<Holder>) -> Self {
        let (holder, clock) = (Arc::clone(holder), Arc::clone(&world.clock));
        Self { asserting: Some(Asserting { holder, clock, count: Arc::default() }), ..self }
    }

    /// An assertion for the issuer, not used before.
    fn assertion(&self, asserting: &Asserting) -> String {
        let now = asserting.clock.unix();
        let claims = json!({
            "iss": self.id,
            "sub": self.id,
            "aud": self.server,
            "iat": now,
            "exp": now + 60,
            "jti": format!("{now} {}", asserting.count.fetch_add(1, Relaxed)),
        });
        let header = json!({ "alg": "ES256", "typ": "JWT" });
        asserting.holder.sign(&Draft { header, claims })
    }

    /// The same client, speaking to another node.
    pub fn at(&self, node: &impl Site) -> Self {
        Self { server: node.url(""), ..self.clone() }
    }

    /// The same client with another secret, or none.
    pub fn with_secret(&self, secret: Option<&str>) -> Self {
        let proof = if secret.is_some() { Proof::Basic } else { Proof::None };
        Self { secret: secret.map(str::to_owned), proof, ..self.clone() }
    }

    /// A POST to an endpoint with these parameters and the client's proof.
    pub fn request(&self, path: &str, params: &[(&str, &str)]) -> RequestBuilder {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(params);
        let mut request = self.http.post(format!("{}{path}", self.server));
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
        if let (Proof::Basic, Some(secret)) = (self.proof, &self.secret) {
            let (id, secret): (String, String) = (encoded(&self.id), encoded(secret));
            request = request.basic_auth(id, Some(secret));
        } else {
            body.append_pair("client_id", &self.id);
        }
        if let Some(asserting) = &self.asserting {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            body.append_pair("client_assertion_type", kind);
            body.append_pair("client_assertion", &self.assertion(asserting));
        }
        request.header("content-type", "application/x-www-form-urlencoded").body(body.finish())
    }

    /// A token request.
    pub async fn token(&self, params: &[(&str, &str)]) -> Answer {
        Answer::to(self.request("/oauth/token", params)).await
    }

    /// The password grant.
    pub async fn password(&self, person: &Person) -> Answer {
        self.sign_in(&person.username, &person.password).await
    }

    /// The password grant with any username and password.
    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        let grant = ("grant_type", "password");
        self.token(&[grant, ("username", username), ("password", password)]).await
    }

    /// The password grant, with further parameters.
    pub async fn password_with(&self, person: &Person, more: &[(&str, &str)]) -> Answer {
        let mut params = vec![
            ("grant_type", "password"),
            ("username", person.username.as_str()),
            ("password", person.password.as_str()),
        ];
        params.extend(more);
        self.token(&params).await
    }

    /// A refresh.
    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.refresh_with(refresh_token, &[]).await
    }

    /// A refresh, with further parameters.
    pub async fn refresh_with(&self, refresh_token: &str, more: &[(&str, &str)]) -> Answer {
        let mut params = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        params.extend(more);
        self.token(&params).await
    }

    /// Exchanges a code as it should be done.
    pub async fn exchange(&self, code: &str, pkce: &Pkce) -> Answer {
        let redirect_uri = ("redirect_uri", self.redirect_uri.as_str());
        let verifier = ("code_verifier", pkce.verifier.as_str());
        self.exchange_with(code, &[redirect_uri, verifier]).await
    }

    /// Exchanges a code with these parameters and no others.
    pub async fn exchange_with(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let mut params = vec![("grant_type", "authorization_code"), ("code", code)];
        params.extend(more);
        self.token(&params).await
    }

    /// Exchanges somebody else's access token for one of its own (RFC 8693).
    pub async fn exchange_token(&self, subject: &str, more: &[(&str, &str)]) -> Answer {
        let mut params = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        params.extend(more);
        self.token(&params).await
    }

    /// Pushes an authorization request (RFC 9126).
    pub async fn push(&self, request: &Authorization) -> Answer {
        let pairs = request.clone().without("client_id");
        Answer::to(self.request("/oauth/par", &pairs.pairs())).await
    }

    /// The authorization request that names what was pushed.
    #[track_caller]
    pub fn named(&self, pushed: &Answer) -> Authorization {
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        let request_uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let pairs = [("client_id", self.id.clone()), ("request_uri", request_uri)];
        Authorization(pairs.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// RFC 7009.
    pub async fn revoke(&self, token: &str) -> Answer {
        Answer::to(self.request("/oauth/revoke", &[("token", token)])).await
    }

    /// RFC 7662.
    pub async fn introspect(&self, token: &str) -> Answer {
        Answer::to(self.request("/oauth/introspect", &[("token", token)])).await
    }

    /// Whether introspection calls a token active.
    pub async fn sees_alive(&self, token: &str) -> bool {
        let answer = self.introspect(token).await.expect(200);
        answer.json()["active"] == true
    }

    /// A sound authorization request for everything the client may have.
    pub fn authorization(&self) -> Authorization {
        let pkce = Pkce::default();
        let pairs = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("state", "a state: +&=%"),
            ("code_challenge", &pkce.challenge),
            ("code_challenge_method", "S256"),
        ];
        Authorization(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

impl Tokens {
    /// Those of a token response, which must be a success.
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }
}

/// An authorization request (RFC 6749 §4.1.1).
#[derive(Clone, Debug)]
pub struct Authorization(Vec<(String, String)>);

impl Authorization {
    /// The same request with another value of a parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request without a parameter.
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// The same request with one more parameter, even if it has one of that name.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The parameters.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The parameters as a query or a body.
    pub fn urlencoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// Where the browser goes.
    pub fn path(&self) -> String {
        format!("/oauth/authorize?{}", self.urlencoded())
    }
}

/// An authorization response (RFC 6749 §4.1.2), as the client finds it in its callback's query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The redirect URI without the query.
    pub to: String,
    /// The parameters.
    pub params: BTreeMap<String, String>,
}

impl Callback {
    /// Reads the address the browser was sent to.
    #[track_caller]
    pub fn parse(location: &str) -> Self {
        let mut to = Url::parse(location).unwrap();
        let params = to.query_pairs().into_owned().collect();
        to.set_query(None);
        Self { to: to.into(), params }
    }

    /// The code.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.params.get("code").unwrap_or_else(|| panic!("no code: {:?}", self.params))
    }

    /// The parameters as JSON, secrets masked.
    pub fn shown(&self) -> Value {
        super::masked(serde_json::to_value(&self.params).unwrap())
    }
}
