//! `kill -9` in the middle of a storm of refreshes, again and again on the same data: what was
//! acknowledged is there afterwards, and no token was accepted twice with different successors.

mod place;
mod storm;

use futures_util::future::join_all;
use serde_json::Value;

use self::{
    place::{Place, Server},
    storm::{Chain, Client, Fall, Issued, Storm},
};
use crate::support::http;

const CHAINS: usize = 6;
/// How many answers come before the server falls, and how it does, in each round.
const ROUNDS: [(usize, Fall); 8] = [
    (1, Fall::InTheStorm),
    (40, Fall::Unheard(0)),
    (97, Fall::InTheStorm),
    (31, Fall::Unheard(CHAINS / 2)),
    (143, Fall::InTheStorm),
    (20, Fall::Unheard(CHAINS - 1)),
    (61, Fall::InTheStorm),
    (25, Fall::Unheard(1)),
];

/// Everybody who was in the storms.
struct Survivors {
    script: Client,
    service: Client,
    chains: Vec<Chain>,
    issued: Issued,
    /// Rotations that the server had committed when it fell, unknown to their clients.
    unheard: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_a_refresh_storm_loses_nothing_and_accepts_nothing_twice() {
    let place = Place::new().await;
    let mut server = place.serve();
    let mut survivors = Survivors::sign_in(&server, &place.demo()).await;

    for (enough, fall) in ROUNDS {
        survivors.weather(&Storm::new(&server, enough, fall)).await;
        server = place.serve();
        survivors.assert_nothing_was_lost(&server).await;
    }

    let rotations: usize = survivors.chains.iter().map(|chain| chain.spent.len()).sum();
    assert!(rotations > ROUNDS.len() * CHAINS, "{rotations} rotations are no storm");
    let unheard = ROUNDS.iter().filter(|(_, fall)| matches!(fall, Fall::Unheard(_))).count();
    assert!(survivors.unheard >= unheard, "no answer was lost");
    survivors.assert_a_spent_token_is_spent(&server).await;
    assert_eq!(place.complaints(), Vec::<String>::new());
}

impl Survivors {
    async fn sign_in(server: &Server, demo: &Value) -> Self {
        let http = http();
        let (script, service) =
            (Client::of(demo, &http, "script"), Client::of(demo, &http, "service"));
        let ada = &demo["users"][0];
        let (username, password) =
            (ada["username"].as_str().unwrap(), ada["password"].as_str().unwrap());
        let sign_ins = (0..CHAINS).map(|_| script.sign_in(server, username, password));
        let chains = join_all(sign_ins).await;
        Self { script, service, chains, issued: Issued::default(), unheard: 0 }
    }

    /// Everybody goes on until the server has fallen.
    async fn weather(&mut self, storm: &Storm<'_>) {
        let Self { script, service, chains, issued, .. } = self;
        let rotate = async |chain: &mut Chain| {
            while storm.goes_on() {
                chain.rotate(script, storm.server, Some(storm)).await;
            }
        };
        let issue = async {
            while storm.goes_on() {
                issued.step(service, storm.server, storm).await;
            }
        };
        tokio::join!(join_all(chains.iter_mut().map(rotate)), issue);
        storm.end(script, chains).await;
    }

    async fn assert_nothing_was_lost(&mut self, server: &Server) {
        for chain in &mut self.chains {
            // committed, and nobody heard of it
            let is_spent = !self.service.sees_alive(server, &chain.newest.refresh).await;
            self.unheard += usize::from(is_spent);
            // the newest pair that was acknowledged works, whether or not an answer was lost
            assert!(self.service.sees_alive(server, &chain.newest.access).await);
            let newest = chain.newest.refresh.clone();
            chain.rotate(&self.script, server, None).await;
            assert_ne!(chain.newest.refresh, newest);
            assert!(self.service.sees_alive(server, &chain.newest.access).await);
            assert!(self.service.sees_alive(server, &chain.newest.refresh).await);
            // what was exchanged before the storm or in it is spent
            for token in chain.spent.iter().rev().take(4) {
                assert!(!self.service.sees_alive(server, token).await);
            }
        }
        for token in self.issued.kept.iter().rev().take(20) {
            assert!(self.service.sees_alive(server, token).await, "an issued token was lost");
        }
        for token in self.issued.revoked.iter().rev().take(20) {
            assert!(!self.service.sees_alive(server, token).await, "a revocation was lost");
        }
    }

    /// A token from the middle of the storms is a replay, and ends the grant that all have.
    async fn assert_a_spent_token_is_spent(&self, server: &Server) {
        let spent = &self.chains[0].spent;
        let token = &spent[spent.len() / 2];
        let params = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];

        let (status, body) = self.script.post(server, "/oauth/token", &params).await.unwrap();

        assert_eq!((status, &body["error"]), (400, &Value::from("invalid_grant")));
        for chain in &self.chains {
            assert!(!self.service.sees_alive(server, &chain.newest.access).await);
            assert!(!self.service.sees_alive(server, &chain.newest.refresh).await);
        }
    }
}
