//! Tokens that a client issues to itself, and revokes (RFC 7009).

use std::net::SocketAddr;

use bench_support::Result;

use super::{Storm, is_active};
use crate::{
    reply::{ask, demand},
    site::Site,
};

/// How many of the newest are looked at after each crash.
const LOOKED_AT: usize = 20;

/// What was acknowledged.
#[derive(Default)]
pub(crate) struct Revocations {
    /// Issued, and never asked to be revoked.
    pub(crate) kept: Vec<String>,
    /// Their revocation was acknowledged.
    pub(crate) revoked: Vec<String>,
}

impl Revocations {
    pub(crate) async fn weather(&mut self, storm: &Storm<'_>) -> Result<()> {
        let (cast, mut number) = (storm.cast, 0);
        while storm.goes_on() {
            let Some(reply) = ask(storm.address, cast.client_credentials()).await else { break };
            demand(reply.status == 200, || reply.text.clone())?;
            let token = reply.member("access_token")?;
            number += 1;
            if number % 2 == 0 {
                self.kept.push(token);
                continue;
            }
            let request = cast.service.post("/oauth/revoke", &[("token", &token)]);
            if let Some(reply) = ask(storm.address, request).await {
                demand(reply.status == 200, || reply.text.clone())?;
                self.revoked.push(token);
            }
        }
        Ok(())
    }

    pub(crate) async fn check(&self, site: &Site, address: SocketAddr) -> Result<()> {
        for (tokens, expected) in [(&self.kept, true), (&self.revoked, false)] {
            for token in tokens.iter().rev().take(LOOKED_AT) {
                let active = is_active(&site.cast, address, token).await?;
                let lost = if expected { "an issued token" } else { "a revocation" };
                demand(active == expected, || format!("{lost} was lost"))?;
            }
        }
        Ok(())
    }
}
