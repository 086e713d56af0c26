//! Digests and signatures are compared by `digest::equal`, in a time that does not show where they differ.

use proc_macro2::{Delimiter, Spacing, TokenTree};

use super::tokens::walk;

/// What digests and signatures are called: the last word of a path, or its end.
const NAMES: [&str; 6] = ["sha256", "sha512", "hex", "mac", "signature", "digest"];

/// The digests that are compared by `==` outside unit tests, by their names.
pub fn compared(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(text.parse().unwrap(), &mut |tokens, at| {
        if is_comparison(&tokens[at..]) {
            let sides = [name_before(&tokens[..at]), name_after(&tokens[at + 2..])];
            found.extend(sides.into_iter().flatten().find(|name| is_digest(name)));
        }
    });
    found
}

fn is_comparison(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(first), TokenTree::Punct(second), ..] = tokens else { return false };
    matches!(first.as_char(), '=' | '!')
        && first.spacing() == Spacing::Joint
        && second.as_char() == '='
}

/// The last name of what stands before: `b` of `a.b`, `a::b(…)`.
fn name_before(tokens: &[TokenTree]) -> Option<String> {
    let mut back = tokens.iter().rev().filter(|token| !matches!(token, TokenTree::Group(_)));
    match back.next() {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        _ => None,
    }
}

/// The last name of what follows.
fn name_after(tokens: &[TokenTree]) -> Option<String> {
    let mut last = None;
    for token in tokens {
        match token {
            TokenTree::Ident(name) => last = Some(name.to_string()),
            TokenTree::Punct(sign) if matches!(sign.as_char(), '.' | ':' | '&' | '*') => {}
            TokenTree::Group(call) if call.delimiter() == Delimiter::Parenthesis => {}
            _ => break,
        }
    }
    last
}

fn is_digest(name: &str) -> bool {
    NAMES.iter().any(|end| name == *end || name.ends_with(&format!("_{end}")))
}

#[test]
fn a_comparison_of_digests_is_seen_however_it_is_written() {
    let text = "fn f() { if row.key_sha256 == sha256(x) {} let _ = a != b.hash(c).code_mac; }
        fn g() { if *x.sha256() != y {} if digest::equal(a, b) == c {} let sha256 = a == b; }
        mod tests { fn h() { assert!(a.sha256 == b); } }";

    assert_eq!(compared(text), ["key_sha256", "code_mac", "sha256"]);
}
