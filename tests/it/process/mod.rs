//! The built program: its command line, its configuration, its beginning and its end.

mod admin_commands;
mod admin_effects;
mod admin_refusals;
mod backup;
mod canaries;
mod config;
mod demo;
mod demo_credentials;
mod descriptors;
mod durability;
mod health;
mod logs;
mod metrics;
mod scan_secrets;
mod shutdown;
mod tls;
mod traces;
