//! Authorization codes: exchanged, kept over the crash, and presented once more.

use std::net::SocketAddr;

use bench_support::{
    Result,
    browser::code,
    cast::{CALLBACK, VERIFIER},
    http::Request,
    installation::Server,
};

use super::{Storm, chains::CHAINS, is_active};
use crate::{
    reply::{ask, ask_raw, demand, must},
    site::Site,
};

/// How many of the newest are looked at after each crash.
const LOOKED_AT: usize = 10;

/// A signed-in browser that gets one code after the other.
pub(crate) struct Codes {
    authorization: Vec<u8>,
    /// Codes whose exchange was acknowledged, each with its access token.
    done: Vec<(String, String)>,
    replayed: usize,
    /// A code that was acknowledged, and that nobody has presented.
    fresh: Option<String>,
    /// A code that was presented, and nobody heard the answer.
    unheard: Option<String>,
    /// Codes that were given before a crash and exchanged after it.
    pub(crate) kept: usize,
}

impl Codes {
    pub(crate) async fn begin(site: &Site, server: &Server) -> Result<Self> {
        let authorization = site.cast.authorization(server, CHAINS + 1).await?;
        Ok(Self {
            authorization,
            done: Vec::new(),
            replayed: 0,
            fresh: None,
            unheard: None,
            kept: 0,
        })
    }

    pub(crate) fn exchanged(&self) -> usize {
        self.done.len() + self.replayed
    }

    pub(crate) async fn weather(&mut self, storm: &Storm<'_>) -> Result<()> {
        while storm.goes_on() {
            let Some(given) = ask_raw(storm.address, &self.authorization).await else { break };
            let given = code(given.location.as_deref().unwrap_or_default())?.to_owned();
            // the newest one stays fresh until there is another
            let Some(code) = self.fresh.replace(given) else { continue };
            let request = storm.cast.web.token(&form(&code));
            match ask(storm.address, request).await {
                None => self.unheard = Some(code),
                Some(reply) => {
                    demand(reply.status == 200, || format!("a fresh code: {}", reply.text))?;
                    self.done.push((code, reply.member("access_token")?));
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn check(&mut self, site: &Site, address: SocketAddr) -> Result<()> {
        for (_, access) in self.done.iter().rev().take(LOOKED_AT) {
            let active = is_active(&site.cast, address, access).await?;
            demand(active, || "a token of a code was lost".to_owned())?;
        }
        if let Some(code) = self.fresh.take() {
            let reply = must(address, exchange(site, &code), 200).await?;
            self.done.push((code, reply.member("access_token")?));
            self.kept += 1;
        }
        if let Some(code) = self.unheard.take()
            && let Some(reply) = ask(address, exchange(site, &code)).await
        {
            // spent or not, there is one answer at most
            demand([200, 400].contains(&reply.status), || reply.text.clone())?;
            let again = must(address, exchange(site, &code), 400).await?;
            demand(again.body["error"] == "invalid_grant", || again.text.clone())?;
        }
        let Some((code, access)) = self.done.pop() else { return Ok(()) };
        self.replayed += 1;
        must(address, exchange(site, &code), 400).await?;
        let active = is_active(&site.cast, address, &access).await?;
        demand(!active, || "a code was presented twice, and its token lives on".to_owned())
    }
}

fn exchange(site: &Site, code: &str) -> Request {
    site.cast.web.token(&form(code))
}

fn form(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}
