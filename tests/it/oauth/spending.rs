//! Proofs and assertions without end, in the names of clients that are anybody's: each is written down when it is spent,
//! so how many a network may spend is bounded, and what is too much is not spent.

use std::net::IpAddr;

use entity::{client, spent_id};
use latchkey::{
    audit::Actor,
    clients::{
        changes,
        spending::{PER_MINUTE, admit},
    },
};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use super::{
    private_key_jwt::{TYPE, claims, client_with, signs_with},
    register::{initial_token, register, registered},
};
use crate::support::{Answer, CALLBACK, ClientApp, Holder, Signer, World};

const TOKEN: &str = "/oauth/token";
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";

async fn world() -> World {
    World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

/// A network has spent all that it may but so many.
async fn spend_but(world: &World, client: &ClientApp, left: u32) {
    let found = client::Entity::find_by_id(&client.id).one(world.app.store.read()).await.unwrap();
    let (client, here) = (found.unwrap(), HERE.parse::<IpAddr>().unwrap());
    for _ in left..PER_MINUTE {
        admit(&world.app, &client, here).unwrap();
    }
}

async fn spent(world: &World) -> u64 {
    spent_id::Entity::find().count(world.app.store.read()).await.unwrap()
}

#[track_caller]
fn assert_too_many(answer: &Answer) {
    assert_eq!(answer.shown(), (429, json!({ "error": "too_many_requests" })));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

/// A token request that comes to nothing, but for the proof that it brings.
async fn refresh(client: &ClientApp, proof: &str, address: &str) -> Answer {
    let params = [("grant_type", "refresh_token"), ("refresh_token", "none")];
    let request = client.request(TOKEN, &params).header("dpop", proof);
    Answer::to(request.header("x-forwarded-for", address)).await
}

#[tokio::test]
async fn proofs_in_a_public_clients_name_have_a_limit_by_network() {
    let world = world().await;
    let (spa, holder) = (world.spa().await, Holder::new());
    spend_but(&world, &spa, 1).await;

    let last = refresh(&spa, &holder.proof(&world, TOKEN), HERE).await;
    assert_eq!((last.status, &last.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(spent(&world).await, 1);
    let proof = holder.proof(&world, TOKEN);
    assert_too_many(&refresh(&spa, &proof, HERE).await);
    let pushed = holder.proof(&world, "/oauth/par");
    let push = spa.request("/oauth/par", &spa.authorization().without("client_id").pairs());
    let push = push.header("x-forwarded-for", HERE).header("dpop", pushed);
    assert_too_many(&Answer::to(push).await);
    assert_eq!(spent(&world).await, 1, "what is too much is not written down");

    // nor is it spent, and another network goes on
    let same = refresh(&spa, &proof, ELSEWHERE).await;
    assert_eq!(same.json()["error"], "invalid_grant", "{}", same.body);
    let again = refresh(&spa, &proof, ELSEWHERE).await;
    assert_eq!(again.json()["error_description"], "the proof was used before");
    // as does who has proved to be a client that an administrator registered
    let web = world.web().await;
    let known = refresh(&web, &holder.proof(&world, TOKEN), HERE).await;
    assert_eq!(known.json()["error"], "invalid_grant", "{}", known.body);
    world.clock.advance(chrono::TimeDelta::minutes(1));
    let later = refresh(&spa, &holder.proof(&world, TOKEN), HERE).await;
    assert_eq!(later.json()["error"], "invalid_grant", "{}", later.body);
}

/// A request of nothing, but for the assertion that it brings.
async fn revoke(client: &ClientApp, assertion: &str, address: &str) -> Answer {
    let params = [("token", "none"), TYPE, ("client_assertion", assertion)];
    let request = client.request("/oauth/revoke", &params);
    Answer::to(request.header("x-forwarded-for", address)).await
}

#[tokio::test]
async fn assertions_of_clients_that_registered_themselves_have_the_same_limit() {
    let world = world().await;
    let acme = world.acme().await;
    let signer = Signer::new("ES256", "one");
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": signer.jwks(),
    });
    let token = initial_token(&world).await;
    let client = registered(&world, &register(&world, Some(&token), &metadata).await);
    let assertion_of = |client: &ClientApp, jti: &str| signer.sign(&claims(&world, client, jti));
    spend_but(&world, &client, 1).await;

    revoke(&client, &assertion_of(&client, "1"), HERE).await.expect(200);
    let second = assertion_of(&client, "2");
    assert_too_many(&revoke(&client, &second, HERE).await);
    assert_eq!(spent(&world).await, 1, "what is too much is not written down");

    // nor is it spent, and another network goes on
    revoke(&client, &second, ELSEWHERE).await.expect(200);
    assert_eq!(revoke(&client, &second, ELSEWHERE).await.status, 401);
    // as does a client that an administrator registered, or has looked after since
    let known = client_with(&world, &acme, signs_with(&signer)).await;
    revoke(&known, &assertion_of(&known, "3"), HERE).await.expect(200);
    assert!(changes::set_verified(&world.app, Actor::Operator, &client.id, true).await.unwrap());
    revoke(&client, &assertion_of(&client, "4"), HERE).await.expect(200);
}

/// A push that is one too many costs no proof.
#[tokio::test]
async fn a_refused_push_spends_no_proof() {
    let world = world().await;
    let (spa, holder) = (world.spa().await, Holder::new());
    let request = spa.authorization().without("client_id");
    let push = async |address: &str, proof: Option<&str>| {
        let request = spa.request("/oauth/par", &request.pairs());
        let request = request.header("x-forwarded-for", address);
        Answer::to(match proof {
            Some(proof) => request.header("dpop", proof),
            None => request,
        })
        .await
    };
    for _ in 0..60 {
        push(HERE, None).await.expect(201);
    }
    let proof = holder.proof(&world, "/oauth/par");

    assert_too_many(&push(HERE, Some(&proof)).await);

    assert_eq!(spent(&world).await, 0);
    push(ELSEWHERE, Some(&proof)).await.expect(201);
    let again = push(ELSEWHERE, Some(&proof)).await;
    assert_eq!(again.json()["error_description"], "the proof was used before");
}

/// Many proofs at once: exactly as many are spent as may be.
#[tokio::test]
async fn proofs_that_race_are_counted_one_by_one() {
    let world = world().await;
    let (spa, holder) = (world.spa().await, Holder::new());
    spend_but(&world, &spa, 5).await;
    let proofs: Vec<_> = (0..12).map(|_| holder.proof(&world, TOKEN)).collect();

    let answers = proofs.iter().map(|proof| refresh(&spa, proof, HERE));
    let answers = futures_util::future::join_all(answers).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 7);
    assert_eq!(spent(&world).await, 5);
}
