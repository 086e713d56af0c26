//! Proof Key for Code Exchange (RFC 7636), the client's half.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::crypto::digest;

/// A verifier and its challenge.
#[derive(Clone, Debug)]
pub struct Pkce {
    /// Kept by the client until it presents the code.
    pub verifier: String,
    /// Sent with the authorization request.
    pub challenge: String,
}

impl Pkce {
    /// A pair from a verifier.
    pub fn of(verifier: &str) -> Self {
        Self {
            verifier: verifier.to_owned(),
            challenge: URL_SAFE_NO_PAD.encode(digest::sha256(verifier.as_bytes())),
        }
    }
}

impl Default for Pkce {
    fn default() -> Self {
        // RFC 7636, appendix B
        Self::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    }
}
