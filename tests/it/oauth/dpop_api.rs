//! Tokens that are bound to keys, at the API (RFC 9449 §7).

use latchkey::{clients::registration::NewClient, config::DpopNonce};
use serde_json::json;

use crate::support::{Answer, ApiCaller, ClientApp, Holder, Tokens, World, script, service, texts};

const ME: &str = "/api/v1/me";
const VERIFY: &str = "/api/v1/verify";

/// A token of a workspace's service that is bound to a key.
async fn world() -> (World, Holder, String) {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let holder = Holder::new();
    let token = bound(&world, &client, &holder).await;
    (world, holder, token)
}

async fn bound(world: &World, client: &ClientApp, holder: &Holder) -> String {
    let request = client.request("/oauth/token", &[("grant_type", "client_credentials")]);
    let request = request.header("dpop", holder.proof(world, "/oauth/token"));
    Tokens::of(&Answer::to(request).await).access
}

async fn show(world: &World, path: &str, token: &str, proofs: &[&str]) -> Answer {
    let request = ApiCaller::anonymous(world).request(path);
    let request = request.header("authorization", format!("DPoP {token}"));
    let with = |request: reqwest::RequestBuilder, proof: &&str| request.header("dpop", *proof);
    Answer::to(proofs.iter().fold(request, with)).await
}

/// What the answer says in its challenge.
#[track_caller]
fn challenge(world: &World, answer: &Answer, error: &str) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    // of the path that was asked for; which that must be is in `protected_resource`
    let metadata = world.url("/.well-known/oauth-protected-resource/api/v1/");
    let said = answer.header("www-authenticate").unwrap();
    assert!(said.starts_with(&format!("DPoP resource_metadata=\"{metadata}")), "{said}");
    let end = format!("\", error=\"{error}\", algs=\"PS256 ES256 EdDSA\"");
    assert!(said.ends_with(&end), "{said}: {}", answer.body);
    assert_eq!(answer.json()["error"]["code"], "UNAUTHORIZED");
}

/// CS-T9, CS-U7.
#[tokio::test]
async fn a_bound_token_works_with_a_proof() {
    let (world, holder, token) = world().await;

    // cold, and then from memory
    for _ in 0..3 {
        let answer = show(&world, ME, &token, &[&holder.proof_at(&world, ME, &token)]).await;

        assert!(answer.header("date").is_some());
        assert_eq!(answer.expect(200).json()["principal"]["type"], "client");
    }
    let leads = "/api/v1/leads";
    let with_query = format!("{leads}?limit=1");
    let proof = holder.proof_at(&world, leads, &token);
    show(&world, &with_query, &token, &[&proof]).await.expect(200);
}

/// CS-U6: it is no bearer token, cold or warm.
#[tokio::test]
async fn a_bound_token_is_no_bearer_token() {
    let (world, holder, token) = world().await;
    let bearer = ApiCaller::bearer(&world, &token);

    for path in [ME, VERIFY, "/api/v1/leads"] {
        challenge(&world, &bearer.get(path).await, "invalid_token");
    }
    show(&world, ME, &token, &[&holder.proof_at(&world, ME, &token)]).await.expect(200);
    for path in [ME, VERIFY, "/api/v1/leads"] {
        challenge(&world, &bearer.get(path).await, "invalid_token");
    }
    let proof = holder.proof_at(&world, ME, &token);
    let both = bearer.request(ME).header("dpop", proof);
    challenge(&world, &Answer::to(both).await, "invalid_token");
    let twice = bearer.request(ME).header("authorization", format!("DPoP {token}"));
    assert_eq!(Answer::to(twice).await.status, 400);
}

#[tokio::test]
async fn every_part_of_the_proof_is_looked_at() {
    let (world, holder, token) = world().await;
    let good = || holder.draft(&world, "GET", ME).of_token(&token);
    let sign = |draft| holder.sign(&draft);
    let proof = "invalid_dpop_proof";

    challenge(&world, &show(&world, ME, &token, &[]).await, proof);
    let two = [sign(good()), sign(good())];
    challenge(&world, &show(&world, ME, &token, &[&two[0], &two[1]]).await, proof);
    for (draft, error) in [
        (good().with("ath", json!(null)), proof),
        (good().of_token("lk_at_other"), proof),
        (good().with("htm", "POST"), proof),
        (good().with("htu", world.url(VERIFY)), proof),
        (good().with("iat", world.clock.unix() - 100), proof),
        (good().headed("typ", "jwt"), proof),
    ] {
        challenge(&world, &show(&world, ME, &token, &[&sign(draft)]).await, error);
    }
    let thief = Holder::new();
    let stolen = thief.proof_at(&world, ME, &token);
    challenge(&world, &show(&world, ME, &token, &[&stolen]).await, "invalid_token");
    // what is refused is not spent; what is good is
    let once = sign(good());
    show(&world, ME, &token, &[&once]).await.expect(200);
    challenge(&world, &show(&world, ME, &token, &[&once]).await, proof);
}

#[tokio::test]
async fn what_is_bound_to_nothing_cannot_be_proved() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let plain = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await).access;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let holder = Holder::new();

    let answer = show(&world, ME, &plain, &[&holder.proof_at(&world, ME, &plain)]).await;
    challenge(&world, &answer, "invalid_token");
    let answer = show(&world, ME, &key, &[&holder.proof_at(&world, ME, &key)]).await;
    assert_eq!(answer.status, 401);
    ApiCaller::bearer(&world, &plain).me().await.expect(200);
}

/// Who holds a credential of somebody else's has no proof of theirs.
#[tokio::test]
async fn a_batch_calls_a_bound_token_invalid() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let token = bound(&world, &client, &Holder::new()).await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let asker = ApiCaller::key(&world, &key);

    let answer = asker.post(VERIFY, &json!({ "credentials": [{ "credential": token }] })).await;

    let verdict = &answer.expect(200).json()["results"][0];
    assert_eq!((&verdict["valid"], &verdict["code"]), (&json!(false), &json!("UNAUTHORIZED")));
}

/// A gateway passes the proof on that was made for the request it asks about.
#[tokio::test]
async fn a_trusted_gateway_says_which_request_it_is() {
    let world = World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let holder = Holder::new();
    let token = bound(&world, &client, &holder).await;
    let proof = || {
        let draft = holder.draft(&world, "DELETE", "").of_token(&token);
        holder.sign(&draft.with("htu", "https://api.example/v2/things/7"))
    };
    let ask = async |uri: &str| {
        let request = ApiCaller::anonymous(&world).request(VERIFY);
        let request = request
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof())
            .header("x-forwarded-method", "DELETE")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "api.example")
            .header("x-forwarded-uri", uri);
        Answer::to(request).await
    };

    ask("/v2/things/7?a=b").await.expect(204);
    challenge(&world, &ask("/v2/things/8").await, "invalid_dpop_proof");
}

/// Of a gateway that is not trusted nothing is believed, and it is told what is missing.
#[tokio::test]
async fn another_gateway_is_told_why_not() {
    let (world, holder, token) = world().await;
    let draft = holder.draft(&world, "GET", "").of_token(&token);
    let proof = holder.sign(&draft.with("htu", "https://api.example/v2/things/7"));
    let request = ApiCaller::anonymous(&world)
        .request(VERIFY)
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof)
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "api.example")
        .header("x-forwarded-uri", "/v2/things/7");

    let answer = Answer::to(request).await;

    challenge(&world, &answer, "invalid_dpop_proof");
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("trusted proxy"), "{message}");
    // whoever holds the key may ask about the token itself
    let own = holder.proof_at(&world, VERIFY, &token);
    show(&world, VERIFY, &token, &[&own]).await.expect(204);
}

/// RFC 9449 §9: the nonce of a resource.
#[tokio::test]
async fn a_resource_demands_a_nonce_too() {
    let world = World::with(|config| config.oauth.dpop_nonce = DpopNonce::Required).await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let holder = Holder::new();
    let request = |proof: String| {
        let request = client.request("/oauth/token", &[("grant_type", "client_credentials")]);
        Answer::to(request.header("dpop", proof))
    };
    let told = request(holder.proof(&world, "/oauth/token")).await;
    let nonce = told.header("dpop-nonce").unwrap().to_owned();
    let draft = holder.draft(&world, "POST", "/oauth/token").with("nonce", nonce);
    let token = Tokens::of(&request(holder.sign(&draft)).await).access;

    let without = show(&world, ME, &token, &[&holder.proof_at(&world, ME, &token)]).await;

    challenge(&world, &without, "use_dpop_nonce");
    let nonce = without.header("dpop-nonce").unwrap();
    let draft = holder.draft(&world, "GET", ME).of_token(&token).with("nonce", nonce);
    show(&world, ME, &token, &[&holder.sign(&draft)]).await.expect(200);
}

/// CS-T9, CS-U6: userinfo is a resource like every other.
#[tokio::test]
async fn userinfo_tells_nobody_who_only_has_the_token() {
    const USERINFO: &str = "/oauth/userinfo";
    let (world, acme) = World::of_acme().await;
    let client = world.client(NewClient { scope: texts(&["openid"]), ..script() }).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let params = [
        ("grant_type", "password"),
        ("username", acme.ada.username.as_str()),
        ("password", acme.ada.password.as_str()),
    ];
    let request = client.request("/oauth/token", &params);
    let request = request.header("dpop", holder.proof(&world, "/oauth/token"));
    let token = Tokens::of(&Answer::to(request).await).access;
    let proof = || holder.proof_at(&world, USERINFO, &token);

    let told = show(&world, USERINFO, &token, &[&proof()]).await.expect(200);
    let stolen = thief.proof_at(&world, USERINFO, &token);
    let elsewhere = holder.proof_at(&world, ME, &token);
    let bearer = ApiCaller::anonymous(&world).request(USERINFO).bearer_auth(&token);

    assert_eq!(told.json()["sub"], acme.ada.id.to_string());
    for (answer, error) in [
        (Answer::to(bearer).await, "invalid_token"),
        (show(&world, USERINFO, &token, &[]).await, "invalid_dpop_proof"),
        (show(&world, USERINFO, &token, &[&stolen]).await, "invalid_token"),
        (show(&world, USERINFO, &token, &[&elsewhere]).await, "invalid_dpop_proof"),
    ] {
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert!(challenge.starts_with("DPoP ") && challenge.contains(error), "{challenge}");
    }
}

/// RFC 9449 §7.1: whoever is not let in learns of both schemes, and what their algorithms are.
#[tokio::test]
async fn both_schemes_are_offered() {
    let (world, holder, token) = world().await;
    let dead = format!("{}A", &token[..token.len() - 1]);
    for path in [ME, "/oauth/userinfo"] {
        let metadata = world.url(&format!("/.well-known/oauth-protected-resource{path}"));
        let proof = holder.proof_at(&world, path, &dead);
        for (answer, error) in [
            (Answer::to(ApiCaller::anonymous(&world).request(path)).await, ""),
            (show(&world, path, &dead, &[&proof]).await, ", error=\"invalid_token\""),
        ] {
            assert_eq!(answer.status, 401, "{}", answer.body);
            let bearer = format!("Bearer resource_metadata=\"{metadata}\"{error}");
            let algorithms = "algs=\"PS256 ES256 EdDSA\"";
            let dpop = format!("DPoP resource_metadata=\"{metadata}\"{error}, {algorithms}");
            assert_eq!(answer.challenges(), [bearer, dpop]);
        }
    }
}
