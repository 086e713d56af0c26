//! Subscribers (SubscribeFlow): one for each email address in a workspace and environment. Addresses
//! compare as usernames do.

use entity::{subscriber::Model, types::StringList};
use uuid::Uuid;

use super::{Change, Listing, Tenant, Window, write_down};
use crate::{
    app::App,
    audit::Actor,
    fault::{Fault, FieldError},
    identity::username,
    store::{self, Duplicate, subscribers::Changes},
};

/// A subscriber to be added; the sizes were checked at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubscriber {
    /// The email address.
    pub email: String,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Words to find them by.
    pub tags: Vec<String>,
}

/// What is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The email address, if it changes.
    pub email: Option<String>,
    /// The first name.
    pub first_name: Change<String>,
    /// The last name.
    pub last_name: Change<String>,
    /// Every tag, if they change.
    pub tags: Option<Vec<String>>,
}

/// What became of an addition or a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This is the subscriber now.
    Saved(Box<Model>),
    /// There is none with this id.
    Missing,
    /// Another one has this address.
    Taken,
    /// A field breaks a rule.
    Invalid(FieldError),
}

/// Adds a subscriber.
///
/// # Errors
/// When the database fails.
pub async fn create(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    new: NewSubscriber,
) -> Result<Outcome, Fault> {
    let Some(address) = username::canonical_email(&new.email) else {
        return Ok(not_an_address());
    };
    let now = app.now();
    let subscriber = Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        email: new.email,
        address,
        first_name: new.first_name,
        last_name: new.last_name,
        tags: new.tags.into_iter().collect(),
        created_at: store::instant(now),
    };
    let txn = app.store.begin().await?;
    if let Err(Duplicate) = store::subscribers::insert(&txn, subscriber.clone()).await? {
        return Ok(Outcome::Taken);
    }
    write_down(app, &txn, (actor, tenant), "subscriber.create", subscriber.id).await?;
    txn.commit().await?;
    Ok(Outcome::Saved(Box::new(subscriber)))
}

/// A part of the tenant's subscribers, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, tenant: &Tenant, window: &Window) -> Result<Listing<Model>, Fault> {
    store::confined::list(app.store.read(), tenant, window).await
}

/// The tenant's subscriber with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, tenant: &Tenant, id: Uuid) -> Result<Option<Model>, Fault> {
    store::confined::find(app.store.read(), tenant, id).await
}

/// Changes the tenant's subscriber with this id.
///
/// # Errors
/// When the database fails.
pub async fn edit(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    id: Uuid,
    edit: Edit,
) -> Result<Outcome, Fault> {
    let email = match edit.email {
        None => None,
        Some(email) => match username::canonical_email(&email) {
            Some(address) => Some((email, address)),
            None => return Ok(not_an_address()),
        },
    };
    let changes = Changes {
        email,
        first_name: edit.first_name,
        last_name: edit.last_name,
        tags: edit.tags.map(StringList),
    };
    let changes_nothing = changes == Changes::default();
    let txn = app.store.begin().await?;
    match store::subscribers::update(&txn, tenant, id, changes).await? {
        Err(Duplicate) => return Ok(Outcome::Taken),
        Ok(false) => return Ok(Outcome::Missing),
        Ok(true) => {}
    }
    let saved = store::confined::find::<Model>(&txn, tenant, id).await?;
    if !changes_nothing {
        write_down(app, &txn, (actor, tenant), "subscriber.update", id).await?;
    }
    txn.commit().await?;
    Ok(saved.map_or(Outcome::Missing, |subscriber| Outcome::Saved(Box::new(subscriber))))
}

/// Deletes the tenant's subscriber with this id; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(app: &App, actor: Actor, tenant: &Tenant, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::confined::delete::<Model>(&txn, tenant, id).await? {
        return Ok(false);
    }
    write_down(app, &txn, (actor, tenant), "subscriber.delete", id).await?;
    txn.commit().await?;
    Ok(true)
}

fn not_an_address() -> Outcome {
    Outcome::Invalid(FieldError::new("email", "must be an email address"))
}
