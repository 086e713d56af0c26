//! `POST /oauth/token` with `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5).

use chrono::TimeDelta;
use entity::member::Role;
use futures_util::future::join_all;
use latchkey::{audit::Actor, config::RequirePkce, identity::users, tokens::revoke};
use serde_json::json;

use super::code_refused;
use crate::support::{
    Acme, Answer, ApiCaller, Browser, CALLBACK, ClientApp, Pkce, Tokens, World, expel,
};

/// A client that has just been given a code by Ada.
async fn world() -> (World, Acme, ClientApp, String) {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = world.web().await;
    let code = code(&world, &acme, &client).await;
    (world, acme, client, code)
}

async fn code(world: &World, acme: &Acme, client: &ClientApp) -> String {
    let mut browser = Browser::new(world);
    browser.authorize(&client.authorization(), &acme.ada).await.code().to_owned()
}

async fn is_alive(world: &World, access_token: &str) -> bool {
    ApiCaller::bearer(world, access_token).me().await.status == 200
}

/// QF-11.
#[tokio::test]
async fn a_code_becomes_a_pair() {
    let (world, _, client, code) = world().await;

    let answer = client.exchange(&code, &Pkce::default()).await;

    let body = json!({
        "access_token": "lk_at_…",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": "lk_rt_…",
        "scope": "leads:read leads:write",
    });
    assert_eq!(answer.shown(), (200, body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = Tokens::of(&answer);
    let me = ApiCaller::bearer(&world, &tokens.access).me().await.json();
    assert_eq!(me["principal"]["username"], "acme/ada@acme.example");
    assert_eq!(me["credential"]["clientId"], client.id);
    Tokens::of(&client.refresh(&tokens.refresh).await);
}

/// QF-11: an app signs in other people than whoever registered it, of any realm, at the token
/// endpoint that answers the password grant too.
#[tokio::test]
async fn an_app_signs_in_whoever_allows_it() {
    let (world, acme, client, _) = world().await;
    let joes = world.workspace("joe").await;
    let joe = world.person("joe@example.com", &[(&joes, Role::Owner)]).await;

    for (person, workspace) in [(&acme.ada, "acme"), (&joe, "joe")] {
        let callback = Browser::new(&world).authorize(&client.authorization(), person).await;
        let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);

        let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
        assert_eq!(me["principal"]["username"], person.username);
        assert_eq!(me["workspace"]["slug"], workspace);
    }
    Tokens::of(&world.script().await.password(&joe).await);
}

#[tokio::test]
async fn a_public_client_needs_no_secret() {
    let (world, acme, _, _) = world().await;
    let spa = world.spa().await;
    let code = code(&world, &acme, &spa).await;

    let tokens = Tokens::of(&spa.exchange(&code, &Pkce::default()).await);

    assert!(is_alive(&world, &tokens.access).await);
    Tokens::of(&spa.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn a_code_works_on_every_node() {
    let (world, _, client, code) = world().await;
    let node = world.another_node().await;

    let tokens = Tokens::of(&client.at(&node).exchange(&code, &Pkce::default()).await);

    assert!(is_alive(&world, &tokens.access).await);
}

#[tokio::test]
async fn the_scope_is_what_the_user_allowed() {
    let (world, acme, client, _) = world().await;
    let mut browser = Browser::new(&world);
    let request = client.authorization().with("scope", "leads:read");
    let callback = browser.authorize(&request, &acme.ada).await;

    let answer = client.exchange(callback.code(), &Pkce::default()).await;

    assert_eq!(Tokens::of(&answer).scope, "leads:read");
}

#[tokio::test]
async fn with_pkce_the_redirect_uri_may_be_left_out() {
    let (_world, _, client, code) = world().await;
    let verifier = Pkce::default().verifier;

    let answer = client.exchange_with(&code, &[("code_verifier", &verifier)]).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// RFC 8707 §2.2.
#[tokio::test]
async fn the_resource_that_was_authorized_becomes_the_audience() {
    let world = World::with(|config| {
        config.oauth.protected_resources = vec!["https://elsewhere.example".to_owned()];
    })
    .await;
    let acme = world.acme().await;
    let client = world.web().await;
    let request = client.authorization().with("resource", "https://elsewhere.example");
    let mut browser = Browser::new(&world);
    let first = browser.authorize(&request, &acme.ada).await;
    let second = browser.authorize(&request, &acme.ada).await;
    let verifier = Pkce::default().verifier;

    let other = world.url("");
    let params = [("code_verifier", verifier.as_str()), ("resource", other.as_str())];
    let wrong = client.exchange_with(first.code(), &params).await;
    let right = Tokens::of(&client.exchange(second.code(), &Pkce::default()).await);

    assert_eq!(wrong.status, 400, "{}", wrong.body);
    let described = world.introspector().await.introspect(&right.access).await.json();
    assert_eq!(described["aud"], "https://elsewhere.example");
    // it is for somebody else
    assert!(!is_alive(&world, &right.access).await);
}

#[tokio::test]
async fn a_code_must_be_there() {
    let (_world, _, client, _) = world().await;

    let answer = client.exchange_with("", &[]).await;

    let body = json!({ "error": "invalid_request", "error_description": "code is missing" });
    assert_eq!(answer.shown(), (400, body));
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let (_world, _, client, code) = world().await;
    let mut typo = code.clone().into_bytes();
    typo[20] = if typo[20] == b'a' { b'b' } else { b'a' };
    let typo = String::from_utf8(typo).unwrap();

    for wrong in ["x", "lk_ac_", &typo, &format!("{code}x"), &"x".repeat(60_000)] {
        assert_eq!(client.exchange(wrong, &Pkce::default()).await.shown(), code_refused());
    }
    Tokens::of(&client.exchange(&code, &Pkce::default()).await);
}

/// CS-A17.
#[tokio::test]
async fn a_code_lives_sixty_seconds() {
    let (world, acme, client, first) = world().await;
    let second = code(&world, &acme, &client).await;
    world.clock.advance(TimeDelta::milliseconds(59_999));
    let in_time = client.exchange(&first, &Pkce::default()).await;
    world.clock.advance(TimeDelta::milliseconds(1));

    let too_late = client.exchange(&second, &Pkce::default()).await;

    assert_eq!((in_time.status, too_late.shown()), (200, code_refused()));
}

/// CS-T4.
#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_produced() {
    let (world, acme, client, first) = world().await;
    let other = code(&world, &acme, &client).await;
    let other = Tokens::of(&client.exchange(&other, &Pkce::default()).await);
    let tokens = Tokens::of(&client.exchange(&first, &Pkce::default()).await);
    let refreshed = Tokens::of(&client.refresh(&tokens.refresh).await);

    let replay = client.exchange(&first, &Pkce::default()).await;

    assert_eq!(replay.shown(), code_refused());
    for pair in [&tokens, &refreshed] {
        assert!(!is_alive(&world, &pair.access).await);
        assert_eq!(client.refresh(&pair.refresh).await.status, 400);
    }
    assert_eq!(world.audited("authorization_code.replay").await, 1);
    assert!(is_alive(&world, &other.access).await, "another sign-in of the same user lives on");
    Tokens::of(&client.refresh(&other.refresh).await);
}

/// However late it comes back.
#[tokio::test]
async fn an_expired_code_that_comes_back_ends_what_it_produced() {
    let (world, _, client, code) = world().await;
    let tokens = Tokens::of(&client.exchange(&code, &Pkce::default()).await);
    world.clock.advance(TimeDelta::minutes(30));

    let replay = client.exchange(&code, &Pkce::default()).await;

    assert_eq!(replay.shown(), code_refused());
    assert!(!is_alive(&world, &tokens.access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_a_code_has_at_most_one_winner_and_his_tokens_die() {
    let (world, _, client, code) = world().await;
    let pkce = Pkce::default();

    let answers = join_all((0..16).map(|_| client.exchange(&code, &pkce))).await;

    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|it| it.status == 200 || it.shown() == code_refused()));
    assert!(!is_alive(&world, &Tokens::of(won[0]).access).await);
    assert_eq!(world.audited("authorization_code.replay").await, 1);
}

/// CS-T4.
#[tokio::test]
async fn a_stolen_code_is_nothing_to_another_client() {
    let (world, _, client, code) = world().await;
    let thief = world.web().await;
    let pkce = Pkce::default();

    assert_eq!(thief.exchange(&code, &pkce).await.shown(), code_refused());

    // it was neither spent by the thief nor, once spent, revoked by him
    let tokens = Tokens::of(&client.exchange(&code, &pkce).await);
    assert_eq!(thief.exchange(&code, &pkce).await.shown(), code_refused());
    assert!(is_alive(&world, &tokens.access).await);
    assert_eq!(world.audited("authorization_code.replay").await, 0);
}

#[tokio::test]
async fn a_client_that_cannot_prove_itself_spends_nothing() {
    let (_world, _, client, code) = world().await;
    let secret = "lk_cs_0000000000000000000000000000000000000000000000000";
    let impostor = client.with_secret(Some(secret));

    let answer = impostor.exchange(&code, &Pkce::default()).await;
    let bare = client.with_secret(None).exchange(&code, &Pkce::default()).await;

    assert_eq!((answer.status, bare.status), (401, 401));
    Tokens::of(&client.exchange(&code, &Pkce::default()).await);
}

#[tokio::test]
async fn a_code_is_spent_by_its_first_presentation_whatever_the_outcome() {
    let verifier = Pkce::default().verifier;
    let good = Pkce::of(&"v".repeat(43)).verifier;
    let uri = ("redirect_uri", CALLBACK);
    let cases: [&[(&str, &str)]; 10] = [
        &[uri],
        &[uri, ("code_verifier", "")],
        &[uri, ("code_verifier", &good)],
        &[uri, ("code_verifier", &verifier[1..])],
        &[uri, ("code_verifier", &verifier.to_ascii_uppercase())],
        &[uri, ("code_verifier", &Pkce::default().challenge)],
        &[("redirect_uri", "http://127.0.0.1:9998/callback"), ("code_verifier", &verifier)],
        &[("redirect_uri", "http://127.0.0.1:9999/callback/"), ("code_verifier", &verifier)],
        &[("redirect_uri", "https://evil.example/"), ("code_verifier", &verifier)],
        &[("redirect_uri", "HTTP://127.0.0.1:9999/callback"), ("code_verifier", &verifier)],
    ];
    let (world, acme, client, mut code) = world().await;
    for params in cases {
        let wrong = client.exchange_with(&code, params).await;
        let right = client.exchange(&code, &Pkce::default()).await;

        assert_eq!(wrong.shown(), code_refused(), "{params:?}");
        assert_eq!(right.shown(), code_refused(), "{params:?}");
        code = self::code(&world, &acme, &client).await;
    }
    assert_eq!(world.audited("authorization_code.refuse").await, cases.len());
}

#[tokio::test]
async fn without_pkce_the_redirect_uri_must_be_repeated_and_a_verifier_is_refused() {
    let world = World::with(|config| config.oauth.require_pkce = RequirePkce::Public).await;
    let acme = world.acme().await;
    let client = world.web().await;
    let request = client.authorization().without("code_challenge").without("code_challenge_method");
    let mut browser = Browser::new(&world);
    let verifier = Pkce::default().verifier;

    for (params, status) in [
        (&[("redirect_uri", CALLBACK)][..], 200),
        (&[], 400),
        (&[("redirect_uri", CALLBACK), ("code_verifier", &verifier)], 400),
        (&[("redirect_uri", "http://127.0.0.1:9998/callback")], 400),
    ] {
        let callback = browser.authorize(&request, &acme.ada).await;
        let answer: Answer = client.exchange_with(callback.code(), params).await;

        assert_eq!(answer.status, status, "{params:?} {}", answer.body);
    }
}

#[tokio::test]
async fn a_code_of_a_user_who_is_gone_is_refused() {
    let (world, acme, client, code) = world().await;

    assert!(users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap());

    assert_eq!(client.exchange(&code, &Pkce::default()).await.shown(), code_refused());
}

#[tokio::test]
async fn a_code_of_a_revoked_grant_is_refused() {
    let (world, acme, client, code) = world().await;

    assert_eq!(
        revoke::disconnect_all(&world.app, acme.ada.id, revoke::Asking::Again).await.unwrap(),
        1
    );

    assert_eq!(client.exchange(&code, &Pkce::default()).await.shown(), code_refused());
}

#[tokio::test]
async fn a_code_of_somebody_who_left_the_workspace_gets_nothing_done() {
    let (world, acme, client, code) = world().await;
    let (id, ada) = (acme.workspace.id, acme.ada.id);
    assert!(expel(&world.app, id, ada).await.unwrap());

    let answer = client.exchange(&code, &Pkce::default()).await;

    if answer.status == 200 {
        let me = ApiCaller::bearer(&world, &Tokens::of(&answer).access).me().await;
        assert_eq!((me.status, &me.json()["error"]["code"]), (403, &json!("FORBIDDEN")));
    } else {
        assert_eq!(answer.shown(), code_refused());
    }
}

#[tokio::test]
async fn a_client_that_is_not_registered_for_it_is_refused() {
    let (world, _, _, code) = world().await;

    let answer = world.script().await.exchange(&code, &Pkce::default()).await;

    let body = json!({
        "error": "unauthorized_client",
        "error_description": "the client is not registered for this grant type",
    });
    assert_eq!(answer.shown(), (400, body));
}
