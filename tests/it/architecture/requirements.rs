//! Every numbered requirement of the five products is carried by a test, in whose doc comment its
//! number stands, or by a row of `README.md` that says what there is instead.

use std::{collections::BTreeSet, fs, path::Path};

use super::rust_files;

/// The letters of each product's numbers, and the last of them.
const PRODUCTS: [(&str, u32); 5] = [("QF", 24), ("FE", 30), ("SW", 19), ("SF", 17), ("RQ", 31)];
/// The section of `README.md` with the rows.
const SECTION: &str = "\n## The five products\n";

#[test]
fn every_requirement_is_carried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all: BTreeSet<_> = PRODUCTS
        .iter()
        .flat_map(|(product, last)| (1..=*last).map(move |number| format!("{product}-{number}")))
        .collect();
    assert_eq!(all.len(), 121);

    let files = rust_files(&root.join("tests/it"));
    let by_tests =
        files.iter().flat_map(|file| of_tests(&fs::read_to_string(file).unwrap(), &is_number));
    let by_rows = of_rows(&fs::read_to_string(root.join("README.md")).unwrap());
    let carried: BTreeSet<_> = by_tests.chain(by_rows).collect();

    let missing: Vec<_> = all.difference(&carried).collect();
    assert!(missing.is_empty(), "no test and no row carries {missing:?}");
    let unknown: Vec<_> = carried.difference(&all).collect();
    assert!(unknown.is_empty(), "there is no requirement {unknown:?}");
}

/// The words of that kind in the doc comments of the tests of a file.
pub fn of_tests(text: &str, is_number: &dyn Fn(&str) -> bool) -> Vec<String> {
    let (mut found, mut comment) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            comment.extend(numbers(words, is_number));
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            found.append(&mut comment);
        } else if !line.starts_with("#[") {
            comment.clear();
        }
    }
    found
}

/// The numbers in the first column of the section's table.
fn of_rows(readme: &str) -> Vec<String> {
    let (_, section) = readme.split_once(SECTION).unwrap();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    rows.flat_map(|row| numbers(row.split(" |").next().unwrap_or_default(), &is_number)).collect()
}

/// The words of that kind in a text.
pub fn numbers(text: &str, is_number: &dyn Fn(&str) -> bool) -> Vec<String> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '-');
    words.filter(|word| is_number(word)).map(str::to_owned).collect()
}

fn is_number(word: &str) -> bool {
    word.split_once('-').is_some_and(|(product, number)| {
        let is_product = PRODUCTS.iter().any(|(known, _)| *known == product);
        is_product && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
        //! ID-1
        /// ID-2
        const A: u8 = 1;
        /// ID-3, ID-44: a sentence with the ID-5 that
        /// goes on with ID-6.
        #[tokio::test(flavor = \"multi_thread\")]
        #[expect(unused)]
        async fn a() {
            // ID-7
        }
        /// ID-8 to ID-10, ID-, XID-1 and ID-1b.
        #[test]
        fn b() {}
    ";

    #[test]
    fn only_a_tests_own_doc_comment_counts_and_no_range() {
        let found = of_tests(&FILE.replace("ID-", "QF-"), &is_number);

        assert_eq!(found, ["QF-3", "QF-44", "QF-5", "QF-6", "QF-8", "QF-10"]);
    }

    #[test]
    fn only_the_first_column_of_the_sections_table_counts() {
        let readme = "
| ID-1 | no |

## The five products

ID-2 and
| number | instead |
|---|---|
| ID-3, ID-4 | ID-5 is something else |

## Another
| ID-6 | no |
";
        assert_eq!(of_rows(&readme.replace("ID-", "SW-")), ["SW-3", "SW-4"]);
    }
}
