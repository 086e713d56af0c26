//! What the verification path costs, counted in instructions by valgrind's callgrind: a figure that
//! no busy machine moves. Without optimisations, as all tests are built: it is not what the release
//! build takes, but what is added to the path adds to both.

use std::{fs, hint::black_box, path::Path, process::Command, sync::Arc};

use entity::member::Role;
use latchkey::{
    jobs::follow,
    keys::manage::KeyOwner,
    server,
    store::{self, Txn, invalidations::Position},
    tokens::{
        grants::Place,
        issue::{self, Wanted},
        scopes::Scope,
    },
};
use poem::{Endpoint, Request, Response};
use reqwest::header::AUTHORIZATION;
use sea_orm::ConnectionTrait;
use tokio::runtime::{Builder, Runtime};

use crate::support::{Acme, ClientApp, World, new_key, script};

/// Instructions for one answer when this was last looked at.
const FIGURES: [(&str, u64); 5] = [
    ("verify-api-key", 93_100),
    ("verify-access-token", 95_400),
    ("me-api-key", 91_000),
    ("me-access-token", 92_300),
    ("introspect-access-token", 259_700),
];
/// How much more is too much, in per cent of the figure.
const BOUND: u64 = 115;
/// Answers that are counted.
const TIMES: u64 = 100;
/// The test that callgrind watches, and the function in it that is counted.
const WATCHED: &str = "instructions::the_verification_path_is_answered_from_memory";
const COUNTED: &str = "*instructions::counted";

#[test]
fn the_verification_path_takes_no_more_instructions_than_it_did() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions");
    // profiles of an earlier run
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    watch(&directory);

    let mut grown = Vec::new();
    for (index, (operation, figure)) in FIGURES.iter().enumerate() {
        // one profile of what came before each, one of its own
        let profile = directory.join(format!("profile.{}", 2 * (index + 1)));
        let kept = directory.join(operation);
        fs::rename(profile, &kept).unwrap();
        let count = total_of(&kept) / TIMES;
        if count > figure * BOUND / 100 {
            grown.push(format!("{operation}: {count} instructions, {figure} before"));
        }
    }

    let place = directory.display();
    assert!(
        grown.is_empty(),
        "{grown:#?}\nLook at what has grown, here and on the commit before, with\n\
         callgrind_annotate --inclusive=yes {place}/{}\n\
         Each is for {TIMES} answers. If it is worth it, say so and write the new figure down.",
        FIGURES[0].0,
    );
}

/// Runs the other test of this file under callgrind.
fn watch(directory: &Path) {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", directory.join("profile").display()))
        .args([format!("--dump-before={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", WATCHED])
        .env_remove("TEST_POSTGRES_URL");
    let output = valgrind.output().expect("Debian's package valgrind");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
}

fn total_of(profile: &Path) -> u64 {
    let profile = fs::read_to_string(profile).unwrap();
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    total.trim().parse().unwrap()
}

/// All that is counted happens in here, and nothing else.
#[inline(never)]
fn counted(runtime: &Runtime, endpoint: &impl Endpoint<Output = Response>, all: Vec<Request>) {
    runtime.block_on(async {
        for request in all {
            black_box(endpoint.call(request).await.unwrap());
        }
    });
}

#[test]
fn the_verification_path_is_answered_from_memory() {
    // one thread: nothing races, so that each run counts the same
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let Warm { world, key, token, introspector } = runtime.block_on(Warm::new());
    let endpoint = server::endpoint(Arc::clone(&world.app));
    let get = |path: &str, credential: &str| {
        let bearer = format!("Bearer {credential}");
        Request::builder().uri_str(path).header(AUTHORIZATION, bearer).finish()
    };
    let introspect = || {
        let request = introspector.request("/oauth/introspect", &[("token", &token)]);
        let request = request.build().unwrap();
        let body = request.body().unwrap().as_bytes().unwrap().to_vec();
        let post = Request::builder().method(request.method().clone());
        let post = post.uri_str("/oauth/introspect");
        request
            .headers()
            .iter()
            .fold(post, |post, (name, value)| post.header(name, value))
            .body(body)
    };
    let requests: [&dyn Fn() -> Request; 5] = [
        &|| get("/api/v1/verify", &key),
        &|| get("/api/v1/verify", &token),
        &|| get("/api/v1/me", &key),
        &|| get("/api/v1/me", &token),
        &introspect,
    ];
    for (request, (operation, _)) in requests.iter().zip(FIGURES) {
        // the first time it asks the database
        for _ in 0..2 {
            assert!(runtime.block_on(is_known(&endpoint, request())), "{operation}");
        }

        counted(&runtime, &endpoint, (0..TIMES).map(|_| request()).collect());
    }

    // behind everybody's back
    runtime.block_on(async {
        let txn = world.app.store.begin().await.unwrap();
        for table in ["api_key", "access_token"] {
            txn.execute_unprepared(&format!("delete from {table}")).await.unwrap();
        }
        txn.commit().await.unwrap();
    });
    for request in requests {
        assert!(runtime.block_on(is_known(&endpoint, request())));
    }
}

/// Whether an answer says that the credential is good, and whose it is if it has words for it.
async fn is_known(endpoint: &impl Endpoint<Output = Response>, request: Request) -> bool {
    let answer = endpoint.call(request).await.unwrap();
    let is_success = answer.status().is_success();
    let body = answer.into_body().into_string().await.unwrap();
    is_success && (body.is_empty() || body.contains(r#""acme""#))
}

/// A world that trusts its memory, and who asks it.
struct Warm {
    world: World,
    key: String,
    token: String,
    introspector: ClientApp,
}

impl Warm {
    async fn new() -> Self {
        let world = World::with(|config| config.api.rate_limit_per_minute = 1_000_000).await;
        let acme = world.acme().await;
        let robot = world.service_account(&acme.workspace, "Robot").await;
        let owner = KeyOwner::ServiceAccount(robot);
        let key = world.key_of(new_key(&acme.workspace, owner, "leads:read")).await;
        let token = access_token(&world, &acme).await;
        let introspector = world.introspector().await;
        follow::run_once(&world.app, &mut Position::default()).await.unwrap();
        Self { world, key, token, introspector }
    }
}

/// A token of Ada's, without the long work of a sign-in.
async fn access_token(world: &World, acme: &Acme) -> String {
    let app = &world.app;
    let client = world.client(script()).await.id;
    let client = store::clients::find(app.store.read(), &client).await.unwrap().unwrap();
    let ada = store::users::find(app.store.read(), acme.ada.id).await.unwrap().unwrap();
    let place = Place { workspace: Some(acme.workspace.clone()), role: Some(Role::Owner) };
    let scope = Some(Scope::parse("leads:read").unwrap());
    let wanted = Wanted { place, scope, resource: None, key: None };
    let commit = async |txn: Txn| Ok(txn.commit().await?);
    let issued = issue::for_user(app, &client, &ada, &wanted, commit);
    let issued = issued.await.unwrap().unwrap();
    issued.access_token.reveal().to_owned()
}
