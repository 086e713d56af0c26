//! Two and three processes on one database: whichever is asked, the answer is the same.

use futures_util::future::join_all;
use serde_json::json;

use super::cluster::{Cluster, soon};
use crate::support::{Answer, ApiCaller, Browser, Page, Pkce, Process, Site, Tokens};

async fn status(node: &Process, credential: &str) -> u16 {
    ApiCaller::bearer(node, credential).me().await.status
}

/// What stands in the address bar behind the host.
fn path(page: &Page) -> &str {
    &page.url[url::Position::BeforePath..]
}

#[tokio::test]
async fn nodes_start_together_where_there_was_nothing() {
    for size in [2, 3] {
        let cluster = Cluster::of(size).await;

        for node in &cluster.nodes {
            let ready = Answer::to(node.http().get(node.url("/readyz"))).await;
            assert_eq!((ready.status, &*ready.body), (200, "ready"));
        }
        // each has the same keys: it derives the same successors
        let first = Tokens::of(&cluster.script.password(&cluster.ada).await);
        let refreshes = cluster.at_each(&cluster.script);
        let refreshes = join_all(refreshes.iter().map(|it| it.refresh(&first.refresh))).await;
        let pairs: Vec<_> = refreshes.iter().map(Tokens::of).collect();
        assert!(pairs.iter().all(|pair| *pair == pairs[0]), "{pairs:?}");
        for log in cluster.stop() {
            assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
        }
    }
}

#[tokio::test]
async fn what_one_node_issues_every_node_accepts() {
    let cluster = Cluster::of(3).await;
    let (_, key) = cluster.key();
    let mut tokens = Tokens::of(&cluster.script.password(&cluster.ada).await);

    for script in cluster.at_each(&cluster.script) {
        for node in &cluster.nodes {
            assert_eq!(status(node, &tokens.access).await, 200);
            assert_eq!(status(node, &key).await, 200);
            assert!(script.at(node).sees_alive(&tokens.refresh).await);
        }
        tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
    }

    for node in &cluster.nodes {
        assert_eq!(status(node, &tokens.access).await, 200);
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_on_any_node() {
    let cluster = Cluster::of(3).await;
    let [here, there, third] = &*cluster.at_each(&cluster.script) else { panic!("three") };
    let first = Tokens::of(&here.password(&cluster.ada).await);
    let second = Tokens::of(&here.refresh(&first.refresh).await);

    let again = Tokens::of(&there.refresh(&first.refresh).await);

    assert_eq!(again, second);
    // racing on all nodes, too
    let race = (0..24).map(|n| [here, there, third][n % 3].refresh(&second.refresh));
    let race = join_all(race).await;
    let pairs: Vec<_> = race.iter().map(Tokens::of).collect();
    assert!(pairs.iter().all(|pair| *pair == pairs[0]), "{pairs:?}");
    // a successor was used, so the first one is a replay, on any node
    Tokens::of(&third.refresh(&pairs[0].refresh).await);
    let replay = there.refresh(&first.refresh).await;
    assert_eq!((replay.status, &replay.json()["error"]), (400, &json!("invalid_grant")));
    let ended = here.refresh(&pairs[0].refresh).await;
    assert_eq!((ended.status, &ended.json()["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn what_one_node_revokes_no_node_accepts_a_second_later() {
    let cluster = Cluster::of(3).await;
    let tokens = Tokens::of(&cluster.script.password(&cluster.ada).await);
    let other = Tokens::of(&cluster.script.password(&cluster.ada).await);
    let (id, key) = cluster.key();
    for node in &cluster.nodes {
        for credential in [&tokens.access, &other.access, &key] {
            assert_eq!(status(node, credential).await, 200);
        }
    }

    cluster.script.at(&cluster.nodes[1]).revoke(&tokens.refresh).await.expect(200);
    for node in &cluster.nodes {
        soon(async || status(node, &tokens.access).await == 401).await;
        let refused = cluster.script.at(node).refresh(&tokens.refresh).await;
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    }

    // by a command, in a process of its own
    cluster.installation.admin(&format!("revoke-key --workspace acme --key {id}"));
    for node in &cluster.nodes {
        soon(async || status(node, &key).await == 401).await;
    }
    for node in &cluster.nodes {
        assert_eq!(status(node, &other.access).await, 200);
    }
}

#[tokio::test]
async fn what_a_command_makes_or_disables_is_so_on_every_node() {
    let cluster = Cluster::of(2).await;
    let web = cluster.web();

    for node in &cluster.nodes {
        let answer = web.at(node).exchange("unknown", &Pkce::default()).await;
        // the client is known, its code is not
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_grant")));
    }
    let tokens = Tokens::of(&cluster.script.password(&cluster.ada).await);
    let id = &cluster.script.id;
    cluster.installation.admin(&format!("disable-client --client {id}"));

    for node in &cluster.nodes {
        soon(async || status(node, &tokens.access).await == 403).await;
        let script = cluster.script.at(node);
        soon(async || script.refresh(&tokens.refresh).await.status == 401).await;
    }
}

#[tokio::test]
async fn a_code_of_one_node_is_exchanged_once_on_another() {
    let cluster = Cluster::of(2).await;
    let [here, there] = &*cluster.at_each(&cluster.web()) else { panic!("two") };
    let mut browser = cluster.browser().await;
    let request = here.authorization();
    let callback = browser.authorize(&request, &cluster.ada).await;
    assert_eq!(callback.params["iss"], "http://localhost:8080");

    let tokens = Tokens::of(&there.exchange(callback.code(), &Pkce::default()).await);

    for node in &cluster.nodes {
        assert_eq!(status(node, &tokens.access).await, 200);
    }
    // RFC 6749 §4.1.2: the second time it fails and ends what came of it
    let again = here.exchange(callback.code(), &Pkce::default()).await;
    assert_eq!((again.status, &again.json()["error"]), (400, &json!("invalid_grant")));
    for node in &cluster.nodes {
        soon(async || status(node, &tokens.access).await == 401).await;
    }
}

/// As behind a load balancer that sends every request somewhere else.
#[tokio::test]
async fn a_browser_wanders_between_nodes() {
    let cluster = Cluster::of(3).await;
    let web = cluster.web();
    let request = web.authorization();
    let [first, second, third] = &*cluster.nodes else { panic!("three") };

    let mut browser = Browser::new(first);
    let login = browser.open(&request.path()).await;
    let mut browser = browser.at(second);
    let login = browser.open(path(&login)).await;
    let mut browser = browser.at(third);
    let login = browser.open(path(&login)).await;
    let consent = browser.sign_in_on(&login, &cluster.ada).await;
    let mut browser = browser.at(first);
    let consent = browser.open(path(&consent)).await;
    let callback = browser.submit(&consent, "#consent-allow", &[]).await.callback();

    let tokens = Tokens::of(&web.at(second).exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(status(third, &tokens.access).await, 200);
    // signed in everywhere, with forms that every node takes
    for node in &cluster.nodes {
        let page = browser.at(node).open("/settings/profile").await;
        assert_eq!((page.status, page.url.path()), (200, "/settings/profile"));
    }
    let mut elsewhere = browser.at(second);
    let page = elsewhere.open("/oauth/logout").await;
    let mut elsewhere = elsewhere.at(third);
    let page = elsewhere.open(path(&page)).await;
    elsewhere.submit(&page, "#logout-confirm", &[]).await;
    for node in &cluster.nodes {
        assert_eq!(browser.at(node).get("/settings/profile").await.status, 303);
    }
}
