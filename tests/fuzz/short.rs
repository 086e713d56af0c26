//! A short run of every fuzz target, on any toolchain: its seeds, and some thousand mutations of them, the
//! same ones every time. `tests/fuzz/run` goes on from there with libFuzzer.

#![expect(clippy::expect_used, reason = "without its seeds a target is not tested")]

#[path = "src/lib.rs"]
mod fuzz;
mod mutations;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use self::{fuzz::place::Place, mutations::Chance};

/// How long one input may take, on a machine that is busy with other tests.
const LONGEST: Duration = Duration::from_secs(10);

/// The seeds of a target.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(name);
    let entries = fs::read_dir(&folder).expect("a target has seeds");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.sort();
    let seeds: Vec<_> = files.iter().map(|file| fs::read(file).expect("a file")).collect();
    assert!(seeds.len() >= 3, "{name} has too few seeds");
    seeds
}

/// Runs a target over its seeds and so many mutations of them.
fn run(name: &str, rounds: usize) {
    let (place, target, seeds) = (Place::default(), fuzz::target(name), seeds(name));
    let mut chance = Chance::of(name);
    let mutated = (0..rounds).map(|_| chance.mutated(&seeds));
    for input in seeds.iter().cloned().chain(mutated) {
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&place, &input)));
        let shown = input.escape_ascii();
        assert!(outcome.is_ok(), "{name} fails with \"{shown}\"");
        assert!(begun.elapsed() < LONGEST, "{name} takes too long with \"{shown}\"");
    }
}

macro_rules! targets {
    ($($name:ident, $rounds:literal;)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name), $rounds);
            }
        )*

        #[test]
        fn every_target_runs_here() {
            let known = fuzz::TARGETS.map(|(name, _)| name);
            assert_eq!(known.to_vec(), [$(stringify!($name)),*]);
        }
    };
}

targets! {
    assertion, 2_000;
    authorization, 30_000;
    authorization_details, 30_000;
    basic, 30_000;
    claims, 30_000;
    cookies, 30_000;
    csrf, 30_000;
    cursors, 30_000;
    form, 30_000;
    forwarded, 30_000;
    json, 30_000;
    jwk, 10_000;
    jwt, 10_000;
    keys, 30_000;
    listing, 5_000;
    metadata, 10_000;
    openapi, 2_000;
    passkey, 3_000;
    proof, 3_000;
    redirect_uris, 30_000;
    request_object, 3_000;
    return_path, 30_000;
    scopes, 30_000;
    user_codes, 30_000;
    usernames, 30_000;
    webauthn, 5_000;
}

#[test]
fn every_target_has_a_program_for_libfuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("it is there");
    for (name, _) in fuzz::TARGETS {
        let program = folder.join(format!("fuzz_targets/{name}.rs"));
        let text = fs::read_to_string(program).expect("it is there");
        assert!(text.contains(&format!("run(\"{name}\", bytes)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
