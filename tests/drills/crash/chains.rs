//! 64 clients at once at the refresh endpoint: eight for each of eight families.

use std::net::SocketAddr;

use bench_support::{Result, http::Request};
use futures_util::future::{join_all, try_join_all};

use super::{Storm, is_active};
use crate::{
    reply::{ask, demand, must},
    site::Site,
};

/// How many families there are.
pub(crate) const CHAINS: usize = 8;
/// How many present the newest token of each at the same moment.
const AT_ONCE: usize = 8;
/// How many of the newest spent tokens are looked at after each crash.
const LOOKED_AT: usize = 4;

/// What one refresh gives.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    access: String,
    refresh: String,
}

/// A family, as its client knows it.
struct Chain {
    newest: Pair,
    spent: Vec<String>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Chains {
    living: Vec<Chain>,
    /// A family that is revoked in the middle of the storm.
    doomed: Option<Chain>,
    /// Rotations that were acknowledged.
    pub(crate) rotations: usize,
    /// Answers to them: every one of those who asked at once has the same.
    pub(crate) answers: usize,
    /// Rotations that the server had committed and nobody had heard of.
    pub(crate) unheard: usize,
    /// Families whose revocation was acknowledged in a storm.
    pub(crate) revoked: usize,
    was_revoked: bool,
}

impl Chains {
    pub(crate) async fn begin(site: &Site, address: SocketAddr) -> Result<Self> {
        let mut all = Self::default();
        for user in 0..CHAINS {
            all.living.push(sign_in(site, address, user).await?);
        }
        all.doomed = Some(sign_in(site, address, CHAINS).await?);
        Ok(all)
    }

    pub(crate) async fn weather(&mut self, storm: &Storm<'_>) -> Result<()> {
        let rotate = async |chain: &mut Chain| {
            let (mut rotations, mut answers) = (0, 0);
            while storm.goes_on() {
                let heard = chain.rotate(storm).await?;
                rotations += usize::from(heard > 0);
                answers += heard;
            }
            Result::Ok((rotations, answers))
        };
        let doomed = self.doomed.as_mut();
        let doomed = async {
            let Some(chain) = doomed else { return Ok(false) };
            chain.rotate(storm).await?;
            // eight go on refreshing while a ninth revokes (RFC 7009 §2.1)
            let newest = chain.newest.refresh.clone();
            let form = [("token", newest.as_str())];
            let revocation = ask(storm.address, storm.cast.script.post("/oauth/revoke", &form));
            let racing = (0..AT_ONCE).map(|_| ask(storm.address, refresh(storm, &newest)));
            let (revocation, _) = tokio::join!(revocation, join_all(racing));
            Result::Ok(revocation.is_some_and(|reply| reply.status == 200))
        };
        let (done, was_revoked) =
            tokio::try_join!(try_join_all(self.living.iter_mut().map(rotate)), doomed)?;
        self.rotations += done.iter().map(|(rotations, _)| rotations).sum::<usize>();
        self.answers += done.iter().map(|(_, answers)| answers).sum::<usize>();
        self.was_revoked = was_revoked;
        self.revoked += usize::from(was_revoked);
        Ok(())
    }

    pub(crate) async fn check(&mut self, site: &Site, address: SocketAddr) -> Result<()> {
        for chain in &mut self.living {
            let alive = is_active(&site.cast, address, &chain.newest.refresh).await?;
            self.unheard += usize::from(!alive);
            // an acknowledged rotation that is asked for again has the same child
            if let (true, Some(parent)) = (alive, chain.spent.last()) {
                let again = refreshed(site, address, parent).await?;
                demand(again == chain.newest, || "a token has two children".to_owned())?;
            }
            let access = is_active(&site.cast, address, &chain.newest.access).await?;
            demand(access, || "an acknowledged access token was lost".to_owned())?;
            let next = refreshed(site, address, &chain.newest.refresh).await?;
            chain.advance(next);
            let active = is_active(&site.cast, address, &chain.newest.refresh).await?;
            demand(active, || "a refreshed token does not work".to_owned())?;
            for token in chain.spent.iter().rev().take(LOOKED_AT) {
                let active = is_active(&site.cast, address, token).await?;
                demand(!active, || "a spent token is active again".to_owned())?;
            }
        }
        self.check_doomed(site, address).await
    }

    async fn check_doomed(&mut self, site: &Site, address: SocketAddr) -> Result<()> {
        if self.was_revoked
            && let Some(chain) = &self.doomed
        {
            let fields = form(&chain.newest.refresh);
            must(address, site.cast.script.token(&fields), 400).await?;
            for token in [&chain.newest.refresh, &chain.newest.access] {
                let active = is_active(&site.cast, address, token).await?;
                demand(!active, || "a revoked token is accepted".to_owned())?;
            }
        }
        self.doomed = Some(sign_in(site, address, CHAINS).await?);
        Ok(())
    }

    /// A token from the middle of the storms is a replay: its family ends.
    pub(crate) async fn end(&self, site: &Site, address: SocketAddr) -> Result<()> {
        let Some(chain) = self.living.first() else { return Ok(()) };
        let Some(old) = chain.spent.get(chain.spent.len() / 2) else { return Ok(()) };
        must(address, site.cast.script.token(&form(old)), 400).await?;
        let active = is_active(&site.cast, address, &chain.newest.refresh).await?;
        demand(!active, || "a replay did not end its family".to_owned())
    }
}

impl Chain {
    /// Presents the newest token, many times at once, and answers how many were answered.
    async fn rotate(&mut self, storm: &Storm<'_>) -> Result<usize> {
        let asked = (0..AT_ONCE).map(|_| ask(storm.address, refresh(storm, &self.newest.refresh)));
        let mut pairs = Vec::new();
        for reply in join_all(asked).await.into_iter().flatten() {
            demand(reply.status == 200, || {
                format!("a live token is refused: {} {}", reply.status, reply.text)
            })?;
            pairs.push(Pair {
                access: reply.member("access_token")?,
                refresh: reply.member("refresh_token")?,
            });
        }
        let heard = pairs.len();
        if let Some(first) = pairs.first().cloned() {
            let one = pairs.iter().all(|pair| *pair == first);
            demand(one, || "a token has two children".to_owned())?;
            self.advance(first);
        }
        Ok(heard)
    }

    fn advance(&mut self, next: Pair) {
        self.spent.push(std::mem::replace(&mut self.newest, next).refresh);
    }
}

fn form(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

fn refresh(storm: &Storm<'_>, token: &str) -> Request {
    storm.cast.script.token(&form(token))
}

async fn refreshed(site: &Site, address: SocketAddr, token: &str) -> Result<Pair> {
    let reply = must(address, site.cast.script.token(&form(token)), 200).await?;
    Ok(Pair { access: reply.member("access_token")?, refresh: reply.member("refresh_token")? })
}

async fn sign_in(site: &Site, address: SocketAddr, user: usize) -> Result<Chain> {
    let reply = must(address, site.cast.password(user), 200).await?;
    let newest =
        Pair { access: reply.member("access_token")?, refresh: reply.member("refresh_token")? };
    Ok(Chain { newest, spent: Vec::new() })
}
