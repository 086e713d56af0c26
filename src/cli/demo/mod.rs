//! `latchkey serve --demo`: an empty database gets the people, workspaces, clients and keys that the
//! documentation speaks of. Names are fixed, secrets are random on every run.

mod clients;
mod curl;
mod document;
mod keys;
mod people;
mod workspaces;

use crate::{
    app::App,
    cli::output,
    config::DEFAULT_PRODUCT,
    store::{self, paging::Wanted},
};

use self::document::Document;
use super::Failure;

/// The products of the demo, the lowest layer of its configuration.
pub(super) const PRODUCTS: &str = include_str!("../../../examples/products.toml");

/// Fills an empty database, writes `demo.json` and prints commands to try; leaves any other database
/// as it is.
pub(super) async fn run(app: &App) -> Result<(), Failure> {
    if !is_empty(app).await? {
        return output::line(
            "The database is not empty: no demo data was added and nothing was changed.",
        );
    }
    let document = create(app).await.map_err(|failure| {
        failure.because("the demo data is incomplete; empty the database and start again")
    })?;
    let path = document.write(&app.config.data_dir)?;
    output::write(&curl::lines(&document, &path))
}

async fn is_empty(app: &App) -> Result<bool, Failure> {
    let (db, one) = (app.store.read(), Wanted { rows: 1, ..Wanted::default() });
    Ok(store::users::is_empty(db).await?
        && store::workspaces::page(db, None, &one).await?.rows.is_empty()
        && store::clients::page(db, &one).await?.rows.is_empty()
        && store::enterprises::find_by_pin(db, workspaces::PIN).await?.is_none())
}

async fn create(app: &App) -> Result<Document, Failure> {
    let enterprise = workspaces::enterprise(app).await?;
    let (acme, joe) = workspaces::homes(app).await?;
    let people = people::create(app, acme.id, joe.id).await?;
    // later than Acme, which therefore is the first among Ada's
    let products = workspaces::products(app, people.ada).await?;
    let clients = clients::create(app, acme.id).await?;
    let api_keys = keys::create(app, people.ada, &acme, &products).await?;
    let subscription_keys = workspaces::accounts(app, enterprise.id, &people).await?;
    let registration_token = clients::registration_token(app).await?;
    Ok(Document {
        issuer: app.config.issuer.clone(),
        admin: people.admin,
        enterprise: enterprise.into(),
        users: people.users,
        workspaces: [acme, joe]
            .into_iter()
            .chain(products)
            .map(document::Workspace::named)
            .collect(),
        clients,
        api_keys,
        subscription_keys,
        registration_token,
    })
}

/// Every scope of the default product's catalogue.
fn catalogue(app: &App) -> Vec<String> {
    let product = app.config.products.get(DEFAULT_PRODUCT);
    product.map(|product| product.scopes.keys().cloned().collect()).unwrap_or_default()
}
