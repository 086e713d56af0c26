//! `latchkey admin rotate-secrets`: the keys are replaced, and nobody is signed out.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use chrono::TimeDelta;
use latchkey::{
    audit::verify::verify,
    crypto::{
        random::SystemRandom,
        secrets_file::{Secrets, rotation},
    },
    jobs::{chain, deliver},
};
use serde_json::Value;

use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Installation, Node, Tokens, World, postgres_server,
};

/// A world in which there is one of everything that the keys protect.
struct Before {
    world: World,
    acme: Acme,
    script: ClientApp,
    tokens: Tokens,
    key: String,
    browser: Browser,
}

impl Before {
    async fn new() -> Self {
        let (world, acme) = World::of_acme().await;
        let script = world.script().await;
        let tokens = Tokens::of(&script.password(&acme.ada).await);
        let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
        let browser = Browser::of(&world, &acme.ada).await;
        chain::run_once(&world.app).await.unwrap();
        Self { world, acme, script, tokens, key, browser }
    }

    fn file(&self) -> PathBuf {
        self.world.data_dir().join("secrets.toml")
    }

    /// As the command does, by the clock of this world.
    fn prepare(&self) {
        assert!(rotation::prepare(&self.file(), &SystemRandom::default()).unwrap());
    }

    /// As the command does, by the clock of this world.
    fn replace(&self) {
        rotation::replace(&self.file(), &SystemRandom::default(), self.world.app.now()).unwrap();
    }

    fn finish(&self) -> Value {
        self.world.admin(&["rotate-secrets", "--finish"]).unwrap()
    }

    /// What was there before goes on at this node.
    async fn goes_on(&mut self, node: &Node) {
        assert_eq!(
            ApiCaller::bearer(&self.world, &self.tokens.access).at(node).me().await.status,
            200
        );
        assert_eq!(ApiCaller::bearer(&self.world, &self.key).at(node).me().await.status, 200);
        let page = self.browser.at(node).get("/settings/profile").await;
        assert_eq!(page.status, 200);
        let tokens = Tokens::of(&self.script.at(node).refresh(&self.tokens.refresh).await);
        assert_eq!(ApiCaller::bearer(&self.world, &tokens.access).at(node).me().await.status, 200);
        self.tokens = tokens;
    }
}

#[tokio::test]
async fn everything_goes_on_whichever_keys_a_node_has() {
    let mut before = Before::new().await;
    before.prepare();
    let prepared = before.world.another_node().await;
    before.goes_on(&prepared).await;

    before.replace();
    let replaced = before.world.another_node().await;

    // in turns, as a load balancer sends them while nodes are restarted
    for _ in 0..3 {
        before.goes_on(&replaced).await;
        before.goes_on(&prepared).await;
    }
    before.finish();
    let finished = before.world.another_node().await;
    before.goes_on(&finished).await;
}

#[tokio::test]
async fn a_retry_on_a_node_with_other_keys_gets_the_same_pair() {
    let before = Before::new().await;
    before.prepare();
    let prepared = before.world.another_node().await;
    let first = Tokens::of(&before.script.at(&prepared).refresh(&before.tokens.refresh).await);
    before.replace();
    let replaced = before.world.another_node().await;

    let retried = Tokens::of(&before.script.at(&replaced).refresh(&before.tokens.refresh).await);

    assert_eq!((&retried.access, &retried.refresh), (&first.access, &first.refresh));
    let second = Tokens::of(&before.script.at(&replaced).refresh(&first.refresh).await);
    let retried = Tokens::of(&before.script.at(&prepared).refresh(&first.refresh).await);
    assert_eq!((&retried.access, &retried.refresh), (&second.access, &second.refresh));
}

/// Ownership is proved and theft is noticed with tokens of the old keys as with those of the new.
#[tokio::test]
async fn a_token_that_was_spent_under_the_old_keys_still_ends_the_grant() {
    let before = Before::new().await;
    let first = Tokens::of(&before.script.refresh(&before.tokens.refresh).await);
    let second = Tokens::of(&before.script.refresh(&first.refresh).await);
    before.replace();
    let replaced = before.world.another_node().await;

    assert_eq!(before.script.at(&replaced).refresh(&before.tokens.refresh).await.status, 400);

    assert_eq!(before.script.at(&replaced).refresh(&second.refresh).await.status, 400);
    assert_eq!(before.world.audited("refresh_token.reuse").await, 1);
}

#[tokio::test]
async fn authenticator_apps_and_letters_are_sealed_anew() {
    let mut before = Before::new().await;
    let world = &before.world;
    let (seed, _) = before.browser.enrol_totp(world).await;
    before.replace();
    before.finish();
    // a day later the old sealing key is gone
    world.clock.advance(TimeDelta::days(2));
    let file = before.file();
    let text = fs::read_to_string(&file).unwrap();
    let (present, old) = text.split_once("[[old]]").unwrap();
    let kept: Vec<_> = old.lines().filter(|line| !line.starts_with("sealing_key")).collect();
    fs::write(&file, format!("{present}[[old]]{}\n", kept.join("\n"))).unwrap();

    let node = before.world.another_node().await;

    let mut browser = Browser::new(&node);
    let page = browser.sign_in(&before.acme.ada).await;
    let code = before.world.next_code(&seed);
    let answer = browser.submit(&page, "#second-factor-submit", &[("code", &code)]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(browser.get("/settings/profile").await.status, 200);
    // what waited in the queue is readable, too
    assert!(deliver::run_once(&node.app).await.unwrap() > 0);
    assert!(Secrets::open_existing(&file).is_ok());
}

#[tokio::test]
async fn a_form_that_was_open_is_taken() {
    let mut before = Before::new().await;
    let mut page = before.browser.open("/settings/profile").await;
    before.replace();
    let replaced = before.world.another_node().await;

    let mut browser = before.browser.at(&replaced);
    page.url = replaced.url("/settings/profile").parse().unwrap();
    let answer = browser.submit(&page, "#profile-submit", &[("name", "Ada L.")]).await;

    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn the_audit_trail_stays_whole_over_the_change() {
    let before = Before::new().await;
    before.prepare();
    let prepared = before.world.another_node().await;
    before.replace();
    let replaced = before.world.another_node().await;
    for node in [&replaced, &prepared, &replaced] {
        Browser::of(node, &before.acme.ada).await;
        chain::run_once(&node.app).await.unwrap();
        let report = verify(&replaced.app, None).await.unwrap();
        assert_eq!((report.problems, report.waiting), (vec![], 0));
    }

    before.finish();

    let after = before.world.another_node().await;
    let report = verify(&after.app, None).await.unwrap();
    assert_eq!(report.problems, []);
}

#[tokio::test]
async fn each_step_says_what_comes_next_and_what_is_kept() {
    let installation = Installation::new().await;
    let prepared = installation.admin("rotate-secrets --prepare");
    assert_eq!(prepared["keys"], "prepared");
    let told = installation.admin_fails("rotate-secrets --prepare");
    assert_eq!(told, "the next keys are in the file already");

    let replaced = installation.admin("rotate-secrets");
    assert_eq!(replaced["keys"], "replaced");
    let kept = installation.admin("rotate-secrets --finish");

    let kept: Vec<_> =
        kept.as_array().unwrap().iter().map(|it| (&it["key"], &it["kept"])).collect();
    let is_kept = |name: &str| {
        let found = kept.iter().find(|(key, _)| **key == name).unwrap();
        found.1.as_str().map(str::to_owned)
    };
    // nobody is there who could have signed in, or got codes
    assert_eq!([is_kept("derivation_key"), is_kept("recovery_codes_key")], [None, None]);
    for (name, words) in [
        ("sealing_key", "until "),
        ("csrf_key", "until "),
        ("link_key", "until "),
        ("audit_trail_key", "always: "),
    ] {
        assert!(is_kept(name).unwrap().starts_with(words), "{name}");
    }
    let text = fs::read_to_string(installation.data_dir().join("secrets.toml")).unwrap();
    let (_, old) = text.split_once("[[old]]").unwrap();
    assert!(!old.contains("derivation_key") && old.contains("audit_trail_key"));
    let trail = installation.run(&["admin", "export-audit"]).stdout;
    for action in ["secrets.prepare", "secrets.replace", "secrets.finish"] {
        assert_eq!(trail.matches(action).count(), 1, "{action}");
    }
}

/// Nodes that do not know the new keys would fail for whoever comes to them.
#[tokio::test]
async fn on_a_server_that_others_may_share_the_keys_are_prepared_first() {
    let installation = Installation::new().await;
    installation.admin("list-users");
    let outcome = installation.run(&["admin", "rotate-secrets"]);
    let is_shared = postgres_server().is_some();
    assert_eq!(outcome.code, Some(i32::from(is_shared)));
    if is_shared {
        assert!(outcome.stderr.contains("--prepare"), "{}", outcome.stderr);
        installation.admin("rotate-secrets --at-once");
    }
}

/// Whenever it is cut off, the file holds the keys before or the keys after, and all that are believed.
#[tokio::test]
async fn a_kill_in_the_middle_leaves_a_file_that_works() {
    let installation = Installation::new().await;
    installation.admin("list-users");
    let file = installation.data_dir().join("secrets.toml");
    let first = Secrets::open_existing(&file).unwrap();
    let sealed = first.sealer.seal(&SystemRandom::default(), "row", b"secret").unwrap();

    for round in 0..12 {
        let mut command = installation.command(&["admin", "rotate-secrets", "--at-once"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(15 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();

        let now = Secrets::open_existing(&file).unwrap();
        assert_eq!(now.sealer.open("row", &sealed).unwrap(), b"secret");
    }
    installation.admin("rotate-secrets --at-once");
    installation.admin("rotate-secrets --finish");
    assert_eq!(installation.run(&["doctor", "audit"]).code, Some(0));
    // nor is a draft left behind, which holds keys
    let names = fs::read_dir(installation.data_dir()).unwrap().map(|it| it.unwrap().file_name());
    let drafts: Vec<_> =
        names.filter(|name| name.to_string_lossy().starts_with(".secrets-")).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}
