//! Enterprises: realms of users, named by a PIN.

use entity::enterprise::Model;

use super::{Checked, Pin, names::name_problem, refused};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store,
};

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
