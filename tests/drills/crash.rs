//! `kill -9` at a random moment of a storm, again and again on the same data: whatever was
//! acknowledged holds afterwards, and nothing was accepted twice.

mod chains;
mod codes;
mod guesses;
pub(crate) mod keys;
mod letters;
pub(crate) mod revocations;

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bench_support::{Result, cast::Cast, installation::Server, latencies::Latencies};
use serde_json::json;
use tokio::time::sleep;

use self::{
    chains::{CHAINS, Chains},
    codes::Codes,
    guesses::Guesses,
    keys::Keys,
    letters::Letters,
    revocations::Revocations,
};
use crate::{
    Figures,
    arguments::Arguments,
    chance::Chance,
    figures,
    reply::{demand, must},
    site::Site,
};

/// A storm lasts so long before the server falls, and at most so much longer.
const CALM: u64 = 100;
const LONGEST: u64 = 2_000;

/// With so many rounds all of this is done.
const MANY: usize = 10;
const DONE: [&str; 9] = [
    "rotations",
    "families_revoked",
    "codes_exchanged",
    "tokens_issued",
    "tokens_revoked",
    "keys_created",
    "keys_deleted",
    "failures_counted",
    "letters_acknowledged",
];

/// What everybody in a storm knows.
pub(crate) struct Storm<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) cast: &'a Cast,
    pub(crate) key: &'a str,
    pub(crate) round: usize,
    is_over: AtomicBool,
}

impl<'a> Storm<'a> {
    /// One that begins at a server now.
    pub(crate) fn at(address: SocketAddr, site: &'a Site, round: usize) -> Self {
        let is_over = AtomicBool::new(false);
        Self { address, cast: &site.cast, key: &site.key, round, is_over }
    }

    /// Ends it: nothing is begun any more.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }
}

/// Everybody, with all that was ever acknowledged to them.
struct Crowd {
    chains: Chains,
    codes: Codes,
    revocations: Revocations,
    keys: Keys,
    guesses: Guesses,
    letters: Letters,
}

/// Kills the server `rounds` times.
pub(crate) async fn run(arguments: &Arguments, is_postgres: bool) -> Result<Figures> {
    let mut chance = Chance::new(arguments.seed);
    let seed = chance.seed();
    let site = Site::new(is_postgres, CHAINS + 2).await?;
    let mut server = site.serve().await?;
    let mut crowd = Crowd::gather(&site, &server).await?;
    let mut starts = Latencies::default();
    for round in 0..arguments.rounds {
        let moment = Duration::from_millis(CALM + chance.below(LONGEST));
        let mut failed = crowd.weather(&site, server, round, moment).await;
        server = site.serve().await?;
        starts.push(server.start);
        if failed.is_ok() {
            failed = crowd.check(&site, server.address, round).await;
        }
        failed.map_err(|failure| format!("round {round} from seed {seed}: {failure}"))?;
    }
    crowd.letters.arrive(&site).await?;
    crowd.chains.end(&site, server.address).await?;
    server.stop().await?;
    let (integrity, errors) = (site.integrity()?, site.errors()?);
    demand(integrity == "ok", || integrity.clone())?;
    demand(errors.is_empty(), || errors.join("; "))?;
    let done = crowd.figures();
    // a storm that did nothing proves nothing; two short ones may miss something
    let idle = DONE.iter().find(|name| done.get(**name).is_none_or(|it| *it == json!(0)));
    demand(arguments.rounds < MANY || idle.is_none(), || format!("{idle:?} was never done"))?;
    let mut all = figures(json!({
        "rounds": arguments.rounds,
        "seed": seed,
        "start_ms_longest": starts.quantile(1000).as_millis(),
    }));
    all.extend(done);
    Ok(all)
}

impl Crowd {
    async fn gather(site: &Site, server: &Server) -> Result<Self> {
        Ok(Self {
            chains: Chains::begin(site, server.address).await?,
            codes: Codes::begin(site, server).await?,
            revocations: Revocations::default(),
            keys: Keys::default(),
            guesses: Guesses::default(),
            letters: Letters::default(),
        })
    }

    /// Everybody goes on until the server has fallen.
    async fn weather(
        &mut self,
        site: &Site,
        server: Server,
        round: usize,
        moment: Duration,
    ) -> Result<()> {
        let storm = Storm::at(server.address, site, round);
        let fall = async {
            sleep(moment).await;
            let killed = server.kill();
            storm.end();
            killed
        };
        tokio::try_join!(
            fall,
            self.chains.weather(&storm),
            self.codes.weather(&storm),
            self.revocations.weather(&storm),
            self.keys.weather(&storm),
            self.guesses.weather(&storm),
            self.letters.weather(&storm),
        )?;
        Ok(())
    }

    async fn check(&mut self, site: &Site, address: SocketAddr, round: usize) -> Result<()> {
        self.chains.check(site, address).await?;
        self.codes.check(site, address).await?;
        self.revocations.check(site, address).await?;
        self.keys.check(site, address).await?;
        self.guesses.check(site, round)
    }

    fn figures(&self) -> Figures {
        figures(json!({
            "rotations": self.chains.rotations,
            "answers_to_them": self.chains.answers,
            "rotations_nobody_heard_of": self.chains.unheard,
            "families_revoked": self.chains.revoked,
            "codes_exchanged": self.codes.exchanged(),
            "codes_kept_over_a_crash": self.codes.kept,
            "tokens_issued": self.revocations.kept.len(),
            "tokens_revoked": self.revocations.revoked.len(),
            "keys_created": self.keys.created,
            "keys_deleted": self.keys.deleted.len(),
            "failures_counted": self.guesses.counted,
            "letters_acknowledged": self.letters.acknowledged.len(),
            "letters_sent_twice": self.letters.twice,
        }))
    }
}

/// What introspection says of a token.
pub(crate) async fn is_active(cast: &Cast, address: SocketAddr, token: &str) -> Result<bool> {
    let reply = must(address, cast.introspection(token), 200).await?;
    Ok(reply.body["active"] == true)
}
