//! OpenID clients that take part in sessions, and the hints that they send.

use entity::{browser_session, client_settings::Settings, signing_key::Algorithm};
use latchkey::{clients::registration::NewClient, signing};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{Browser, ClientApp, Page, Person, Pkce, Tokens, World, texts, web};

/// Where browsers go after signing out.
pub const AFTER: &str = "http://127.0.0.1:9999/after?a=b";

/// A client for OpenID Connect with these settings besides where browsers go afterwards.
pub fn party(settings: Settings) -> NewClient {
    let settings = Settings { post_logout_redirect_uris: texts(&[AFTER]), ..settings };
    NewClient {
        name: "Party".to_owned(),
        scope: texts(&["leads:read", "openid", "offline_access"]),
        settings,
        ..web()
    }
}

impl World {
    /// Signs a person in at a client in a browser.
    pub async fn signed_in_at(
        &self,
        (browser, client): (&mut Browser, &ClientApp),
        person: &Person,
        scope: &str,
    ) -> Tokens {
        let request = client.authorization().with("scope", scope);
        let callback = browser.authorize(&request, person).await;
        Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await)
    }

    /// The sessions of a person, by the names that clients know.
    pub async fn sids(&self, person: &Person) -> Vec<Uuid> {
        let rows = browser_session::Entity::find()
            .filter(browser_session::Column::UserId.eq(person.id))
            .all(self.app.store.read());
        rows.await.unwrap().into_iter().map(|row| row.id).collect()
    }

    /// What an ID token of a client claims.
    pub fn id_claims(&self, client: &ClientApp, person: &Person, sid: Option<Uuid>) -> Value {
        let now = self.clock.unix();
        let mut claims = json!({
            "iss": self.url(""), "aud": client.id, "sub": person.id.to_string(), "iat": now,
            "exp": now + 300,
        });
        if let Some(sid) = sid {
            claims["sid"] = sid.to_string().into();
        }
        claims
    }

    /// Claims signed as an ID token.
    pub async fn hint(&self, claims: &Value) -> String {
        self.signed("JWT", claims).await
    }

    /// Claims signed as a token of some kind.
    pub async fn signed(&self, kind: &str, claims: &Value) -> String {
        let keys = signing::keys(&self.app).await.unwrap();
        keys.sign(Algorithm::Rs256, (kind, claims), self.app.now()).unwrap()
    }
}

impl Browser {
    /// Opens the logout page with these parameters; redirects are not followed.
    pub async fn log_out_with(&mut self, params: &[(&str, &str)]) -> Page {
        let mut url = Url::parse("http://x/oauth/logout").unwrap();
        url.query_pairs_mut().extend_pairs(params);
        self.get(&format!("{}?{}", url.path(), url.query().unwrap_or_default())).await
    }
}
