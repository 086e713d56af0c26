//! Events are put into the chain of the audit trail soon after they happened, whoever is in the way.

use chrono::TimeDelta;
use entity::audit_event::{Entity, Model};
use futures_util::future::join_all;
use latchkey::{
    app::App,
    audit::{
        self, Actor, Event, Target,
        verify::{Problem, Report, verify},
    },
    jobs::{chain, sweep},
    store,
};
use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

use crate::support::World;

async fn happen(app: &App, number: usize) {
    let target = Target::new("thing", &number.to_string());
    let txn = app.store.begin().await.unwrap();
    audit::record(app, &txn, Event::new("thing.happen", Actor::System, target)).await.unwrap();
    txn.commit().await.unwrap();
}

async fn sound(app: &App) -> Report {
    let report = verify(app, None).await.unwrap();
    assert_eq!(report.problems, []);
    report
}

/// An event as a version before the chain has written it.
fn unsealed(app: &App, number: u32) -> Model {
    let at = app.now() + TimeDelta::milliseconds(number.into());
    Model {
        id: app.random.uuid(at),
        at: store::instant(at),
        action: "thing.happen".to_owned(),
        actor_kind: "system".to_owned(),
        actor_id: None,
        workspace_id: None,
        target_kind: "thing".to_owned(),
        target_id: Some(number.to_string()),
        detail: None,
        seal: None,
        place: None,
        chain: None,
    }
}

#[tokio::test]
async fn what_has_happened_waits_for_its_place_and_no_transaction_for_another() {
    let world = World::new().await;
    let app = &world.app;
    let first = app.store.begin().await.unwrap();
    let target = Target::new("thing", "first");
    audit::record(app, &first, Event::new("thing.happen", Actor::System, target)).await.unwrap();
    first.commit().await.unwrap();
    let waiting = sound(app).await;
    assert_eq!((waiting.events, waiting.waiting, waiting.head.place), (0, 1, 0));

    assert_eq!(chain::run_once(app).await.unwrap(), 1);

    let report = sound(app).await;
    assert_eq!((report.events, report.waiting, report.head.place), (1, 0, 1));
    assert_eq!(chain::run_once(app).await.unwrap(), 0);
}

#[tokio::test]
async fn sixty_four_transactions_and_two_nodes_that_chain_make_one_chain() {
    let world = World::new().await;
    let other = world.another_node().await;
    let apps = [&world.app, &other.app];
    let writers = join_all((0..64).map(|number| happen(apps[number % 2], number)));
    let chainers = join_all(apps.map(async |app| {
        for _ in 0..20 {
            chain::run_once(app).await.unwrap();
            tokio::task::yield_now().await;
        }
    }));

    tokio::join!(writers, chainers);
    join_all(apps.map(|app| chain::run_once(app))).await;

    let report = sound(&world.app).await;
    assert_eq!((report.events, report.waiting, report.head.place), (64, 0, 64));
}

/// Thousands of events that had neither seal nor place.
#[tokio::test]
async fn the_trail_of_an_older_database_is_put_into_the_chain() {
    let world = World::new().await;
    let app = &world.app;
    world.rows::<Entity>((0..3_000).map(|number| unsealed(app, number)).collect()).await;
    happen(app, 1).await;
    assert_eq!(sound(app).await.waiting, 3_001);

    assert_eq!(chain::run_once(app).await.unwrap(), 3_001);

    let report = sound(app).await;
    assert_eq!((report.events, report.waiting, report.head.place), (3_001, 0, 3_001));
}

/// During an upgrade a node of the version before writes without a seal; a day later nobody does.
#[tokio::test]
async fn events_without_a_seal_are_believed_for_a_day() {
    let world = World::new().await;
    let app = &world.app;
    happen(app, 1).await;
    chain::run_once(app).await.unwrap();
    world.clock.advance(TimeDelta::hours(23));
    world.rows::<Entity>(vec![unsealed(app, 2)]).await;
    assert_eq!(chain::run_once(app).await.unwrap(), 1);
    world.clock.advance(TimeDelta::hours(1));
    let late = unsealed(app, 3);
    world.rows::<Entity>(vec![late.clone()]).await;

    assert_eq!(chain::run_once(app).await.unwrap(), 0);

    let report = verify(app, None).await.unwrap();
    assert_eq!(report.problems, [Problem::SlippedIn { id: late.id }]);
    // and nobody else waits for it
    happen(app, 4).await;
    assert_eq!(chain::run_once(app).await.unwrap(), 1);
}

#[tokio::test]
async fn an_event_that_was_changed_before_it_has_a_place_gets_none() {
    let world = World::new().await;
    let app = &world.app;
    happen(app, 1).await;
    let event = world.audit_events().await.remove(0);
    let changed = Model { action: "thing.other".to_owned(), ..event.clone() };
    replace(&world, event.id, changed).await;

    assert_eq!(chain::run_once(app).await.unwrap(), 0);

    let report = verify(app, None).await.unwrap();
    assert_eq!(report.problems, [Problem::SlippedIn { id: event.id }]);
}

async fn replace(world: &World, id: Uuid, event: Model) {
    let txn = world.app.store.begin().await.unwrap();
    Entity::delete_by_id(id).exec(&txn).await.unwrap();
    Entity::insert(event.into_active_model()).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn who_waits_for_too_long_is_told() {
    let world = World::new().await;
    let app = &world.app;
    happen(app, 1).await;
    world.clock.advance(TimeDelta::minutes(10));
    assert_eq!(sound(app).await.waiting, 1);
    world.clock.advance(TimeDelta::milliseconds(1));

    let report = verify(app, None).await.unwrap();

    assert_eq!(report.problems, [Problem::Outside { number: 1 }]);
}

/// A hundred are told one by one, and the rest by their number.
#[tokio::test]
async fn of_very_many_problems_the_number_is_told() {
    let world = World::new().await;
    let app = &world.app;
    let forged = (0..150).map(|number| Model { seal: Some(vec![7; 32]), ..unsealed(app, number) });
    world.rows::<Entity>(forged.collect()).await;

    let report = verify(app, None).await.unwrap();

    assert_eq!((report.problems.len(), report.more), (100, 50));
    // those behind them get their places all the same
    happen(app, 1).await;
    assert_eq!(chain::run_once(app).await.unwrap(), 1);
}

/// Events stay for as long as the database does.
#[tokio::test]
async fn no_sweep_goes_through_the_trail() {
    let world = World::new().await;
    let app = &world.app;
    happen(app, 1).await;
    chain::run_once(app).await.unwrap();
    world.clock.advance(TimeDelta::days(10_000));

    sweep::run_once(app).await.unwrap();

    assert_eq!(sound(app).await.events, 1);
}
