//! Grants: the standing permission of one user, in one workspace, for one client.

use chrono::TimeDelta;
use entity::{client, grant, member::Role, user, workspace};
use uuid::Uuid;

use super::{
    admission::{self, Admission, Barred, Ceiling},
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::binding::Binding,
    fault::Fault,
    store::{
        self, Txn,
        grants::StandingRecord,
        memberships::{Found, Named, Realm},
    },
    workspaces::names::slug_problem,
};

/// A grant's last use is noted this often at most.
pub(super) const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Where a grant is made and what the user may do there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The workspace; `None` for a user who belongs to none.
    pub workspace: Option<workspace::Model>,
    /// The user's role in it.
    pub role: Option<Role>,
}

impl Place {
    /// A user who belongs to no workspace.
    pub const NOWHERE: Self = Self { workspace: None, role: None };

    /// The workspace's id.
    #[must_use]
    pub fn workspace_id(&self) -> Option<Uuid> {
        self.workspace.as_ref().map(|workspace| workspace.id)
    }
}

impl From<Found> for Place {
    fn from((workspace, role): Found) -> Self {
        Self { workspace: Some(workspace), role: Some(role) }
    }
}

/// The first `limit` places where a user may allow a client to act: the user's workspaces, as far as
/// the client is bound to nothing else. Those of the user's own enterprise come first, then the oldest
/// membership.
///
/// # Errors
/// When the database fails.
pub async fn places(
    app: &App,
    client: &client::Model,
    user: &user::Model,
    limit: u64,
) -> Result<Vec<Place>, Fault> {
    let (db, own) = (app.store.read(), user.enterprise_id);
    let list = |realm, limit| store::memberships::list_oldest(db, user.id, realm, limit);
    let found = match (Binding::of(client), own) {
        (Binding::Workspace(id), _) => {
            let found = store::memberships::find(db, user.id, Named::Id(id)).await?;
            found.into_iter().collect()
        }
        (Binding::Enterprise(id), _) => list(Realm::Of(id), limit).await?,
        (Binding::None, None) => list(Realm::Any, limit).await?,
        (Binding::None, Some(own)) => {
            let mut found = list(Realm::Of(own), limit).await?;
            let rest = limit.saturating_sub(found.len() as u64);
            if rest > 0 {
                found.extend(list(Realm::Beyond(own), rest).await?);
            }
            found
        }
    };
    Ok(found.into_iter().map(Place::from).collect())
}

/// The place that a user means by the id or the slug of a workspace; `None` if the user is not in it,
/// it is disabled, or the client is bound elsewhere.
///
/// # Errors
/// When the database fails.
pub async fn find_place(
    app: &App,
    client: &client::Model,
    user_id: Uuid,
    named: &str,
) -> Result<Option<Place>, Fault> {
    let named = match Uuid::try_parse(named) {
        Ok(id) if id.to_string() == named => Named::Id(id),
        // PostgreSQL takes no NUL in a text, not even in a question
        _ if slug_problem(named).is_some() => return Ok(None),
        _ => Named::Slug(named),
    };
    let found = store::memberships::find(app.store.read(), user_id, named).await?;
    let binding = Binding::of(client);
    let reached = found.filter(|(it, _)| binding.reaches(it.id, it.enterprise_id));
    Ok(reached.map(Place::from))
}

/// What a client that asks for `requested` (everything it may have, if it does not say) can be
/// granted in a place: requested ∩ client's ∩ what the role allows ∩ what the workspace has approved.
/// `None` if it asked and nothing is left (RFC 6749 §5.2, `invalid_scope`).
#[must_use]
pub fn grantable(
    client: &client::Model,
    requested: Option<&Scope>,
    role: Option<Role>,
    ceiling: &Ceiling,
) -> Option<Scope> {
    let possible = ceiling.limit(&Scope::stored(&client.scope).for_role(role));
    match requested {
        None => Some(possible),
        Some(requested) => {
            let granted = requested.intersection(&possible);
            (!granted.is_empty() || requested.is_empty()).then_some(granted)
        }
    }
}

/// What a user says to what a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What is allowed.
    pub allowed: Scope,
    /// What was asked for and is not allowed: it is taken back if it was, and asked again when the
    /// client asks again.
    pub declined: Scope,
}

impl Answer {
    /// Yes to all of it.
    #[must_use]
    pub fn yes(allowed: Scope) -> Self {
        Self { allowed, declined: Scope::default() }
    }
}

/// Records what a user allows a client in a place, if it may act there.
///
/// # Errors
/// When the database fails.
pub async fn allow(
    app: &App,
    txn: &Txn,
    whose @ (client, user_id, workspace_id): (&client::Model, Uuid, Option<Uuid>),
    answer: &Answer,
) -> Result<Result<grant::Model, Barred>, Fault> {
    if let Err(barred) = admission::now(txn, client, user_id, workspace_id).await? {
        return Ok(Err(barred));
    }
    Ok(Ok(record(app, txn, whose, answer).await?))
}

/// Records what a user allows a client that was found admitted in this transaction: changes the live grant or
/// makes one.
///
/// # Errors
/// When the database fails.
pub async fn record(
    app: &App,
    txn: &Txn,
    (client, user_id, workspace_id): (&client::Model, Uuid, Option<Uuid>),
    answer: &Answer,
) -> Result<grant::Model, Fault> {
    let (now, client_id) = (app.now(), client.id.as_str());
    let find = || store::grants::find_live(txn, client_id, user_id, workspace_id);
    if let Some(found) = find().await? {
        return change(app, txn, found, answer).await;
    }
    let row = grant::Model {
        id: app.random.uuid(now),
        client_id: client_id.to_owned(),
        user_id,
        workspace_id,
        scope: answer.allowed.to_string(),
        declined: answer.declined.to_string(),
        created_at: store::instant(now),
        last_used_at: None,
        uses: 0,
        revoked_at: None,
    };
    if store::grants::insert(txn, row.clone()).await?.is_err() {
        // somebody else made it in between
        let found = find().await?.ok_or_else(|| Fault::unavailable("a grant came and went"))?;
        return change(app, txn, found, answer).await;
    }
    let event = Event::new("grant.create", Actor::User(user_id), Target::new("grant", row.id))
        .in_workspace(workspace_id)
        .because(format!("client {client_id}"));
    audit::record(app, txn, event).await?;
    Ok(row)
}

async fn change(
    app: &App,
    txn: &Txn,
    grant: grant::Model,
    answer: &Answer,
) -> Result<grant::Model, Fault> {
    let known = Scope::stored(&grant.scope);
    let kept = known.without(&answer.declined);
    let is_wider = !answer.allowed.is_within(&kept);
    let scope = if is_wider { kept.union(&answer.allowed) } else { kept };
    let declined = Scope::stored(&grant.declined).without(&answer.allowed).union(&answer.declined);
    let (scope_text, declined) = (scope.to_string(), declined.to_string());
    if scope_text == grant.scope && declined == grant.declined {
        return Ok(grant);
    }
    if !store::grants::replace_scope(txn, &grant, (&scope_text, &declined)).await? {
        return Err(Fault::conflict("a grant changed while it was answered"));
    }
    if scope_text != grant.scope {
        let action = if is_wider { "grant.extend" } else { "grant.narrow" };
        let event = Event::new(action, Actor::User(grant.user_id), Target::new("grant", grant.id));
        audit::record(app, txn, event.in_workspace(grant.workspace_id)).await?;
    }
    Ok(grant::Model { scope: scope_text, declined, ..grant })
}

/// A standing grant that already covers what a client asks for.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The grant.
    pub grant_id: Uuid,
    /// Its workspace.
    pub workspace_id: Option<Uuid>,
    /// What the client gets of it.
    pub scope: Scope,
}

/// The newest standing grant that already covers what the client asks for: the user need not be asked
/// again.
///
/// # Errors
/// When the database fails.
pub async fn remembered(
    app: &App,
    client: &client::Model,
    user: &user::Model,
    requested: &Scope,
) -> Result<Option<Remembered>, Fault> {
    let db = app.store.read();
    for standing in store::grants::list_standing(db, user.id, &client.id).await? {
        let admission: Admission = admission::of_standing(&standing, client);
        let StandingRecord { id, scope, workspace_id, role, .. } = standing;
        let is_place = match workspace_id {
            Some(_) => role.is_some(),
            // it was made in no workspace, which is where the user acts only as long as there is none
            None => places(app, client, user, 1).await?.is_empty(),
        };
        if is_place
            && let Ok(ceiling) = admission
            && let Some(granted) = grantable(client, Some(requested), role, &ceiling)
            && granted.is_within(&Scope::stored(&scope))
        {
            return Ok(Some(Remembered { grant_id: id, workspace_id, scope: granted }));
        }
    }
    Ok(None)
}
