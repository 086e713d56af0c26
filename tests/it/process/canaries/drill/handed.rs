//! What is handed from one to another: codes of devices, invitations, tokens for which a service gets its
//! own, and credentials that somebody has found.

use serde_json::{Value, json};

use super::{Drill, PATIENCE};
use crate::{
    nodes::cluster::within,
    support::{Answer, ApiCaller, Browser, ClientApp, Person},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

impl Drill {
    /// A client that the command line has made, and its secret.
    fn made_client(&mut self, name: &str, more: &str) -> ClientApp {
        let line = format!("create-client --name {name} --scope leads:read {more}");
        let made = self.installation.admin(&line);
        let secret = made["client_secret"].as_str().map(str::to_owned);
        if let Some(secret) = &secret {
            self.canaries.plant(format!("the secret of {name}"), secret);
        }
        ClientApp::new(&self.server, made["client_id"].as_str().unwrap(), secret.as_deref())
    }

    /// A device that is allowed, one that is refused, one that guesses, and codes that nobody has.
    pub(in super::super) async fn devices(&mut self, browser: &mut Browser) {
        let television = self
            .made_client("Television", &format!("--public --grant-type {DEVICE},refresh_token"));
        let wrong = self.canaries.plant_code("a wrong user code", "BCDF-GHJK");
        let page = browser.open("/device").await;
        browser.submit(&page, "#device-continue", &[("user_code", &wrong)]).await;
        browser.open(&format!("/device/{wrong}")).await;
        for (button, status) in [("#consent-allow", 200), ("#consent-deny", 400)] {
            let asked = television.request("/oauth/device_authorization", &[]);
            let started = Answer::to(asked).await.expect(200).json();
            let text = |name: &str| started[name].as_str().unwrap();
            let device_code = self.canaries.plant("a device code", text("device_code"));
            let user_code = self.canaries.plant_code("a user code", text("user_code"));
            // as a text that was typed, and in the link that a device shows
            let page = browser.open("/device").await;
            let field = [("user_code", &*user_code.to_lowercase())];
            browser.submit(&page, "#device-continue", &field).await;
            let page = browser.open(&format!("/device/{user_code}")).await;
            let page = browser.submit(&page, "#device-continue", &[]).await;
            assert!(page.has(button), "{}", page.body);
            browser.submit(&page, button, &[]).await;
            let fields = [("grant_type", DEVICE), ("device_code", &*device_code)];
            let answer = television.token(&fields).await.expect(status);
            if status == 200 {
                self.tokens("a device", &answer);
            }
            television.token(&fields).await.expect(400);
        }
        let unknown = format!("lk_dc_{}", "canaryV".repeat(7));
        let unknown = self.canaries.plant("an unknown device code", unknown);
        television.token(&[("grant_type", DEVICE), ("device_code", &unknown)]).await.expect(400);
    }

    /// An invitation that is accepted, and a link that is none.
    pub(in super::super) async fn invitation(&mut self, browser: &mut Browser) {
        let made = self.installation.admin("create-user --username kim@example.com");
        let password = made["password"].as_str().unwrap();
        let kim = Person {
            id: made["id"].as_str().unwrap().parse().unwrap(),
            username: "kim@example.com".to_owned(),
            password: self.canaries.plant("a password of the command line", password),
        };
        let page = browser.open("/workspaces/acme/settings/invitations").await;
        let fields = [("username", &*kim.username), ("role", "member")];
        let answer = browser.submit(&page, "#invite-submit", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        within(PATIENCE, async || self.mailed("/invitations/").is_some()).await;
        let link = self.mailed("/invitations/").unwrap();
        let token = link.rsplit_once('/').unwrap().1;
        self.canaries.plant("an invitation", token);
        let mut kims = Browser::of(&self.server, &kim).await;
        self.canaries.plant("the cookie of who is invited", &kims.cookies()["latchkey"]);
        let wrong = self.canaries.plant("no invitation", format!("lk_iv_{}", "canaryU".repeat(7)));
        kims.open(&format!("/invitations/{wrong}")).await;
        let page = kims.open(&link).await;
        let answer = kims.submit(&page, "#invitation-accept", &[]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(!kims.open(&link).await.has("#invitation-accept"), "it works twice");
    }

    /// Tokens that a service exchanges, one of which is none; both for itself and as who acts.
    pub(in super::super) async fn exchanges(&mut self) {
        let grants = format!("--grant-type {EXCHANGE},client_credentials --workspace acme");
        let service = self.made_client("Exchange", &grants);
        let ben = self.person("acme/ben@acme.example");
        let script = self.client("script");
        let subject = self.tokens("a password", &script.password(&ben).await).access;
        let own = service.token(&[("grant_type", "client_credentials")]).await;
        let own = self.tokens("client credentials", &own).access;
        let alone = service.exchange_token(&subject, &[]).await;
        let token = self.tokens("an exchange", &alone).access;
        ApiCaller::bearer(&self.server, &token).me().await.expect(200);
        let kind = "urn:ietf:params:oauth:token-type:access_token";
        let acting = [("actor_token", &*own), ("actor_token_type", kind)];
        let answer = service.exchange_token(&subject, &acting).await;
        self.tokens("an exchange with an actor", &answer);
        for what in ["subject", "actor"] {
            let unknown = format!("lk_at_{what}{}", "canaryT".repeat(6));
            let unknown = self.canaries.plant(format!("an unknown {what}"), unknown);
            let (subject, actor) =
                if what == "subject" { (&unknown, &own) } else { (&subject, &unknown) };
            let acting = [("actor_token", &**actor), ("actor_token_type", kind)];
            service.exchange_token(subject, &acting).await.expect(400);
        }
    }

    /// Credentials that are reported: a key and tokens that end, one that is nobody's, and what is none.
    pub(in super::super) async fn leaks(&mut self) {
        let caller = ApiCaller::key(&self.server, &self.text("/api_keys/live"));
        let body =
            json!({ "name": "Leaked", "ownerPrincipalType": "user", "scopes": ["leads:read"] });
        let made = caller.post("/api/api-keys", &body).await.expect(201).json();
        let key = self.canaries.plant("a leaked key", made["rawKey"].as_str().unwrap());
        let (script, ben) = (self.client("script"), self.person("acme/ben@acme.example"));
        let tokens = self.tokens("a password", &script.password(&ben).await);
        let anybody = ApiCaller::anonymous(&self.server);
        let report = async |body: Value| anybody.post("/api/v1/leaked", &body).await;
        report(json!({ "token": key })).await.expect(202);
        report(json!({ "tokens": [tokens.access, tokens.refresh, key] })).await.expect(202);
        ApiCaller::key(&self.server, &key).me().await.expect(401);
        ApiCaller::bearer(&self.server, &tokens.access).me().await.expect(401);
        script.refresh(&tokens.refresh).await.expect(400);
        let none = self.canaries.plant("what is no credential", "canary-what-is-none-71b2");
        report(json!({ "token": none })).await.expect(400);
        report(json!({ "tokens": [key, none], none.clone(): none })).await;
    }
}
