//! What tests are made of: a [`World`] of one's own, people and clients in it, and actors that
//! reach it by HTTP alone.

mod answer;
mod api_caller;
mod audit;
mod browser;
mod chance;
mod client_app;
mod command;
mod database;
mod form;
mod mailbox;
mod people;
mod pkce;
mod raw;
mod subscriber;
mod world;

pub use self::{
    answer::{Answer, masked},
    api_caller::ApiCaller,
    browser::{Browser, Page},
    client_app::{Authorization, Callback, ClientApp, Tokens},
    people::{Acme, CALLBACK, Person, script, service, texts, web, workspace_named},
    pkce::Pkce,
    subscriber::Subscriber,
    world::{Node, World},
};
