//! `[]` panics where nothing is: what strangers send is not read by it.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::tokens::walk;

/// The rooms that read what strangers send.
const ROOMS: [&str; 9] =
    ["access", "api", "clients", "forms", "identity", "keys", "oauth", "tokens", "web"];

/// Where an index is within bounds, and why.
const PROVED: [(&str, &str); 10] = [
    ("api/document", "the server's own document"),
    ("api/outline", "the server's own document"),
    ("clients/metadata/registrable.rs", "a position that the URL has itself"),
    ("keys/format.rs", "the prefix and the length were looked at when the key was read"),
    ("keys/sightings.rs", "positions that were found in the same bytes"),
    ("oauth/metadata.rs", "the first of a list that is written there"),
    ("tokens/device.rs", "a remainder of the length"),
    ("web/links.rs", "behind a prefix that is there"),
    ("web/listener/guard.rs", "what was filled before and more since"),
    ("web/qr.rs", "a row of a picture of ours"),
];

/// Words before a bracket that is no index.
const KEYWORDS: [&str; 15] = [
    "mut", "in", "return", "match", "if", "let", "else", "dyn", "impl", "as", "for", "ref",
    "where", "const", "static",
];

/// The indexes of a file that somebody must prove, as they are written.
pub fn unproved(path: &str, text: &str) -> Vec<String> {
    let room = path.split('/').next().unwrap_or_default();
    let is_read = ROOMS.contains(&room.strip_suffix(".rs").unwrap_or(room));
    if !is_read || PROVED.iter().any(|(start, _)| path.starts_with(start)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    walk(text.parse().unwrap(), &mut |tokens, at| {
        let TokenTree::Group(group) = &tokens[at] else { return };
        let is_index = group.delimiter() == Delimiter::Bracket && has_items(&tokens[..at]);
        if is_index && !is_harmless(group.stream()) {
            found.push(format!("{}[{}]", tokens[at - 1], group.stream()));
        }
    });
    found
}

/// Whether what stands before a bracket can be looked into: a name, a call, another index. The name of a lifetime
/// cannot.
fn has_items(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Punct(tick), TokenTree::Ident(_)] if tick.as_char() == '\'' => false,
        [.., TokenTree::Ident(name)] => !KEYWORDS.contains(&name.to_string().as_str()),
        [.., TokenTree::Group(group)] => group.delimiter() != Delimiter::Brace,
        _ => false,
    }
}

/// A member of JSON by its name, which is null where nothing is; and all there is.
fn is_harmless(index: TokenStream) -> bool {
    let tokens: Vec<_> = index.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(_)] => true,
        [TokenTree::Punct(star), TokenTree::Ident(_)] => star.as_char() == '*',
        [TokenTree::Literal(literal)] => literal.to_string().starts_with('"'),
        [TokenTree::Punct(one), TokenTree::Punct(other)] => {
            one.as_char() == '.' && other.as_char() == '.'
        }
        _ => false,
    }
}

#[test]
fn an_index_is_seen_however_it_is_written() {
    let text = r#"#[derive(Debug)] struct A<'a>([u8; 4], &'a [u8]);
        fn f(x: &[u8]) { let _ = (x[0], g()[1..], json["a"], x[..], vec![1], &mut [2]); a.b[n + 1] = 2; }
        mod tests { fn g() { x[0]; } }"#;

    assert_eq!(unproved("web/body.rs", text), ["x[0]", "()[1 ..]", "b[n + 1]"]);
    assert_eq!(unproved("web/qr.rs", text), Vec::<String>::new());
    assert_eq!(unproved("store/mod.rs", text), Vec::<String>::new());
}
