//! What tests of OpenID Connect share: clients that sign people in, people about whom much is known,
//! and a look into tokens. What a token is worth is for a library of somebody else's to say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{client_settings::Settings, member::Role, signing_key::Algorithm, workspace};
use latchkey::{
    clients::registration::NewClient, identity::users::NewUser, workspaces::Membership,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, JsonWebKey,
    JsonWebKeyAlgorithm, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope,
    TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreJsonWebKey, CoreJsonWebKeySet,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
    },
};
use serde_json::{Value, json};

use super::{Answer, Browser, Callback, ClientApp, Person, World, texts, web};

/// Every scope token of OpenID Connect.
pub const OPENID: &str = "openid profile email address phone offline_access";

/// A confidential client that may be told everything.
pub fn relying_party() -> NewClient {
    let scope: Vec<_> = OPENID.split(' ').chain(["leads:read"]).collect();
    NewClient { name: "Relying party".to_owned(), scope: texts(&scope), ..web() }
}

/// Header and claims of a JWT.
#[track_caller]
pub fn taken_apart(token: &str) -> (Value, Value) {
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let part =
        |at: usize| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap();
    (part(0), part(1))
}

/// Header and claims of a JWT that the server has signed, as the crate `openidconnect` finds with the
/// keys that are published.
#[track_caller]
pub fn opened(jwt: &str, jwks: &Value) -> (Value, Value) {
    let (header, claims) = taken_apart(jwt);
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let keys: CoreJsonWebKeySet = serde_json::from_value(jwks.clone()).unwrap();
    let is_named = |key: &&CoreJsonWebKey| key.key_id().is_some_and(|id| header["kid"] == **id);
    let key = keys.keys().iter().find(is_named).unwrap_or_else(|| panic!("no key: {header}"));
    let how: CoreJwsSigningAlgorithm = serde_json::from_value(header["alg"].clone()).unwrap();
    assert!(matches!(key.signing_alg(), JsonWebKeyAlgorithm::Algorithm(its) if *its == how));
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify_signature(&how, message.as_bytes(), &signature).unwrap();
    let broken = [message.as_bytes(), b"x"].concat();
    assert!(key.verify_signature(&how, &broken, &signature).is_err(), "{header}");
    (header, claims)
}

/// The claims of the ID token of a token response.
#[track_caller]
pub fn id_token_of(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let token = body["id_token"].as_str();
    taken_apart(token.unwrap_or_else(|| panic!("no ID token: {body}"))).1
}

/// Every claim about a person that has no column of its own.
pub fn full_profile() -> Value {
    json!({
        "given_name": "Ada",
        "family_name": "Byron",
        "middle_name": "King",
        "nickname": "ada",
        "preferred_username": "countess",
        "profile": "https://acme.example/people/ada",
        "picture": "https://acme.example/people/ada.png",
        "website": "https://ada.example",
        "gender": "female",
        "birthdate": "1985-12-10",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+44 20 7946 0000",
        "phone_number_verified": true,
        "address": {"formatted": "12 St James's Square", "country": "United Kingdom"},
        "updated_at": 1_800_000_000,
    })
}

impl World {
    /// The keys that are published.
    pub async fn jwks(&self) -> Value {
        let answer = Answer::to(self.http.get(self.url("/oauth/jwks.json"))).await;
        answer.expect(200).json()
    }

    /// What the server says of itself (RFC 8414).
    pub async fn metadata(&self) -> Value {
        let url = self.url("/.well-known/oauth-authorization-server");
        Answer::to(self.http.get(url)).await.expect(200).json()
    }

    /// The algorithms that a member of what it says of itself lists.
    pub async fn listed(&self, member: &str) -> Vec<Algorithm> {
        let listed: Vec<Algorithm> =
            serde_json::from_value(self.metadata().await[member].clone()).unwrap();
        assert!(listed.len() > 1, "{member}: {listed:?}");
        listed
    }

    /// A client that signs people in, with these settings.
    pub async fn relying_party(&self, settings: Settings) -> ClientApp {
        self.client(NewClient { settings, ..relying_party() }).await
    }

    /// Somebody about whom everything is known.
    pub async fn known_person(&self, workspace: &workspace::Model) -> Person {
        let Value::Object(profile) = full_profile() else { unreachable!() };
        let membership = Membership { workspace_id: workspace.id, role: Role::Owner };
        self.person_of(NewUser {
            username: "acme/byron@acme.example".to_owned(),
            name: Some("Ada King Byron".to_owned()),
            is_email_verified: true,
            profile: Some(profile),
            memberships: vec![membership],
            ..NewUser::default()
        })
        .await
    }
}

/// An application that signs people in by the crate `openidconnect`: it finds everything out by
/// itself, and believes nothing that it has not checked.
pub struct Library {
    metadata: CoreProviderMetadata,
    http: reqwest::Client,
    id: String,
    secret: String,
    redirect_uri: String,
    now: chrono::DateTime<chrono::Utc>,
}

/// What it has found out.
pub struct SignedIn {
    /// The token response.
    pub tokens: CoreTokenResponse,
    /// The ID token's claims.
    pub claims: CoreIdTokenClaims,
}

impl Library {
    /// The library, in the place of a client.
    pub async fn of(world: &World, app: &ClientApp) -> Self {
        let issuer = IssuerUrl::new(world.app.config.issuer.clone()).unwrap();
        let metadata = CoreProviderMetadata::discover_async(issuer, &world.http).await.unwrap();
        Self {
            metadata,
            http: world.http.clone(),
            id: app.id.clone(),
            secret: app.secret.clone().unwrap(),
            redirect_uri: app.redirect_uri.clone(),
            now: latchkey::clock::Clock::now(&*world.clock),
        }
    }

    /// Signs somebody in by the code flow with PKCE, and checks the ID token and what it says of the
    /// access token.
    pub async fn sign_in(&self, browser: &mut Browser, person: &Person) -> SignedIn {
        let client = CoreClient::from_provider_metadata(
            self.metadata.clone(),
            ClientId::new(self.id.clone()),
            Some(ClientSecret::new(self.secret.clone())),
        )
        .set_redirect_uri(RedirectUrl::new(self.redirect_uri.clone()).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let scopes = ["profile", "email", "address", "phone"];
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let callback = walk(browser, url.as_str(), person).await;
        assert_eq!(callback.params["state"], *state.secret());
        let code = AuthorizationCode::new(callback.code().to_owned());
        let request = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
        let tokens = request.request_async(&self.http).await.unwrap();

        let now = self.now;
        let checker = client.id_token_verifier().set_time_fn(move || now);
        // the library takes RS256 only, unless the client says what it has registered
        let token = tokens.id_token().expect("an ID token");
        let algorithm = token.signing_alg().unwrap().clone();
        let checker = checker.set_allowed_algs([algorithm.clone()]);
        let claims = token.claims(&checker, &nonce).unwrap().clone();
        let key = token.signing_key(&checker).unwrap();
        let hash = AccessTokenHash::from_token(tokens.access_token(), &algorithm, key).unwrap();
        assert_eq!(claims.access_token_hash(), Some(&hash));
        SignedIn { tokens, claims }
    }

    /// What the userinfo endpoint tells.
    pub async fn userinfo(&self, signed_in: &SignedIn, is_signed: bool) -> CoreUserInfoClaims {
        let client = CoreClient::from_provider_metadata(
            self.metadata.clone(),
            ClientId::new(self.id.clone()),
            Some(ClientSecret::new(self.secret.clone())),
        );
        let token = signed_in.tokens.access_token().clone();
        let subject = signed_in.claims.subject().clone();
        let request = client.user_info(token, Some(subject)).unwrap();
        request.require_signed_response(is_signed).request_async(&self.http).await.unwrap()
    }
}

/// Goes where an application sends the browser, signs in and allows.
async fn walk(browser: &mut Browser, url: &str, person: &Person) -> Callback {
    let mut page = browser.open(url).await;
    if page.has("#login-submit") {
        page = browser.sign_in_on(&page, person).await;
    }
    if page.has("#consent-allow") {
        page = browser.submit(&page, "#consent-allow", &[]).await;
    }
    page.callback()
}
