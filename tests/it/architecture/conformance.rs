//! Every line of what the OpenID Foundation's conformance suite checks is shown by a test, in whose
//! doc comment its number stands (`CS-D1`), or by a flow of a client that others wrote, in the
//! comment above it.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    requirements::{numbers, of_tests},
    rust_files,
};

/// The letter of each chapter's numbers, and the last of them.
const CHAPTERS: [(&str, u32); 8] = [
    ("D", 19), // discovery
    ("J", 6),  // the published keys
    ("A", 22), // the authorization endpoint
    ("T", 12), // the token endpoint
    ("U", 7),  // userinfo
    ("R", 8),  // registration
    ("L", 8),  // logout
    ("X", 5),  // what the suite does not cover
];

/// What tests of ours cannot show, or only in part, and why.
const EXCEPTED: [(&str, &str); 1] =
    [("CS-X5", "TLS is ended by a proxy in front of this server, which speaks plain HTTP itself")];

#[test]
fn every_line_of_the_conformance_suite_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all: BTreeSet<_> = CHAPTERS
        .iter()
        .flat_map(|(chapter, last)| (1..=*last).map(move |number| format!("CS-{chapter}{number}")))
        .collect();
    assert_eq!(all.len(), 87);

    let files = rust_files(&root.join("tests/it"));
    let by_tests =
        files.iter().flat_map(|file| of_tests(&fs::read_to_string(file).unwrap(), &is_number));
    let shown: BTreeSet<_> = by_tests.chain(by_flows(&root.join("tests/clients"))).collect();

    let is_excepted = |number: &str| EXCEPTED.iter().any(|(excepted, _)| *excepted == number);
    let missing: Vec<_> = all.difference(&shown).filter(|number| !is_excepted(number)).collect();
    assert!(missing.is_empty(), "no test and no flow shows {missing:?}");
    let unknown: Vec<_> = shown.difference(&all).collect();
    assert!(unknown.is_empty(), "there is no line {unknown:?}");
}

fn by_flows(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let scripts: Vec<_> =
        entries.filter(|path| path.to_str().unwrap().contains(".flows.")).collect();
    assert!(scripts.len() > 3, "the clients were not found");
    scripts.iter().flat_map(|path| of_flows(&fs::read_to_string(path).unwrap())).collect()
}

/// The numbers in the comments right above the flows of a script, in JavaScript or in Python.
fn of_flows(text: &str) -> Vec<String> {
    let (mut found, mut comment) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("//").or_else(|| line.strip_prefix("# ")) {
            comment.extend(numbers(words, &is_number));
        } else if line.starts_with("flow(") || line.starts_with("@flow(") {
            found.append(&mut comment);
        } else {
            comment.clear();
        }
    }
    found
}

/// Whether it has the form of a number; of which chapter, and up to where, is asked of them all.
fn is_number(word: &str) -> bool {
    let Some(mut number) = word.strip_prefix("CS-").map(str::chars) else { return false };
    let is_chapter = number.next().is_some_and(|letter| letter.is_ascii_uppercase());
    is_chapter && !number.as_str().is_empty() && number.all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_comment_right_above_a_flow_counts() {
        let javascript = "
// CS-D1
const a = 1;
// CS-D2, CS-A22: one thing
// and CS-T3
flow('one', async () => {
  // CS-X1
});
";
        let python = "
# CS-J1: one thing
@flow(\"one\")
def _():
    # CS-J2
    pass


# CS-J3
def other(): ...
";
        assert_eq!(of_flows(javascript), ["CS-D2", "CS-A22", "CS-T3"]);
        assert_eq!(of_flows(python), ["CS-J1"]);
    }

    #[test]
    fn a_range_or_a_part_of_a_word_is_no_number() {
        let words = "CS-D1 CS-D10. CS-1 CS-D CS-d1 XCS-D1 CS-D1b CS-D1-D4 (CS-U7)";

        assert_eq!(numbers(words, &is_number), ["CS-D1", "CS-D10", "CS-U7"]);
    }
}
