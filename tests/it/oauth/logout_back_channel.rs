//! Clients are told by this server that a session ended (OpenID Connect Back-Channel Logout 1.0).

use chrono::TimeDelta;
use entity::{client_settings::Settings, signing_key::Algorithm};
use latchkey::{audit::Actor, identity::users, jobs};
use serde_json::{Value, json};

use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Hearer, Host, Tokens, World, opened, party,
};

struct At {
    world: World,
    acme: Acme,
    client: ClientApp,
    browser: Browser,
    hearer: Hearer,
    tokens: Tokens,
}

/// Ada signed in at a client that wants to be told.
async fn signed_in(scope: &str) -> At {
    signed_in_with(scope, None).await
}

/// The same at a client whose ID tokens are signed with this algorithm.
async fn signed_in_with(scope: &str, algorithm: Option<Algorithm>) -> At {
    let world = World::with(|config| config.http.allow_private_fetches = true).await;
    let acme = world.acme().await;
    let hearer = Hearer::start().await;
    let settings = Settings {
        backchannel_logout_uri: Some(hearer.url.clone()),
        id_token_signed_response_alg: algorithm,
        ..Settings::default()
    };
    let client = world.client(party(settings)).await;
    let mut browser = Browser::new(&world);
    let tokens = world.signed_in_at((&mut browser, &client), &acme.ada, scope).await;
    At { world, acme, client, browser, hearer, tokens }
}

impl At {
    async fn deliver(&self) -> u64 {
        jobs::logout::run_once(&self.world.app).await.unwrap()
    }

    async fn log_out(&mut self) {
        let page = self.browser.get("/oauth/logout").await;
        let answer = self.browser.submit(&page, "#logout-confirm", &[]).await;
        assert_eq!(answer.text("h1"), "Signed out");
    }

    /// Header and claims of the only logout token that was heard, as somebody else's library finds with
    /// the keys that are published.
    async fn heard(&self) -> (Value, Value) {
        let heard = self.hearer.take();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let token = heard[0].strip_prefix("logout_token=").unwrap();
        opened(token, &self.world.jwks().await)
    }
}

/// CS-L6, CS-L8: who says it, to whom, of whom and of which session; never a nonce.
#[tokio::test]
async fn a_client_is_told_that_the_session_ended() {
    let mut at = signed_in("openid leads:read").await;
    let sid = at.world.sids(&at.acme.ada).await[0];
    assert_eq!(at.deliver().await, 0);
    at.log_out().await;

    assert_eq!(at.deliver().await, 1);

    let (header, mut claims) = at.heard().await;
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert!(jti.as_str().unwrap().len() >= 32);
    let now = at.world.clock.unix();
    let expected = json!({
        "iss": at.world.url(""),
        "aud": at.client.id,
        "iat": now,
        "exp": now + 120,
        "sub": at.acme.ada.id.to_string(),
        "sid": sid.to_string(),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    assert_eq!(claims, expected);
    assert_eq!(at.deliver().await, 0, "once is enough");
}

/// CS-L6, Back-Channel Logout §2.4: it is signed with what the client's ID tokens are.
#[tokio::test]
async fn it_is_signed_with_the_algorithm_of_the_client() {
    for algorithm in Algorithm::ALL {
        let mut at = signed_in_with("openid", Some(algorithm)).await;
        at.log_out().await;
        assert_eq!(at.deliver().await, 1, "{algorithm:?}");

        let (header, claims) = at.heard().await;

        assert_eq!(header["alg"], algorithm.name());
        assert_eq!(header["typ"], "logout+jwt", "{algorithm:?}");
        assert_eq!(claims["aud"], at.client.id, "{algorithm:?}");
        assert_eq!(claims["exp"], at.world.clock.unix() + 120, "{algorithm:?}");
        let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        assert_eq!(claims["events"], event, "{algorithm:?}");
    }
}

/// Back-Channel Logout §2.7: tokens end with the session, unless they were meant to outlive it.
#[tokio::test]
async fn tokens_end_with_the_session_unless_they_are_for_offline_access() {
    for (scope, lives) in [("openid leads:read", false), ("openid leads:read offline_access", true)]
    {
        let mut at = signed_in(scope).await;
        assert_eq!(ApiCaller::bearer(&at.world, &at.tokens.access).me().await.status, 200);

        at.log_out().await;

        let status = ApiCaller::bearer(&at.world, &at.tokens.access).me().await.status;
        assert_eq!(status == 200, lives, "{scope}");
        assert_eq!(at.client.refresh(&at.tokens.refresh).await.status == 200, lives, "{scope}");
    }
}

/// A client that did not sign anybody in is no part of the session.
#[tokio::test]
async fn a_client_without_openid_hears_nothing_and_goes_on() {
    let mut at = signed_in("leads:read").await;

    at.log_out().await;

    assert_eq!(at.deliver().await, 0);
    assert_eq!(ApiCaller::bearer(&at.world, &at.tokens.access).me().await.status, 200);
}

#[tokio::test]
async fn a_client_that_fails_is_told_again_and_given_up_at_last() {
    let mut at = signed_in("openid").await;
    at.hearer.answer_with(500);
    at.log_out().await;
    for pause in [10, 30, 120, 600, 3600] {
        assert_eq!((at.deliver().await, at.hearer.take().len()), (0, 1), "{pause}");
        at.world.clock.advance(TimeDelta::seconds(pause - 1));
        assert_eq!((at.deliver().await, at.hearer.take().len()), (0, 0), "{pause}");
        at.world.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(at.world.audited("logout.undelivered").await, 0);

    assert_eq!((at.deliver().await, at.hearer.take().len()), (0, 1));

    at.world.clock.advance(TimeDelta::days(2));
    assert_eq!((at.deliver().await, at.hearer.take().len()), (0, 0));
    assert_eq!(at.world.audited("logout.undelivered").await, 1);
}

#[tokio::test]
async fn a_client_that_is_well_again_hears_it() {
    let mut at = signed_in("openid").await;
    at.hearer.answer_with(503);
    at.log_out().await;
    assert_eq!((at.deliver().await, at.hearer.take().len()), (0, 1));
    at.hearer.answer_with(204);
    at.world.clock.advance(TimeDelta::seconds(10));

    assert_eq!(at.deliver().await, 1);

    at.heard().await;
}

/// It waits for its own time and a minute, and not until a wrong clock's time has come.
#[tokio::test]
async fn a_client_that_was_not_reached_while_the_clock_was_ahead_hears_it_once_it_is_right() {
    for ahead in [TimeDelta::minutes(5), TimeDelta::hours(20)] {
        let mut at = signed_in("openid").await;
        at.hearer.answer_with(503);
        at.world.clock.advance(ahead);
        at.log_out().await;
        assert_eq!((at.deliver().await, at.hearer.take().len()), (0, 1));
        at.hearer.answer_with(204);

        at.world.clock.advance(-ahead);

        assert_eq!(at.deliver().await, 1, "{ahead}");
        at.heard().await;
        assert_eq!(at.deliver().await, 0);
    }
}

/// No two nodes tell it at once.
#[tokio::test]
async fn one_node_tells_it() {
    let mut at = signed_in("openid").await;
    let node = at.world.another_node().await;
    at.log_out().await;

    let (one, other) = tokio::join!(at.deliver(), jobs::logout::run_once(&node.app));

    assert_eq!(one + other.unwrap(), 1);
    at.heard().await;
}

/// However a session ends, its clients hear it.
#[tokio::test]
async fn every_end_of_a_session_is_told() {
    let at = signed_in("openid").await;
    assert!(users::disable(&at.world.app, Actor::Operator, at.acme.ada.id).await.unwrap());
    assert_eq!(at.deliver().await, 1);
    at.heard().await;

    let mut at = signed_in("openid").await;
    let page = at.browser.get("/settings/security").await;
    let fields = [
        ("current_password", at.acme.ada.password.as_str()),
        ("password", "another long password"),
        ("password_repeat", "another long password"),
    ];
    let answer = at.browser.submit(&page, "#current_password", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(at.deliver().await, 1);
    at.heard().await;

    let at = signed_in("openid").await;
    let mut phone = Browser::new(&at.world);
    phone.sign_in(&at.acme.ada).await;
    let page = phone.get("/settings/sessions").await;
    let answer = phone.submit(&page, "tbody form", &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(at.deliver().await, 1);
    at.heard().await;
}

/// Others who are on their way to its host are no fault of a client's.
#[tokio::test]
async fn a_client_whose_host_is_busy_is_told_once_there_is_room() {
    let mut at = signed_in("openid leads:read").await;
    at.log_out().await;
    let slow = Host::new().await;
    let mut crowd = slow.crowded_by(&at.world).await;
    // more often than a client may fail
    for _ in 0..8 {
        assert_eq!(at.deliver().await, 0);
        at.world.clock.advance(TimeDelta::seconds(2));
    }
    assert_eq!(at.hearer.take().len(), 0);
    assert_eq!(at.world.audited("logout.undelivered").await, 0);

    crowd.shutdown().await;

    assert_eq!(at.deliver().await, 1);
    at.heard().await;
}
