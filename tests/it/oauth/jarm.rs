//! Authorization responses that are signed (JWT Secured Authorization Response Mode), verified with
//! somebody else's library.

use entity::{client_settings::Settings, signing_key::Algorithm};
use latchkey::clients::registration::NewClient;
use serde_json::{Value, json};

use crate::support::{Browser, CALLBACK, ClientApp, Pkce, Tokens, World, opened, web};

async fn with(world: &World, algorithm: Option<Algorithm>) -> ClientApp {
    let settings = Settings { authorization_signed_response_alg: algorithm, ..Settings::default() };
    world.client(NewClient { settings, ..web() }).await
}

/// The claims, whose `exp` is within ten minutes.
async fn claims(world: &World, jwt: &str, algorithm: &str) -> Value {
    let (header, mut claims) = opened(jwt, &world.jwks().await);
    assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("JWT")));
    let expires = claims.as_object_mut().unwrap().remove("exp").unwrap().as_i64().unwrap();
    assert!((1..=600).contains(&(expires - world.clock.unix())), "{expires}");
    claims
}

/// CS-A5, CS-A7, CS-D15: RS256 unless the client has registered another algorithm, which may be any that
/// the metadata list; success and error.
#[tokio::test]
async fn an_answer_is_signed_for_its_client() {
    let world = World::new().await;
    let acme = world.acme().await;
    let listed = world.listed("authorization_signing_alg_values_supported").await;
    let chosen = listed.into_iter().map(|it| (Some(it), it.name()));
    for (algorithm, name) in chosen.chain([(None, "RS256")]) {
        let client = with(&world, algorithm).await;
        let mut browser = Browser::new(&world);
        for mode in ["jwt", "query.jwt"] {
            let request = client.authorization().with("response_mode", mode);
            let callback = browser.authorize(&request, &acme.ada).await;

            assert_eq!(callback.params.keys().collect::<Vec<_>>(), ["response"]);
            let mut claims = claims(&world, &callback.params["response"], name).await;
            let code = claims.as_object_mut().unwrap().remove("code").unwrap();
            let expected =
                json!({ "iss": world.url(""), "aud": client.id, "state": "a state: +&=%" });
            assert_eq!(claims, expected);
            let pkce = Pkce::default();
            Tokens::of(&client.exchange(code.as_str().unwrap(), &pkce).await);
        }
        let wrong = client.authorization().with("response_mode", "jwt").with("scope", "comms:send");
        let callback = browser.get(&wrong.path()).await.callback();
        let claims = claims(&world, &callback.params["response"], name).await;
        assert_eq!(claims["error"], "invalid_scope");
        assert_eq!(claims["state"], "a state: +&=%");
    }
}

/// CS-A15.
#[tokio::test]
async fn an_answer_is_signed_in_a_form_too() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = with(&world, None).await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;
    let request = client.authorization().with("response_mode", "form_post.jwt");
    let page = browser.open(&request.path()).await;

    let page = browser.submit(&page, "#consent-deny", &[]).await;

    assert_eq!(page.status, 200, "{}", page.body);
    let form = page.form("form");
    assert_eq!(form.action, CALLBACK);
    let [(name, jwt)] = &form.fields[..] else { panic!("{:?}", form.fields) };
    assert_eq!(name, "response");
    let claims = claims(&world, jwt, "RS256").await;
    assert_eq!(claims["error"], "access_denied");
}

/// CS-A15: a mode that is not one is refused where an answer can be read.
#[tokio::test]
async fn other_modes_are_refused() {
    let world = World::new().await;
    let client = with(&world, None).await;
    for mode in ["fragment", "fragment.jwt", "web_message", "JWT", "query.jwt "] {
        let request = client.authorization().with("response_mode", mode);

        let callback = Browser::new(&world).get(&request.path()).await.callback();

        assert_eq!(callback.params["error"], "invalid_request", "{mode}");
    }
}
