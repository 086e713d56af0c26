//! Everything cryptographic: randomness, secrets and their digests, derivation, sealing, password
//! hashing, passkeys and signed links. The only room that names `ring`, `argon2`, `webauthn_rs` and
//! `jsonwebtoken`.

mod base62;
pub mod certificate;
pub mod derive;
pub mod digest;
pub mod ecdsa;
pub mod jwk;
pub mod jwt;
mod jwt_provider;
pub mod mac;
pub mod passkey;
pub mod password;
pub mod random;
mod refresh;
pub mod sealed;
pub mod secret;
pub mod secrets_file;
pub mod signed;
pub mod signing;
pub mod totp;
