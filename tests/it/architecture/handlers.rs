//! The handlers of a face, as its route table names them.

use std::{fs, path::Path};

const VERBS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

/// A handler in a route table.
#[derive(Debug)]
pub struct Handler {
    /// The face.
    pub face: &'static str,
    /// The method it answers.
    pub verb: &'static str,
    /// The module it is in.
    pub module: String,
    /// Its name.
    pub function: String,
    /// Its parameters, as they are written.
    pub parameters: String,
}

impl Handler {
    /// `face::module::function`.
    pub fn name(&self) -> String {
        format!("{}::{}::{}", self.face, self.module, self.function)
    }

    /// Whether it takes a parameter of this type.
    pub fn takes(&self, kind: &str) -> bool {
        let words = self.parameters.split(|it: char| !it.is_alphanumeric() && it != '_');
        words.into_iter().any(|word| word == kind)
    }
}

/// Every `get(module::function)`, `post(…)` … in the route table of a face.
pub fn handlers(face: &'static str) -> Vec<Handler> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(face);
    let table = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let found: Vec<_> = named(&table)
        .into_iter()
        .map(|(verb, module, function)| {
            let file = folder.join(format!("{module}.rs"));
            let text = fs::read_to_string(&file).unwrap_or_default();
            let parameters = parameters(&text, &function)
                .unwrap_or_else(|| panic!("{} has no {function}", file.display()));
            Handler { face, verb, module, function, parameters }
        })
        .collect();
    assert!(found.len() > 10, "the routes of {face} were not found");
    found
}

fn named(table: &str) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for verb in VERBS {
        for (at, _) in table.match_indices(&format!("{verb}(")) {
            let before = table[..at].chars().next_back();
            let inner = &table[at + verb.len() + 1..];
            let inner = inner.split(')').next().unwrap_or_default().trim();
            let Some((module, function)) = inner.split_once("::") else { continue };
            let is_name = |it: &str| it.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let is_word = before.is_some_and(|it| it.is_alphanumeric() || it == '_');
            if !is_word && is_name(module) && is_name(function) {
                found.push((verb, module.to_owned(), function.to_owned()));
            }
        }
    }
    found
}

fn parameters(text: &str, function: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("fn {function}("))?;
    rest.split_once("->").map(|(parameters, _)| parameters.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_found_in_a_table() {
        let table = ".at(x, only(READ, get(to_settings)))
            .at(y, only(SEND, post(second_factor::sign_in)))
            .at(z, only(READ_AND_SEND, get(login::get).post(
                login::post
            )))";
        let mut found = named(table);
        found.sort();

        let is = |verb: &'static str, module: &str, function: &str| {
            (verb, module.to_owned(), function.to_owned())
        };
        let expected = [
            is("get", "login", "get"),
            is("post", "login", "post"),
            is("post", "second_factor", "sign_in"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn parameters_are_those_of_the_function() {
        let text =
            "fn a(x: u8) -> u8 { b() }\nasync fn b(\n    form: CsrfForm,\n) -> Result<()> {}";

        assert_eq!(parameters(text, "a").as_deref(), Some("x: u8) "));
        assert!(parameters(text, "b").unwrap().contains("CsrfForm"));
        assert_eq!(parameters(text, "c"), None);
    }
}
