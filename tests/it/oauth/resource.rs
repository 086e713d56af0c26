//! The parameter `resource` (RFC 8707, contract §3): at authorization, token and refresh; what
//! introspection says of it and the API makes of it.

use serde_json::{Value, json};

use super::{
    device::{self, question, television},
    invalid_grant,
};
use crate::support::{
    Acme, Answer, ApiCaller, Authorization, Browser, ClientApp, Pkce, Tokens, World, service,
};

const ELSEWHERE: &str = "https://elsewhere.example/api";
const FURTHER: &str = "https://further.example";

/// A server that issues tokens for two other resources besides its own API.
async fn world() -> (World, Acme, ClientApp) {
    let world = World::with(|config| {
        config.oauth.protected_resources = vec![ELSEWHERE.to_owned(), FURTHER.to_owned()];
    })
    .await;
    let acme = world.acme().await;
    let script = world.script().await;
    (world, acme, script)
}

fn invalid_target() -> (u16, Value) {
    let body = json!({
        "error": "invalid_target",
        "error_description": "the resource is not one this token can be for",
    });
    (400, body)
}

async fn audience(introspector: &ClientApp, token: &str) -> Option<String> {
    let described = introspector.introspect(token).await.expect(200).json();
    assert_eq!(described["active"], true);
    described.get("aud").map(|aud| aud.as_str().unwrap().to_owned())
}

/// Whether the API takes the token; if not, it is as good as unknown.
async fn is_taken(world: &World, access_token: &str) -> bool {
    let caller = ApiCaller::bearer(world, access_token);
    let (me, verified) = (caller.me().await, caller.get("/api/v1/verify").await);
    if me.status == 200 {
        assert_eq!(verified.status, 204, "{}", verified.body);
        return true;
    }
    for answer in [me, verified] {
        let error = json!({
            "code": "UNAUTHORIZED",
            "message": "the access token is for another resource",
            "requestId": "<id>",
        });
        assert_eq!(answer.shown(), (401, json!({ "error": error })));
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    false
}

async fn with(script: &ClientApp, acme: &Acme, resource: &str) -> Answer {
    script.password_with(&acme.ada, &[("resource", resource)]).await
}

async fn code(world: &World, acme: &Acme, request: &Authorization) -> String {
    Browser::new(world).authorize(request, &acme.ada).await.code().to_owned()
}

/// What nobody registered, some of it almost what somebody did.
fn unregistered(world: &World) -> Vec<String> {
    let issuer = world.url("");
    let elsewhere = |rest: &str| format!("{ELSEWHERE}{rest}");
    vec![
        "https://evil.example".to_owned(),
        "not a uri".to_owned(),
        "/api".to_owned(),
        "https://elsewhere.example".to_owned(),
        elsewhere("/"),
        elsewhere("/more"),
        elsewhere("?x=y"),
        elsewhere("#"),
        elsewhere(" "),
        ELSEWHERE.to_ascii_uppercase(),
        format!("{issuer}1"),
        format!("{issuer}.evil.example"),
        format!("{issuer}@evil.example/"),
        format!("{issuer}/api#fragment"),
        issuer.replace("http://", "https://"),
        issuer.replace("127.0.0.1", "localhost"),
        // no URI at all (RFC 3986 §2)
        format!("{issuer}/a b"),
        format!("{issuer}/a\nb"),
        format!("{issuer}/caf\u{e9}"),
        // nothing that anybody would call a name
        format!("{issuer}/{}", "x".repeat(5000)),
    ]
}

#[tokio::test]
async fn without_it_a_token_has_no_audience_and_the_api_takes_it() {
    let (world, acme, script) = world().await;
    let introspector = world.introspector().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);

    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(audience(&introspector, token).await, None);
    }
    assert!(is_taken(&world, &tokens.access).await);
}

#[tokio::test]
async fn it_becomes_the_audience_and_the_api_takes_only_its_own() {
    let (world, acme, script) = world().await;
    let introspector = world.introspector().await;
    let service = world.client(service(Some(&acme.workspace))).await;
    let web = world.web().await;
    let own = world.url("");
    let part = world.url("/api/v1");

    for (resource, is_ours) in
        [(ELSEWHERE, false), (FURTHER, false), (own.as_str(), true), (&part, true)]
    {
        let by_password = Tokens::of(&with(&script, &acme, resource).await);
        let params = [("grant_type", "client_credentials"), ("resource", resource)];
        let by_itself = Tokens::of(&service.token(&params).await);
        let request = web.authorization().with("resource", resource);
        let code = code(&world, &acme, &request).await;
        let by_code = Tokens::of(&web.exchange(&code, &Pkce::default()).await);

        for tokens in [&by_password, &by_itself, &by_code] {
            let aud = audience(&introspector, &tokens.access).await;
            assert_eq!(aud.as_deref(), Some(resource));
            assert_eq!(is_taken(&world, &tokens.access).await, is_ours, "{resource}");
        }
        for tokens in [&by_password, &by_code] {
            assert_eq!(audience(&introspector, &tokens.refresh).await.as_deref(), Some(resource));
        }
    }
}

#[tokio::test]
async fn a_code_may_be_exchanged_for_what_was_authorized() {
    let (world, acme, _) = world().await;
    let introspector = world.introspector().await;
    let web = world.web().await;
    let verifier = Pkce::default().verifier;
    let exchange = async |code: &str, resource| {
        let params = [("code_verifier", verifier.as_str()), ("resource", resource)];
        web.exchange_with(code, &params).await
    };
    let request = web.authorization().with("resource", ELSEWHERE);

    let same = code(&world, &acme, &request).await;
    let tokens = Tokens::of(&exchange(&same, ELSEWHERE).await);
    assert_eq!(audience(&introspector, &tokens.access).await.as_deref(), Some(ELSEWHERE));

    let other = code(&world, &acme, &request).await;
    assert_eq!(exchange(&other, FURTHER).await.shown(), invalid_target());
    // its own client has presented it
    let refused = invalid_grant("the code is not valid for this request");
    assert_eq!(exchange(&other, ELSEWHERE).await.shown(), refused);
}

/// RFC 8707 §2.2: what was asked for with the code only is for the token that comes of it.
#[tokio::test]
async fn a_code_without_an_audience_may_be_exchanged_for_one() {
    let (world, acme, _) = world().await;
    let introspector = world.introspector().await;
    let web = world.web().await;
    let code = code(&world, &acme, &web.authorization()).await;
    let pkce = Pkce::default();
    let more = [
        ("redirect_uri", web.redirect_uri.as_str()),
        ("code_verifier", &pkce.verifier),
        ("resource", ELSEWHERE),
    ];

    let tokens = Tokens::of(&web.exchange_with(&code, &more).await);

    assert_eq!(audience(&introspector, &tokens.access).await.as_deref(), Some(ELSEWHERE));
    assert!(!is_taken(&world, &tokens.access).await);
    assert_eq!(audience(&introspector, &tokens.refresh).await, None);
    let next = Tokens::of(&web.refresh_with(&tokens.refresh, &[("resource", FURTHER)]).await);
    assert_eq!(audience(&introspector, &next.access).await.as_deref(), Some(FURTHER));
}

/// RFC 8707 §2.2, RFC 8628 §3.4: the same of a device.
#[tokio::test]
async fn a_device_may_ask_for_an_audience_with_its_code() {
    let (world, acme, _) = world().await;
    let introspector = world.introspector().await;
    let client = world.client(television()).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    for (first, then, audience_is) in [
        (None, ELSEWHERE, Some(ELSEWHERE)),
        (Some(ELSEWHERE), ELSEWHERE, Some(ELSEWHERE)),
        (Some(ELSEWHERE), FURTHER, None),
    ] {
        let first: Vec<_> = first.map(|first| ("resource", first)).into_iter().collect();
        let started = device::start(&client, &first).await.expect(200).json();
        let page = question(&mut browser, started["user_code"].as_str().unwrap()).await;
        browser.submit(&page, "#consent-allow", &[]).await;
        let code = started["device_code"].as_str().unwrap();
        let params = [("grant_type", device::GRANT), ("device_code", code), ("resource", then)];

        let answer = client.token(&params).await;

        if audience_is.is_none() {
            assert_eq!(answer.shown(), invalid_target());
            continue;
        }
        let token = Tokens::of(&answer).access;
        assert_eq!(audience(&introspector, &token).await.as_deref(), audience_is);
    }
    let (code, _) = device::codes(&client).await;
    let params = [
        ("grant_type", device::GRANT),
        ("device_code", &*code),
        ("resource", "https://no.example"),
    ];
    assert_eq!(client.token(&params).await.shown(), invalid_target());
}

#[tokio::test]
async fn a_refresh_keeps_the_audience() {
    let (world, acme, script) = world().await;
    let introspector = world.introspector().await;
    let first = Tokens::of(&with(&script, &acme, ELSEWHERE).await);

    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let repeated = [("resource", ELSEWHERE)];
    let third = Tokens::of(&script.refresh_with(&second.refresh, &repeated).await);

    for token in [&second.access, &third.access, &third.refresh] {
        assert_eq!(audience(&introspector, token).await.as_deref(), Some(ELSEWHERE));
    }
    assert!(!is_taken(&world, &third.access).await);
}

/// RFC 8707 §2.2: the access token is restricted, the refresh token stays what it was.
#[tokio::test]
async fn a_refresh_may_narrow_what_had_no_audience_once() {
    let (world, acme, script) = world().await;
    let introspector = world.introspector().await;
    let first = Tokens::of(&script.password(&acme.ada).await);

    let second = script.refresh_with(&first.refresh, &[("resource", ELSEWHERE)]).await;
    let second = Tokens::of(&second);
    let third = script.refresh_with(&second.refresh, &[("resource", FURTHER)]).await;
    let third = Tokens::of(&third);
    let fourth = Tokens::of(&script.refresh(&third.refresh).await);

    assert_eq!(audience(&introspector, &second.access).await.as_deref(), Some(ELSEWHERE));
    assert_eq!(audience(&introspector, &third.access).await.as_deref(), Some(FURTHER));
    assert_eq!(audience(&introspector, &fourth.access).await, None);
    assert_eq!(audience(&introspector, &fourth.refresh).await, None);
    assert!(!is_taken(&world, &second.access).await);
    assert!(!is_taken(&world, &third.access).await);
    assert!(is_taken(&world, &fourth.access).await);
}

/// A client that needs a token for each of two resources uses one refresh token for both.
#[tokio::test]
async fn a_retry_for_another_resource_gets_its_own_access_token_beside_the_same_refresh_token() {
    let (world, acme, script) = world().await;
    let introspector = world.introspector().await;
    let first = Tokens::of(&script.password(&acme.ada).await);
    let refresh = async |resource| {
        Tokens::of(&script.refresh_with(&first.refresh, &[("resource", resource)]).await)
    };

    let one = refresh(ELSEWHERE).await;
    let two = refresh(FURTHER).await;
    let again = refresh(ELSEWHERE).await;

    assert_eq!(again, one);
    assert_eq!(two.refresh, one.refresh);
    assert_ne!(two.access, one.access);
    assert_eq!(audience(&introspector, &one.access).await.as_deref(), Some(ELSEWHERE));
    assert_eq!(audience(&introspector, &two.access).await.as_deref(), Some(FURTHER));
}

#[tokio::test]
async fn the_authorization_endpoint_refuses_what_is_not_registered() {
    let (world, _, _) = world().await;
    let web = world.web().await;

    for resource in unregistered(&world) {
        let request = web.authorization().with("resource", &resource);
        let callback = Browser::new(&world).get(&request.path()).await.callback();

        let params = json!({
            "error": "invalid_target",
            "error_description": "the resource is not registered",
            "state": "a state: +&=%",
            "iss": world.url(""),
        });
        assert_eq!(callback.shown(), params, "{resource}");
    }
    let twice = web.authorization().and("resource", ELSEWHERE).and("resource", FURTHER);
    let callback = Browser::new(&world).get(&twice.path()).await.callback();
    assert_eq!(callback.params["error"], "invalid_request");
}

#[tokio::test]
async fn the_token_endpoint_refuses_what_is_not_registered() {
    let (world, acme, script) = world().await;
    let service = world.client(service(Some(&acme.workspace))).await;

    for resource in unregistered(&world) {
        let params = [("grant_type", "client_credentials"), ("resource", resource.as_str())];
        assert_eq!(service.token(&params).await.shown(), invalid_target(), "{resource}");
        assert_eq!(with(&script, &acme, &resource).await.shown(), invalid_target(), "{resource}");
    }
    // before the password is looked at, so it is no way to try passwords
    let params = [
        ("grant_type", "password"),
        ("username", acme.ada.username.as_str()),
        ("password", "wrong"),
        ("resource", "https://evil.example"),
    ];
    for _ in 0..10 {
        assert_eq!(script.token(&params).await.shown(), invalid_target());
    }
    Tokens::of(&script.password(&acme.ada).await);
}

#[tokio::test]
async fn a_refresh_refuses_what_was_not_granted_and_spends_nothing() {
    let (world, acme, script) = world().await;
    let open = Tokens::of(&script.password(&acme.ada).await);
    let bound = Tokens::of(&with(&script, &acme, ELSEWHERE).await);
    let ours = Tokens::of(&with(&script, &acme, &world.url("")).await);

    for resource in unregistered(&world) {
        let answer = script.refresh_with(&open.refresh, &[("resource", &resource)]).await;
        assert_eq!(answer.shown(), invalid_target(), "{resource}");
    }
    for (tokens, resource) in [
        (&bound, FURTHER.to_owned()),
        (&bound, world.url("")),
        (&bound, "https://evil.example".to_owned()),
        (&ours, ELSEWHERE.to_owned()),
    ] {
        let answer = script.refresh_with(&tokens.refresh, &[("resource", &resource)]).await;
        assert_eq!(answer.shown(), invalid_target(), "{resource}");
    }

    for tokens in [&open, &bound, &ours] {
        Tokens::of(&script.refresh(&tokens.refresh).await);
    }
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
}

#[tokio::test]
async fn keys_have_no_audience() {
    let (world, acme, _) = world().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;

    assert_eq!(audience(&world.introspector().await, &key).await, None);
    assert_eq!(ApiCaller::key(&world, &key).me().await.status, 200);
}
