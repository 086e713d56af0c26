//! Which files of keys are made, read and refused.

use std::thread;

use chrono::DateTime;

use super::{document::OLD_KEYS, *};
use crate::crypto::random::SystemRandom;

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secrets.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (directory, path)
}

fn key(seed: u8) -> String {
    digest::hex(&(0..32).map(|index| seed + 7 * index).collect::<Vec<u8>>())
}

fn file(keys: &[(&str, String)]) -> String {
    let lines: Vec<_> = keys.iter().map(|(name, key)| format!("{name} = \"{key}\"")).collect();
    lines.join("\n") + "\n"
}

fn four() -> [(&'static str, String); 4] {
    [(KEYS[0], key(1)), (KEYS[1], key(2)), (KEYS[2], key(3)), (KEYS[3], key(4))]
}

fn refusal(text: &str) -> String {
    let (_directory, path) = written(text);
    let error = Secrets::open_existing(&path).err().unwrap().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
    error
}

#[test]
fn keys_are_made_on_the_first_start_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new").join("secrets.toml");

    let first = Secrets::open(&path, &SystemRandom::default()).unwrap();
    let second = Secrets::open(&path, &SystemRandom::default()).unwrap();

    assert!(second.csrf.verify(b"x", &first.csrf.sign(b"x")));
    assert!(second.recovery_codes.verify(b"x", &first.recovery_codes.sign(b"x")));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn processes_that_start_together_agree() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secrets.toml");

    let signatures: Vec<Vec<u8>> = thread::scope(|scope| {
        let start = || Secrets::open(&path, &SystemRandom::default()).unwrap().csrf.sign(b"x");
        let started: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert!(signatures.iter().all(|one| *one == signatures[0]));
}

#[test]
fn a_configured_file_is_never_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secrets.toml");

    assert!(matches!(Secrets::open_existing(&path), Err(SecretsError::Io { .. })));
    assert!(!path.exists());
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o644] {
        let (_directory, path) = written(&file(&four()));
        assert!(Secrets::open_existing(&path).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();

        let error = Secrets::open(&path, &SystemRandom::default()).err().unwrap();

        assert!(error.to_string().contains(&format!("mode {mode:04o}")), "{error}");
    }
}

#[test]
fn a_missing_or_weak_or_repeated_or_unknown_key_is_named() {
    for index in 0..KEYS.len() {
        let name = KEYS[index];
        let mut missing = four().to_vec();
        missing.remove(index);
        assert!(refusal(&file(&missing)).ends_with(&format!("{name} is missing")));

        for (bad, words) in [
            ("", "64 lower-case"),
            (&key(1)[..62], "64 lower-case"),
            (&key(1).to_uppercase(), "64 lower-case"),
            (&"+1".repeat(32), "64 lower-case"),
            (&"ab".repeat(32), "is weak"),
            (&"0123456789abcdef".repeat(4), "is weak"),
        ] {
            let mut weak = four();
            weak[index].1 = bad.to_owned();
            let error = refusal(&file(&weak));
            assert!(error.contains(&format!("{name} ")) && error.contains(words), "{error}");
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }
    let mut repeated = four();
    repeated[3].1 = repeated[0].1.clone();
    assert!(refusal(&file(&repeated)).contains("link_key must not be the same as derivation_"));
    let unknown = format!("{}old_key = \"{}\"", file(&four()), key(9));
    assert!(refusal(&unknown).contains("old_key is not a key"));
}

#[test]
fn a_syntax_error_shows_the_line_and_not_its_text() {
    let error = refusal(&format!("{}oops {}", file(&four()), key(9)));

    assert!(error.ends_with("is not TOML (line 5)"), "{error}");
}

/// What a file of keys believes of another one's signatures.
fn believes(new: &Secrets, old: &Secrets) -> [bool; 2] {
    let sealed = old.sealer.seal(&SystemRandom::default(), "row", b"secret").unwrap();
    [new.csrf.verify(b"x", &old.csrf.sign(b"x")), new.sealer.open("row", &sealed).is_ok()]
}

#[test]
fn keys_are_prepared_used_and_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let (path, random) = (directory.path().join("secrets.toml"), SystemRandom::default());
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let first = Secrets::open(&path, &random).unwrap();

    assert!(rotation::prepare(&path, &random).unwrap());
    assert!(!rotation::prepare(&path, &random).unwrap());
    let prepared = Secrets::open(&path, &random).unwrap();
    assert!(rotation::is_prepared(&path).unwrap());
    assert_eq!(prepared.csrf.sign(b"x"), first.csrf.sign(b"x"));

    rotation::replace(&path, &random, at).unwrap();
    let replaced = Secrets::open(&path, &random).unwrap();
    assert!(!rotation::is_prepared(&path).unwrap());
    assert_ne!(replaced.csrf.sign(b"x"), first.csrf.sign(b"x"));
    // nodes that know both believe each other; one that has not been told does not
    assert_eq!(believes(&replaced, &first), [true, true]);
    assert_eq!(believes(&prepared, &replaced), [true, true]);
    assert_eq!(believes(&first, &replaced), [false, false]);
    let old = rotation::list(&path).unwrap();
    assert_eq!((old.len(), old[0].at, &*old[0].names), (1, at, &OLD_KEYS[..]));
    let event = first.audit_trail.sign(b"event");
    assert!(replaced.audit_trail.verify(b"event", &event, at));
    assert!(!replaced.audit_trail.verify(b"event", &event, at + TRAIL_OVERLAP * 2));
    let code = first.recovery_codes.sign(b"code");
    assert!(replaced.recovery_codes.each(b"code").contains(&code));

    rotation::drop_unneeded(&path, &random, |_, name| name == "audit_trail_key").unwrap();
    let left = Secrets::open(&path, &random).unwrap();
    assert_eq!(believes(&left, &replaced), [true, true]);
    assert_eq!(believes(&left, &first), [false, false]);
    assert!(left.audit_trail.verify(b"event", &event, at));
    assert_eq!(rotation::list(&path).unwrap()[0].names, ["audit_trail_key"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("secrets.toml"), directory.path().join("link.toml"));
    Secrets::open(&path, &SystemRandom::default()).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();

    rotation::prepare(&link, &SystemRandom::default()).unwrap();

    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(rotation::is_prepared(&path).unwrap());
}

#[test]
fn many_that_replace_at_once_lose_no_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secrets.toml");
    let first = Secrets::open(&path, &SystemRandom::default()).unwrap();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| rotation::replace(&path, &SystemRandom::default(), now).unwrap());
        }
    });

    assert_eq!(rotation::list(&path).unwrap().len(), 16);
    assert_eq!(believes(&Secrets::open_existing(&path).unwrap(), &first), [true, true]);
}

#[test]
fn what_is_wrong_with_other_keys_is_named() {
    for (more, problem) in [
        ("next = 7".to_owned(), "next must be a table of keys"),
        ("[next]".to_owned(), "derivation_key is missing"),
        (
            format!("[next]\n{}", file(&four())),
            "derivation_key must not be the same as derivation_key",
        ),
        ("old = 7".to_owned(), "old must be tables of keys"),
        ("[[old]]".to_owned(), "replaced_at must be an instant"),
        ("[[old]]\nreplaced_at = \"yesterday\"".to_owned(), "replaced_at must be an instant"),
        (
            "[[old]]\nreplaced_at = \"2026-11-26T12:00:00Z\"\nother = 1".to_owned(),
            "other is not a key",
        ),
        (
            "[[old]]\nreplaced_at = \"2026-11-26T12:00:00Z\"\ncsrf_key = \"00\"".to_owned(),
            "csrf_key must be 64 lower-case",
        ),
    ] {
        let error = refusal(&format!("{}{more}\n", file(&four())));
        assert!(error.contains(problem), "{error}");
    }
}
