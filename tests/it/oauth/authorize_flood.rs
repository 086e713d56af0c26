//! Authorization requests without end in a client's name, from many networks: what is kept has a bound, and the
//! client's users are not shut out.

use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;
use entity::{authorization_request as waiting, client};
use futures_util::future::try_join_all;
use latchkey::{
    store,
    tokens::{flood, requests::CROWD},
};
use sea_orm::{EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use crate::support::{Browser, CALLBACK, ClientApp, World};

/// As many rows as one statement may insert.
const CHUNK: usize = 500;

/// Requests that wait for a client, begun from a network at intervals of a millisecond.
async fn plant(world: &World, client: &ClientApp, (network, many): (u8, u64)) {
    let began = world.app.now();
    let row = |number: u64| waiting::Model {
        handle_sha256: [[network; 16], Uuid::from_u128(number.into()).into_bytes()].concat(),
        browser_sha256: vec![network; 32],
        network_sha256: Some(vec![network; 32]),
        client_id: client.id.clone(),
        redirect_uri: CALLBACK.to_owned(),
        response_mode: "query".to_owned(),
        scope: String::new(),
        state: None,
        nonce: None,
        code_challenge: None,
        resource: None,
        terms: None,
        created_at: store::instant(began),
        expires_at: store::instant(
            began + TimeDelta::minutes(30) + TimeDelta::milliseconds(number.try_into().unwrap()),
        ),
    };
    let rows: Vec<_> = (0..many).map(|number| row(number).into_active_model()).collect();
    let txn = world.app.store.begin().await.unwrap();
    for rows in rows.chunks(CHUNK) {
        waiting::Entity::insert_many(rows.to_vec()).exec_without_returning(&txn).await.unwrap();
    }
    txn.commit().await.unwrap();
}

async fn count(world: &World) -> u64 {
    waiting::Entity::find().count(world.app.store.read()).await.unwrap()
}

async fn count_of(world: &World, network: u8) -> u64 {
    let of_network = waiting::COLUMN.network_sha256.eq(vec![network; 32]);
    waiting::Entity::find().filter(of_network).count(world.app.store.read()).await.unwrap()
}

/// Thousands of requests of twenty networks make room for those to come; whoever began before them signs in.
#[tokio::test]
async fn strangers_of_twenty_networks_shut_nobody_out() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = world.web().await;
    let request = client.authorization();
    let mut user = Browser::new(&world);
    let page = user.open(&request.path()).await;
    world.clock.advance(TimeDelta::seconds(1));
    for network in 1..=20 {
        plant(&world, &client, (network, CROWD.most / 20 + 30)).await;
    }

    let mut stranger = Browser::new(&world);
    // one of 64 looks: that none of 290 does happens once in a hundred, and then the minute is over
    for attempt in 0.. {
        let begun = stranger.get(&request.path()).await;
        assert!(begun.location().unwrap().starts_with("/login?"), "{:?}", begun.location());
        // whoever looked came on top
        if count(&world).await <= CROWD.most + 1 {
            break;
        }
        if attempt % 290 == 289 {
            world.clock.advance(TimeDelta::minutes(1));
        }
        assert!(attempt < 2_000, "nobody looks how many wait");
    }

    let consent = user.sign_in_on(&page, &acme.ada).await;
    let answer = user.submit(&consent, "#consent-allow", &[]).await;
    assert!(answer.location().unwrap().contains("code="), "{:?}", answer.location());
    for network in 1..=20 {
        assert!(count_of(&world, network).await > CROWD.most / 20 - 60, "network {network}");
    }
}

/// Whoever has most gives way, down to what the others have.
#[tokio::test]
async fn those_of_whom_most_wait_give_way_and_the_oldest_first() {
    let world = World::new().await;
    let (client, other) = (world.web().await, world.web().await);
    assert_eq!(flood::make_room(&world.app, CROWD, &client.id).await.unwrap(), 0);
    plant(&world, &client, (1, CROWD.most - 500)).await;
    plant(&world, &client, (2, 700)).await;
    plant(&world, &client, (3, 40)).await;
    plant(&world, &other, (4, 50)).await;

    let gone = flood::make_room(&world.app, CROWD, &client.id).await.unwrap();

    assert_eq!(gone, 240);
    let left = [count_of(&world, 1).await, count_of(&world, 2).await, count_of(&world, 3).await];
    assert_eq!(left, [CROWD.most - 740, 700, 40]);
    assert_eq!(count_of(&world, 4).await, 50);
    let oldest = [[1; 16], Uuid::from_u128(239).into_bytes()].concat();
    let next = [[1; 16], Uuid::from_u128(240).into_bytes()].concat();
    let found = async |handle: Vec<u8>| {
        waiting::Entity::find_by_id(handle).one(world.app.store.read()).await.unwrap().is_some()
    };
    assert_eq!((found(oldest).await, found(next).await), (false, true));
    assert_eq!(flood::make_room(&world.app, CROWD, &client.id).await.unwrap(), 0);
}

/// Many find in the same moment that too many wait: what one of them takes away is enough.
#[tokio::test]
async fn who_looks_in_the_same_moment_takes_away_no_more_than_one() {
    let world = World::new().await;
    let client = world.web().await;
    plant(&world, &client, (1, CROWD.most - 500)).await;
    plant(&world, &client, (2, 700)).await;

    let looks = (0..16).map(|_| flood::make_room(&world.app, CROWD, &client.id));
    let gone = try_join_all(looks).await.unwrap();

    assert_eq!(gone.into_iter().sum::<u64>(), 200);
    assert_eq!(count(&world).await, CROWD.most);
}

/// What strangers ask in a minute is counted for their networks and for nobody else.
#[tokio::test]
async fn no_limit_of_the_client_is_used_up() {
    let world = World::new().await;
    let client = world.web().await;
    let found = client::Entity::find_by_id(&client.id).one(world.app.store.read()).await.unwrap();
    let client = found.unwrap();
    let asks = |number: u32| {
        let address = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number));
        flood::excess(&world.app, flood::ASKED, &client, address)
    };

    assert_eq!((0..10_000).filter_map(|number| asks(number / 300)).count(), 0);
    assert!(asks(0).is_some(), "a network has its limit");
}
