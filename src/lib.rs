//! Latchkey: an OAuth 2.0 identity server and API-key authority in one binary.
//!
//! # The map
//! Arrows only go down, or right within a row; `tests/it/architecture.rs` keeps it so.
//! ```text
//!  4 process   main.rs → cli/ → server.rs                starts things; joins the faces
//!  3 faces     oauth/   api/   account/   admin/         speak HTTP, one dialect each
//!              web/                                      the HTTP kit they share
//!  2 rules     jobs/ → resources/ → access/ → openid/ → leaks/ → identity/ → keys/ → tokens/
//!              → clients/ → workspaces/ → signing/ → outbox.rs → audit.rs → forms.rs
//!  1 ground    app.rs → store/ · crypto/ · mail/ · outbound.rs · limiter.rs · cache.rs →
//!              metrics.rs · traces.rs · config/ · clock.rs → patience.rs · fault.rs
//!  0 schema    entity (crate)   migration (crate)
//! ```
//! 1. A module imports only from its own row to the right, or from rows below.
//! 2. `poem` appears only in rows 3–4; `sea_orm` only in `store/`; `oxide_auth` only in
//!    `oauth/{registrar,flow,pkce}.rs`; `lettre` only in `mail/`; `argon2`, `ring`,
//!    `jsonwebtoken`, `rsa` and `webauthn_rs` only in `crypto/`; `redis` only in
//!    `limiter/shared.rs`; `prometheus_client` only in `metrics.rs`; `opentelemetry` only in
//!    `traces.rs`, and what sends spans only in `cli/traces.rs`; `tokio_rustls` only in
//!    `crypto/certificate` and `web/listener`; below the faces `reqwest` only in `outbound.rs`.
//! 3. A face sends a browser to another face by a path from `web/links.rs`.
//! 4. Rules take `&App` and plain values and return values; they never see a request.
//! 5. `entity` rows are the vocabulary and may be named anywhere; only `store` queries.

pub mod access;
pub mod account;
pub mod admin;
pub mod api;
pub mod app;
pub mod audit;
pub mod cache;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod fault;
pub mod forms;
pub mod identity;
pub mod jobs;
pub mod keys;
pub mod leaks;
pub mod limiter;
pub mod mail;
pub mod metrics;
pub mod oauth;
pub mod openid;
pub mod outbound;
pub mod outbox;
pub mod patience;
pub mod resources;
pub mod server;
pub mod signing;
pub mod store;
pub mod tokens;
pub mod traces;
pub mod web;
pub mod workspaces;
