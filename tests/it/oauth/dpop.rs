//! Tokens that are bound to keys (RFC 9449): how they come about and how they are refreshed.

use std::iter;

use chrono::TimeDelta;
use entity::{access_token, client_settings::Settings};
use latchkey::{clients::registration::NewClient, config::DpopNonce};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use super::{
    at_authorize, code_refused, invalid_grant,
    private_key_jwt::{TYPE, claims, signs_with},
    refresh_refused, signed_in,
};
use crate::support::{
    Answer, ApiCaller, Authorization, Browser, ClientApp, Draft, Holder, Pkce, Signer, Tokens,
    World, script, service, web,
};

const TOKEN: &str = "/oauth/token";

/// A token request with a proof.
async fn proved(client: &ClientApp, params: &[(&str, &str)], proof: &str) -> Answer {
    Answer::to(client.request(TOKEN, params).header("dpop", proof)).await
}

/// A code exchange with a proof.
async fn exchange(client: &ClientApp, code: &str, proof: Option<&str>) -> Answer {
    let pkce = Pkce::default();
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", client.redirect_uri.as_str()),
        ("code_verifier", &pkce.verifier),
    ];
    match proof {
        Some(proof) => proved(client, &params, proof).await,
        None => client.token(&params).await,
    }
}

async fn refresh(client: &ClientApp, token: &str, proof: &str) -> Answer {
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    proved(client, &params, proof).await
}

fn key_refused() -> (u16, serde_json::Value) {
    invalid_grant("the refresh token is bound to a key that is not proved")
}

#[track_caller]
fn kind(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["token_type"].as_str().unwrap().to_owned()
}

/// CS-T9: whoever proves a key gets tokens for that key.
#[tokio::test]
async fn a_code_becomes_a_pair_that_is_bound() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let holder = Holder::new();
    let code = browser.authorize(&client.authorization(), &acme.ada).await.code().to_owned();

    let answer = exchange(&client, &code, Some(&holder.proof(&world, TOKEN))).await;

    let body = json!({
        "access_token": "lk_at_…",
        "token_type": "DPoP",
        "expires_in": 3600,
        "refresh_token": "lk_rt_…",
        "scope": "leads:read leads:write",
    });
    assert_eq!(answer.shown(), (200, body));
    assert_eq!(answer.header("dpop-nonce"), None);
    let seen = world.introspector().await.introspect(&Tokens::of(&answer).access).await.json();
    assert_eq!(seen["token_type"], "DPoP");
    assert_eq!(seen["cnf"], json!({ "jkt": holder.jkt() }));
}

/// CS-T9, RFC 9449 §5.1: a proof may be signed with any algorithm that the metadata list.
#[tokio::test]
async fn every_algorithm_that_is_listed_works() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let claims = || Holder::new().draft(&world, "POST", TOKEN).claims;
    for algorithm in world.listed("dpop_signing_alg_values_supported").await {
        let alg = algorithm.name();
        let signer = Signer::new(alg, "one");
        let mut jwk = signer.jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk });
        let code = browser.authorize(&client.authorization(), &acme.ada).await.code().to_owned();

        let proof = signer.sign_under(&header, &claims());
        let answer = exchange(&client, &code, Some(&proof)).await;

        assert_eq!(kind(&answer), "DPoP", "{alg}");
        let me = Answer::to(
            ApiCaller::anonymous(&world)
                .request("/api/v1/me")
                .header("authorization", format!("DPoP {}", Tokens::of(&answer).access))
                .header("dpop", {
                    let token = Tokens::of(&answer).access;
                    let draft = Holder::new().draft(&world, "GET", "/api/v1/me").of_token(&token);
                    signer.sign_under(&header, &draft.claims)
                }),
        );
        me.await.expect(200);
    }
}

/// CS-T9, CS-A17: a code that is bound to a key, by the parameter or by a proof at PAR, is worth nothing
/// without that key.
#[tokio::test]
async fn a_bound_code_needs_its_key() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let (holder, thief) = (Holder::new(), Holder::new());

    for is_pushed in [false, true] {
        for (by, is_good) in [(None, false), (Some(&thief), false), (Some(&holder), true)] {
            let request = bound_request(&world, &client, &holder, is_pushed).await;
            let code = browser.authorize(&request, &acme.ada).await.code().to_owned();
            let proof = by.map(|key| key.proof(&world, TOKEN));

            let answer = exchange(&client, &code, proof.as_deref()).await;

            if is_good {
                assert_eq!(kind(&answer), "DPoP");
            } else {
                assert_eq!(answer.shown(), code_refused());
            }
        }
    }
}

/// A request for a code that is bound to a key: by the parameter, or pushed with a proof.
async fn bound_request(
    world: &World,
    client: &ClientApp,
    holder: &Holder,
    is_pushed: bool,
) -> Authorization {
    if !is_pushed {
        return client.authorization().with("dpop_jkt", &holder.jkt());
    }
    let plain = client.authorization().without("client_id");
    let request = client.request("/oauth/par", &plain.pairs());
    let pushed = request.header("dpop", holder.proof(world, "/oauth/par"));
    client.named(&Answer::to(pushed).await)
}

/// RFC 9449 §5: the refresh token of a public client is bound to its key.
#[tokio::test]
async fn a_public_client_refreshes_with_its_key_only() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let spa = world.spa().await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let code = browser.authorize(&spa.authorization(), &acme.ada).await.code().to_owned();
    let first = exchange(&spa, &code, Some(&holder.proof(&world, TOKEN))).await;
    let first = Tokens::of(&first);

    assert_eq!(spa.refresh(&first.refresh).await.shown(), key_refused());
    let stolen = refresh(&spa, &first.refresh, &thief.proof(&world, TOKEN)).await;
    assert_eq!(stolen.shown(), key_refused());

    let second = refresh(&spa, &first.refresh, &holder.proof(&world, TOKEN)).await;
    assert_eq!(kind(&second), "DPoP");
    let third = Tokens::of(&second).refresh;
    assert_eq!(kind(&refresh(&spa, &third, &holder.proof(&world, TOKEN)).await), "DPoP");
}

/// CS-T9: a confidential client proves itself, and may change its key; it cannot do without one.
#[tokio::test]
async fn a_confidential_client_may_change_its_key() {
    let (world, acme) = World::of_acme().await;
    let client = world.script().await;
    let (old, new) = (Holder::new(), Holder::new());
    let params = [
        ("grant_type", "password"),
        ("username", acme.ada.username.as_str()),
        ("password", acme.ada.password.as_str()),
    ];
    let first = proved(&client, &params, &old.proof(&world, TOKEN)).await;
    assert_eq!(kind(&first), "DPoP");
    let first = Tokens::of(&first);

    assert_eq!(client.refresh(&first.refresh).await.shown(), key_refused());
    let second = refresh(&client, &first.refresh, &new.proof(&world, TOKEN)).await;

    let introspector = world.introspector().await;
    let seen = introspector.introspect(&Tokens::of(&second).access).await.json();
    assert_eq!(seen["cnf"]["jkt"], new.jkt());
    let seen = introspector.introspect(&first.access).await.json();
    assert_eq!(seen["cnf"]["jkt"], old.jkt());
}

/// The retry window gives the same pair to whoever proves the same key, and another access token for
/// another key; without a proof it gives nothing and ends nothing.
#[tokio::test]
async fn a_retry_carries_a_proof_too() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let (holder, other) = (Holder::new(), Holder::new());
    let code = browser.authorize(&client.authorization(), &acme.ada).await.code().to_owned();
    let first = exchange(&client, &code, Some(&holder.proof(&world, TOKEN))).await;
    let first = Tokens::of(&first);
    let second = refresh(&client, &first.refresh, &holder.proof(&world, TOKEN)).await;
    let second = Tokens::of(&second);

    assert_eq!(client.refresh(&first.refresh).await.shown(), key_refused());
    let again = refresh(&client, &first.refresh, &holder.proof(&world, TOKEN)).await;
    assert_eq!(Tokens::of(&again), second);
    let with_other = refresh(&client, &first.refresh, &other.proof(&world, TOKEN)).await;
    let with_other = Tokens::of(&with_other);
    assert_eq!(with_other.refresh, second.refresh);
    assert_ne!(with_other.access, second.access);
    let seen = world.introspector().await.introspect(&with_other.access).await.json();
    assert_eq!(seen["cnf"]["jkt"], other.jkt());
}

/// What is stored for one sign-in has a bound: after so many keys, the new refresh token is what is asked with.
#[tokio::test]
async fn retries_with_ever_new_keys_get_no_end_of_access_tokens() {
    let (world, _, script, first) = signed_in().await;
    let count = async || access_token::Entity::find().count(world.app.store.read()).await.unwrap();
    let retry =
        async |token: &str, key: &Holder| refresh(&script, token, &key.proof(&world, TOKEN)).await;
    let keys: Vec<_> = iter::repeat_with(Holder::new).take(17).collect();
    let (last, keys) = keys.split_last().unwrap();
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let before = count().await;
    for key in keys {
        assert_eq!(Tokens::of(&retry(&first.refresh, key).await).refresh, second.refresh);
    }

    assert_eq!(retry(&first.refresh, last).await.shown(), refresh_refused());

    assert_eq!(count().await, before + 16);
    // what is there is there, nothing counts as reuse, and the next refresh begins anew
    Tokens::of(&retry(&first.refresh, &keys[0]).await);
    assert_eq!(Tokens::of(&script.refresh(&first.refresh).await), second);
    let third = Tokens::of(&script.refresh(&second.refresh).await);
    assert_eq!(Tokens::of(&retry(&second.refresh, last).await).refresh, third.refresh);
}

/// CS-T9: a client whose tokens are always bound gets none that are not.
#[tokio::test]
async fn a_client_can_be_made_to_prove_a_key() {
    let (world, acme) = World::of_acme().await;
    let settings = Settings { dpop_bound_access_tokens: true, ..Settings::default() };
    let client = NewClient { settings, ..service(Some(&acme.workspace)) };
    let client = world.client(client).await;
    let params = [("grant_type", "client_credentials")];

    let refused = client.token(&params).await;
    let description = "the client's tokens are bound to keys: a proof of possession is missing";
    let body = json!({ "error": "invalid_request", "error_description": description });
    assert_eq!(refused.shown(), (400, body));
    let holder = Holder::new();
    let bound = proved(&client, &params, &holder.proof(&world, TOKEN)).await;
    assert_eq!(kind(&bound), "DPoP");
    let seen = world.introspector().await.introspect(&Tokens::of(&bound).access).await.json();
    assert_eq!(seen["cnf"]["jkt"], holder.jkt());
}

/// Tokens of the same client with a key and without one are beside each other.
#[tokio::test]
async fn who_proves_nothing_gets_what_they_always_got() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let params = [("grant_type", "client_credentials")];
    let bound = proved(&client, &params, &Holder::new().proof(&world, TOKEN)).await;
    assert_eq!(kind(&bound), "DPoP");

    let plain = client.token(&params).await;

    assert_eq!(kind(&plain), "Bearer");
    let caller = ApiCaller::bearer(&world, &Tokens::of(&plain).access);
    caller.me().await.expect(200);
}

/// RFC 9449 §8: where the server demands a nonce, it says which.
#[tokio::test]
async fn a_nonce_is_told_and_then_demanded() {
    let world = World::with(|config| config.oauth.dpop_nonce = DpopNonce::Required).await;
    let acme = world.acme().await;
    let client = world.client(script()).await;
    let holder = Holder::new();
    let params = [
        ("grant_type", "password"),
        ("username", acme.ada.username.as_str()),
        ("password", acme.ada.password.as_str()),
    ];

    let without = proved(&client, &params, &holder.proof(&world, TOKEN)).await;

    assert_eq!((without.status, without.json()["error"].as_str()), (400, Some("use_dpop_nonce")));
    let nonce = without.header("dpop-nonce").unwrap().to_owned();
    let with = |nonce: &str| holder.sign(&holder.draft(&world, "POST", TOKEN).with("nonce", nonce));
    let first = proved(&client, &params, &with(&nonce)).await;
    assert_eq!(kind(&first), "DPoP");
    assert_eq!(first.header("dpop-nonce"), Some(nonce.as_str()));
    let made_up = proved(&client, &params, &with("AAAAAAAAAAAAAAAAAAAAAA")).await;
    assert_eq!(made_up.json()["error"], "use_dpop_nonce");
    // the one before the present one is good still, and then no more
    world.clock.advance(TimeDelta::seconds(300));
    let late = proved(&client, &params, &with(&nonce)).await;
    assert_eq!(kind(&late), "DPoP");
    let next = late.header("dpop-nonce").unwrap().to_owned();
    assert_ne!(next, nonce);
    world.clock.advance(TimeDelta::seconds(300));
    assert_eq!(proved(&client, &params, &with(&nonce)).await.json()["error"], "use_dpop_nonce");
    assert_eq!(kind(&proved(&client, &params, &with(&next)).await), "DPoP");
}

/// RFC 9449 §8: who comes again with the nonce comes with the same assertion, and it is good still.
#[tokio::test]
async fn a_nonce_that_is_missing_costs_no_assertion() {
    let world = World::with(|config| config.oauth.dpop_nonce = DpopNonce::Required).await;
    let acme = world.acme().await;
    let signer = Signer::new("ES256", "one");
    let new = NewClient { settings: signs_with(&signer), ..service(Some(&acme.workspace)) };
    let web = world.client(NewClient { settings: signs_with(&signer), ..web() }).await;
    let client = world.client(new).await;
    let holder = Holder::new();
    let asked = web.authorization().without("client_id");
    for (path, client, params, status) in [
        (TOKEN, &client, vec![("grant_type", "client_credentials")], 200),
        ("/oauth/par", &web, asked.pairs(), 201),
    ] {
        let mut claims = claims(&world, client, "1");
        claims["aud"] = world.url("").into();
        let assertion = signer.sign(&claims);
        let mut params = params;
        params.extend([TYPE, ("client_assertion", &assertion)]);
        let send = async |proof: Draft| {
            let request = client.request(path, &params).header("dpop", holder.sign(&proof));
            Answer::to(request).await
        };
        let draft = || holder.draft(&world, "POST", path);

        let told = send(draft()).await;
        assert_eq!(told.json()["error"], "use_dpop_nonce", "{path}");
        let nonce = told.header("dpop-nonce").unwrap();
        let again = send(draft().with("nonce", nonce)).await;

        assert_eq!(again.status, status, "{path}: {}", again.body);
        let twice = send(draft().with("nonce", nonce)).await;
        assert_eq!(twice.json()["error"], "invalid_client", "{path}");
    }
}

/// Any node takes the nonce of any other, and a proof is spent on all of them.
#[tokio::test]
async fn nodes_agree_about_proofs() {
    let world = World::with(|config| config.oauth.dpop_nonce = DpopNonce::Required).await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let node = world.another_node().await;
    let holder = Holder::new();
    let params = [("grant_type", "client_credentials")];
    let told = proved(&client, &params, &holder.proof(&world, TOKEN)).await;
    let nonce = told.header("dpop-nonce").unwrap();
    let proof = holder.sign(&holder.draft(&world, "POST", TOKEN).with("nonce", nonce));

    assert_eq!(kind(&proved(&client.at(&node), &params, &proof).await), "DPoP");
    let again = proved(&client, &params, &proof).await;
    assert_eq!(again.json()["error_description"], "the proof was used before");
}

/// A public client without a secret, at its own browser: the whole way.
#[tokio::test]
async fn a_browser_app_goes_the_whole_way() {
    let world = World::new().await;
    let acme = world.acme().await;
    let settings = Settings { dpop_bound_access_tokens: true, ..Settings::default() };
    let spa = world.client(NewClient { is_public: true, settings, ..web() }).await;
    let holder = Holder::new();
    let mut browser = Browser::new(&world);
    let request = spa.authorization().with("dpop_jkt", &holder.jkt());
    let code = browser.authorize(&request, &acme.ada).await.code().to_owned();

    let tokens = exchange(&spa, &code, Some(&holder.proof(&world, TOKEN))).await;

    let token = Tokens::of(&tokens).access;
    let proof = holder.proof_at(&world, "/api/v1/me", &token);
    let request = ApiCaller::anonymous(&world).request("/api/v1/me");
    let request = request.header("authorization", format!("DPoP {token}")).header("dpop", proof);
    Answer::to(request).await.expect(200);
}
