//! A source file as the rules see it: which paths it names and which strings it holds.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

/// One file of `src/`.
pub struct Source {
    /// Its path below `src/`.
    pub path: String,
    /// Every path that begins at a crate's root, ours as `crate`, as far as it is written:
    /// `["crate", "store", "grants", "revoke"]`.
    pub paths: BTreeSet<Vec<String>>,
    /// Every string literal outside unit tests.
    pub strings: Vec<String>,
}

impl Source {
    /// Reads a file that lies at `path` below `src/`.
    pub fn new(path: &str, text: &str) -> Self {
        let mut source =
            Self { path: path.to_owned(), paths: BTreeSet::new(), strings: Vec::new() };
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        source.read(tokens, &module_of(path));
        source
    }

    /// The room the file is in: the first part of its path.
    pub fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether it is the crate's root, which names every room and imports none.
    pub fn is_map(&self) -> bool {
        self.path == "lib.rs"
    }

    /// Whether it holds unit tests and nothing else.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }

    fn read(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Ident(name) if name == "use" => self.read_use(&tokens, at + 1, module),
                TokenTree::Ident(name) if name == "mod" => {
                    self.read_module(&tokens, at + 1, module)
                }
                TokenTree::Ident(_) => self.read_path(&tokens, at, module),
                TokenTree::Group(group) => {
                    self.read(group.stream(), module);
                    at + 1
                }
                TokenTree::Literal(literal) => {
                    if !self.is_test() {
                        self.strings.extend(string(&literal.to_string()));
                    }
                    at + 1
                }
                // what looks like a comment is an attribute to the compiler
                TokenTree::Punct(_) if is_doc_comment(&tokens[at..]) => at + 2,
                TokenTree::Punct(_) => at + 1,
            };
        }
    }

    /// `use a::{b, c::d};`
    fn read_use(&mut self, tokens: &[TokenTree], start: usize, module: &[String]) -> usize {
        let length = tokens[start..].iter().position(|token| is_punct(token, ';'));
        let end = start + length.unwrap_or(tokens.len() - start);
        self.read_tree(&tokens[start..end], &[], module);
        end
    }

    fn read_tree(&mut self, tokens: &[TokenTree], prefix: &[String], module: &[String]) {
        let mut path = prefix.to_vec();
        let mut is_name = false;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if name == "as" => is_name = true,
                TokenTree::Ident(name) if !is_name => path.push(name.to_string()),
                TokenTree::Group(group) => {
                    let inner: Vec<_> = group.stream().into_iter().collect();
                    for branch in inner.split(|token| is_punct(token, ',')) {
                        self.read_tree(branch, &path, module);
                    }
                    return;
                }
                _ => {}
            }
        }
        if path.len() > prefix.len() {
            self.keep(path, module);
        }
    }

    /// `mod tests { … }`; the strings of unit tests are not the server's.
    fn read_module(&mut self, tokens: &[TokenTree], start: usize, module: &[String]) -> usize {
        let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
            (tokens.get(start), tokens.get(start + 1))
        else {
            return start + 1;
        };
        let strings = self.strings.len();
        let inner = [module, &[name.to_string()]].concat();
        self.read(body.stream(), &inner);
        if name == "tests" {
            self.strings.truncate(strings);
        }
        start + 2
    }

    /// `a::b::c`
    fn read_path(&mut self, tokens: &[TokenTree], start: usize, module: &[String]) -> usize {
        let mut path = Vec::new();
        let mut at = start;
        while let Some(TokenTree::Ident(name)) = tokens.get(at) {
            path.push(name.to_string());
            at += 1;
            let is_joined = [at, at + 1]
                .iter()
                .all(|next| tokens.get(*next).is_some_and(|token| is_punct(token, ':')));
            if !is_joined {
                break;
            }
            at += 2;
        }
        // `.method::<T>()` and `a.b` are no paths from a root
        let is_member = start > 0 && is_punct(&tokens[start - 1], '.');
        if path.len() > 1 && !is_member {
            self.keep(path, module);
        }
        at.max(start + 1)
    }

    /// Keeps a path as seen from its root.
    fn keep(&mut self, path: Vec<String>, module: &[String]) {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let rest = &path[supers..];
        let absolute = match path.first().map(String::as_str) {
            Some("super") => {
                let above = module.len().saturating_sub(supers);
                [&["crate".to_owned()], &module[..above], rest].concat()
            }
            Some("self") => [&["crate".to_owned()], module, &path[1..]].concat(),
            _ => path,
        };
        self.paths.insert(absolute);
    }
}

/// The module path of a file: `oauth/token.rs` is `oauth::token`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// `#[doc = "…"]`, or the end of `#![doc = "…"]`.
fn is_doc_comment(tokens: &[TokenTree]) -> bool {
    let [sign, TokenTree::Group(group), ..] = tokens else { return false };
    let first = group.stream().into_iter().next();
    (is_punct(sign, '#') || is_punct(sign, '!'))
        && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

/// What a string literal says, escapes left as they are; `None` for other literals.
fn string(literal: &str) -> Option<String> {
    let start = literal.find('"')?;
    let end = literal.rfind('"')?;
    let is_string =
        !literal.starts_with('\'') && literal[..start].chars().all(|c| "brc#".contains(c));
    is_string.then(|| literal[start + 1..end].to_owned())
}

#[test]
fn paths_are_seen_from_their_root_however_they_are_written() {
    let source = Source::new(
        "oauth/token.rs",
        r#"
        //! crate::not::a::path, "not a string"
        use std::{env, io::{self, Read as _}};
        use super::{error::OAuthError, params::{self, Params}};
        use super::super::store;
        use crate::app::App as TheApp;
        fn f(x: &App) { crate::tokens::rotate(x); x.y.z::<A>(); self::g(); poem::get(h) }
        mod inner { use super::super::params; fn g() { super::f("/inner") } }
        const A: &str = "/oauth/token"; const B: char = '"';
        mod tests { const C: &str = "/tests"; }
        "#,
    );

    let paths: Vec<_> = source.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        [
            "crate::app::App",
            "crate::oauth::error::OAuthError",
            "crate::oauth::params",
            "crate::oauth::params::Params",
            "crate::oauth::params::self",
            "crate::oauth::token::f",
            "crate::oauth::token::g",
            "crate::store",
            "crate::tokens::rotate",
            "poem::get",
            "std::env",
            "std::io::Read",
            "std::io::self",
        ]
    );
    assert_eq!(source.strings, ["/inner", "/oauth/token"]);
    assert_eq!((source.room(), source.is_map()), ("oauth", false));
}
