//! How keys, scopes and workspaces are printed on the key pages.

use chrono::{DateTime, Utc};
use entity::api_key;

use crate::{
    app::App,
    config::{EmptyScopes, Environment, Product},
    identity::memberships::Membership,
    keys::{listing::Listed, scope_list},
    tokens::{scope_words, scopes::Scope},
    web::moment::Moment,
};

/// One key of the list.
#[expect(clippy::struct_excessive_bools, reason = "each is a question that the template asks")]
pub(super) struct KeyRow {
    pub(super) id: String,
    /// `None` while the viewer may only know that the key exists; so are prefix and scopes.
    pub(super) name: Option<String>,
    pub(super) shown: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) environment: String,
    pub(super) owner: String,
    pub(super) created: Moment,
    pub(super) expires: Option<Moment>,
    pub(super) last_used: Option<Moment>,
    /// `3 requests`; `None` while there were none.
    pub(super) uses: Option<String>,
    pub(super) status: &'static str,
    pub(super) tone: &'static str,
    pub(super) is_active: bool,
    pub(super) may_switch: bool,
    pub(super) may_rotate: bool,
    pub(super) has_owner_left: bool,
    pub(super) overlap_ends: Option<Moment>,
    pub(super) was_exposed: bool,
    pub(super) has_leaked: bool,
}

impl KeyRow {
    pub(super) fn of(app: &App, product: &str, listed: &Listed, now: DateTime<Utc>) -> Self {
        let key = &listed.key;
        let (status, tone) = status(key, now);
        let visible = |text: String| listed.is_visible.then_some(text);
        Self {
            id: key.id.to_string(),
            name: visible(key.name.clone()),
            shown: visible(format!("{}…{}", key.prefix, key.last4)),
            scopes: listed.is_visible.then(|| scopes(app, product, key)),
            environment: key.environment.clone(),
            owner: listed.owner.clone(),
            created: Moment::of(key.created_at.0),
            expires: key.expires_at.map(|at| Moment::of(at.0)),
            last_used: key.last_used_at.map(|at| Moment::of(at.0)),
            uses: uses(key.uses),
            status,
            tone,
            is_active: key.is_active,
            may_switch: listed.is_visible && key.revoked_at.is_none(),
            may_rotate: listed.is_visible && matches!(status, "Active" | "Switched off"),
            has_owner_left: listed.has_owner_left,
            overlap_ends: key
                .previous_expires_at
                .filter(|at| listed.is_visible && at.0 > now)
                .map(|at| Moment::of(at.0)),
            was_exposed: listed.is_visible && key.exposed_at.is_some(),
            has_leaked: listed.is_visible && listed.has_leaked,
        }
    }
}

fn scopes(app: &App, product: &str, key: &api_key::Model) -> Vec<String> {
    if key.full_access {
        return vec!["Everything".to_owned()];
    }
    scope_words::list(app, Some(product), &scope_list::scope_of(&key.scopes))
}

fn uses(times: i64) -> Option<String> {
    match times {
        0 => None,
        1 => Some("1 request".to_owned()),
        times => Some(format!("{times} requests")),
    }
}

fn status(key: &api_key::Model, now: DateTime<Utc>) -> (&'static str, &'static str) {
    if key.revoked_at.is_some() {
        ("Revoked", "bad")
    } else if key.expires_at.is_some_and(|at| at.0 <= now) {
        ("Expired", "warn")
    } else if key.is_active {
        ("Active", "good")
    } else {
        ("Switched off", "warn")
    }
}

/// A workspace of the switcher.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) is_open: bool,
}

/// A checkbox.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) is_chosen: bool,
}

/// The scopes that a member of this role may give a key.
pub(super) fn scope_choices(
    product: &Product,
    membership: &Membership,
    chosen: &[&str],
) -> Vec<Choice> {
    let all: Scope = product.scopes.keys().cloned().collect();
    let allowed = all.for_role(Some(membership.role));
    let choice = |(token, words): (&String, &String)| Choice {
        value: token.clone(),
        words: words.clone(),
        is_chosen: chosen.contains(&token.as_str()),
    };
    product.scopes.iter().filter(|(token, _)| allowed.contains(token)).map(choice).collect()
}

/// The environments that the product has keys for.
pub(super) fn environment_choices(product: &Product, chosen: &str) -> Vec<Choice> {
    let words = |environment| match environment {
        Environment::Live => "Live: production data",
        Environment::Test => "Test: the sandbox",
    };
    let environments = [Environment::Live, Environment::Test].into_iter();
    environments
        .filter(|environment| product.format_for(*environment).is_some())
        .map(|environment| Choice {
            value: environment.as_str().to_owned(),
            words: words(environment).to_owned(),
            is_chosen: environment.as_str() == chosen,
        })
        .collect()
}

/// Whether a key of this product may have full access.
pub(super) fn allows_full_access(product: &Product) -> bool {
    product.empty_scopes == EmptyScopes::FullAccess
}
