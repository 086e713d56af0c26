//! Every rule of security, every trap and every weakness of others is held by a lint, a type or a test
//! that `docs/security.md` names, and whatever is named there is there.

use std::{collections::BTreeSet, fs, path::Path};

use toml::Table;

/// The letters of each group's numbers, and the last of them: rules, traps, weaknesses of others.
const GROUPS: [(&str, u32); 3] = [("SR", 30), ("ST", 13), ("SW", 8)];
/// The crates whose unit tests are named.
const CRATES: [(&str, &str); 2] = [("latchkey", "src"), ("entity", "entity/src")];
/// The beginnings of paths that clippy's configuration forbids.
const FOREIGN: [&str; 5] = ["poem", "std", "chrono", "ring", "uuid"];

#[test]
fn every_rule_and_every_trap_is_held_by_something() {
    let house = House::new();
    let text = fs::read_to_string(house.root.join("docs/security.md")).unwrap();
    let rows = rows(&text);
    let all: BTreeSet<_> = GROUPS
        .iter()
        .flat_map(|(group, last)| (1..=*last).map(move |number| format!("{group}-{number}")))
        .collect();

    let told: BTreeSet<_> = rows.iter().map(|row| row.id.to_owned()).collect();
    assert_eq!(told.len(), rows.len(), "an id has two rows");
    assert_eq!(told.symmetric_difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
    let wrong: Vec<_> = rows.iter().flat_map(|row| house.complaints(row)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A row of a table: an id, the rule in words, and what holds it.
struct Row<'a> {
    id: &'a str,
    holds: Vec<&'a str>,
}

/// What stands between backticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A file or a folder.
    File,
    /// A lint of rustc's or clippy's.
    Lint,
    /// What clippy's configuration forbids.
    Ban,
    /// A test.
    Test,
    /// A name in one of the row's files.
    Word,
}

impl Kind {
    fn of(name: &str) -> Self {
        let first = name.split("::").next().unwrap_or_default();
        if name.contains('/') || name.starts_with('.') {
            Self::File
        } else if matches!(first, "clippy" | "rust") && name != first {
            Self::Lint
        } else if FOREIGN.contains(&first) && name != first {
            Self::Ban
        } else if name.contains("::") {
            Self::Test
        } else {
            Self::Word
        }
    }
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = lines.map(|line| line.trim_end_matches(" |").split(" | ").collect::<Vec<_>>());
    let is_row = |cells: &Vec<&str>| GROUPS.iter().any(|(group, _)| has_id(cells[0], group));
    cells
        .filter(is_row)
        .map(|cells| {
            let [id, _, holds] = cells[..] else { panic!("{cells:?} has not three cells") };
            Row { id, holds: holds.split('`').skip(1).step_by(2).collect() }
        })
        .collect()
}

fn has_id(cell: &str, group: &str) -> bool {
    let number = cell.strip_prefix(group).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What is there to be named.
struct House {
    root: &'static Path,
    lints: Table,
    bans: String,
}

impl House {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest: Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
        let lints = manifest["workspace"]["lints"].as_table().unwrap().clone();
        Self { root, lints, bans: fs::read_to_string(root.join(".clippy.toml")).unwrap() }
    }

    /// What is wrong with a row, in words.
    fn complaints(&self, row: &Row<'_>) -> Vec<String> {
        let files: Vec<_> =
            row.holds.iter().filter(|name| Kind::of(name) == Kind::File).copied().collect();
        let missing = row.holds.iter().filter(|name| !self.has(name, &files));
        let mut wrong: Vec<_> =
            missing.map(|name| format!("{}: there is no {name}", row.id)).collect();
        if row.holds.iter().all(|name| Kind::of(name) == Kind::File) {
            wrong.push(format!("{}: neither a lint nor a type nor a test is named", row.id));
        }
        wrong
    }

    fn has(&self, name: &str, files: &[&str]) -> bool {
        match Kind::of(name) {
            Kind::File => self.root.join(name).exists(),
            Kind::Lint => name.split_once("::").is_some_and(|(tool, lint)| {
                self.lints[tool].as_table().is_some_and(|lints| lints.contains_key(lint))
            }),
            Kind::Ban => self.bans.contains(&format!("path = \"{name}\"")),
            Kind::Test => self.has_test(name),
            Kind::Word => files.iter().any(|file| {
                let text = fs::read_to_string(self.root.join(file)).unwrap_or_default();
                text.split(|it: char| !it.is_alphanumeric() && it != '_').any(|word| word == name)
            }),
        }
    }

    /// Whether a test of that name is in the module: below `tests/it`, or beside what it tests.
    fn has_test(&self, name: &str) -> bool {
        let (path, function) = name.rsplit_once("::").unwrap_or_default();
        let unit = CRATES.iter().find_map(|(of, folder)| {
            path.strip_prefix(of)?.strip_prefix("::").map(|module| (*folder, module))
        });
        let (folder, module) = unit.unwrap_or(("tests/it", path));
        let module = module.replace("::", "/");
        let places = ["", "/mod", "/tests"].map(|end| format!("{folder}/{module}{end}.rs"));
        let texts = places.iter().map(|it| fs::read_to_string(self.root.join(it)));
        texts.flatten().any(|text| names_of_tests(&text).contains(&function))
    }
}

/// The names of the tests of a file.
fn names_of_tests(text: &str) -> BTreeSet<&str> {
    let (mut found, mut is_test) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((before, rest)) = line.split_once("fn ").filter(|_| is_test)
            && matches!(before, "" | "async ")
        {
            found.extend(rest.split(['(', '<']).next());
            is_test = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "
| id | rule | held by |
|---|---|---|
| SR-1 | a | `src/lib.rs`, `clippy::todo` and `a::b` |
| SR-1b | a | `x` |
| ST-2 | a \\| b | nothing |
";

    #[test]
    fn rows_begin_with_an_id() {
        let found = rows(TABLES);

        let ids: Vec<_> = found.iter().map(|row| row.id).collect();
        assert_eq!(ids, ["SR-1", "ST-2"]);
        assert_eq!(found[0].holds, ["src/lib.rs", "clippy::todo", "a::b"]);
    }

    #[test]
    fn what_is_not_there_is_complained_about() {
        let house = House::new();
        let said = |holds: &[&'static str]| house.complaints(&Row { id: "x", holds: holds.into() });

        for there in [
            &["architecture::security::what_is_not_there_is_complained_about"][..],
            &["latchkey::crypto::secret::debug_shows_only_the_prefix"],
            &["latchkey::crypto::secrets_file::keys_are_made_on_the_first_start_and_kept"],
            &["entity::scope_list::a_limit_that_nobody_knows_is_not_overlooked"],
            &["rust::unsafe_code"],
            &["poem::web::RealIp"],
            &["Secret", "src/crypto/secret.rs"],
        ] {
            assert_eq!(said(there), Vec::<String>::new());
        }
        for missing in [
            "architecture::security::said",
            "architecture::nowhere::rows_begin_with_an_id",
            "latchkey::crypto::secret::wrap",
            "clippy::nothing",
            "poem::web::Nothing",
            "Secret",
        ] {
            assert_eq!(said(&[missing]), [format!("x: there is no {missing}")]);
        }
        let nothing = "x: neither a lint nor a type nor a test is named";
        assert_eq!(said(&["src/lib.rs"]), [nothing]);
        assert_eq!(said(&[]), [nothing]);
    }
}
