//! One switch, `profile = "fapi2"`: the FAPI 2.0 Security Profile, and what of Message Signing goes with
//! it.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::client_settings::{Profile, Settings};
use latchkey::{
    clients::{metadata::with_profile, registration::NewClient},
    config::RequirePkce,
};
use serde_json::json;

use super::{code_refused, private_key_jwt};
use crate::support::{
    Acme, Answer, ApiCaller, Authorization, Browser, ClientApp, Draft, Holder, Pkce, Tokens, World,
    taken_apart, web,
};

const TOKEN: &str = "/oauth/token";

/// A client of the profile, on a server that asks as little as it can.
async fn world() -> (World, Acme, ClientApp, Arc<Holder>) {
    let world = World::with(|config| {
        config.oauth.require_pkce = RequirePkce::Public;
        config.oauth.code_ttl = 300;
    })
    .await;
    let acme = world.acme().await;
    let holder = Arc::new(Holder::new());
    let client = client(&world, &holder).await;
    (world, acme, client, holder)
}

/// A client with the one switch, which signs with the key that its tokens are bound to.
async fn client(world: &World, holder: &Arc<Holder>) -> ClientApp {
    let settings = Settings {
        profile: Some(Profile::Fapi2),
        jwks: Some(holder.jwks()),
        ..Settings::default()
    };
    let mut new = NewClient { settings: with_profile(settings), ..web() };
    new.scope.push("openid".to_owned());
    world.client(new).await.signed_by(world, holder)
}

async fn code(browser: &mut Browser, client: &ClientApp, acme: &Acme) -> String {
    let named = client.named(&client.push(&client.authorization()).await);
    browser.authorize(&named, &acme.ada).await.code().to_owned()
}

async fn proved(client: &ClientApp, params: &[(&str, &str)], proof: &str) -> Answer {
    Answer::to(client.request(TOKEN, params).header("dpop", proof)).await
}

fn exchange<'a>(client: &'a ClientApp, code: &'a str, pkce: &'a Pkce) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &client.redirect_uri),
        ("code_verifier", &pkce.verifier),
    ]
}

/// CS-A7, CS-A17, CS-T9: the way it goes.
#[tokio::test]
async fn the_whole_way() {
    let (world, acme, client, holder) = world().await;
    let mut browser = Browser::new(&world);
    let named = client.named(&client.push(&client.authorization()).await);

    let callback = browser.authorize(&named, &acme.ada).await;

    assert_eq!(callback.params.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!(callback.params["iss"], world.url(""));
    let pkce = Pkce::default();
    let params = exchange(&client, callback.code(), &pkce);
    let answer = proved(&client, &params, &holder.proof(&world, TOKEN)).await;
    assert_eq!(answer.json()["token_type"], "DPoP");
    let (header, _) = taken_apart(answer.json()["id_token"].as_str().unwrap());
    assert_eq!(header["alg"], "PS256");
    let tokens = Tokens::of(&answer);
    let me = "/api/v1/me";
    let request = ApiCaller::anonymous(&world).request(me);
    let request = request.header("authorization", format!("DPoP {}", tokens.access));
    let request = request.header("dpop", holder.proof_at(&world, me, &tokens.access));
    Answer::to(request).await.expect(200);
}

/// CS-A20, CS-A18, CS-T9: what a request must have.
#[tokio::test]
async fn nothing_less_will_do() {
    let (world, acme, client, holder) = world().await;
    let mut browser = Browser::new(&world);
    let request = || client.authorization();

    let direct = browser.get(&request().path()).await.callback();
    assert_eq!(direct.params["error_description"], "the client must push its requests");
    let no_pkce = request().without("code_challenge").without("code_challenge_method");
    assert_eq!(client.push(&no_pkce).await.json()["error"], "invalid_request");
    let plain = request().with("code_challenge_method", "plain");
    assert_eq!(client.push(&plain).await.json()["error"], "invalid_request");
    let code = code(&mut browser, &client, &acme).await;
    let pkce = Pkce::default();
    let params = exchange(&client, &code, &pkce);
    let bearer = client.token(&params).await;
    assert_eq!(bearer.json()["error"], "invalid_request");
    let wrong = proved(&client, &params, &holder.proof(&world, "/oauth/par")).await;
    assert_eq!(wrong.json()["error"], "invalid_dpop_proof");
    let tokens = proved(&client, &params, &holder.proof(&world, TOKEN)).await;
    let tokens = Tokens::of(&tokens);
    assert_eq!(client.refresh(&tokens.refresh).await.json()["error"], "invalid_request");
    let bearer = ApiCaller::bearer(&world, &tokens.access).me().await;
    assert_eq!(bearer.status, 401);
}

/// CS-T8: assertions name the issuer and nobody else, but at the token endpoint.
#[tokio::test]
async fn assertions_are_for_the_issuer() {
    let (world, _, client, holder) = world().await;
    let issuer = json!(world.url(""));
    let all = |path: &str| {
        [
            (issuer.clone(), true),
            (json!([issuer]), false),
            (json!(world.url(path)), false),
            (json!(world.url(TOKEN)), false),
        ]
    };
    // what signs for the client itself would come second
    let bare = ClientApp::new(&world, &client.id, None);
    for path in ["/oauth/par", "/oauth/revoke"] {
        for (number, (aud, is_good)) in all(path).into_iter().enumerate() {
            let mut claims = private_key_jwt::claims(&world, &client, &format!("{path}{number}"));
            claims["aud"] = aud.clone();
            let header = json!({ "alg": "ES256", "typ": "JWT" });
            let assertion = holder.sign(&Draft { header, claims });
            let asked = client.authorization().without("client_id").with("token", "lk_at_x");
            let mut params = asked.pairs();
            params.extend([private_key_jwt::TYPE, ("client_assertion", &assertion)]);

            let answer = Answer::to(bare.request(path, &params)).await;

            assert_eq!(answer.status / 100 == 2, is_good, "{path} {aud}: {}", answer.body);
        }
    }
}

/// CS-A17: a code lives a minute at most, whatever the server has set.
#[tokio::test]
async fn a_code_lives_a_minute() {
    let (world, acme, client, holder) = world().await;
    let mut browser = Browser::new(&world);
    let code = code(&mut browser, &client, &acme).await;
    world.clock.advance(TimeDelta::seconds(60));

    let pkce = Pkce::default();
    let params = exchange(&client, &code, &pkce);
    let late = proved(&client, &params, &holder.proof(&world, TOKEN)).await;

    assert_eq!(late.shown(), code_refused());
}

/// CS-T7: a refresh token that was replaced works for half a minute more, and the one after it is not
/// lost.
#[tokio::test]
async fn a_lost_answer_to_a_refresh_is_given_again() {
    let (world, acme, client, holder) = world().await;
    let mut browser = Browser::new(&world);
    let code = code(&mut browser, &client, &acme).await;
    let pkce = Pkce::default();
    let first =
        proved(&client, &exchange(&client, &code, &pkce), &holder.proof(&world, TOKEN)).await;
    let first = Tokens::of(&first);
    let params = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];
    let second = Tokens::of(&proved(&client, &params, &holder.proof(&world, TOKEN)).await);
    world.clock.advance(TimeDelta::seconds(30));

    let again = Tokens::of(&proved(&client, &params, &holder.proof(&world, TOKEN)).await);

    assert_eq!(again, second);
}

/// CS-A14: request objects are dated, and nothing outside them counts.
#[tokio::test]
async fn request_objects_are_dated() {
    let (world, acme, client, holder) = world().await;
    let mut browser = Browser::new(&world);
    let now = world.clock.unix();
    let draft = |client: &ClientApp| {
        let mut claims =
            json!({ "iss": client.id, "aud": world.url(""), "exp": now + 300, "nbf": now });
        for (name, value) in client.authorization().pairs() {
            claims[name] = value.into();
        }
        Draft { header: json!({ "alg": "ES256" }), claims }
    };
    let outside = |draft: &Draft| -> Authorization {
        client.authorization().with("state", "outside").with("request", &holder.sign(draft))
    };

    let pushed = client.push(&outside(&draft(&client).with("state", json!(null)))).await;
    let callback = browser.authorize(&client.named(&pushed), &acme.ada).await;
    assert_eq!(callback.params.get("state"), None);
    for wrong in [
        draft(&client).with("exp", json!(null)),
        draft(&client).with("nbf", json!(null)),
        draft(&client).with("nbf", now - 3_601),
        draft(&client).with("exp", now + 3_601),
        draft(&client).headed("alg", "RS256"),
    ] {
        let refused = client.push(&outside(&wrong)).await;
        assert_eq!(refused.json()["error"], "invalid_request_object", "{wrong:?}");
    }
}
