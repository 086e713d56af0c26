//! The gates before some routes (Qflow), in contract §4's order: subscription key, scope,
//! allow-list, trust. The scope stands in `scopes`, between the first of them and the others.

use entity::{enterprise, subscription, user};

use super::{Principal, PrincipalKind};
use crate::{
    app::App,
    crypto::secret::{Secret, SubscriptionKey},
    fault::Fault,
    store,
};

const UNKNOWN: &str = "the subscription key is not valid; it is in the letter that came when the \
    account was enabled for API access";
const FOREIGN: &str = "the subscription key belongs to another account than the credential";
const SUSPENDED: &str = "the subscription is suspended; ask support to resume it";
const EXPIRED: &str = "the subscription has expired; ask support to renew it";

/// The gate that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// No subscription key came with the request.
    NoSubscriptionKey,
    /// Different subscription keys came: nobody can tell which one is meant.
    TwoSubscriptionKeys,
    /// The subscription key must not be used, or not by this principal; why.
    Subscription(&'static str),
    /// The account is not on the allow-list of the Comms API.
    CommsNotEnabled,
    /// The account is not verified (KYC).
    TrustRequired,
}

/// What the account behind a principal may do: the user and the user's enterprise, or, where nobody
/// in particular acts, the enterprise of the workspace.
#[derive(Clone, Debug)]
pub struct Standing {
    user: Option<user::Model>,
    enterprise: Option<enterprise::Model>,
}

/// Demands a subscription key of the principal's account. `keys` are the values of its header.
///
/// # Errors
/// When the database fails.
pub async fn subscription(
    app: &App,
    principal: &Principal,
    keys: &[&[u8]],
) -> Result<Result<Standing, Closed>, Fault> {
    let key = match one(keys) {
        Ok(key) => key,
        Err(closed) => return Ok(Err(closed)),
    };
    let Some(key) = str::from_utf8(key).ok().and_then(Secret::<SubscriptionKey>::parse) else {
        return Ok(Err(Closed::Subscription(UNKNOWN)));
    };
    let (db, now) = (app.store.read(), app.now());
    let Some(found) = store::subscriptions::find_by_key(db, &key.sha256(), now).await? else {
        return Ok(Err(Closed::Subscription(UNKNOWN)));
    };
    let standing = Standing::of(app, principal).await?;
    // whose it is comes first: what has become of an account is nobody else's to know
    let problem = if !standing.holds(&found) {
        FOREIGN
    } else if found.suspended_at.is_some() {
        SUSPENDED
    } else if found.expires_at.is_some_and(|at| at.0 <= now) {
        EXPIRED
    } else {
        return Ok(Ok(standing));
    };
    Ok(Err(Closed::Subscription(problem)))
}

/// The one key among the values of the header; the same one twice is one.
fn one<'a>(keys: &[&'a [u8]]) -> Result<&'a [u8], Closed> {
    let mut present = keys.iter().map(|key| key.trim_ascii()).filter(|key| !key.is_empty());
    let first = present.next().ok_or(Closed::NoSubscriptionKey)?;
    if present.any(|other| other != first) { Err(Closed::TwoSubscriptionKeys) } else { Ok(first) }
}

impl Standing {
    async fn of(app: &App, principal: &Principal) -> Result<Self, Fault> {
        let db = app.store.read();
        let (user, enterprise_id) = match &principal.kind {
            PrincipalKind::User { id, .. } => {
                let user = store::users::find(db, *id).await?;
                let enterprise_id = user.as_ref().and_then(|user| user.enterprise_id);
                (user, enterprise_id)
            }
            PrincipalKind::ServiceAccount { .. } | PrincipalKind::Client { .. } => {
                let workspace = store::workspaces::find(db, principal.workspace.id).await?;
                (None, workspace.and_then(|workspace| workspace.enterprise_id))
            }
        };
        let enterprise = match enterprise_id {
            Some(id) => store::enterprises::find(db, id).await?,
            None => None,
        };
        Ok(Self { user, enterprise })
    }

    /// Whether a subscription is this account's.
    fn holds(&self, subscription: &subscription::Model) -> bool {
        let is_users = subscription.user_id.is_some()
            && subscription.user_id == self.user.as_ref().map(|user| user.id);
        let is_enterprises = subscription.enterprise_id.is_some()
            && subscription.enterprise_id == self.enterprise.as_ref().map(|it| it.id);
        is_users || is_enterprises
    }

    /// Demands that the user, or the enterprise for all its users, is on the allow-list of the Comms
    /// API.
    ///
    /// # Errors
    /// [`Closed::CommsNotEnabled`].
    pub fn demand_comms(&self) -> Result<(), Closed> {
        let user = self.user.as_ref().and_then(|user| user.comms_allowed_at);
        let enterprise = self.enterprise.as_ref().and_then(|it| it.comms_allowed_at);
        user.or(enterprise).map(drop).ok_or(Closed::CommsNotEnabled)
    }

    /// Demands a verified user (KYC): what sends mail is done by somebody who is known.
    ///
    /// # Errors
    /// [`Closed::TrustRequired`].
    pub fn demand_trust(&self) -> Result<(), Closed> {
        if self.is_verified() { Ok(()) } else { Err(Closed::TrustRequired) }
    }

    /// Whether the user is verified; nobody in particular never is.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.verified_at.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_meant_or_none() {
        assert_eq!(one(&[]), Err(Closed::NoSubscriptionKey));
        assert_eq!(one(&[b"", b"  "]), Err(Closed::NoSubscriptionKey));
        assert_eq!(one(&[b"a"]), Ok(&b"a"[..]));
        assert_eq!(one(&[b"a", b" a", b""]), Ok(&b"a"[..]));
        assert_eq!(one(&[b"a", b"b"]), Err(Closed::TwoSubscriptionKeys));
    }
}
