//! The five layering sentences of `src/lib.rs`, kept true by reading the sources; and the products'
//! requirements and the rules of security, kept complete by reading the tests.

mod conformance;
mod digests;
mod handlers;
mod indexing;
mod requirements;
mod rules;
mod security;
mod source;
mod steps;
mod templates;
mod tokens;
mod traps;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::source::Source;

/// A file over this wants a split.
const MAX_LINES: usize = 400;

#[test]
fn the_house_keeps_its_layers() {
    let broken: Vec<_> = sources().iter().flat_map(rules::broken).collect();

    assert!(broken.is_empty(), "{} rules are broken:\n{}", broken.len(), broken.join("\n"));
}

/// What is found in the files of the program, outside files of unit tests, and where.
fn found_in_files(look: impl Fn(&str, &str) -> Vec<String>) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&root).into_iter().filter(|file| !file.ends_with("tests.rs"));
    let found = files.flat_map(|file| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let found = look(&path, &fs::read_to_string(&file).unwrap());
        found.into_iter().map(move |found| format!("{path}: {found}"))
    });
    found.collect::<Vec<_>>().join("\n")
}

#[test]
fn digests_are_not_compared_by_a_sign() {
    let found = found_in_files(|_, text| digests::compared(text));

    assert!(found.is_empty(), "compare these by digest::equal:\n{found}");
}

/// Rule 25: `[]` is forbidden where strangers' bytes are read, but for members of JSON and what is proved.
#[test]
fn what_strangers_send_is_not_read_by_index() {
    let found = found_in_files(indexing::unproved);

    assert!(found.is_empty(), "use `get`, or say why it is within bounds:\n{found}");
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "entity/src", "migration/src"];
    let files = folders.iter().flat_map(|folder| rust_files(&root.join(folder)));
    let long: Vec<_> = files
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .collect();

    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_room_of_the_sources_is_on_the_map() {
    let unknown: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.is_map() && rules::place_of(source.room()).is_none())
        .map(|source| source.path)
        .collect();

    assert!(unknown.is_empty(), "{unknown:?}");
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |file: PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        Source::new(&path, &fs::read_to_string(&file).unwrap())
    };
    let sources: Vec<_> = rust_files(&root).into_iter().map(read).collect();
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // what the fuzzer's build has made is nobody's to read
            if !path.ends_with("target") {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
