//! Two processes and one Redis, as they are run: by a variable, by themselves, with TLS.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::cluster::{Cluster, soon, within};
use crate::support::{ApiCaller, Redis};

const LIMIT: usize = 100;
/// A server that has not found its Redis by then does not find it.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn processes_share_a_limit_by_themselves() {
    let redis = Redis::start();
    let limit = LIMIT.to_string();
    let variables =
        [("LATCHKEY_REDIS_URL", &*redis.url()), ("LATCHKEY_API__RATE_LIMIT_PER_MINUTE", &limit)];
    let cluster = Cluster::with(2, &variables).await;

    // a minute may end in the middle of it, but not twice
    let mut last = 0;
    for _ in 0..2 {
        let (_, key) = cluster.key();
        let [here, there] = [0, 1].map(|node| ApiCaller::bearer(&cluster.nodes[node], &key));
        while here.me().await.status == 200 {}
        let mut polls = tokio::time::interval(Duration::from_millis(20));
        for tries in 1..LIMIT {
            last = tries;
            polls.tick().await;
            let status = there.me().await.status;
            assert!([200, 429].contains(&status), "{status}");
            if status == 429 {
                return;
            }
        }
    }
    panic!("the other node goes on after {last} requests of its own");
}

/// However often it fails, an outage is written down once; so is its end. It keeps nobody from being
/// served.
#[tokio::test]
async fn an_outage_is_one_line_in_the_log() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    let url = format!("redis://{address}");
    let cluster = Cluster::with(1, &[("LATCHKEY_REDIS_URL", &*url)]).await;
    let (_, key) = cluster.key();
    let key = ApiCaller::bearer(&cluster.nodes[0], &key);

    // who lets in and hangs up at once is no Redis
    for _ in 0..3 {
        drop(door.accept().unwrap());
        key.me().await.expect(200);
    }
    drop(door);
    let redis = Redis::start_on(address.port());
    within(PATIENCE, async || key.me().await.status == 200 && !redis.keys().await.is_empty()).await;

    let log = cluster.stop().remove(0);
    let lines: Vec<_> = log.lines().filter(|line| line.contains("Share")).collect();
    let [out, back] = &*lines else { panic!("{log}") };
    assert!(out.contains("WARN") && out.contains("redis"), "{out}");
    assert!(back.contains("INFO") && back.contains("works again"), "{back}");
}

/// A certificate for `localhost` that nobody has signed, and its key.
fn certificate(directory: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (directory.join("redis.crt"), directory.join("redis.key"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    openssl.arg("-out").arg(&certificate).arg("-keyout").arg(&key);
    let made = openssl.output().expect("openssl is not installed: let tests/run do it");
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}

#[tokio::test]
async fn redis_is_reached_with_tls_by_who_trusts_its_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(directory.path());
    let (redis, tls) = Redis::with_tls(&certificate, &key);
    let nobody = directory.path().join("nobody.crt");
    fs::write(&nobody, "").unwrap();
    let exchanged = async |trusted: &Path| {
        let variables =
            [("LATCHKEY_REDIS_URL", &*tls), ("SSL_CERT_FILE", trusted.to_str().unwrap())];
        let cluster = Cluster::with(1, &variables).await;
        let (_, key) = cluster.key();
        ApiCaller::bearer(&cluster.nodes[0], &key).me().await.expect(200);
        cluster
    };

    let stranger = exchanged(&nobody).await;
    let log = stranger.stop().remove(0);
    assert!(redis.keys().await.is_empty());
    assert!(log.contains("redis") && log.contains("fails for now"), "{log}");

    let cluster = exchanged(&certificate).await;
    soon(async || !redis.keys().await.is_empty()).await;
    let log = cluster.stop().remove(0);
    assert!(!log.contains("WARN"), "{log}");
}
