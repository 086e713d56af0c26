//! Which files of keys are made, read and refused.

use std::thread;

use super::*;
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
    assert_eq!(first.links, second.links);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn processes_that_start_together_agree() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secrets.toml");

    let links: Vec<[u8; 32]> = thread::scope(|scope| {
        let start = || Secrets::open(&path, &SystemRandom::default()).unwrap().links;
        let started: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert!(links.iter().all(|key| *key == links[0]));
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

#[test]
fn a_signature_is_of_its_data_and_key() {
    let mac = Mac::new(&[1; 32]);
    let signature = mac.sign(b"session");

    assert!(mac.verify(b"session", &signature));
    assert!(!mac.verify(b"sessioN", &signature));
    assert!(!mac.verify(b"session", &signature[..31]));
    assert!(!Mac::new(&[2; 32]).verify(b"session", &signature));
}
