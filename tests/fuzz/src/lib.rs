//! What reads what strangers send: each target feeds one parser with bytes and demands what must hold of
//! whatever it makes of them. That is, besides not failing and coming to an end: what is accepted prints
//! as something that is accepted and means the same, and a canonical form is its own canonical form.
//!
//! `tests/fuzz/short.rs` runs every target over its seeds and a few thousand mutations of them, on any
//! toolchain; `tests/fuzz/run` has libFuzzer do it for as long as one likes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what fails here is what was looked for"
)]

mod clients;
mod credentials;
mod names;
mod pages;
mod passkeys;
pub mod place;
mod requests;
mod signed;

use self::place::Place;

/// Demands of a parser what must hold for these bytes.
pub type Target = fn(&Place, &[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 26] = [
    ("assertion", signed::assertion),
    ("authorization", credentials::authorization),
    ("authorization_details", names::authorization_details),
    ("basic", credentials::basic),
    ("claims", names::claims),
    ("cookies", requests::cookies),
    ("csrf", pages::csrf),
    ("cursors", pages::cursors),
    ("form", requests::form),
    ("forwarded", requests::forwarded),
    ("json", requests::json),
    ("jwk", signed::jwk),
    ("jwt", signed::jwt),
    ("keys", credentials::keys),
    ("listing", pages::listing),
    ("metadata", clients::metadata),
    ("openapi", clients::openapi),
    ("passkey", passkeys::passkey),
    ("proof", signed::proof),
    ("redirect_uris", clients::redirect_uris),
    ("request_object", signed::request_object),
    ("return_path", requests::return_path),
    ("scopes", names::scopes),
    ("user_codes", pages::user_codes),
    ("usernames", names::usernames),
    ("webauthn", signed::webauthn),
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).expect("there is no such target").1
}

/// Bytes as the text that a header or a form would have made of them; `None` where it would have been
/// refused before.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
