//! Going through the tokens of a file.

use proc_macro2::{TokenStream, TokenTree};

/// Passes every token outside unit tests, with its neighbours and where it stands among them; what is
/// inside brackets after the brackets themselves.
pub fn walk(tokens: TokenStream, pass: &mut impl FnMut(&[TokenTree], usize)) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_tests = matches!(token, TokenTree::Ident(name) if name == "mod")
            && matches!(tokens.get(at + 1), Some(TokenTree::Ident(name)) if name == "tests");
        if is_tests {
            at += 2;
        } else {
            pass(&tokens, at);
            if let TokenTree::Group(group) = token {
                walk(group.stream(), pass);
            }
        }
        at += 1;
    }
}
