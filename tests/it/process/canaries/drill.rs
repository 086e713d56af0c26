//! The requests that the canaries go through.

mod handed;

use std::{fs, time::SystemTime};

use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Canaries;
use crate::{
    nodes::cluster::within,
    support::{
        Answer, ApiCaller, Browser, CALLBACK, ClientApp, Collector, Draft, Holder, Installation,
        Letter, Person, Pkce, Process, Site, Tokens, seed_on, totp,
    },
};

const ADA: &str = "acme/ada@acme.example";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
const METRICS_TOKEN: &str = "canary-metrics-token-8d1f6a";

/// A demo server that says all that it can.
pub(super) struct Drill {
    pub(super) canaries: Canaries,
    demo: Value,
    pub(super) server: Process,
    pub(super) installation: Installation,
    /// Who is sent traces.
    pub(super) heard_by: Option<Collector>,
}

impl Drill {
    pub(super) async fn begin(format: &str, variables: &[(&str, &str)]) -> Self {
        let installation = Installation::new().await;
        let settings = format!("[http]\nmetrics_token = \"{METRICS_TOKEN}\"\n");
        fs::write(installation.directory().join("latchkey.toml"), settings).unwrap();
        let mut command = installation.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
        command.env("RUST_LOG", "trace").env("LATCHKEY_LOG__FORMAT", format);
        command.envs(variables.iter().copied());
        let server = Process::start(command);
        let file = fs::read_to_string(installation.data_dir().join("demo.json")).unwrap();
        let mut canaries = Canaries::default();
        canaries.plant("the token for metrics", METRICS_TOKEN);
        let demo = serde_json::from_str(&file).unwrap();
        Self { canaries, demo, server, installation, heard_by: None }
    }

    fn text(&self, pointer: &str) -> String {
        let value = self.demo.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        value.as_str().unwrap().to_owned()
    }

    fn person(&mut self, username: &str) -> Person {
        let users = self.demo["users"].as_array().unwrap().iter();
        let found = users.chain([&self.demo["admin"]]).find(|it| it["username"] == username);
        let password = found.unwrap()["password"].as_str().unwrap().to_owned();
        let password = self.canaries.plant(format!("the password of {username}"), password);
        Person { id: Uuid::nil(), username: username.to_owned(), password }
    }

    fn client(&mut self, name: &str) -> ClientApp {
        let client = &self.demo["clients"][name];
        let secret = client["client_secret"].as_str().map(str::to_owned);
        let id = client["client_id"].as_str().unwrap();
        let mut app = ClientApp::new(&self.server, id, secret.as_deref());
        if let Some(uri) = client["redirect_uris"][0].as_str() {
            uri.clone_into(&mut app.redirect_uri);
        }
        if let Some(secret) = secret {
            self.canaries.plant(format!("the secret of {name}"), secret);
        }
        app
    }

    fn tokens(&mut self, what: &str, answer: &Answer) -> Tokens {
        let tokens = Tokens::of(answer);
        self.canaries.plant(format!("an access token by {what}"), &tokens.access);
        if !tokens.refresh.is_empty() {
            self.canaries.plant(format!("a refresh token by {what}"), &tokens.refresh);
        }
        if let Some(id_token) = answer.json()["id_token"].as_str() {
            self.canaries.plant(format!("an ID token by {what}"), id_token);
        }
        tokens
    }

    /// Signing in to a browser, wrongly and rightly; an authenticator app, codes that are wrong and one
    /// that is right; recovery codes.
    pub(super) async fn browser(&mut self) -> Browser {
        let ada = self.person(ADA);
        let wrong = self.canaries.plant("a wrong password", "canary wrong password 7c2e");
        let mut browser = Browser::new(&self.server);
        browser.sign_in(&Person { password: wrong, ..ada.clone() }).await;
        let page = browser.sign_in(&ada).await;
        assert!(page.has(".who"), "{}", page.body);
        self.canaries.plant("a cookie", &browser.cookies()["latchkey"]);
        let page = browser.open("/settings/security/totp").await;
        let seed = seed_on(&page);
        self.canaries.plant("the seed of an app", BASE32_NOPAD.encode(&seed));
        browser.submit(&page, "#totp-confirm", &[("code", "000000")]).await;
        let page = browser.open("/settings/security/totp").await;
        let (seed, now) = (seed_on(&page), SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
        self.canaries.plant("the seed of an app", BASE32_NOPAD.encode(&seed));
        let code = totp(&seed, now.try_into().unwrap());
        let answer = browser.submit(&page, "#totp-confirm", &[("code", &code)]).await;
        let page = browser.follow(answer).await;
        let codes = page.texts(".codes li");
        assert_eq!(codes.len(), 10, "{}", page.body);
        for code in &codes {
            self.canaries.plant("a recovery code", code);
        }
        let mut another = Browser::new(&self.server);
        let page = another.sign_in(&ada).await;
        let wrong = self.canaries.plant("a wrong recovery code", "CANA-RYCO-DE23-4567");
        another.submit(&page, "#recovery-code-submit", &[("recovery_code", &wrong)]).await;
        let page = another.open("/login").await;
        let page =
            if page.has("#login-submit") { another.sign_in_on(&page, &ada).await } else { page };
        let field = [("recovery_code", &*codes[0])];
        let answer = another.submit(&page, "#recovery-code-submit", &field).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        self.canaries.plant("another cookie", &another.cookies()["latchkey"]);
        browser
    }

    /// Codes with right and wrong verifiers, pushed requests, refreshes, introspection, revocation.
    pub(super) async fn code_grant(&mut self, browser: &mut Browser) {
        let web = self.client("web");
        let request = |pkce: &Pkce| web.authorization().with("code_challenge", &pkce.challenge);
        let mut code = None;
        for verifier in [
            "canary-verifier-that-is-wrong-abcdefghijklmnopqrs",
            "canary-verifier-right-abcdefghijklmnopqrstuvwxyz0",
        ] {
            let verifier = self.canaries.plant("a PKCE verifier", verifier);
            let pkce = Pkce::of(&verifier);
            let page = browser.open(&request(&pkce).path()).await;
            let page = if page.has("#consent-allow") {
                let handle = page.form("#consent-allow").get("request").unwrap().to_owned();
                self.canaries.plant("the handle of a request", handle);
                browser.submit(&page, "#consent-allow", &[]).await
            } else {
                page
            };
            let callback = page.callback();
            let new = self.canaries.plant("a code", callback.code());
            let wrong = Pkce::of("canary-verifier-of-somebody-else-abcdefghijklmnopq");
            if let Some(before) = code.replace(new) {
                let answer: Answer = web.exchange(&before, &wrong).await;
                assert_eq!(answer.status, 400, "{}", answer.body);
            }
            self.canaries.plant("a wrong verifier", wrong.verifier);
            if verifier.contains("right") {
                let answer = web.exchange(code.as_ref().unwrap(), &pkce).await;
                let tokens = self.tokens("a code", &answer);
                let new = self.tokens("a refresh", &web.refresh(&tokens.refresh).await);
                web.introspect(&new.access).await;
                ApiCaller::bearer(&self.server, &new.access).me().await.expect(200);
                web.revoke(&new.refresh).await.expect(200);
                web.refresh(&new.refresh).await.expect(400);
            }
        }
        let pushed = web.push(&web.authorization()).await.expect(201).json();
        let pushed = pushed["request_uri"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        self.canaries.plant("a pushed request", pushed);
    }

    /// The grants of machines and devices; secrets and passwords that are wrong.
    pub(super) async fn other_grants(&mut self) {
        let (script, ben) = (self.client("script"), self.person("acme/ben@acme.example"));
        let answer = script.password(&ben).await;
        self.tokens("a password", &answer);
        let wrong = self.canaries.plant("a wrong password", "canary wrong password 99ab");
        script.sign_in(&ben.username, &wrong).await.expect(400);
        let wrong = self
            .canaries
            .plant("a wrong secret", "lk_cs_canaryCANARYcanaryCANARYcanaryCANARY012345");
        script.with_secret(Some(&wrong)).password(&ben).await.expect(401);
        let service = self.client("service");
        let answer = service.token(&[("grant_type", "client_credentials")]).await;
        let tokens = self.tokens("client credentials", &answer);
        service.introspect(&tokens.access).await.expect(200);
        let unknown = format!("lk_at_{}", "canaryX".repeat(7));
        let unknown = self.canaries.plant("an unknown token", unknown);
        service.introspect(&unknown).await.expect(200);
        ApiCaller::bearer(&self.server, &unknown).me().await.expect(401);
        let unknown = format!("lk_rt_{}", "canaryY".repeat(7));
        let unknown = self.canaries.plant("an unknown refresh token", unknown);
        script.refresh(&unknown).await.expect(400);
    }

    /// Clients that register themselves, assertions and proofs of possession.
    pub(super) async fn registration(&mut self) {
        let token = self.text("/registration_token");
        let token = self.canaries.plant("an initial access token", token);
        let holder = Holder::new();
        let asked = json!({
            "client_name": "Canary", "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "private_key_jwt", "jwks": holder.jwks(),
        });
        let request = self.server.http().post(self.server.url("/oauth/register")).json(&asked);
        let made = Answer::to(request.bearer_auth(&token)).await.expect(201).json();
        let access = made["registration_access_token"].as_str().unwrap();
        let access = self.canaries.plant("a registration access token", access);
        let manage = made["registration_client_uri"].as_str().unwrap();
        Answer::to(self.server.http().get(manage).bearer_auth(&access)).await.expect(200);
        let id = made["client_id"].as_str().unwrap();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        for (name, exp) in [("a sound assertion", now + 60), ("a late assertion", now - 600)] {
            let header = json!({ "alg": "ES256", "typ": "JWT" });
            let claims = json!({ "iss": id, "sub": id, "aud": self.server.url(""), "exp": exp,
                "iat": exp - 60, "jti": format!("canary-jti-{exp}") });
            let assertion = holder.sign(&Draft { header, claims });
            let assertion = self.canaries.plant(name, assertion);
            let (_, signature) = assertion.rsplit_once('.').unwrap();
            self.canaries.plant(format!("the signature of {name}"), signature);
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let pkce = Pkce::default();
            let params = [
                ("response_type", "code"),
                ("redirect_uri", CALLBACK),
                ("code_challenge", &*pkce.challenge),
                ("code_challenge_method", "S256"),
                ("client_assertion_type", kind),
                ("client_assertion", &*assertion),
            ];
            let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": holder.jwk() });
            let claims = json!({ "jti": format!("canary-proof-{exp}"), "htm": "POST",
                "htu": self.server.url("/oauth/par"), "iat": exp - 60 });
            let proof = holder.sign(&Draft { header, claims });
            let (_, signature) = proof.rsplit_once('.').unwrap();
            self.canaries.plant("the signature of a proof", signature);
            let request = ClientApp::new(&self.server, id, None).request("/oauth/par", &params);
            let alone = Answer::to(request.try_clone().unwrap()).await.status;
            let proved = Answer::to(request.header("dpop", &proof)).await.status;
            // an assertion works once, and a proof is looked at before it
            let expected = if name == "a sound assertion" { [201, 401] } else { [401, 400] };
            assert_eq!([alone, proved], expected, "{name}");
        }
    }

    /// Keys in every place where they may be, new ones and wrong ones; subscription keys.
    pub(super) async fn keys(&mut self) {
        let mut all = self.demo["api_keys"].as_object().unwrap().clone();
        all.insert("wrong".to_owned(), "lk_live_canaryZcanaryZcanaryZcanaryZ012345".into());
        for (name, key) in all {
            let key = self.canaries.plant(format!("the key {name}"), key.as_str().unwrap());
            ApiCaller::key(&self.server, &key).me().await;
            ApiCaller::bearer(&self.server, &key).get("/v1/datasets").await;
            ApiCaller::anonymous(&self.server).get(&format!("/v1/datasets?api-key={key}")).await;
        }
        let caller = ApiCaller::key(&self.server, &self.text("/api_keys/live"));
        let body =
            json!({ "name": "Canary", "ownerPrincipalType": "user", "scopes": ["leads:read"] });
        let made = caller.post("/api/api-keys", &body).await.expect(201).json();
        let raw = self.canaries.plant("a new key", made["rawKey"].as_str().unwrap());
        ApiCaller::bearer(&self.server, &raw).get("/api/v1/leads").await.expect(200);
        let subscription = self.text("/subscription_keys/acme");
        self.canaries.plant("a subscription key", &subscription);
        let wrong = self.canaries.plant("a wrong subscription key", "canary-subscription-key-3f");
        for key in [subscription, wrong] {
            let request = caller.request("/comms/v1/api/comms/status");
            Answer::to(request.header("ocp-apim-subscription-key", key)).await;
        }
    }

    /// The link in a letter that was mailed, which has this in it.
    fn mailed(&self, part: &str) -> Option<String> {
        let mail = self.installation.data_dir().join("mail");
        let files = fs::read_dir(&mail).into_iter().flatten().map(|file| file.unwrap().path());
        let letters = files.filter(|path| path.extension().is_some_and(|it| it == "eml"));
        let mut letters = letters.map(|path| Letter::parse(&fs::read_to_string(path).unwrap()));
        letters.find(|it| it.text.contains(part)).map(|it| it.link().to_owned())
    }

    /// A link to a new password, used wrongly and rightly.
    pub(super) async fn reset(&mut self) {
        const PAGE: &str = "/reset-password?token=";
        let mut browser = Browser::new(&self.server);
        let page = browser.open("/forgot-password").await;
        browser.submit(&page, "#forgot-submit", &[("username", "joe@example.com")]).await;
        within(PATIENCE, async || self.mailed(PAGE).is_some()).await;
        let link = self.mailed(PAGE).unwrap();
        let token = link.split_once("token=").unwrap().1;
        self.canaries.plant("the token of a reset link", token);
        let page = browser.open(&link).await;
        let fields = [("password", "canary unlike 5a"), ("password_repeat", "canary other 5b")];
        for (_, password) in fields {
            self.canaries.plant("a password that was refused", password);
        }
        browser.submit(&page, "#reset-submit", &fields).await;
        let new = self.canaries.plant("a new password", "canary new password 41d0");
        let page = browser.open(&link).await;
        let fields = [("password", &*new), ("password_repeat", &new)];
        let answer = browser.submit(&page, "#reset-submit", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    /// What others are answered afterwards: the administrator's pages, metrics, documents.
    pub(super) async fn others(&mut self) -> Vec<(String, String)> {
        let admin = self.person("admin@latchkey.example");
        let mut browser = Browser::of(&self.server, &admin).await;
        self.canaries.plant("the administrator's cookie", &browser.cookies()["latchkey"]);
        let mut said = Vec::new();
        for path in [
            "/admin/users",
            "/admin/clients",
            "/admin/registration-tokens",
            "/admin/outbox",
            "/admin/audit",
            "/admin/subscriptions",
            "/admin/apps",
            "/admin/signing-keys",
            "/settings/security",
            "/settings/sessions",
            "/nothing",
            "/login",
            "/openapi.json",
            "/.well-known/openid-configuration",
        ] {
            said.push((path.to_owned(), browser.open(path).await.body.clone()));
        }
        let asked = self.server.http().get(self.server.url("/metrics"));
        let metrics = Answer::to(asked.bearer_auth(METRICS_TOKEN)).await.expect(200);
        said.push(("/metrics".to_owned(), metrics.body));
        said
    }
}
