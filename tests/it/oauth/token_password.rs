//! `POST /oauth/token` with `grant_type=password` (RFC 6749 §4.3, contract §3).

use entity::member::Role;
use latchkey::{audit::Actor, clients::registration::NewClient, identity::users, workspaces};
use serde_json::json;

use super::password_refused;
use crate::support::{ApiCaller, Tokens, World, script, texts};

/// QF-5, QF-6, QF-8.
#[tokio::test]
async fn a_user_of_an_enterprise_gets_a_pair() {
    let world = World::new().await;
    let acme = world.acme().await;

    let answer = world.script().await.password(&acme.ada).await;

    let body = json!({
        "access_token": "lk_at_…",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": "lk_rt_…",
        "scope": "leads:read leads:write",
    });
    assert_eq!(answer.shown(), (200, body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let tokens = Tokens::of(&answer);
    assert_eq!((tokens.access.len(), tokens.refresh.len()), (55, 55));
    let me = ApiCaller::bearer(&world, &tokens.access).me().await.expect(200).json();
    assert_eq!(me["principal"]["username"], "acme/ada@acme.example");
    assert_eq!(me["workspace"]["slug"], "acme");
    assert_eq!(world.audited("user.sign_in").await, 1);
}

#[tokio::test]
async fn the_pin_and_the_email_are_compared_without_case() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;

    for username in ["ACME/ada@acme.example", "acme/ADA@ACME.EXAMPLE", "Acme/Ada@Acme.example"] {
        let answer = script.sign_in(username, &acme.ada.password).await;

        assert_eq!(answer.status, 200, "{username}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_same_email_in_two_realms_is_two_people() {
    let world = World::new().await;
    let acme = world.acme().await;
    let other = world.workspace("other").await;
    let outsider = world.person("ada@acme.example", &[(&other, Role::Owner)]).await;
    let script = world.script().await;

    let one = Tokens::of(&script.password(&acme.ada).await);
    let two = Tokens::of(&script.password(&outsider).await);

    let (one, two) =
        (ApiCaller::bearer(&world, &one.access), ApiCaller::bearer(&world, &two.access));
    let (one, two) = (one.me().await.json(), two.me().await.json());
    assert_eq!(one["principal"]["id"], acme.ada.id.to_string());
    assert_eq!(two["principal"]["id"], outsider.id.to_string());
    assert_eq!(
        (&one["workspace"]["slug"], &two["workspace"]["slug"]),
        (&json!("acme"), &json!("other"))
    );
    let crossed = script.sign_in(&outsider.username, &acme.ada.password).await;
    assert_eq!(crossed.shown(), password_refused());
}

#[tokio::test]
async fn a_client_without_the_refresh_grant_gets_no_refresh_token() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = world.client(NewClient { grant_types: texts(&["password"]), ..script() }).await;

    let answer = client.password(&acme.ada).await;

    let body = json!({
        "access_token": "lk_at_…",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "leads:read leads:write",
    });
    assert_eq!(answer.shown(), (200, body));
}

#[tokio::test]
async fn a_clients_own_lifetime_wins() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = NewClient { access_token_ttl_secs: Some(300), ..script() };
    let client = world.client(client).await;

    let answer = client.password(&acme.ada).await;

    assert_eq!(answer.json()["expires_in"], 300);
}

#[tokio::test]
async fn what_is_granted_is_what_client_and_role_allow_of_what_was_asked() {
    let world = World::new().await;
    let acme = world.acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let scope = texts(&["leads:read", "api-keys:manage", "openid"]);
    let client = world.client(NewClient { scope, ..script() }).await;

    for (person, asked, granted) in [
        (&acme.ada, "leads:read", "leads:read"),
        (&acme.ada, "leads:read  leads:write", "leads:read"),
        (&acme.ada, "api-keys:manage openid", "api-keys:manage openid"),
        (&ben, "api-keys:manage openid leads:read", "leads:read openid"),
        (&acme.ada, "", "api-keys:manage leads:read openid"),
        (&ben, "", "leads:read openid"),
    ] {
        let answer = client.password_with(person, &[("scope", asked)]).await;

        assert_eq!(Tokens::of(&answer).scope, granted, "{asked}");
    }
}

#[tokio::test]
async fn the_workspace_is_the_enterprises_unless_another_is_named() {
    let world = World::new().await;
    let older = world.workspace("older").await;
    let acme = world.acme().await;
    let app = &world.app;
    let added = workspaces::add_member(app, Actor::Operator, older.id, acme.ada.id, Role::Admin);
    added.await.unwrap().unwrap();
    let script = world.script().await;

    for (named, slug) in [("", "acme"), ("older", "older"), (&older.id.to_string(), "older")] {
        let answer = script.password_with(&acme.ada, &[("workspace", named)]).await;

        let me = ApiCaller::bearer(&world, &Tokens::of(&answer).access).me().await;
        assert_eq!(me.json()["workspace"]["slug"], slug, "{named}");
    }
}

#[tokio::test]
async fn a_user_of_no_workspace_gets_a_token_that_the_api_refuses() {
    let world = World::new().await;
    let joe = world.person("joe@example.com", &[]).await;

    let tokens = Tokens::of(&world.script().await.password(&joe).await);

    assert_eq!(tokens.scope, "");
    let me = ApiCaller::bearer(&world, &tokens.access).me().await;
    assert_eq!((me.status, &me.json()["error"]["code"]), (403, &json!("FORBIDDEN")));
}

#[tokio::test]
async fn a_client_that_is_not_registered_for_it_is_refused() {
    let world = World::new().await;
    let acme = world.acme().await;

    let answer = world.web().await.password(&acme.ada).await;

    let body = json!({
        "error": "unauthorized_client",
        "error_description": "the client is not registered for this grant type",
    });
    assert_eq!(answer.shown(), (400, body));
}

#[tokio::test]
async fn username_and_password_must_be_there() {
    let world = World::new().await;
    let script = world.script().await;

    for (params, description) in [
        (&[("password", "x")][..], "username is missing"),
        (&[("username", ""), ("password", "x")], "username is missing"),
        (&[("username", "joe@example.com")], "password is missing"),
        (&[("username", "joe@example.com"), ("password", "")], "password is missing"),
    ] {
        let params = [&[("grant_type", "password")], params].concat();

        let answer = script.token(&params).await;

        let body = json!({ "error": "invalid_request", "error_description": description });
        assert_eq!(answer.shown(), (400, body));
    }
}

#[tokio::test]
async fn a_scope_that_cannot_be_granted_is_refused() {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;

    for (scope, description) in [
        ("leads:\"read", "the scope is malformed"),
        ("leads:read\tleads:write", "the scope is malformed"),
        ("datasets:read", "nothing of this scope can be granted"),
        ("no:such", "nothing of this scope can be granted"),
    ] {
        let answer = script.password_with(&acme.ada, &[("scope", scope)]).await;

        let body = json!({ "error": "invalid_scope", "error_description": description });
        assert_eq!(answer.shown(), (400, body), "{scope}");
    }
}

#[tokio::test]
async fn a_resource_that_is_not_registered_is_refused() {
    let world = World::new().await;
    let acme = world.acme().await;
    let resource = [("resource", "https://elsewhere.example")];

    let answer = world.script().await.password_with(&acme.ada, &resource).await;

    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_target")));
}

/// CS-T11.
#[tokio::test]
async fn every_failure_is_the_same() {
    let world = World::new().await;
    let acme = world.acme().await;
    let gone = world.person("acme/gone@acme.example", &[(&acme.workspace, Role::Member)]).await;
    assert!(users::disable(&world.app, Actor::Operator, gone.id).await.unwrap());
    let tess = world.person_with_totp("acme/tess@acme.example", &[7; 20]).await;
    let script = world.script().await;
    let too_long = "x".repeat(1025);

    let mut answers = Vec::new();
    for (username, password) in [
        (acme.ada.username.as_str(), "wrong"),
        (acme.ada.username.as_str(), too_long.as_str()),
        ("acme/nobody@acme.example", "wrong"),
        ("nopin/ada@acme.example", "wrong"),
        ("nobody@example.com", "wrong"),
        (gone.username.as_str(), gone.password.as_str()),
        // RFC 6749 §4.3: the password grant cannot ask for a second factor
        (tess.username.as_str(), tess.password.as_str()),
    ] {
        let mut answer = script.sign_in(username, password).await;
        assert_eq!(answer.shown(), password_refused(), "{username}");
        for ours in ["x-request-id", "date"] {
            answer.headers.remove(ours);
        }
        answers.push((answer.headers, answer.body));
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:#?}");
}

/// Who is not there costs a hash like who is: no clock tells names apart.
#[tokio::test]
async fn nobody_is_refused_as_slowly_as_somebody() {
    let (world, acme) = World::of_acme().await;
    let gone = world.person("acme/gone@acme.example", &[(&acme.workspace, Role::Member)]).await;
    assert!(users::disable(&world.app, Actor::Operator, gone.id).await.unwrap());
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let script = world.script().await;
    let too_long = "x".repeat(1025);
    for (username, password) in [
        (acme.ada.username.as_str(), "wrong"),
        ("acme/nobody@acme.example", "wrong"),
        ("nopin/ada@acme.example", "wrong"),
        ("no username", "wrong"),
        (gone.username.as_str(), gone.password.as_str()),
        (ben.username.as_str(), too_long.as_str()),
    ] {
        let before = world.app.passwords.hashed();

        assert_eq!(script.sign_in(username, password).await.status, 400, "{username}");

        assert_eq!(world.app.passwords.hashed() - before, 1, "{username}");
    }
}

/// A failure is written down with the count of it, of a name that is nobody's too: whoever asks waits for one commit,
/// whosever name it is. What was typed is not written down: it may be a password.
#[tokio::test]
async fn nobodys_failure_is_written_down_like_somebodys() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    for username in [acme.ada.username.as_str(), "acme/hunter2@acme.example", "hunter2"] {
        assert_eq!(script.sign_in(username, "wrong").await.status, 400, "{username}");
    }

    let events = world.audit_events().await;

    let failed = events.iter().filter(|event| event.action == "user.sign_in_failed");
    let mut targets: Vec<_> = failed.map(|event| (&*event.target_kind, &event.target_id)).collect();
    targets.sort_unstable();
    let ada = Some(acme.ada.id.to_string());
    assert_eq!(targets, [("user", &None), ("user", &None), ("user", &ada)]);
    assert!(!format!("{events:?}").contains("hunter2"));
}
