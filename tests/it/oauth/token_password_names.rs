//! Names that look like somebody's, at the password grant (contract §3).

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::identity::users::NewUser;
use serde_json::json;
use zeroize::Zeroizing;

use super::password_refused;
use crate::support::{Answer, ApiCaller, ClientApp, Tokens, World};

/// QF-6, QF-7: the example of the documentation, and the same address without a PIN, which is
/// somebody else.
#[tokio::test]
async fn the_documented_usernames_are_two_people() {
    let world = World::new().await;
    world.enterprise("enterprise_pin").await;
    let script = world.script().await;

    for (username, slug) in
        [("enterprise_pin/joe.bloggs@example.com", "work"), ("joe.bloggs@example.com", "home")]
    {
        let home = world.workspace(slug).await;
        let joe = world.person(username, &[(&home, Role::Owner)]).await;
        let tokens = Tokens::of(&script.sign_in(username, &joe.password).await);

        let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
        assert_eq!(me["principal"]["username"], username);
        assert_eq!(me["principal"]["id"], joe.id.to_string());
    }
    let crossed = "the password of joe.bloggs@example.com";
    let crossed = script.sign_in("enterprise_pin/joe.bloggs@example.com", crossed).await;
    assert_eq!(crossed.shown(), password_refused());
}

#[tokio::test]
async fn pin_tricks_reach_nobody() {
    let world = World::new().await;
    let acme = world.acme().await;
    let joe = NewUser {
        username: "joe@example.com".to_owned(),
        password: Some(Zeroizing::new(acme.ada.password.clone())),
        ..NewUser::default()
    };
    world.person_of(joe).await;
    let script = world.script().await;

    // both have the password that is tried: only the name keeps it out
    for username in [
        "acme//ada@acme.example",
        "/ada@acme.example",
        "/joe@example.com",
        "//joe@example.com",
        "acme/",
        "/",
        "acme",
        "acme/ada@acme.example/",
        "acme/acme/ada@acme.example",
        "acme/x/../ada@acme.example",
        "acme\\ada@acme.example",
        "acme%2fada@acme.example",
        "acme\u{ff0f}ada@acme.example",
        "acme\u{2215}ada@acme.example",
        " acme/ada@acme.example",
        "acme /ada@acme.example",
        "acme/ ada@acme.example",
        "acme/ada@acme.example ",
        "acme/ada@acme.example\t",
        "acme/ada@acme.example\n",
        "acme/ada@acme.example\u{a0}",
        "a\u{441}me/ada@acme.example",
        "\u{ff41}cme/ada@acme.example",
        "a/ada@acme.example",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/ada@acme.example",
    ] {
        let answer = forgiving(&world, &script, username, &acme.ada.password).await;

        assert_eq!(answer.shown(), password_refused(), "{username:?}");
    }
}

#[tokio::test]
async fn look_alike_emails_are_other_people() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;

    for username in [
        "acme/\u{430}da@acme.example",
        "acme/ada@acm\u{435}.example",
        "acme/ad\u{200b}a@acme.example",
        "acme/ada\u{202e}@acme.example",
        "acme/ada@acme.example\u{feff}",
        "acme/\u{ff41}da@acme.example",
        "acme/ada@acme\u{3002}example",
        "acme/a\u{301}da@acme.example",
        "acme/ada+x@acme.example",
        "acme/a.da@acme.example",
        "acme/ada@acme.example.",
        "acme/\"ada\"@acme.example",
        "acme/<ada@acme.example>",
        "acme/ada@acme.example,eve@evil.example",
    ] {
        let answer = forgiving(&world, &script, username, &acme.ada.password).await;

        assert_eq!(answer.shown(), password_refused(), "{username:?}");
    }
}

#[tokio::test]
async fn composed_and_decomposed_letters_are_the_same_person() {
    let world = World::new().await;
    let acme = world.acme().await;
    let jose = world.person("jos\u{e9}@example.com", &[(&acme.workspace, Role::Member)]).await;

    let answer = world.script().await.sign_in("jose\u{301}@example.com", &jose.password).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// RFC 6749 appendix A.13: a username is text, and NUL is in no text.
#[tokio::test]
async fn nul_and_broken_utf8_are_malformed_requests() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;

    for username in
        ["acme%2Fada%40acme.example%00", "ac%00me%2Fada%40acme.example", "%ff%fe", "%c0%af"]
    {
        let request = script.request("/oauth/token", &[]);
        let password = acme.ada.password.replace(' ', "+");
        let body = format!("grant_type=password&password={password}&username={username}");
        let answer = Answer::to(request.body(body)).await;

        let error = json!({
            "error": "invalid_request",
            "error_description": "a parameter is not valid text",
        });
        assert_eq!(answer.shown(), (400, error), "{username}");
    }
}

/// Tries a name after so long that no throttle is in the way.
async fn forgiving(world: &World, client: &ClientApp, username: &str, password: &str) -> Answer {
    world.clock.advance(TimeDelta::minutes(16));
    client.sign_in(username, password).await
}
