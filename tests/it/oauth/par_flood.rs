//! Requests without end that anybody can leave in a client's name, from many networks and in many names: what is kept
//! has a bound, and nobody is shut out.

use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;
use entity::{client, pushed_request as pushed};
use latchkey::{
    clients::registration::NewClient,
    store,
    tokens::{
        flood::{self, Limit},
        pushed::CROWD,
    },
};
use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;

use super::{
    post_authorize,
    register::{initial_token, register, registered},
};
use crate::support::{Answer, Browser, CALLBACK, ClientApp, World, web};

const PATH: &str = "/oauth/par";

async fn world() -> World {
    World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

async fn push(client: &ClientApp, address: &str) -> Answer {
    let pushed = client.authorization().without("client_id");
    let request = client.request(PATH, &pushed.pairs());
    Answer::to(request.header("x-forwarded-for", address)).await
}

#[track_caller]
fn assert_too_many(answer: &Answer) {
    assert_eq!(answer.shown(), (429, json!({ "error": "too_many_requests" })));
    assert!(answer.header("retry-after").is_some());
}

async fn count(world: &World) -> u64 {
    pushed::Entity::find().count(world.app.store.read()).await.unwrap()
}

async fn count_of(world: &World, network: u8) -> u64 {
    let of_network = pushed::COLUMN.network_sha256.eq(vec![network; 32]);
    pushed::Entity::find().filter(of_network).count(world.app.store.read()).await.unwrap()
}

/// Requests that wait for a client, as if they had come from a network at intervals of a millisecond.
async fn plant(world: &World, client: &ClientApp, (network, many): (Option<u8>, u64)) {
    let now = world.app.now();
    let row = |number: u64| {
        let ends_at = now + TimeDelta::seconds(90) + TimeDelta::milliseconds(number.cast_signed());
        pushed::Model {
            uri_sha256: [
                [network.unwrap_or_default(); 16],
                Uuid::from_u128(number.into()).into_bytes(),
            ]
            .concat(),
            client_id: client.id.clone(),
            network_sha256: network.map(|network| vec![network; 32]),
            parameters: pushed::Parameters::default(),
            created_at: store::instant(now),
            expires_at: store::instant(ends_at),
            kept_until: store::instant(ends_at),
        }
    };
    world.rows::<pushed::Entity>((0..many).map(row).collect()).await;
}

/// A public client's name is anybody's: one network has its limit, and ten of them take nothing from another.
#[tokio::test]
async fn nobody_can_push_without_end() {
    let world = world().await;
    let spa = world.spa().await;
    for network in 0..10 {
        let address = format!("192.0.2.{network}");
        for _ in 0..60 {
            push(&spa, &address).await.expect(201);
        }
        assert_too_many(&push(&spa, &address).await);
    }

    push(&spa, "192.0.2.10").await.expect(201);
    world.clock.advance(TimeDelta::minutes(1));
    push(&spa, "192.0.2.0").await.expect(201);
}

/// Thousands of requests of twenty networks make room for those to come, and somebody's own stays.
#[tokio::test]
async fn pushes_of_twenty_networks_shut_nobody_out() {
    let world = world().await;
    let acme = world.acme().await;
    let spa = world.spa().await;
    let own = spa.named(&push(&spa, "203.0.113.9").await.expect(201));
    world.clock.advance(TimeDelta::seconds(1));
    for network in 1..=20 {
        plant(&world, &spa, (Some(network), CROWD.most / 20 + 30)).await;
    }

    // one of 64 looks: that none of a thousand does happens once in seven million times
    for attempt in 0.. {
        push(&spa, &format!("198.51.{}.1", attempt / 60)).await.expect(201);
        // whoever looked came on top
        if count(&world).await <= CROWD.most + 1 {
            break;
        }
        assert!(attempt < 1_000, "nobody looks how many wait");
    }

    for network in 1..=20 {
        assert!(count_of(&world, network).await > CROWD.most / 20 - 60, "network {network}");
    }
    Browser::new(&world).authorize(&own, &acme.ada).await.code();
}

/// What a client has proved to be from itself gives way to no stranger: neither to what they push in another's name nor
/// to what they bring by browser in its own.
#[tokio::test]
async fn a_client_that_proves_itself_gives_way_to_nobody() {
    let world = World::new().await;
    let (web, spa) = (world.web().await, world.spa().await);
    let proved = web.push(&web.authorization()).await.expect(201);
    let long = web.authorization().with("nonce", &"%".repeat(4_000));
    assert_eq!(post_authorize(&mut Browser::new(&world), &world, &long).await.status, 303);
    plant(&world, &web, (None, 40)).await;
    plant(&world, &web, (Some(1), CROWD.most + 100)).await;
    plant(&world, &spa, (Some(2), 50)).await;

    let gone = flood::make_room(&world.app, CROWD, &web.id).await.unwrap();

    assert_eq!(gone, 101, "one was brought by a browser");
    assert_eq!((count_of(&world, 1).await, count_of(&world, 2).await), (CROWD.most - 1, 50));
    assert_eq!(count(&world).await, CROWD.most + 50 + 40 + 1);
    let page = Browser::new(&world).get(&web.named(&proved).path()).await;
    assert!(page.location().unwrap().starts_with("/login?"), "{:?}", page.location());
    assert_eq!(flood::make_room(&world.app, CROWD, &web.id).await.unwrap(), 0);
}

async fn found(world: &World, client: &ClientApp) -> client::Model {
    let found = client::Entity::find_by_id(&client.id).one(world.app.store.read()).await;
    found.unwrap().unwrap()
}

/// How many of so many are within the limit, in this client's name from this place.
fn within(
    world: &World,
    (limit, client): (Limit, &client::Model),
    network: u32,
    many: usize,
) -> usize {
    let address = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + network));
    let is_within = || flood::excess(&world.app, limit, client, address).is_none();
    (0..many).filter(|_| is_within()).count()
}

/// Who knows the names of many clients leaves no more than in four of them.
#[tokio::test]
async fn a_network_has_a_limit_in_all_names_together() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(found(&world, &world.spa().await).await);
    }
    for (limit, most) in
        [(flood::PUSHED, 60), (flood::ASKED, 300), (flood::BROUGHT, 60), (flood::DEVICES, 60)]
    {
        let of_all = |network: u32| {
            let of = |client| within(&world, (limit, client), network, most + 5);
            clients.iter().map(of).collect::<Vec<_>>()
        };

        assert_eq!(of_all(1), [most, most, most, most, 0, 0], "{limit:?}");
        assert_eq!(of_all(2), [most, most, most, most, 0, 0], "{limit:?}");
    }
}

/// Nobody shares what a client has that an administrator registered; those that registered themselves share theirs with
/// others of their network.
#[tokio::test]
async fn clients_that_registered_themselves_share_what_one_of_them_has() {
    let world = World::new().await;
    let token = initial_token(&world).await;
    let mut themselves = Vec::new();
    for _ in 0..2 {
        let metadata = json!({ "redirect_uris": [CALLBACK] });
        let client = registered(&world, &register(&world, Some(&token), &metadata).await);
        themselves.push(found(&world, &client).await);
    }
    let pushed = |client, network| within(&world, (flood::PUSHED, client), network, 2_000);
    let known = [
        found(&world, &world.web().await).await,
        found(&world, &world.client(NewClient { name: "Other".to_owned(), ..web() }).await).await,
    ];

    assert_eq!([pushed(&themselves[0], 1), pushed(&themselves[1], 1)], [2_000, 1_000]);
    assert_eq!([pushed(&themselves[1], 2), pushed(&themselves[1], 2)], [2_000, 0]);
    assert_eq!([pushed(&known[0], 1), pushed(&known[1], 1)], [2_000, 2_000]);
    assert_eq!(pushed(&known[0], 2), 1_000, "wherever they come from");
}
