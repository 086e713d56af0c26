//! `latchkey admin enable-api-access`, `rotate-subscription`, `suspend-subscription`,
//! `resume-subscription`, `allow-comms`, `verify-account`, `set-plan` (contract §7).

use serde_json::json;

use crate::support::{ApiCaller, Subscriber, World};

const STATUS: &str = "/comms/v1/api/comms/status";

/// The subscription key in a letter.
fn key_in(text: &str) -> &str {
    text.split_whitespace().find(|word| word.starts_with("lk_sk_")).unwrap()
}

/// QF-3, QF-14, QF-17: the key comes by mail, once, when access is enabled.
#[tokio::test]
async fn enabled_allowed_and_verified_an_account_may_do_everything() {
    let (world, acme) = World::of_acme().await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;

    let enabled = world.admin(&["enable-api-access", "--enterprise", "ACME"]).unwrap();
    let allowed = world.admin(&["allow-comms", "--enterprise", "acme"]).unwrap();
    let verified = world.admin(&["verify-account", "--user", "acme/ada@acme.example"]).unwrap();

    let mail = world.take_mail().await;
    assert_eq!(mail.len(), 1);
    assert_eq!((&*mail[0].to, &*mail[0].subject), ("ada@acme.example", "Your subscription key"));
    assert!(mail[0].text.contains("Ocp-Apim-Subscription-Key"), "{}", mail[0].text);
    assert_eq!(enabled["enterprise"], "acme");
    assert_eq!(enabled["mailed_to"], json!(["ada@acme.example"]));
    assert_eq!(enabled["subscription_key"], key_in(&mail[0].text));
    assert_eq!(allowed, json!({ "enterprise": "acme", "comms": true }));
    assert_eq!(verified, json!({ "username": "acme/ada@acme.example", "verified": true }));
    let answer = Subscriber::new(&world, &bearer, key_in(&mail[0].text)).get(STATUS).await;
    assert_eq!(answer.shown(), (200, json!({ "enabled": true, "verified": true })));
    assert!(world.take_mail().await.is_empty());
    for action in ["subscription.open", "comms.allow", "user.verify"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

/// QF-16: a specific user's id is allow-listed.
#[tokio::test]
async fn a_user_is_named_by_username_or_by_id() {
    let world = World::new().await;
    let joe = world.person("joe@example.com", &[]).await;
    let id = joe.id.to_string();

    let enabled = world.admin(&["enable-api-access", "--user", "joe@example.com"]).unwrap();
    let allowed = world.admin(&["allow-comms", "--user", &id]).unwrap();

    assert_eq!(enabled["mailed_to"], json!(["joe@example.com"]));
    assert_eq!(allowed, json!({ "username": "joe@example.com", "comms": true }));
    assert_eq!(world.take_mail().await[0].to, "joe@example.com");
}

#[tokio::test]
async fn a_suspension_holds_until_it_is_ended() {
    let (world, acme) = World::of_acme().await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;
    world.admin(&["allow-comms", "--enterprise", "acme"]).unwrap();
    let enabled = world.admin(&["enable-api-access", "--enterprise", "acme"]).unwrap();
    let caller = Subscriber::new(&world, &bearer, enabled["subscription_key"].as_str().unwrap());

    let suspended = world.admin(&["suspend-subscription", "--enterprise", "acme"]).unwrap();
    assert_eq!(suspended, json!({ "enterprise": "acme", "suspended": true }));
    assert_eq!(caller.get(STATUS).await.status, 403);
    world.admin(&["resume-subscription", "--enterprise", "acme"]).unwrap();
    assert_eq!(caller.get(STATUS).await.status, 200);
}

/// QF-14: who has lost the letter is sent another key by support.
#[tokio::test]
async fn a_rotated_key_is_mailed_and_the_old_one_ends_at_once_if_asked() {
    let (world, acme) = World::of_acme().await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;
    world.admin(&["allow-comms", "--enterprise", "acme"]).unwrap();
    let first = world.admin(&["enable-api-access", "--enterprise", "acme"]).unwrap();
    world.take_mail().await;

    let rotation = ["rotate-subscription", "--enterprise", "acme", "--overlap-hours", "0"];
    let second = world.admin(&rotation).unwrap();

    let mail = world.take_mail().await;
    assert_eq!(second["subscription_key"], key_in(&mail[0].text));
    assert_eq!(second["previous_expires_at"], json!(null));
    let caller = Subscriber::new(&world, &bearer, second["subscription_key"].as_str().unwrap());
    assert_eq!(caller.get(STATUS).await.status, 200);
    let old = caller.with_keys(&[first["subscription_key"].as_str().unwrap()]);
    assert_eq!(old.get(STATUS).await.status, 403);
    let third = world.admin(&["rotate-subscription", "--enterprise", "acme"]).unwrap();
    assert!(third["previous_expires_at"].is_string());
}

/// SW-12: the number of keys depends on the plan.
#[tokio::test]
async fn a_plan_changes_what_a_workspace_may_have() {
    let (world, acme) = World::of_acme().await;
    let changed = world.admin(&["set-plan", "--workspace", "acme", "--plan", "scale"]).unwrap();

    assert_eq!(changed, json!({ "slug": "acme", "plan": "scale" }));
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    assert_eq!(ApiCaller::key(&world, &key).me().await.status, 200);
    assert_eq!(world.audited("workspace.set_plan").await, 1);
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_one_line_and_changes_nothing() {
    let (world, _) = World::of_acme().await;
    world.admin(&["enable-api-access", "--enterprise", "acme"]).unwrap();
    world.admin(&["allow-comms", "--enterprise", "acme"]).unwrap();
    world.admin(&["verify-account", "--user", "acme/ada@acme.example"]).unwrap();
    world.take_mail().await;
    let before = world.audit_events().await.len();

    for (command, said) in [
        (
            &["enable-api-access", "--enterprise", "acme"][..],
            "latchkey: enterprise has API access already (resume-subscription ends a suspension, \
             rotate-subscription makes a new key)",
        ),
        (&["enable-api-access", "--enterprise", "nobody"], "latchkey: enterprise does not exist"),
        (&["enable-api-access", "--user", "joe@example.com"], "latchkey: user does not exist"),
        (
            &["allow-comms", "--user", "not a name"],
            "latchkey: user must be email, pin/email or an id",
        ),
        (
            &["allow-comms", "--enterprise", "acme"],
            "latchkey: account is on the allow-list already",
        ),
        (
            &["verify-account", "--user", "acme/ada@acme.example"],
            "latchkey: user is verified already",
        ),
        (
            &["suspend-subscription", "--user", "acme/ada@acme.example"],
            "latchkey: account has no API access or is suspended already",
        ),
        (&["resume-subscription", "--enterprise", "acme"], "latchkey: account is not suspended"),
        (
            &["rotate-subscription", "--user", "acme/ada@acme.example"],
            "latchkey: user has no API access",
        ),
        (
            &["rotate-subscription", "--enterprise", "acme", "--overlap-hours", "721"],
            "latchkey: overlap must be at most 30 days",
        ),
        (
            &["set-plan", "--workspace", "acme", "--plan", "gold"],
            "latchkey: plan is not a plan of the configuration",
        ),
        (
            &["set-plan", "--workspace", "nowhere", "--plan", "pro"],
            "latchkey: workspace does not exist",
        ),
    ] {
        assert_eq!(world.admin(command), Err(said.to_owned()), "{command:?}");
    }

    for half in [&["allow-comms"][..], &["allow-comms", "--enterprise", "a", "--user", "b"]] {
        assert!(world.admin(half).is_err(), "{half:?}");
    }
    assert_eq!(world.audit_events().await.len(), before);
    assert!(world.take_mail().await.is_empty());
}
