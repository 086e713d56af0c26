//! A walk through tables of several steps.

use chrono::TimeDelta;
use entity::{access_token, spent_challenge, token_family};
use latchkey::{crypto::digest, metrics::Reading, store};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};

use super::{count, is_alive, signed_in, sweep};
use crate::support::{Tokens, World};

/// 2,000 more tokens of the only family there is: every tenth as it is made, the others changed.
async fn two_thousand(world: &World, change: impl Fn(&mut access_token::Model)) {
    let family = token_family::Entity::find().one(world.app.store.read()).await.unwrap().unwrap();
    let now = world.app.now();
    let row = |number: u16| {
        let mut row = access_token::Model {
            token_sha256: digest::sha256(&number.to_be_bytes()),
            family_id: family.id,
            generation: family.generation,
            scope: None,
            resource: None,
            jkt: None,
            issued_at: store::instant(now),
            expires_at: store::instant(now + TimeDelta::hours(1)),
        };
        if !number.is_multiple_of(10) {
            change(&mut row);
        }
        row
    };
    let txn = world.app.store.begin().await.unwrap();
    for start in 0..20_u16 {
        let rows = (start * 100..start * 100 + 100).map(|number| row(number).into_active_model());
        access_token::Entity::insert_many(rows).exec_without_returning(&txn).await.unwrap();
    }
    txn.commit().await.unwrap();
}

/// In several steps, with the living among the dead.
#[tokio::test]
async fn many_go_and_those_among_them_stay() {
    let (world, acme, _, tokens) = signed_in().await;
    let now = store::instant(world.app.now());
    two_thousand(&world, |row| row.expires_at = now).await;

    // sign-ins go on beside it
    let script = world.script().await;
    let (gone, other) = tokio::join!(sweep(&world), script.password(&acme.ada));

    assert_eq!(gone, 1_800);
    assert_eq!(count::<access_token::Entity>(&world).await, 202);
    for access in [&tokens.access, &Tokens::of(&other).access] {
        assert!(is_alive(&world, access).await);
    }
}

/// Whoever operates the server sees for how long a removal may have been in others' way.
#[tokio::test]
async fn the_longest_removal_is_in_the_metrics() {
    let (world, ..) = signed_in().await;
    let now = store::instant(world.app.now());
    two_thousand(&world, |row| row.expires_at = now).await;
    let longest = || {
        let text = world.app.metrics.text(Reading::default(), world.app.now()).unwrap();
        let name = "latchkey_sweep_longest_removal_seconds ";
        let seconds = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        seconds.parse::<f64>().unwrap()
    };
    assert!(longest() < f64::EPSILON);

    sweep(&world).await;

    let seconds = longest();
    assert!(seconds > 0.0 && seconds < 10.0, "{seconds}");
}

/// A walk through a large table takes minutes: what ends meanwhile, and lies before it, goes with it.
#[tokio::test]
async fn what_ends_during_a_walk_goes_with_it() {
    let world = World::new().await;
    let name = |table: &store::sweep::Table| format!("{table:?}").contains(r#""spent_challenge""#);
    let tables_before = store::sweep::tables().iter().position(name).unwrap();
    // every step of every walk takes a second, and the others' tables take a step
    let end = world.app.now() + TimeDelta::seconds(i64::try_from(tables_before).unwrap() + 2);
    let rows = (0..2_000_u16).map(|number| spent_challenge::Model {
        challenge_sha256: digest::sha256(&number.to_be_bytes()),
        expires_at: store::instant(end),
    });
    let rows: Vec<_> = rows.map(IntoActiveModel::into_active_model).collect();
    let txn = world.app.store.begin().await.unwrap();
    for some in rows.chunks(500) {
        let insert = spent_challenge::Entity::insert_many(some.to_vec());
        insert.exec_without_returning(&txn).await.unwrap();
    }
    txn.commit().await.unwrap();
    world.clock.tick(TimeDelta::seconds(1));

    let gone = sweep(&world).await;

    let left = count::<spent_challenge::Entity>(&world).await;
    assert_eq!(gone + left, 2_000);
    // how many rows a step meets is another number on each database
    assert!(left > 0, "the walk began before their end");
    assert!(gone > 0, "and what lay before it then went with it");
}

/// What is looked for in samples is looked for everywhere where there is much of it.
#[tokio::test]
async fn many_of_long_ago_go_and_those_among_them_stay() {
    let (world, _, script, tokens) = signed_in().await;
    Tokens::of(&script.refresh(&tokens.refresh).await);
    let txn = world.app.store.begin().await.unwrap();
    txn.execute_unprepared("update token_family set generation = 1001").await.unwrap();
    txn.commit().await.unwrap();

    two_thousand(&world, |row| row.generation = 1).await;

    // and the first of all, of generation 0, with the second
    assert_eq!(sweep(&world).await, 1_802);
    assert_eq!(count::<access_token::Entity>(&world).await, 200);
}
