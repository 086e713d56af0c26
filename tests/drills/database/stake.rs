//! What a failed request might consume: a code, a refresh token, a counter, room for a key.

use std::net::SocketAddr;

use bench_support::{
    Result,
    browser::code,
    cast::{CALLBACK, VERIFIER},
    http::Request,
    installation::Server,
};
use serde_json::json;

use crate::{
    reply::{ask_raw, demand, must},
    site::{Site, guess, sha256_hex},
};

const STRANGER: &str = "stranger@example.com";
const FROM: &str = "10.9.9.9";

/// Laid down before the trouble, collected after it.
pub(crate) struct Stake {
    code: String,
    refresh_token: String,
    access_token: String,
    failures: u64,
    keys: usize,
}

impl Stake {
    pub(crate) async fn lay(site: &Site, server: &Server) -> Result<Self> {
        let address = server.address;
        let authorization = site.cast.authorization(server, 0).await?;
        let given = ask_raw(address, &authorization).await.ok_or("no code")?;
        let code = code(given.location.as_deref().unwrap_or_default())?.to_owned();
        let tokens = must(address, site.cast.password(1), 200).await?;
        must(address, guess(&site.cast, STRANGER, FROM), 400).await?;
        // known to the cache
        for _ in 0..2 {
            must(address, Request::get("/api/v1/verify").bearer(&site.key), 204).await?;
        }
        Ok(Self {
            code,
            refresh_token: tokens.member("refresh_token")?,
            access_token: tokens.member("access_token")?,
            failures: failures(site)?,
            keys: keys(site, address).await?,
        })
    }

    /// Requests each of which needs the database to write.
    pub(crate) fn requests(&self, site: &Site) -> Vec<(&'static str, Request)> {
        let key = json!({
            "name": "Never made",
            "ownerPrincipalType": "service_account",
            "scopes": ["leads:read"],
        });
        vec![
            ("code", self.exchange(site)),
            ("refresh", self.refresh(site)),
            ("client credentials", site.cast.client_credentials()),
            ("wrong password", guess(&site.cast, STRANGER, FROM)),
            ("right password", site.cast.password(1)),
            ("revocation", site.cast.script.post("/oauth/revoke", &self.access())),
            ("key", Request::json("POST", "/api/api-keys", &key).bearer(&site.key)),
        ]
    }

    fn access(&self) -> [(&str, &str); 1] {
        [("token", self.access_token.as_str())]
    }

    fn exchange(&self, site: &Site) -> Request {
        site.cast.web.token(&[
            ("grant_type", "authorization_code"),
            ("code", &self.code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
    }

    pub(crate) fn refresh(&self, site: &Site) -> Request {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &*self.refresh_token)];
        site.cast.script.token(&fields)
    }

    /// Asks whether its access token is good, which nobody has asked before.
    pub(crate) fn verification(&self) -> Request {
        Request::get("/api/v1/verify").bearer(&self.access_token)
    }

    /// A token that no server has seen.
    #[expect(clippy::unused_self, reason = "reads better")]
    pub(crate) fn unknown(&self) -> String {
        "lk_at_0000000000000000000000000000000000000000000000000".to_owned()
    }

    /// Whether no guess is counted that was turned away.
    pub(crate) fn is_given_back(&self, site: &Site) -> bool {
        failures(site).is_ok_and(|failures| failures == self.failures)
    }

    /// Everything is as it was, and works.
    pub(crate) async fn collect(&self, site: &Site, address: SocketAddr) -> Result<()> {
        let (failures, keys) = (failures(site)?, keys(site, address).await?);
        demand(failures == self.failures, || {
            format!("{failures} failures are counted instead of {}", self.failures)
        })?;
        demand(keys == self.keys, || format!("{keys} keys instead of {}", self.keys))?;
        must(address, self.verification(), 204).await?;
        must(address, self.exchange(site), 200).await?;
        must(address, self.refresh(site), 200).await?;
        must(address, site.cast.password(1), 200).await?;
        must(address, Request::get("/api/v1/verify").bearer(&site.key), 204).await?;
        Ok(())
    }
}

fn failures(site: &Site) -> Result<u64> {
    let digest = site.blob(&sha256_hex(&format!("account:{STRANGER}")));
    site.number(&format!("select failures from sign_in_failure where key_sha256 = {digest}"))
}

async fn keys(site: &Site, address: SocketAddr) -> Result<usize> {
    let list = must(address, Request::get("/api/api-keys").bearer(&site.key), 200).await?;
    Ok(list.body["apiKeys"].as_array().map_or(0, Vec::len))
}
