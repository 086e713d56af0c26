//! Whether a client may act for a user in a workspace, whatever the user says: what the workspace
//! has decided about it, else the workspace's policy for third-party apps; whether the client is bound
//! to a workspace or an enterprise; and whether the user has blocked it.
//!
//! It is looked at when permission is given *and* at each use of what came of it, by the same join
//! that looks at everything else a token depends on: so no race between a decision and a consent
//! leaves a token that works. What a workspace approves is a ceiling on what its members allow; fewer
//! approved scopes narrow what is connected at once, and nobody is asked anew for less.

use entity::{app_policy::Policy, client};
use uuid::Uuid;

use super::scopes::Scope;
use crate::{
    clients::binding::Binding,
    fault::Fault,
    store::{
        Ask, app_policies, authorization_codes::CodeRecord, grants::StandingRecord,
        token_records::TokenRecord,
    },
};

/// Why a client may not act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// The user has blocked it.
    Blocked,
    /// It is bound to another workspace, or to another enterprise than the workspace's.
    Elsewhere,
    /// The workspace has denied it, or every app that it has not approved.
    Denied,
    /// Somebody who runs the workspace has to approve it first.
    NeedsApproval,
}

/// The most that a client may be allowed in a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling(Option<Scope>);

impl Ceiling {
    /// Nothing is beyond it.
    pub const NONE: Self = Self(None);

    /// What of `scope` is below it.
    #[must_use]
    pub fn limit(&self, scope: &Scope) -> Scope {
        match &self.0 {
            Some(approved) => scope.intersection(approved),
            None => scope.clone(),
        }
    }
}

/// What a client may be allowed, or why nothing.
pub type Admission = Result<Ceiling, Barred>;

/// What an admission is judged by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The workspace that the client would act in.
    pub workspace_id: Option<Uuid>,
    /// The enterprise of that workspace, if it belongs to one.
    pub enterprise_id: Option<Uuid>,
    /// What the client is bound to.
    pub binding: Binding,
    /// The workspace's policy, if it has set one.
    pub policy: Option<Policy>,
    /// What it has decided about the client, if anything: the approved scope, or `None`.
    pub decision: Option<Option<&'a str>>,
    /// Whether the user has blocked the client.
    pub is_blocked: bool,
}

/// Judges by these facts.
///
/// # Errors
/// Why the client may not act.
pub fn judge(facts: Facts<'_>) -> Admission {
    if facts.is_blocked {
        return Err(Barred::Blocked);
    }
    let Some(workspace_id) = facts.workspace_id else { return Ok(Ceiling::NONE) };
    if !facts.binding.reaches(workspace_id, facts.enterprise_id) {
        return Err(Barred::Elsewhere);
    }
    // a workspace's own client is no third party in it, nor is its enterprise's
    if facts.binding.owns(workspace_id, facts.enterprise_id) {
        return Ok(Ceiling::NONE);
    }
    match (facts.decision, facts.policy) {
        (Some(Some(approved)), _) => Ok(Ceiling(Some(Scope::stored(approved)))),
        (Some(None), _) | (None, Some(Policy::Deny)) => Err(Barred::Denied),
        (None, Some(Policy::Approval)) => Err(Barred::NeedsApproval),
        (None, Some(Policy::Allow) | None) => Ok(Ceiling::NONE),
    }
}

/// The admission of a client now; in a transaction, if something is to be written by it.
///
/// # Errors
/// When the database fails.
pub async fn now(
    db: &impl Ask,
    client: &client::Model,
    user_id: Uuid,
    workspace_id: Option<Uuid>,
) -> Result<Admission, Fault> {
    let said = app_policies::standing(db, workspace_id, &client.id, user_id).await?;
    Ok(judge(Facts {
        workspace_id,
        enterprise_id: said.enterprise_id,
        binding: Binding::of(client),
        policy: said.policy,
        decision: said.is_decided.then_some(said.approved_scope.as_deref()),
        is_blocked: said.is_blocked,
    }))
}

/// The admission of what a token belongs to.
///
/// # Errors
/// Why its client may not act.
pub fn of_token(record: &TokenRecord) -> Admission {
    judge(Facts {
        // a client's own tokens are under nobody's permission
        workspace_id: record.grant_id.and(record.workspace_id),
        enterprise_id: record.enterprise_id,
        binding: Binding::stored(record.client_workspace_id, record.client_enterprise_id),
        policy: record.app_policy,
        decision: record.is_decided.then_some(record.approved_scope.as_deref()),
        is_blocked: record.is_blocked,
    })
}

/// The admission of what a code was made for.
///
/// # Errors
/// Why the client may not act.
pub fn of_code(record: &CodeRecord, client: &client::Model) -> Admission {
    judge(Facts {
        workspace_id: record.workspace_id,
        enterprise_id: record.enterprise_id,
        binding: Binding::of(client),
        policy: record.app_policy,
        decision: record.is_decided.then_some(record.approved_scope.as_deref()),
        is_blocked: record.is_blocked,
    })
}

/// The admission of a client under a standing grant.
///
/// # Errors
/// Why it may not act.
pub fn of_standing(record: &StandingRecord, client: &client::Model) -> Admission {
    judge(Facts {
        workspace_id: record.workspace_id,
        enterprise_id: record.enterprise_id,
        binding: Binding::of(client),
        policy: record.app_policy,
        decision: record.is_decided.then_some(record.approved_scope.as_deref()),
        is_blocked: record.is_blocked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Uuid = Uuid::from_u128(1);
    const THERE: Uuid = Uuid::from_u128(2);
    const ACME: Uuid = Uuid::from_u128(3);
    const OTHER: Uuid = Uuid::from_u128(4);

    fn facts() -> Facts<'static> {
        Facts { workspace_id: Some(HERE), enterprise_id: Some(ACME), ..Facts::default() }
    }

    #[test]
    fn a_decision_comes_before_the_policy() {
        let (allow, deny) = (Some(Policy::Allow), Some(Policy::Deny));
        let approval = Some(Policy::Approval);
        for (policy, decision, expected) in [
            (None, None, Ok("a b")),
            (allow, None, Ok("a b")),
            (deny, None, Err(Barred::Denied)),
            (approval, None, Err(Barred::NeedsApproval)),
            (None, Some(None), Err(Barred::Denied)),
            (allow, Some(None), Err(Barred::Denied)),
            (deny, Some(Some("b c")), Ok("b")),
            (approval, Some(Some("b c")), Ok("b")),
            (None, Some(Some("")), Ok("")),
        ] {
            let admission = judge(Facts { policy, decision, ..facts() });

            let asked = Scope::stored("a b");
            let allowed = admission.map(|ceiling| ceiling.limit(&asked).to_string());
            assert_eq!(allowed, expected.map(str::to_owned), "{policy:?}");
        }
    }

    #[test]
    fn policies_are_for_third_parties_in_a_workspace() {
        let denied = Facts { policy: Some(Policy::Deny), ..facts() };

        assert_eq!(judge(denied), Err(Barred::Denied));
        for binding in [Binding::Workspace(HERE), Binding::Enterprise(ACME)] {
            assert_eq!(judge(Facts { binding, ..denied }), Ok(Ceiling::NONE), "{binding:?}");
        }
        assert_eq!(judge(Facts { workspace_id: None, ..denied }), Ok(Ceiling::NONE));
    }

    #[test]
    fn a_client_acts_nowhere_but_where_it_is_bound_to() {
        let approved = Facts { decision: Some(Some("a")), ..facts() };

        for binding in [Binding::Workspace(THERE), Binding::Enterprise(OTHER)] {
            for facts in [facts(), approved] {
                assert_eq!(
                    judge(Facts { binding, ..facts }),
                    Err(Barred::Elsewhere),
                    "{binding:?}"
                );
            }
        }
        let binding = Binding::Enterprise(ACME);
        let of_nobody = Facts { enterprise_id: None, binding, ..facts() };
        assert_eq!(judge(of_nobody), Err(Barred::Elsewhere));
    }

    #[test]
    fn a_block_comes_before_everything() {
        let blocked = Facts { is_blocked: true, decision: Some(Some("a")), ..facts() };

        assert_eq!(judge(blocked), Err(Barred::Blocked));
        let binding = Binding::Workspace(HERE);
        assert_eq!(judge(Facts { binding, ..blocked }), Err(Barred::Blocked));
        assert_eq!(judge(Facts { workspace_id: None, ..blocked }), Err(Barred::Blocked));
    }
}
