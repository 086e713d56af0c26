//! What a user can answer a client that asks: where it may act, with what at most, and where not.

use chrono::{DateTime, Utc};
use entity::{app_decision, app_policy, app_request, client, grant, user};
use uuid::Uuid;

use super::{
    admission::{self, Barred, Ceiling, Facts},
    grants::{self, Place},
    scopes::Scope,
};
use crate::{app::App, clients::binding::Binding, fault::Fault, store};

/// How many places are offered at once: others are named.
const OFFERED: u64 = 50;

/// A place where the client may act if the user says so.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The place.
    pub place: Place,
    /// The most that it can be allowed there; `None` if nothing of what it asks for.
    pub scope: Option<Scope>,
    /// What the user has allowed and declined there before.
    pub before: Option<grant::Model>,
}

/// A place where the client may not act, whatever the user says.
#[derive(Clone, Debug)]
pub struct Barrier {
    /// The place.
    pub place: Place,
    /// Why not.
    pub why: Barred,
    /// When the user has asked for its approval, if that is what it needs.
    pub asked_at: Option<DateTime<Utc>>,
}

/// The first places of a user, and the one that was named.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Where the client may act.
    pub open: Vec<Offer>,
    /// Where it may not.
    pub barred: Vec<Barrier>,
    /// Whether the user has places beside these.
    pub has_more: bool,
}

impl Offers {
    /// The offer of the workspace that is named by its id; `None` if the client may not act there.
    #[must_use]
    pub fn of(&self, named: &str) -> Option<&Offer> {
        let is_it = |id: Uuid| id.to_string() == named;
        self.open.iter().find(|offer| offer.place.workspace_id().is_some_and(is_it))
    }

    /// Whether the client may not act in the workspace that is named by its id, though the user may.
    #[must_use]
    pub fn bars(&self, named: &str) -> bool {
        let is_it = |id: Uuid| id.to_string() == named;
        self.barred.iter().any(|barrier| barrier.place.workspace_id().is_some_and(is_it))
    }

    /// The offer to begin with: of a place where the client is connected already, else the first.
    #[must_use]
    pub fn preferred(&self) -> Option<&Offer> {
        self.open.iter().find(|offer| offer.before.is_some()).or_else(|| self.open.first())
    }

    /// The same, where the client may not act in this workspace: as has been decided meanwhile, and
    /// may not have reached who only reads.
    #[must_use]
    pub fn barring(mut self, workspace_id: Option<Uuid>, why: Barred) -> Self {
        let is_there = |offer: &Offer| offer.place.workspace_id() == workspace_id;
        if let Some(index) = self.open.iter().position(is_there) {
            let place = self.open.remove(index).place;
            self.barred.push(Barrier { place, why, asked_at: None });
        }
        self
    }
}

/// What was said about a client before, in whichever places.
struct Said {
    policies: Vec<app_policy::Model>,
    decisions: Vec<app_decision::Model>,
    requests: Vec<app_request::Model>,
    grants: Vec<grant::Model>,
    is_blocked: bool,
}

impl Said {
    async fn about(
        app: &App,
        client: &client::Model,
        user_id: Uuid,
        ids: &[Uuid],
    ) -> Result<Self, Fault> {
        let (db, client_id) = (app.store.read(), client.id.as_str());
        Ok(Self {
            policies: store::app_policies::list(db, ids).await?,
            decisions: store::app_policies::list_decisions_about(db, client_id, ids).await?,
            requests: store::app_requests::list_of_user(db, user_id, client_id).await?,
            grants: store::grants::list_live(db, user_id, client_id, ids).await?,
            is_blocked: store::blocked_clients::is_blocked(db, user_id, client_id).await?,
        })
    }

    fn admission(&self, client: &client::Model, place: &Place) -> Result<Ceiling, Barred> {
        let id = place.workspace_id();
        let policy = self.policies.iter().find(|row| Some(row.workspace_id) == id);
        let decision = self.decisions.iter().find(|row| Some(row.workspace_id) == id);
        admission::judge(Facts {
            workspace_id: id,
            enterprise_id: place.workspace.as_ref().and_then(|it| it.enterprise_id),
            binding: Binding::of(client),
            policy: policy.map(|row| row.policy),
            decision: decision.map(|row| row.scope.as_deref()),
            is_blocked: self.is_blocked,
        })
    }

    fn before(&self, id: Option<Uuid>) -> Option<grant::Model> {
        self.grants.iter().find(|grant| grant.workspace_id == id).cloned()
    }

    fn asked_at(&self, id: Option<Uuid>) -> Option<DateTime<Utc>> {
        let asked = self.requests.iter().find(|row| Some(row.workspace_id) == id);
        asked.map(|row| row.created_at.0)
    }
}

/// The first places of a user; and before them the workspace that was named, if it is not among them
/// and the client's binding reaches it. Whether there are more.
async fn places(
    app: &App,
    client: &client::Model,
    user: &user::Model,
    named: Option<Uuid>,
) -> Result<(Vec<Place>, bool), Fault> {
    let mut places = grants::places(app, client, user, OFFERED + 1).await?;
    let has_more = places.len() as u64 > OFFERED;
    places.truncate(usize::try_from(OFFERED).unwrap_or(usize::MAX));
    let missing = named.filter(|id| !places.iter().any(|it| it.workspace_id() == Some(*id)));
    if let Some(id) = missing
        && let Some(place) = grants::find_place(app, client, user.id, &id.to_string()).await?
    {
        places.insert(0, place);
    }
    if places.is_empty() {
        places.push(Place::NOWHERE);
    }
    Ok((places, has_more))
}

/// What a user can answer a client that asks for `requested`: in the first places, and in the
/// workspace that was named.
///
/// # Errors
/// When the database fails.
pub async fn list(
    app: &App,
    client: &client::Model,
    user: &user::Model,
    requested: &Scope,
    named: Option<Uuid>,
) -> Result<Offers, Fault> {
    let (places, has_more) = places(app, client, user, named).await?;
    let ids: Vec<_> = places.iter().filter_map(Place::workspace_id).collect();
    let said = Said::about(app, client, user.id, &ids).await?;
    let mut offers = Offers { has_more, ..Offers::default() };
    for place in places {
        let id = place.workspace_id();
        match said.admission(client, &place) {
            Ok(ceiling) => offers.open.push(Offer {
                scope: grants::grantable(client, Some(requested), place.role, &ceiling),
                before: said.before(id),
                place,
            }),
            Err(why) => offers.barred.push(Barrier { why, asked_at: said.asked_at(id), place }),
        }
    }
    Ok(offers)
}
