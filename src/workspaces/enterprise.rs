//! Enterprises: realms of users, named by a PIN.

use entity::{enterprise::Model, subscription, workspace};
use uuid::Uuid;

use super::{Account, Checked, Pin, lookup, names::name_problem, refused};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store::{
        self,
        paging::{Page, Wanted},
    },
};

/// How many workspaces the page of an enterprise names.
const MAX_WORKSPACES: u64 = 20;

/// An enterprise with what belongs to it.
#[derive(Clone, Debug)]
pub struct Realm {
    /// The enterprise.
    pub enterprise: Model,
    /// How many people it has.
    pub people: People,
    /// Its first workspaces.
    pub workspaces: Vec<workspace::Model>,
    /// How many there are in all.
    pub workspace_count: u64,
    /// Its subscription, if it is enabled for API access.
    pub subscription: Option<subscription::Model>,
}

/// The people of an enterprise, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct People {
    /// All of them.
    pub users: u64,
    /// Those who are verified (KYC).
    pub verified: u64,
    /// Those who may call the Comms API by themselves.
    pub with_comms: u64,
}

/// A page of enterprises, by PIN.
///
/// # Errors
/// When the database fails.
pub async fn enterprises(app: &App, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    store::enterprises::page(app.store.read(), wanted).await
}

/// The enterprise of a PIN as it was typed, with what belongs to it.
///
/// # Errors
/// When the database fails.
pub async fn find_enterprise(app: &App, pin: &str) -> Result<Option<Realm>, Fault> {
    let db = app.store.read();
    let Some(enterprise) = lookup::find_enterprise(db, pin).await? else { return Ok(None) };
    let id = enterprise.id;
    Ok(Some(Realm {
        people: People {
            users: store::users::count_of_enterprise(db, id).await?,
            verified: store::users::count_verified_of_enterprise(db, id).await?,
            with_comms: store::users::count_comms_of_enterprise(db, id).await?,
        },
        workspaces: store::workspaces::list_of_enterprise(db, id, MAX_WORKSPACES).await?,
        workspace_count: store::workspaces::count_of_enterprise(db, id).await?,
        subscription: store::subscriptions::find(db, Account::Enterprise(id)).await?,
        enterprise,
    }))
}

/// Gives an enterprise another name.
///
/// # Errors
/// When the database fails.
pub async fn rename_enterprise(
    app: &App,
    actor: Actor,
    id: Uuid,
    name: &str,
) -> Result<Checked<()>, Fault> {
    if let Some(problem) = name_problem(name) {
        return Ok(Err(vec![problem]));
    }
    let txn = app.store.begin().await?;
    if !store::enterprises::rename(&txn, id, name.trim()).await? {
        return Ok(refused("enterprise", "does not exist"));
    }
    let event = Event::new("enterprise.rename", actor, Target::new("enterprise", id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Ok(()))
}

/// Creates an enterprise.
///
/// # Errors
/// When the database fails.
pub async fn create_enterprise(
    app: &App,
    actor: Actor,
    pin: &str,
    name: &str,
) -> Result<Checked<Model>, Fault> {
    let canonical = Pin::parse(pin);
    let mut problems: Vec<_> = name_problem(name).into_iter().collect();
    if canonical.is_none() {
        problems.push(FieldError::new("pin", "must be 2 to 32 ASCII letters, digits, - and _"));
    }
    let Some(canonical) = canonical.filter(|_| problems.is_empty()) else {
        return Ok(Err(problems));
    };
    let now = app.now();
    let enterprise = Model {
        id: app.random.uuid(now),
        pin: canonical.to_string(),
        name: name.trim().to_owned(),
        comms_allowed_at: None,
        created_at: store::instant(now),
    };
    let txn = app.store.begin().await?;
    if store::enterprises::insert(&txn, enterprise.clone()).await?.is_err() {
        return Ok(refused("pin", "is taken"));
    }
    let target = Target::new("enterprise", enterprise.id);
    audit::record(app, &txn, Event::new("enterprise.create", actor, target)).await?;
    txn.commit().await?;
    Ok(Ok(enterprise))
}
