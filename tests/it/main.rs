//! The tests of Latchkey's public surface: actors that speak HTTP to a server of their own.
//!
//! `support/` has the world and its actors; then one file an endpoint, by face. Each begins with
//! the happy path and goes on with every refusal in the order the handler checks them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall stop where it stands"
)]

mod account;
mod admin;
mod api;
mod architecture;
mod branding;
mod cli;
mod instructions;
mod leaps;
mod mail;
mod nodes;
mod oauth;
mod outbound;
mod pages;
mod process;
mod proxies;
mod storage;
mod support;
mod third_party;
mod warm;
