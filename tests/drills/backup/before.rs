//! Sessions from before the copy was begun: good as long as nobody takes them back, or refused for good.

use std::net::SocketAddr;

use bench_support::{Result, http::Request};

use crate::{
    load::refresh,
    reply::{Reply, demand, must},
    site::Site,
};

/// Tokens that work, and such that do not any more.
pub(super) struct Before {
    session: Session,
    revoked: Session,
    /// Its refresh token was spent long before, as nobody tries again.
    spent: String,
    successor: Session,
}

struct Session {
    access: String,
    refresh: String,
}

impl Session {
    fn of(reply: &Reply) -> Result<Self> {
        let (access, refresh) = (reply.member("access_token")?, reply.member("refresh_token")?);
        Ok(Self { access, refresh })
    }
}

impl Before {
    /// Makes all of it.
    pub(super) async fn lay_down(site: &Site, address: SocketAddr) -> Result<Self> {
        let begin = async || Session::of(&must(address, site.cast.password(2), 200).await?);
        let (session, revoked, first) = (begin().await?, begin().await?, begin().await?);
        let request = site.cast.script.post("/oauth/revoke", &[("token", &*revoked.refresh)]);
        must(address, request, 200).await?;
        let second = Session::of(&must(address, refresh(site, &first.refresh), 200).await?)?;
        let successor = Session::of(&must(address, refresh(site, &second.refresh), 200).await?)?;
        Ok(Self { session, revoked, spent: first.refresh, successor })
    }

    /// Looks at all that can be looked at again and again.
    pub(super) async fn check(&self, site: &Site, address: SocketAddr) -> Result<()> {
        for good in [&self.session, &self.successor] {
            must(address, Request::get("/api/v1/me").bearer(&good.access), 200).await?;
        }
        must(address, Request::get("/api/v1/verify").bearer(&site.key), 204).await?;
        must(address, Request::get("/api/v1/me").bearer(&self.revoked.access), 401).await?;
        let asked = must(address, site.cast.introspection(&self.revoked.access), 200).await?;
        demand(asked.body["active"] == false, || "a revoked token is active".to_owned())?;
        must(address, refresh(site, &self.revoked.refresh), 400).await?;
        Ok(())
    }

    /// Uses up what works once, and what has been used up.
    pub(super) async fn spend(&self, site: &Site, address: SocketAddr) -> Result<()> {
        must(address, refresh(site, &self.session.refresh), 200).await?;
        // a replay ends the family, here as anywhere
        must(address, refresh(site, &self.spent), 400).await?;
        must(address, refresh(site, &self.successor.refresh), 400).await?;
        Ok(())
    }
}
