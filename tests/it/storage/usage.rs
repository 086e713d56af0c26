//! How often credentials were used, and when last: counted in memory, written down in batches, at
//! most once a minute for each, and added up over nodes.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{api_key, grant};
use latchkey::{jobs::usage, store};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait};

use crate::support::{Acme, ApiCaller, Tokens, World};

/// A world with a key and a connected app that were not used yet.
struct Used {
    world: World,
    acme: Acme,
    key: ApiCaller,
    app: ApiCaller,
}

impl Used {
    async fn new() -> Self {
        let (world, acme) = World::of_acme().await;
        let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
        let token = Tokens::of(&world.script().await.password(&acme.ada).await).access;
        let (key, app) = (ApiCaller::key(&world, &key), ApiCaller::bearer(&world, &token));
        Self { world, acme, key, app }
    }

    /// Uses the key so often, and the app.
    async fn use_them(&self, key: usize, app: usize) {
        for (caller, times) in [(&self.key, key), (&self.app, app)] {
            for _ in 0..times {
                caller.get("/api/v1/verify").await.expect(204);
            }
        }
    }

    async fn write(&self) -> u64 {
        usage::run_once(&self.world.app).await.unwrap()
    }

    /// Uses and the last one, as the database has them, of the key.
    async fn of_key(&self) -> (i64, Option<DateTime<Utc>>) {
        let key = api_key::Entity::find().one(self.world.app.store.read()).await.unwrap().unwrap();
        (key.uses, key.last_used_at.map(|at| at.0))
    }

    /// The same of the app.
    async fn of_app(&self) -> (i64, Option<DateTime<Utc>>) {
        let app = grant::Entity::find().one(self.world.app.store.read()).await.unwrap().unwrap();
        (app.uses, app.last_used_at.map(|at| at.0))
    }
}

#[tokio::test]
async fn a_use_is_counted_and_writes_nothing_by_itself() {
    let used = Used::new().await;
    let begin = used.world.app.now();
    assert_eq!((used.of_key().await, used.of_app().await), ((0, None), (0, Some(begin))));

    used.use_them(30, 20).await;
    used.world.clock.advance(TimeDelta::seconds(7));
    used.use_them(1, 1).await;
    assert_eq!((used.of_key().await, used.of_app().await), ((0, None), (0, Some(begin))));

    assert_eq!(used.write().await, 2);
    let last = Some(used.world.app.now());
    assert_eq!((used.of_key().await, used.of_app().await), ((31, last), (21, last)));
    assert_eq!(used.write().await, 0);
}

#[tokio::test]
async fn each_credential_is_written_to_once_a_minute() {
    let used = Used::new().await;
    used.use_them(1, 0).await;
    assert_eq!(used.write().await, 1);
    let first = used.of_key().await;

    for _ in 0..5 {
        used.world.clock.advance(TimeDelta::seconds(10));
        used.use_them(2, 0).await;
        assert_eq!(used.write().await, 0);
    }
    assert_eq!(used.of_key().await, first);
    let last = Some(used.world.app.now());
    used.world.clock.advance(TimeDelta::seconds(10));

    assert_eq!(used.write().await, 1);
    assert_eq!(used.of_key().await, (11, last));
}

#[tokio::test]
async fn what_is_refused_is_no_use() {
    let used = Used::new().await;
    let limit = used.world.app.config.api.rate_limit_per_minute;
    for _ in 0..limit {
        used.app.get("/api/v1/verify").await.expect(204);
    }
    used.app.get("/api/v1/verify").await.expect(429);
    let id = used.key.me().await.json()["credential"]["id"].as_str().unwrap().parse().unwrap();
    let txn = used.world.app.store.begin().await.unwrap();
    assert!(store::api_keys::set_active(&txn, used.acme.workspace.id, id, false).await.unwrap());
    txn.commit().await.unwrap();
    used.key.me().await.expect(403);

    used.write().await;

    assert_eq!((used.of_key().await.0, used.of_app().await.0), (1, limit.into()));
}

#[tokio::test]
async fn the_counts_of_nodes_add_up() {
    let used = Used::new().await;
    let node = used.world.another_node().await;
    used.use_them(3, 2).await;
    for _ in 0..4 {
        used.key.at(&node).me().await.expect(200);
        used.app.at(&node).me().await.expect(200);
    }

    for app in [&used.world.app, &node.app] {
        assert_eq!(usage::run_once(app).await.unwrap(), 2);
    }

    assert_eq!((used.of_key().await.0, used.of_app().await.0), (7, 6));
}

/// The last use is the last one, whichever node writes first.
#[tokio::test]
async fn an_older_use_does_not_hide_a_newer_one() {
    let used = Used::new().await;
    let node = used.world.another_node().await;
    used.use_them(1, 0).await;
    used.world.clock.advance(TimeDelta::seconds(5));
    used.key.at(&node).me().await.expect(200);
    usage::run_once(&node.app).await.unwrap();

    used.write().await;

    assert_eq!(used.of_key().await, (2, Some(used.world.app.now())));
}

#[tokio::test]
async fn the_end_of_a_node_writes_what_is_left() {
    let used = Used::new().await;
    used.use_them(1, 0).await;
    used.write().await;
    used.use_them(4, 3).await;

    assert_eq!(usage::finish(&used.world.app).await.unwrap(), 2);

    assert_eq!((used.of_key().await.0, used.of_app().await.0), (5, 3));
}

#[tokio::test]
async fn uses_of_a_key_that_is_gone_are_forgotten() {
    let used = Used::new().await;
    used.use_them(1, 1).await;
    let txn = used.world.app.store.begin().await.unwrap();
    txn.execute_unprepared("delete from api_key").await.unwrap();
    txn.commit().await.unwrap();

    let written = [used.write().await, used.write().await, used.write().await];

    assert_eq!((written, used.of_app().await.0), ([1, 0, 0], 1));
    assert_eq!(used.world.app.limiter.take_all_uses(), []);
}

/// On PostgreSQL, where two transactions can each wait for the other: this one never waits.
#[tokio::test]
async fn a_row_that_somebody_is_busy_with_is_written_to_later() {
    let used = Used::new().await;
    used.use_them(1, 1).await;
    let store = &used.world.app.store;
    let is_shared = store.read().get_database_backend() == DbBackend::Postgres;
    let busy = store.begin().await.unwrap();
    busy.execute_unprepared("update api_key set name = 'busy'").await.unwrap();
    if is_shared {
        assert_eq!(used.write().await, 1);
        assert_eq!((used.of_key().await.0, used.of_app().await.0), (0, 1));
    }
    busy.commit().await.unwrap();

    used.write().await;

    assert_eq!((used.of_key().await.0, used.of_app().await.0), (1, 1));
}

/// A script that signs in again and again does not write the same row again and again.
#[tokio::test]
async fn signing_in_is_noted_once_a_minute() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let noted = async || {
        script.password(&acme.ada).await.expect(200);
        let row = grant::Entity::find().one(world.app.store.read()).await.unwrap().unwrap();
        row.last_used_at.unwrap().0
    };
    let first = noted().await;
    world.clock.advance(TimeDelta::seconds(60));
    assert_eq!(noted().await, first);

    world.clock.advance(TimeDelta::milliseconds(1));

    assert_eq!(noted().await - first, TimeDelta::milliseconds(60_001));
}
