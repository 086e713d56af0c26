//! The traps of what this house is built with, by reading the sources: none is built in, none is
//! walked into.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{handlers::handlers, rust_files};

/// Features that no crate may be built with: all-zero keys and sessions that are lost with an error;
/// statements with their values in the log.
const FEATURES: [(&str, &[&str]); 2] =
    [("poem", &["csrf", "session", "redis-session"]), ("sea-orm", &["debug-print", "sqlx-sqlite"])];

/// Since when each crate is free of what was found in it.
const MENDED: [(&str, [u64; 3], &str); 6] = [
    ("h2", [0, 4, 16], "RUSTSEC-2026-0258"),
    ("lettre", [0, 11, 22], "RUSTSEC-2026-0141, RUSTSEC-2021-0069"),
    ("tracing-subscriber", [0, 3, 20], "RUSTSEC-2025-0055"),
    ("sqlx", [0, 8, 1], "RUSTSEC-2024-0363"),
    ("idna", [1, 0, 0], "RUSTSEC-2024-0421"),
    ("sea-orm", [2, 0, 0], "without SqliteTransactionMode before"),
];

/// What panics on passwords that are not ASCII (RUSTSEC-2026-0199).
const ABSENT: &str = "bcrypt";

/// Handlers that are sent to without a form of ours, and why that is safe.
const WITHOUT_A_FORM: [(&str, &str); 9] = [
    ("oauth::authorize_post::post", "the same as by GET (RFC 6749 §3.1); it only asks"),
    ("oauth::logout::post", "takes the form inside, unless it only asks"),
    ("oauth::device_authorization::post", "for clients, who prove themselves"),
    ("oauth::introspect::post", "for clients, who prove themselves"),
    ("oauth::par::post", "for clients, who prove themselves"),
    ("oauth::register::post", "for clients, who show a token"),
    ("oauth::revoke::post", "for clients, who prove themselves"),
    ("oauth::token::post", "for clients, who prove themselves"),
    ("oauth::userinfo::post", "for clients, who show a token"),
];

/// Pages of people of which nobody has to be signed in.
const FOR_STRANGERS: [&str; 9] = [
    "login",
    "login_passkey",
    "second_factor::sign_in",
    "forgot_password",
    "reset_password",
    "sign_up",
    "verify_email",
    "restore_email",
    "invitation",
];

/// Templates of what no browser reads as a page.
const PLAIN_TEXT: [&str; 2] = ["mail/letter.txt", "api/llms.txt"];

/// What takes longer than a transaction may: a hash, a letter, somebody else's server.
const SLOW: [&str; 3] = [".passwords.", ".mailer.", ".outbound."];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn toml_of(file: &str) -> Table {
    fs::read_to_string(root().join(file)).unwrap().parse().unwrap()
}

#[test]
fn no_trap_is_a_feature_of_a_crate() {
    let mut seen = BTreeSet::new();
    for manifest in ["Cargo.toml", "entity/Cargo.toml", "migration/Cargo.toml"] {
        for (name, features) in features(&toml_of(manifest)) {
            for (_, traps) in FEATURES.iter().filter(|(of, _)| *of == name) {
                let found: Vec<_> = features.iter().filter(|it| traps.contains(&&***it)).collect();
                assert!(found.is_empty(), "{manifest}: {name} has {found:?}");
                seen.insert(name.clone());
            }
        }
    }
    assert_eq!(seen.len(), FEATURES.len(), "{seen:?}");
}

/// The features of every dependency that a manifest names.
fn features(manifest: &Table) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Value::Table(table) = value else { continue };
        if !key.ends_with("dependencies") {
            found.extend(features(table));
            continue;
        }
        for (name, dependency) in table {
            let listed = dependency.get("features").and_then(Value::as_array);
            let words = listed.into_iter().flatten().filter_map(Value::as_str);
            found.push((name.clone(), words.map(str::to_owned).collect()));
        }
    }
    found
}

#[test]
fn no_crate_is_older_than_what_mended_it() {
    let lock = toml_of("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let versions = |name: &str| {
        let of = packages.iter().filter(move |package| package["name"].as_str() == Some(name));
        of.map(|package| version(package["version"].as_str().unwrap())).collect::<Vec<_>>()
    };
    for (name, mended, why) in MENDED {
        let found = versions(name);
        assert!(!found.is_empty(), "{name} is not used any more");
        assert!(found.iter().all(|version| *version >= mended), "{name} {found:?}: {why}");
    }
    assert_eq!(versions(ABSENT), Vec::<[u64; 3]>::new(), "{ABSENT}");
}

fn version(text: &str) -> [u64; 3] {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = numbers.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// askama escapes in what is called `.html`, unless it is told not to.
#[test]
fn no_template_prints_what_it_was_given_as_markup() {
    let folder = root().join("templates");
    let files = files_of(&folder);
    assert!(files.len() > 50, "the templates were not found");
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let place = file.strip_prefix(&folder).unwrap().to_str().unwrap();
        let is_html = file.extension().is_some_and(|kind| kind == "html");
        assert!(is_html || PLAIN_TEXT.contains(&place), "{place}");
        let filters = text.split('|').skip(1).map(str::trim_start);
        for filter in filters {
            let name = filter.split(|it: char| !it.is_alphanumeric() && it != '_').next();
            assert!(!matches!(name, Some("safe" | "escape" | "e")), "{place}: {filter:.40}");
        }
    }
    assert!(!root().join("askama.toml").exists(), "it could name other escapers");
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for template in text.split("#[template(").skip(1) {
            let attribute = template.split(")]").next().unwrap_or_default();
            let is_plain = attribute.contains("path") && !attribute.contains("escape");
            assert!(is_plain, "{}: {attribute}", file.display());
        }
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_of(&path) } else { vec![path] }).collect()
}

fn sources() -> Vec<PathBuf> {
    rust_files(&root().join("src"))
}

/// What is only printed masked in a test may still be printed whole by a line in a log.
#[test]
fn nothing_that_prints_itself_holds_a_secret() {
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for derived in text.split("#[derive(").skip(1) {
            let Some((traits, item)) = derived.split_once(")]") else { continue };
            let prints = traits.split(',').any(|it| matches!(it.trim(), "Debug" | "Serialize"));
            let ends = ["\n}", ";\n"].iter().filter_map(|end| item.find(end)).min();
            let item = &item[..ends.unwrap_or(item.len())];
            assert!(!prints || !item.contains("Zeroizing<"), "{}: {item}", file.display());
        }
    }
    let secret = fs::read_to_string(root().join("src/crypto/secret.rs")).unwrap();
    let shows = ["Serialize", "Display for", "derive(Debug", "ToString for"];
    assert_eq!(shows.iter().find(|it| secret.contains(**it)), None);
}

/// Whoever waits for the one writer must not wait for a hash, a mail server or a stranger's.
#[test]
fn nothing_slow_happens_in_a_transaction() {
    let mut slow_ones = 0;
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for function in text.split("fn ").skip(1) {
            let head = function.split('{').next().unwrap_or_default();
            for at in SLOW.iter().filter_map(|slow| function.find(slow)) {
                let before = &function[..at];
                let begun = before.rfind(".begin()").map(|begun| &before[begun..]);
                let is_open = begun.is_some_and(|since| !since.contains(".commit()"));
                let is_inside = is_open || head.contains("&Txn");
                assert!(!is_inside, "{}: {}", file.display(), head.trim_end());
                slow_ones += 1;
            }
        }
    }
    assert!(slow_ones > 5, "the slow things were not found");
}

#[test]
fn every_form_that_is_sent_carries_a_token() {
    let all: Vec<_> = ["account", "admin", "oauth"].into_iter().flat_map(handlers).collect();
    let sent: Vec<_> = all.iter().filter(|handler| handler.verb == "post").collect();
    assert!(sent.len() > 50, "the handlers were not found");
    for handler in &sent {
        let is_excepted = WITHOUT_A_FORM.iter().any(|(name, _)| *name == handler.name());
        let has_form = handler.takes("CsrfForm");
        assert!(has_form != is_excepted, "{}: {}", handler.name(), handler.parameters);
    }
    let others = all.iter().filter(|it| !matches!(it.verb, "get" | "post") && it.face != "oauth");
    assert_eq!(others.count(), 0, "forms are sent by POST");
}

/// What an administrator is asked before something ends is asked after the proof, so that the answer
/// is not lost to it.
#[test]
fn every_question_comes_after_the_proof() {
    let all = handlers("admin");
    let asks = |name: &str| ["ask", "confirm"].iter().any(|start| name.starts_with(start));
    let questions: Vec<_> =
        all.iter().filter(|it| it.verb == "get" && asks(&it.function)).collect();
    assert!(questions.len() > 10, "the questions were not found");
    for handler in questions {
        assert!(handler.takes("ConfirmedAdmin"), "{}: {}", handler.name(), handler.parameters);
    }
}

#[test]
fn every_page_asks_who_is_there() {
    for handler in handlers("admin") {
        let asks = handler.takes("Admin") || handler.takes("ConfirmedAdmin");
        assert!(asks, "{}: {}", handler.name(), handler.parameters);
    }
    for handler in handlers("account") {
        let place = format!("{}::{}", handler.module, handler.function);
        let is_open = FOR_STRANGERS.iter().any(|it| *it == place || *it == handler.module);
        let asks = handler.takes("Account") || handler.takes("Confirmed");
        assert!(asks || is_open, "{}: {}", handler.name(), handler.parameters);
    }
}
