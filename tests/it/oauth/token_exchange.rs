//! Token exchange (RFC 8693): narrowing and delegation within a workspace.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::binding::Binding,
    clients::registration::{self, NewClient},
    identity::users,
    tokens::revoke,
    workspaces,
};
use serde_json::{Value, json};

use crate::support::{Acme, Answer, ApiCaller, ClientApp, Tokens, World, expel, script, texts};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const BILLING: &str = "https://billing.example/api";

struct At {
    world: World,
    acme: Acme,
    script: ClientApp,
    tokens: Tokens,
    service: ClientApp,
}

async fn at_service() -> At {
    let world = World::with(|config| {
        config.oauth.protected_resources = texts(&[BILLING]);
    })
    .await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let service = world.client(exchanging(&acme)).await;
    At { world, acme, script, tokens, service }
}

fn exchanging(acme: &Acme) -> NewClient {
    NewClient { may_introspect: true, ..crate::support::exchanging(&acme.workspace) }
}

async fn exchange(client: &ClientApp, subject: &str, more: &[(&str, &str)]) -> Answer {
    client.exchange_token(subject, more).await
}

fn error(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["error"].clone())
}

impl At {
    async fn exchanged(&self, more: &[(&str, &str)]) -> Tokens {
        Tokens::of(&exchange(&self.service, &self.tokens.access, more).await)
    }

    async fn status(&self, token: &str) -> u16 {
        ApiCaller::bearer(&self.world, token).me().await.status
    }
}

/// RFC 8693 §2.2.1.
#[tokio::test]
async fn a_service_gets_a_token_of_its_own_with_less() {
    let at = at_service().await;

    let answer = exchange(&at.service, &at.tokens.access, &[("scope", "leads:read")]).await;

    let (status, body) = answer.shown();
    let expected = json!({
        "access_token": "lk_at_…",
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "leads:read",
    });
    assert_eq!((status, body), (200, expected));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = Tokens::of(&answer).access;
    let me = ApiCaller::bearer(&at.world, &token).me().await.expect(200).json();
    assert_eq!(me["principal"]["username"], "acme/ada@acme.example");
    assert_eq!(me["credential"]["clientId"], at.service.id.as_str());
    assert_eq!(me["scopes"], json!(["leads:read"]));
    assert_eq!(at.world.audited("token.exchange").await, 1);
    let described = at.service.introspect(&token).await.json();
    assert_eq!((&described["client_id"], described.get("act")), (&json!(at.service.id), None));
}

/// RFC 8693 §4.1: whoever looks sees who acts.
#[tokio::test]
async fn a_service_that_shows_itself_is_seen_to_act() {
    let at = at_service().await;
    let own = Tokens::of(&at.service.token(&[("grant_type", "client_credentials")]).await);

    let more = [("actor_token", own.access.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    let token = at.exchanged(&more).await;

    let described = at.service.introspect(&token.access).await.json();
    assert_eq!(described["sub"], at.acme.ada.id.to_string());
    assert_eq!(described["act"], json!({ "sub": at.service.id }));
}

#[tokio::test]
async fn a_token_is_for_another_audience() {
    let at = at_service().await;
    for name in ["resource", "audience"] {
        let token = at.exchanged(&[(name, BILLING)]).await;

        assert_eq!(at.service.introspect(&token.access).await.json()["aud"], BILLING);
        assert_eq!(at.status(&token.access).await, 401, "it is for somebody else");
        let again =
            exchange(&at.service, &at.tokens.access, &[(name, "https://evil.example")]).await;
        assert_eq!(error(&again), (400, json!("invalid_target")));
    }
    let both = [("resource", BILLING), ("audience", at.world.app.config.issuer.as_str())];
    let both = exchange(&at.service, &at.tokens.access, &both).await;
    assert_eq!(error(&both), (400, json!("invalid_target")));
}

/// RFC 9396 §7: in the words of the subject token or of the request, as far as the new token goes.
#[tokio::test]
async fn details_are_told() {
    let mut at = at_service().await;
    let detail =
        |permission: &str| json!({ "type": "latchkey_permission", "permission": permission });
    let both = json!([detail("leads:read"), detail("leads:write")]).to_string();
    let by_password = [("authorization_details", both.as_str())];
    at.tokens = Tokens::of(&at.script.password_with(&at.acme.ada, &by_password).await);
    let read = json!([detail("leads:read")]);
    let (text, scope) = (read.to_string(), "leads:read");

    let in_detail = [("authorization_details", text.as_str())];
    let in_detail = exchange(&at.service, &at.tokens.access, &in_detail).await.expect(200);

    assert_eq!(in_detail.json()["authorization_details"], read);
    assert_eq!(Tokens::of(&in_detail).scope, scope);
    let token = Tokens::of(&in_detail).access;
    assert_eq!(at.service.introspect(&token).await.json()["authorization_details"], read);
}

#[tokio::test]
async fn it_ends_with_the_token_that_it_came_from() {
    let at = at_service().await;
    at.world.clock.advance(TimeDelta::minutes(50));

    let answer = exchange(&at.service, &at.tokens.access, &[]).await;

    assert_eq!(answer.json()["expires_in"], 600);
    let token = Tokens::of(&answer).access;
    at.world.clock.advance(TimeDelta::seconds(599));
    assert_eq!(at.status(&token).await, 200);
    at.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(at.status(&token).await, 401);
}

/// One join judges it: whatever ends the token that it came from ends it too.
#[tokio::test]
async fn it_dies_with_everything_it_came_from() {
    for what in 0..7 {
        let at = at_service().await;
        let token = at.exchanged(&[]).await.access;
        assert_eq!(at.status(&token).await, 200, "{what}");
        let (app, ada, place) = (&at.world.app, at.acme.ada.id, at.acme.workspace.id);
        match what {
            0 => assert_eq!(at.script.revoke(&at.tokens.refresh).await.status, 200),
            1 => assert_eq!(
                revoke::disconnect_all(app, ada, revoke::Asking::Again).await.unwrap(),
                1
            ),
            2 => assert!(users::disable(app, Actor::Operator, ada).await.unwrap()),
            3 => {
                assert!(expel(app, place, ada).await.unwrap());
            }
            4 | 5 => {
                let id = if what == 4 { &at.script.id } else { &at.service.id };
                let done = registration::set_disabled(app, Actor::Operator, id, true).await;
                assert!(done.unwrap());
            }
            _ => assert_eq!(at.service.revoke(&token).await.status, 200),
        }

        let status = at.status(&token).await;

        assert!([401, 403].contains(&status), "{what}: {status}");
        let own = at.status(&at.tokens.access).await;
        assert_eq!(own == 200, what >= 5, "{what}: {own}");
    }
}

/// What was revoked is swept away, and its absence lets nobody in.
#[tokio::test]
async fn it_stays_dead_when_what_it_came_from_is_swept() {
    let at = at_service().await;
    let token = at.exchanged(&[]).await.access;
    at.script.revoke(&at.tokens.refresh).await.expect(200);

    latchkey::jobs::sweep::run_once(&at.world.app).await.unwrap();

    assert_eq!(at.status(&token).await, 401);
}

/// A role that became less makes it less.
#[tokio::test]
async fn it_may_what_the_user_still_may() {
    let at = at_service().await;
    let (app, ada, place) = (&at.world.app, at.acme.ada.id, at.acme.workspace.id);
    let scope = texts(&["leads:read", "api-keys:manage"]);
    let script = at.world.client(NewClient { scope: scope.clone(), ..script() }).await;
    let service = at.world.client(NewClient { scope, ..exchanging(&at.acme) }).await;
    let tokens = Tokens::of(&script.password(&at.acme.ada).await);
    let token = Tokens::of(&exchange(&service, &tokens.access, &[]).await);
    assert_eq!(token.scope, "api-keys:manage leads:read");
    assert!(expel(app, place, ada).await.unwrap());
    workspaces::add_member(app, Actor::Operator, place, ada, Role::Member).await.unwrap().unwrap();

    let described = service.introspect(&token.access).await.json();

    assert_eq!(described["scope"], "leads:read");
}

/// CS-T12: every refusal, in the order of the checks.
#[tokio::test]
async fn refusals_are_the_rfcs() {
    let at = at_service().await;
    let (world, service, access) = (&at.world, &at.service, at.tokens.access.as_str());
    let own = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await).access;
    assert_eq!(
        error(&exchange(&at.script, access, &[]).await),
        (400, json!("unauthorized_client"))
    );
    let unbound =
        NewClient { binding: Binding::None, may_introspect: false, ..exchanging(&at.acme) };
    let unbound = world.client(unbound).await;
    assert_eq!(error(&exchange(&unbound, access, &[]).await), (400, json!("unauthorized_client")));
    let elsewhere = world.workspace("elsewhere").await;
    let foreign = NewClient { binding: Binding::Workspace(elsewhere.id), ..exchanging(&at.acme) };
    let foreign = world.client(foreign).await;
    let exchanged = at.exchanged(&[]).await.access;
    for (client, subject) in [
        (service, "x"),
        (service, at.tokens.refresh.as_str()),
        (service, own.as_str()),
        (service, exchanged.as_str()),
        (&foreign, access),
    ] {
        let answer = exchange(client, subject, &[]).await;
        assert_eq!(error(&answer), (400, json!("invalid_request")), "{subject}");
    }
    let grant = ("grant_type", GRANT);
    let kind = ("subject_token_type", ACCESS_TOKEN);
    let saml = "urn:ietf:params:oauth:token-type:saml2";
    for params in [
        vec![grant],
        vec![grant, kind],
        vec![grant, ("subject_token", access)],
        vec![grant, ("subject_token", access), ("subject_token_type", saml)],
        vec![grant, ("subject_token", access), kind, ("requested_token_type", saml)],
        vec![grant, ("subject_token", access), kind, ("actor_token_type", ACCESS_TOKEN)],
        vec![grant, ("subject_token", access), kind, ("actor_token", &own)],
        vec![
            grant,
            ("subject_token", access),
            kind,
            ("actor_token", access),
            ("actor_token_type", ACCESS_TOKEN),
        ],
    ] {
        let answer = service.token(&params).await;
        assert_eq!(error(&answer), (400, json!("invalid_request")), "{params:?}");
    }
    for scope in ["leads:read api-keys:manage", "datasets:read"] {
        let answer = exchange(service, access, &[("scope", scope)]).await;
        assert_eq!(error(&answer), (400, json!("invalid_scope")), "{scope}");
    }
    let wrong = service.with_secret(Some("x"));
    assert_eq!(error(&exchange(&wrong, access, &[]).await), (401, json!("invalid_client")));
    assert_eq!(at.status(access).await, 200);
}
