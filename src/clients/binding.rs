//! The binding of a client to a workspace, which its own tokens belong to (FlowEstate), or to an
//! enterprise, in all of whose workspaces it is at home.

use entity::client;
use uuid::Uuid;

use super::authentication::is_id;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store::{self, Txn},
    workspaces::{Checked, lookup, refused},
};

/// Where a client is at home: it acts for users nowhere else, and there it is no third party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Nowhere: it acts wherever it is allowed to.
    #[default]
    None,
    /// In one workspace; what it does for itself, it does there.
    Workspace(Uuid),
    /// In every workspace of one enterprise. It has no tokens of its own for any of them.
    Enterprise(Uuid),
}

impl Binding {
    /// That of a client.
    #[must_use]
    pub const fn of(client: &client::Model) -> Self {
        Self::stored(client.workspace_id, client.enterprise_id)
    }

    /// As the two columns say it, of which one at most has a value.
    #[must_use]
    pub const fn stored(workspace_id: Option<Uuid>, enterprise_id: Option<Uuid>) -> Self {
        match (workspace_id, enterprise_id) {
            (Some(id), _) => Self::Workspace(id),
            (None, Some(id)) => Self::Enterprise(id),
            (None, None) => Self::None,
        }
    }

    /// Whether a workspace, which perhaps belongs to an enterprise, is the client's own.
    #[must_use]
    pub fn owns(self, workspace_id: Uuid, enterprise_id: Option<Uuid>) -> bool {
        match self {
            Self::None => false,
            Self::Workspace(id) => id == workspace_id,
            Self::Enterprise(id) => Some(id) == enterprise_id,
        }
    }

    /// Whether the client may act there at all.
    #[must_use]
    pub fn reaches(self, workspace_id: Uuid, enterprise_id: Option<Uuid>) -> bool {
        self == Self::None || self.owns(workspace_id, enterprise_id)
    }

    /// The workspace, or the enterprise, as the two columns have it.
    #[must_use]
    pub const fn columns(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::None => (None, None),
            Self::Workspace(id) => (Some(id), None),
            Self::Enterprise(id) => (None, Some(id)),
        }
    }
}

/// The binding that somebody means by the slug of a workspace or the PIN of an enterprise. Refused,
/// with the field, if both are given or what is named does not exist.
///
/// # Errors
/// When the database fails.
pub async fn named(
    app: &App,
    slug: Option<&str>,
    pin: Option<&str>,
) -> Result<Checked<Binding>, Fault> {
    match (slug, pin) {
        (None, None) => Ok(Ok(Binding::None)),
        (Some(_), Some(_)) => Ok(refused("enterprise", "cannot be given with a workspace")),
        (Some(slug), None) => Ok(match lookup::find_by_slug(app, slug).await? {
            Some(found) => Ok(Binding::Workspace(found.id)),
            None => refused("workspace", "does not exist"),
        }),
        (None, Some(pin)) => Ok(match lookup::find_enterprise(app.store.read(), pin).await? {
            Some(found) => Ok(Binding::Enterprise(found.id)),
            None => refused("enterprise", "does not exist"),
        }),
    }
}

/// The field that is wrong with a binding now, if one is: what it names has gone, or it would not
/// confine what the client sees.
///
/// # Errors
/// When the database fails.
pub(super) async fn problem(
    txn: &Txn,
    binding: Binding,
    may_introspect: bool,
) -> Result<Option<FieldError>, Fault> {
    let (field, exists) = match binding {
        Binding::None => return Ok(None),
        Binding::Workspace(id) => ("workspace", store::workspaces::find(txn, id).await?.is_some()),
        Binding::Enterprise(_) if may_introspect => {
            let words = "is not for a client that may introspect; it can be bound to a workspace";
            return Ok(Some(FieldError::new("enterprise", words)));
        }
        Binding::Enterprise(id) => {
            ("enterprise", store::enterprises::find(txn, id).await?.is_some())
        }
    };
    Ok((!exists).then(|| FieldError::new(field, "does not exist")))
}

/// Binds a client, whatever it was bound to before: it acts for users there alone from now on, and
/// what it was allowed elsewhere is refused. To bind it to nothing, see [`unbind`].
///
/// # Errors
/// When the database fails.
pub async fn bind(
    app: &App,
    actor: Actor,
    client_id: &str,
    binding: Binding,
) -> Result<Checked<()>, Fault> {
    if !is_id(client_id) {
        return Ok(refused("client", "does not exist"));
    }
    let txn = app.store.begin().await?;
    let Some(client) = store::clients::find(&txn, client_id).await? else {
        return Ok(refused("client", "does not exist"));
    };
    if binding == Binding::None {
        return Ok(refused("workspace", "or an enterprise has to be named"));
    }
    if let Some(problem) = problem(&txn, binding, client.may_introspect).await? {
        return Ok(Err(vec![problem]));
    }
    if !store::clients::bind(&txn, client_id, binding.columns()).await? {
        return Ok(refused("client", "does not exist"));
    }
    audit::record(app, &txn, event("client.bind", actor, client_id, binding)).await?;
    txn.commit().await?;
    Ok(Ok(()))
}

/// Takes the binding from a client, which acts wherever it is allowed to from now on; the API refuses
/// its own tokens. One that may introspect keeps it, because the binding is what confines its sight;
/// such a client can be disabled.
///
/// # Errors
/// When the database fails.
pub async fn unbind(app: &App, actor: Actor, client_id: &str) -> Result<Checked<()>, Fault> {
    if !is_id(client_id) {
        return Ok(refused("client", "does not exist"));
    }
    let txn = app.store.begin().await?;
    let Some(client) = store::clients::find(&txn, client_id).await? else {
        return Ok(refused("client", "does not exist"));
    };
    let binding = Binding::of(&client);
    if binding != Binding::None && client.may_introspect {
        let words = "may introspect and must stay bound; it can be disabled";
        return Ok(refused("client", words));
    }
    let to_nothing = Binding::None.columns();
    if binding == Binding::None || !store::clients::bind(&txn, client_id, to_nothing).await? {
        return Ok(refused("client", "is bound to nothing"));
    }
    audit::record(app, &txn, event("client.unbind", actor, client_id, binding)).await?;
    txn.commit().await?;
    Ok(Ok(()))
}

/// What is noted about a client and where it is, or was, at home.
pub(super) fn event(
    action: &'static str,
    actor: Actor,
    client_id: &str,
    binding: Binding,
) -> Event {
    let event = Event::new(action, actor, Target::new("client", client_id));
    match binding {
        Binding::None => event,
        Binding::Workspace(id) => event.in_workspace(id),
        Binding::Enterprise(id) => event.because(format!("enterprise {id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Uuid = Uuid::from_u128(1);
    const THERE: Uuid = Uuid::from_u128(2);
    const ACME: Uuid = Uuid::from_u128(3);
    const OTHER: Uuid = Uuid::from_u128(4);

    #[test]
    fn a_client_is_at_home_where_it_is_bound_to() {
        for (binding, workspace_id, enterprise_id, owns) in [
            (Binding::None, HERE, Some(ACME), false),
            (Binding::Workspace(HERE), HERE, Some(ACME), true),
            (Binding::Workspace(HERE), THERE, Some(ACME), false),
            (Binding::Enterprise(ACME), HERE, Some(ACME), true),
            (Binding::Enterprise(ACME), HERE, Some(OTHER), false),
            (Binding::Enterprise(ACME), HERE, None, false),
            // ids of two kinds never mean each other
            (Binding::Enterprise(HERE), HERE, None, false),
        ] {
            assert_eq!(binding.owns(workspace_id, enterprise_id), owns, "{binding:?}");
            let reaches = owns || binding == Binding::None;
            assert_eq!(binding.reaches(workspace_id, enterprise_id), reaches, "{binding:?}");
        }
    }

    #[test]
    fn a_binding_is_read_as_it_is_written() {
        for binding in [Binding::None, Binding::Workspace(HERE), Binding::Enterprise(ACME)] {
            let (workspace_id, enterprise_id) = binding.columns();
            assert_eq!(Binding::stored(workspace_id, enterprise_id), binding);
        }
    }
}
