//! Rows of Latchkey's tables, one file a table. They are the vocabulary of every layer; only
//! `latchkey::store` queries them.
//!
//! Conventions that hold on SQLite and PostgreSQL alike: instants are integer milliseconds, bearer
//! secrets are 32-byte SHA-256 digests, identifiers are version 7 UUIDs, lists are JSON.
#![expect(missing_docs, reason = "columns that say what they are, and what the derive macros make")]

pub mod access_token;
pub mod api_key;
pub mod app_decision;
pub mod app_policy;
pub mod app_request;
pub mod audit_event;
pub mod authorization_code;
pub mod authorization_request;
pub mod blocked_client;
pub mod browser_session;
pub mod client;
pub mod client_settings;
pub mod dataset;
pub mod device_request;
pub mod email;
pub mod enterprise;
pub mod grant;
pub mod guest;
pub mod invalidation;
pub mod invitation;
pub mod known_device;
pub mod lead;
pub mod leak;
pub mod logout_delivery;
pub mod member;
pub mod message;
pub mod outbox;
pub mod passkey;
pub mod pushed_request;
pub mod recovery_code;
pub mod registration_token;
pub mod scan;
pub mod scan_endpoint;
pub mod scan_finding;
pub mod scope_list;
pub mod second_factor_use;
pub mod service;
pub mod service_account;
pub mod session_client;
pub mod sign_in_failure;
pub mod sign_up;
pub mod signing_key;
pub mod spent_challenge;
pub mod spent_id;
pub mod subscriber;
pub mod subscription;
pub mod terms;
pub mod token_family;
pub mod types;
pub mod user;
pub mod workspace;
