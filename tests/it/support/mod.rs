//! What tests are made of: a [`World`] of one's own, people and clients in it, and actors that
//! reach it by HTTP alone.

mod answer;
mod api_caller;
mod audit;
mod authenticator;
mod browser;
mod certificates;
mod chance;
mod client_app;
mod collector;
mod command;
mod crowds;
mod database;
mod factors;
mod forgery;
mod form;
mod hearer;
mod holder;
mod host;
mod keys;
mod mailbox;
mod messages;
mod openid;
mod parties;
mod people;
mod pkce;
mod process;
mod raw;
mod redis;
mod signer;
mod site;
mod stored;
mod subscriber;
mod totp;
mod world;

pub use self::{
    answer::{Answer, masked},
    api_caller::ApiCaller,
    authenticator::Authenticator,
    browser::{Browser, Page},
    certificates::{Certificates, SecureHost},
    client_app::{Authorization, Callback, ClientApp, Tokens},
    collector::Collector,
    database::{Database, postgres_server},
    factors::seed_on,
    form::Form,
    hearer::Hearer,
    holder::{Draft, Holder},
    host::{AT_ONCE, Host, Reply},
    keys::new_key,
    mailbox::Letter,
    openid::{Library, OPENID, full_profile, id_token_of, opened, relying_party, taken_apart},
    parties::{AFTER, party},
    people::{
        Acme, CALLBACK, Person, exchanging, expel, script, service, texts, web, workspace_named,
    },
    pkce::Pkce,
    process::{Exit, Installation, Process, finished, finished_with},
    redis::Redis,
    signer::Signer,
    site::Site,
    stored::stored,
    subscriber::Subscriber,
    totp::{seed_of, totp},
    world::{Node, World, http},
};
