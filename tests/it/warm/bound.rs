//! Access tokens that are bound to a key (RFC 9449): what is known by heart is who they act as, and never
//! that whoever came with one may use it.

use chrono::TimeDelta;
use latchkey::{access::Principal, crypto::digest, jobs::follow, store::invalidations::Position};
use serde_json::json;

use crate::support::{
    Acme, Answer, ApiCaller, Browser, ClientApp, Holder, Node, Tokens, World, script,
};

const ME: &str = "/api/v1/me";
const VERIFY: &str = "/api/v1/verify";
const ADA: &str = "acme/ada@acme.example";

/// A token of Ada's that a key was proved for, known by heart.
struct Bound {
    world: World,
    acme: Acme,
    script: ClientApp,
    introspector: ClientApp,
    holder: Holder,
    tokens: Tokens,
    position: Position,
}

impl Bound {
    async fn new() -> Self {
        let (world, acme) = World::of_acme().await;
        let (script, introspector) = (world.client(script()).await, world.introspector().await);
        let holder = Holder::new();
        let params = [
            ("grant_type", "password"),
            ("username", acme.ada.username.as_str()),
            ("password", acme.ada.password.as_str()),
        ];
        let request = script.request("/oauth/token", &params);
        let request = request.header("dpop", holder.proof(&world, "/oauth/token"));
        let tokens = Tokens::of(&Answer::to(request).await);
        let position = Position::default();
        let mut it = Self { world, acme, script, introspector, holder, tokens, position };
        it.follow().await;
        it.heat().await;
        it
    }

    async fn follow(&mut self) {
        follow::run_once(&self.world.app, &mut self.position).await.unwrap();
    }

    /// Asks everything twice, each time with a proof of its own.
    async fn heat(&self) {
        for _ in 0..2 {
            assert_eq!(self.answers().await, ([200, 204], true));
        }
        let (app, digest) = (&self.world.app, digest::sha256_array(self.tokens.access.as_bytes()));
        assert!(app.cache.find::<Principal>(&digest, app.now()).is_some(), "it is not in memory");
    }

    async fn answers(&self) -> ([u16; 2], bool) {
        let mut statuses = [0; 2];
        for (status, path) in statuses.iter_mut().zip([ME, VERIFY]) {
            let proof = self.holder.proof_at(&self.world, path, &self.tokens.access);
            *status = self.show(&self.world, path, Some(&proof)).await.status;
        }
        (statuses, self.introspector.sees_alive(&self.tokens.access).await)
    }

    async fn show(&self, node: &Node, path: &str, proof: Option<&str>) -> Answer {
        let request = ApiCaller::anonymous(&self.world).at(node).request(path);
        let request = request.header("authorization", format!("DPoP {}", self.tokens.access));
        Answer::to(proof.iter().fold(request, |request, proof| request.header("dpop", *proof)))
            .await
    }

    async fn assert_refused(&self, status: u16) {
        assert_eq!(self.answers().await, ([status; 2], false));
    }

    async fn command(&mut self, words: &[&str]) {
        self.world.admin(words).unwrap();
        self.follow().await;
    }
}

/// Demands that the answer asks for a proof.
#[track_caller]
fn is_unproved(answer: &Answer, error: &str) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP "), "{challenge}");
    assert!(challenge.contains(&format!("error=\"{error}\"")), "{challenge}");
}

/// CS-T9: it is no bearer token, however well it is known.
#[tokio::test]
async fn are_no_bearer_tokens() {
    let it = Bound::new().await;
    let bearer = ApiCaller::bearer(&it.world, &it.tokens.access);
    let proof = it.holder.proof_at(&it.world, ME, &it.tokens.access);

    for path in [ME, VERIFY, ME] {
        is_unproved(&bearer.get(path).await, "invalid_token");
    }
    is_unproved(&Answer::to(bearer.request(ME).header("dpop", proof)).await, "invalid_token");
    let as_key = ApiCaller::key(&it.world, &it.tokens.access);
    assert_eq!(as_key.me().await.status, 401);

    it.heat().await;
}

/// CS-T9: nor are they anybody's who has another key, or no fresh proof.
#[tokio::test]
async fn are_nobody_elses() {
    let it = Bound::new().await;
    let (world, token) = (&it.world, it.tokens.access.as_str());
    let stolen = Holder::new().proof_at(world, ME, token);
    let once = it.holder.proof_at(world, ME, token);
    let elsewhere = it.holder.proof_at(world, VERIFY, token);
    let of_another = it.holder.proof_at(world, ME, "lk_at_other");
    let old = it.holder.draft(world, "GET", ME).of_token(token);
    let old = it.holder.sign(&old.with("iat", json!(world.clock.unix() - 3_600)));
    it.show(world, ME, Some(&once)).await.expect(200);

    for (proof, error) in [
        (Some(&stolen), "invalid_token"),
        (None, "invalid_dpop_proof"),
        (Some(&once), "invalid_dpop_proof"),
        (Some(&elsewhere), "invalid_dpop_proof"),
        (Some(&of_another), "invalid_dpop_proof"),
        (Some(&old), "invalid_dpop_proof"),
    ] {
        is_unproved(&it.show(world, ME, proof.map(String::as_str)).await, error);
    }

    it.heat().await;
}

/// A proof is spent on every node, though each knows the token by heart.
#[tokio::test]
async fn a_proof_that_was_spent_on_another_node_is_spent() {
    let it = Bound::new().await;
    let node = it.world.another_node().await;
    follow::run_once(&node.app, &mut Position::default()).await.unwrap();
    let proof = || it.holder.proof_at(&it.world, ME, &it.tokens.access);
    for _ in 0..2 {
        it.show(&node, ME, Some(&proof())).await.expect(200);
    }
    let once = proof();
    it.show(&node, ME, Some(&once)).await.expect(200);

    is_unproved(&it.show(&it.world, ME, Some(&once)).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn revoked_by_their_client() {
    for is_refresh in [false, true] {
        let it = Bound::new().await;
        let token = if is_refresh { &it.tokens.refresh } else { &it.tokens.access };

        it.script.revoke(token).await.expect(200);

        it.assert_refused(401).await;
    }
}

#[tokio::test]
async fn of_an_app_that_its_user_disconnected() {
    let it = Bound::new().await;
    let mut browser = Browser::of(&it.world, &it.acme.ada).await;
    let page = browser.get("/settings/connected-apps").await;

    browser.confirm(&page, "article form", "#revoke").await;

    it.assert_refused(401).await;
}

#[tokio::test]
async fn of_a_user_a_workspace_or_a_client_that_is_no_more() {
    for (words, status) in [
        (vec!["disable-user", "--user", ADA], 401),
        (vec!["remove-member", "--last-owner", "--workspace", "acme", "--user", ADA], 403),
        (vec!["disable-workspace", "--workspace", "acme"], 403),
        (vec!["disable-client", "--client"], 403),
    ] {
        let mut it = Bound::new().await;
        let client = it.script.id.clone();
        let of_client = words.last() == Some(&"--client");
        let words: Vec<_> = words.into_iter().chain(of_client.then_some(&*client)).collect();

        it.command(&words).await;

        it.assert_refused(status).await;
    }
}

#[tokio::test]
async fn at_their_end() {
    let mut it = Bound::new().await;
    it.world.clock.advance(TimeDelta::hours(1) - TimeDelta::milliseconds(1));
    it.follow().await;
    it.heat().await;

    it.world.clock.advance(TimeDelta::milliseconds(1));
    it.follow().await;

    it.assert_refused(401).await;
}
