//! One set of steps for SQLite and PostgreSQL, and what happens when a database is not ours.

use std::collections::BTreeMap;

use entity::outbox;
use futures_util::future::join_all;
use latchkey::store::Store;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, Statement};

use super::{Storage, is_sqlite};
use crate::support::{Answer, ApiCaller, Browser, Pkce, Tokens, World, service};

/// A step that no Latchkey has yet.
const NEWER: &str = "insert into seaql_migrations (version, applied_at) \
                     values ('m20991231_000001_newer', 0)";

#[derive(FromQueryResult)]
struct Line {
    line: String,
}

async fn lines(store: &Store, sql: &str) -> Vec<String> {
    let db = store.read();
    let query = Statement::from_string(db.get_database_backend(), sql);
    let lines = Line::find_by_statement(query).all(db).await.unwrap();
    lines.into_iter().map(|Line { line }| line).collect()
}

/// Every table, column, index and constraint, one line each.
async fn schema(store: &Store) -> Vec<String> {
    if is_sqlite(store) {
        let sql = "select type || ' ' || name || ' ' || coalesce(sql, '') as line \
                   from sqlite_master order by 1";
        return lines(store, sql).await;
    }
    let sql = "select concat_ws(' ', table_name, column_name, data_type, is_nullable, \
                 character_maximum_length) as line \
               from information_schema.columns where table_schema = current_schema() \
               union all select indexdef from pg_indexes where schemaname = current_schema() \
               union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) \
               from pg_constraint where connamespace = current_schema()::regnamespace \
               order by 1";
    lines(store, sql).await
}

/// The names of the tables.
pub async fn tables(store: &Store) -> Vec<String> {
    let sql = if is_sqlite(store) {
        "select name as line from sqlite_master where type = 'table' order by 1"
    } else {
        "select table_name::text as line from information_schema.tables \
         where table_schema = current_schema() order by 1"
    };
    lines(store, sql).await
}

/// Takes back the last `steps`, or all.
async fn down(storage: &Storage, steps: Option<u32>) {
    let txn = storage.store.begin_schema().await.unwrap();
    Migrator::down(txn.executor(), steps).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn an_empty_database_is_brought_up_to_date() {
    let storage = Storage::new().await;
    let expected = schema(&storage.store).await;
    down(&storage, None).await;
    assert!(!storage.store.is_current().await.unwrap());

    storage.store.migrate().await.unwrap();

    assert!(storage.store.is_current().await.unwrap());
    assert_eq!(schema(&storage.store).await, expected);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let storage = Storage::new().await;
    let before = schema(&storage.store).await;

    storage.store.migrate().await.unwrap();

    assert!(storage.store.is_current().await.unwrap());
    assert_eq!(schema(&storage.store).await, before);
}

#[tokio::test]
async fn every_step_goes_down_and_up_again() {
    let storage = Storage::new().await;
    let whole = schema(&storage.store).await;
    let count = Migrator::migrations().len();
    let mut after_each = BTreeMap::new();

    for left in (0..count).rev() {
        down(&storage, Some(1)).await;
        after_each.insert(left, schema(&storage.store).await);
    }
    assert_eq!(tables(&storage.store).await, ["seaql_migrations"]);
    for left in 1..=count {
        let txn = storage.store.begin_schema().await.unwrap();
        Migrator::up(txn.executor(), Some(1)).await.unwrap();
        txn.commit().await.unwrap();
        let expected = after_each.get(&left).unwrap_or(&whole);
        assert_eq!(&schema(&storage.store).await, expected, "after {left} steps");
    }
}

/// Sessions had no name.
#[tokio::test]
async fn browsers_of_an_older_database_stay_signed_in() {
    let (world, acme) = World::of_acme().await;
    let mut browsers = [Browser::of(&world, &acme.ada).await, Browser::of(&world, &acme.ada).await];
    let steps = Migrator::migrations();
    let newer = steps.iter().skip_while(|step| step.name() != "m20261126_000027_signing_up");
    let txn = world.app.store.begin_schema().await.unwrap();
    Migrator::down(txn.executor(), Some(newer.count().try_into().unwrap())).await.unwrap();
    txn.commit().await.unwrap();

    world.app.store.migrate().await.unwrap();

    let page = browsers[0].open("/settings/sessions").await;
    assert_eq!(page.texts("tbody tr").len(), 2);
    assert_eq!(browsers[0].submit(&page, "tbody form", &[]).await.status, 303);
    assert_eq!(browsers[1].get("/settings/sessions").await.status, 303);
    assert_eq!(browsers[0].get("/settings/sessions").await.status, 200);
}

/// Families were not one row each, and access tokens took more room.
#[tokio::test]
async fn access_tokens_of_an_older_database_go_on_and_refresh_tokens_end() {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let steps = Migrator::migrations();
    let newer = steps.iter().skip_while(|step| step.name() != "m20261126_000021_family_rows");
    let txn = world.app.store.begin_schema().await.unwrap();
    Migrator::down(txn.executor(), Some(newer.count().try_into().unwrap())).await.unwrap();
    txn.commit().await.unwrap();

    world.app.store.migrate().await.unwrap();

    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
    Tokens::of(&script.password(&acme.ada).await);
}

/// Families had ids besides the numbers that their refresh tokens say.
#[tokio::test]
async fn tokens_and_codes_of_an_older_database_go_on() {
    let (world, acme) = World::of_acme().await;
    let (script, spa) = (world.script().await, world.spa().await);
    let service = world.client(service(Some(&acme.workspace))).await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let refreshed = Tokens::of(&script.refresh(&tokens.refresh).await);
    let own = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);
    let mut browser = Browser::new(&world);
    let code = browser.authorize(&spa.authorization(), &acme.ada).await.code().to_owned();
    let down = async |steps| {
        let txn = world.app.store.begin_schema().await.unwrap();
        Migrator::down(txn.executor(), Some(steps)).await.unwrap();
        txn.commit().await.unwrap();
    };
    let steps = Migrator::migrations();
    let newer = steps.iter().skip_while(|step| step.name() != "m20261126_000030_family_numbers");

    down(newer.count().try_into().unwrap()).await;
    world.app.store.migrate().await.unwrap();

    for access in [&tokens.access, &refreshed.access, &own.access] {
        assert_eq!(ApiCaller::bearer(&world, access).me().await.status, 200);
    }
    Tokens::of(&script.refresh(&refreshed.refresh).await);
    Tokens::of(&spa.exchange(&code, &Pkce::default()).await);
    Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
}

#[tokio::test]
async fn nodes_that_start_together_migrate_together() {
    for _ in 0..3 {
        let storage = Storage::new().await;
        down(&storage, None).await;
        let mut stores = Vec::new();
        for _ in 0..4 {
            stores.push(storage.another_store().await);
        }

        let runs = join_all(stores.iter().map(Store::migrate)).await;

        for run in runs {
            run.unwrap();
        }
        assert!(storage.store.is_current().await.unwrap());
    }
}

#[tokio::test]
async fn a_newer_schema_stops_an_older_binary() {
    let storage = Storage::new().await;
    storage.execute(NEWER).await;
    let before = schema(&storage.store).await;

    let refusal = storage.store.migrate().await.unwrap_err();

    assert_eq!(
        refusal.to_string(),
        "internal: the database was changed by a newer Latchkey (step m20991231_000001_newer); \
         start that version, or restore a backup made before it"
    );
    assert!(!storage.store.is_current().await.unwrap());
    assert_eq!(schema(&storage.store).await, before);
}

/// A step of ours that is missing beside one we do not know must not be added.
#[tokio::test]
async fn a_newer_schema_is_not_mended() {
    let storage = Storage::new().await;
    down(&storage, Some(1)).await;
    storage.execute(NEWER).await;
    let before = schema(&storage.store).await;

    assert!(storage.store.migrate().await.is_err());

    assert_eq!(schema(&storage.store).await, before);
}

#[tokio::test]
async fn a_server_is_ready_with_its_own_schema_and_with_a_newer_one() {
    let world = World::new().await;
    let ready = || async {
        let answer = Answer::to(world.http.get(world.url("/readyz"))).await;
        (answer.status, answer.body.clone(), answer.header("retry-after").map(str::to_owned))
    };
    assert_eq!(ready().await, (200, "ready".to_owned(), None));

    let txn = world.app.store.begin().await.unwrap();
    txn.execute_unprepared(NEWER).await.unwrap();
    txn.commit().await.unwrap();

    let newer = "ready, with the schema of a newer version".to_owned();
    assert_eq!(ready().await, (200, newer, None));

    // and one of its own is missing
    let txn = world.app.store.begin().await.unwrap();
    let own = Migrator::migrations().last().unwrap().name().to_owned();
    let sql = format!("delete from seaql_migrations where version = '{own}'");
    txn.execute_unprepared(&sql).await.unwrap();
    txn.commit().await.unwrap();

    let problem = "the database has the schema of a newer version".to_owned();
    assert_eq!(ready().await, (503, problem, Some("2".to_owned())));
    let live = Answer::to(world.http.get(world.url("/healthz"))).await;
    assert_eq!((live.status, live.body.as_str()), (200, "ok"));
}

/// Whatever a row type names is a column, on both databases.
#[tokio::test]
async fn every_entity_has_its_table() {
    let storage = Storage::new().await;
    let db = storage.store.read();

    macro_rules! read {
        ($($table:ident)+) => {{
            $(entity::$table::Entity::find().all(db).await.expect(stringify!($table));)+
            vec![$(stringify!($table)),+]
        }};
    }
    let known = read! {
        access_token api_key app_decision app_policy app_request audit_event authorization_code
        authorization_request blocked_client browser_session client dataset device_request email
        enterprise grant guest invalidation invitation known_device lead leak logout_delivery member
        message outbox passkey pushed_request recovery_code registration_token scan scan_endpoint
        scan_finding second_factor_use service service_account session_client sign_in_failure
        sign_up signing_key spent_challenge spent_id subscriber subscription
        token_family user workspace
    };

    let mut expected = known;
    expected.push("seaql_migrations");
    expected.sort_unstable();
    assert_eq!(tables(&storage.store).await, expected);
}

#[tokio::test]
async fn a_row_cannot_point_at_nothing() {
    let storage = Storage::new().await;
    let nothing = "00000000-0000-0000-0000-000000000000";
    let (id, digest) = if is_sqlite(&storage.store) {
        ("x'00000000000000000000000000000000'".to_owned(), "x'00'")
    } else {
        (format!("'{nothing}'"), "'\\x00'")
    };

    for sql in [
        format!(
            "insert into browser_session (cookie_sha256, user_id, user_epoch, authenticated_at, \
             last_seen_at, expires_at) values ({digest}, {id}, 0, 0, 0, 0)"
        ),
        format!(
            "insert into member (workspace_id, user_id, role, created_at) \
             values ({id}, {id}, 'owner', 0)"
        ),
    ] {
        let txn = storage.store.begin().await.unwrap();

        let refusal = txn.execute_unprepared(&sql).await.unwrap_err().to_string();

        assert!(refusal.to_lowercase().contains("foreign key constraint"), "{refusal}");
    }
}

/// What a crash must not lose and a reader must not break.
#[tokio::test]
async fn the_embedded_database_is_set_to_last() {
    let storage = Storage::new().await;
    if !is_sqlite(&storage.store) {
        return;
    }

    let pragma = async |name: &str, is_writer: bool| {
        let sql = format!("select cast({name} as text) as line from pragma_{name}");
        if !is_writer {
            return lines(&storage.store, &sql).await.remove(0);
        }
        let txn = storage.store.begin().await.unwrap();
        let query = Statement::from_string(DbBackend::Sqlite, sql);
        Line::find_by_statement(query).one(&txn).await.unwrap().unwrap().line
    };

    for is_writer in [true, false] {
        assert_eq!(pragma("journal_mode", is_writer).await, "wal");
        // FULL
        assert_eq!(pragma("synchronous", is_writer).await, "2");
        assert_eq!(pragma("foreign_keys", is_writer).await, "1");
    }
    assert_eq!(pragma("query_only", true).await, "0");
    assert_eq!(pragma("query_only", false).await, "1");
    let written = outbox::Entity::delete_many().exec(storage.store.read()).await;
    assert!(written.unwrap_err().to_string().contains("readonly"));
}

/// `.cargo/config.toml`: what nothing uses is not there to be attacked, and nothing is counted or shared
/// under a lock of all connections.
#[tokio::test]
async fn the_embedded_database_is_compiled_as_it_is_to_be() {
    let storage = Storage::new().await;
    if !is_sqlite(&storage.store) {
        return;
    }

    let sql = "select compile_options as line from pragma_compile_options";
    let options = lines(&storage.store, sql).await;

    assert!(options.contains(&"DEFAULT_MEMSTATUS=0".to_owned()), "{options:?}");
    for absent in ["FTS", "RTREE", "SOUNDEX", "LOAD_EXTENSION", "MEMORY_MANAGEMENT"] {
        let is_there = |option: &&String| option.contains(absent) && !option.starts_with("OMIT_");
        assert_eq!(options.iter().find(is_there), None, "{options:?}");
    }
}

/// A delete or a join through a foreign key must not read a whole table.
#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let storage = Storage::new().await;
    if !is_sqlite(&storage.store) {
        return;
    }
    let sql = "select t.name || '.' || f.\"from\" as line \
               from sqlite_master t, pragma_foreign_key_list(t.name) f \
               where t.type = 'table' and not exists ( \
                 select 1 from pragma_index_list(t.name) i, pragma_index_info(i.name) c \
                 where c.seqno = 0 and c.name = f.\"from\") \
               order by 1";

    assert_eq!(lines(&storage.store, sql).await, Vec::<String>::new());
}
