//! `latchkey admin rotate-signing-keys`, `list-signing-keys`.

use serde_json::Value;

use crate::support::Installation;

fn of<'a>(keys: &'a Value, algorithm: &str) -> Vec<(&'a str, &'a str)> {
    let text = |key: &'a Value, name: &str| key[name].as_str().unwrap();
    let keys = keys.as_array().unwrap().iter().filter(|key| key["algorithm"] == algorithm);
    keys.map(|key| (text(key, "kid"), text(key, "state"))).collect()
}

/// CS-J5: an operator replaces the keys by command.
#[tokio::test]
async fn keys_are_listed_and_replaced() {
    let installation = Installation::new().await;
    let first = installation.admin("list-signing-keys");
    assert_eq!(first.as_array().unwrap().len(), 4);
    let (old, state) = of(&first, "ES256")[0];
    assert_eq!(state, "signing");

    let made = installation.admin("rotate-signing-keys --algorithm ES256");

    assert_eq!(of(&made, "ES256").len(), 1);
    assert_eq!(of(&made, "ES256")[0].1, "coming");
    let now = installation.admin("rotate-signing-keys --algorithm EdDSA --now");
    assert_eq!(of(&now, "EdDSA")[0].1, "signing");
    let listed = installation.admin("list-signing-keys");
    assert_eq!(of(&listed, "ES256")[1], (old, "signing"));
    assert_eq!(
        of(&listed, "EdDSA").iter().map(|key| key.1).collect::<Vec<_>>(),
        ["signing", "ending"]
    );
    installation.admin("rotate-signing-keys --algorithm ES256 --compromised");
    let listed = installation.admin("list-signing-keys");
    let left = of(&listed, "ES256");
    assert_eq!(left.len(), 1);
    assert_ne!(left[0].0, old);
}
