//! The workspace that somebody who signs up begins with.

use entity::{member::Role, workspace::Model};
use uuid::Uuid;

use super::{Membership, member};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::DEFAULT_PRODUCT,
    crypto::secret,
    fault::Fault,
    store,
};

/// The plan of the configuration that such a workspace is on; it is shipped.
const PLAN: &str = "free";
/// Room for what makes a slug unique.
const MAX_SLUG_BYTES: usize = 40;
const SUFFIX_CHARS: usize = 6;
const ATTEMPTS: usize = 5;

/// Makes a workspace of the default product for a user who has none, in the transaction that makes
/// the user, and named after the user.
pub(crate) async fn create(
    app: &App,
    txn: &store::Txn,
    user_id: Uuid,
    name: &str,
) -> Result<Model, Fault> {
    let workspace = insert(app, txn, name).await?;
    let membership = Membership { workspace_id: workspace.id, role: Role::Owner };
    if member::insert(app, txn, user_id, &membership).await?.is_err() {
        return Err(Fault::internal("a new workspace has a member already"));
    }
    let event = Event::new(
        "workspace.create",
        Actor::User(user_id),
        Target::new("workspace", workspace.id),
    );
    audit::record(app, txn, event.in_workspace(workspace.id)).await?;
    Ok(workspace)
}

async fn insert(app: &App, txn: &store::Txn, name: &str) -> Result<Model, Fault> {
    let now = app.now();
    let mut slug = slug_of(name);
    for _ in 0..ATTEMPTS {
        let workspace = Model {
            id: app.random.uuid(now),
            slug: slug.clone(),
            name: name.trim().to_owned(),
            product: DEFAULT_PRODUCT.to_owned(),
            plan: PLAN.to_owned(),
            enterprise_id: None,
            created_at: store::instant(now),
            disabled_at: None,
        };
        if store::workspaces::insert(txn, workspace.clone()).await?.is_ok() {
            return Ok(workspace);
        }
        let suffix = secret::random_base62(&*app.random, SUFFIX_CHARS).to_ascii_lowercase();
        slug = format!("{}-{suffix}", slug_of(name));
    }
    Err(Fault::unavailable("no free name for a workspace"))
}

/// A name as it may stand in a path; what has no letters of the alphabet there is `workspace`.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for char in name.chars().flat_map(char::to_lowercase) {
        if slug.len() >= MAX_SLUG_BYTES {
            break;
        }
        if char.is_ascii_alphanumeric() {
            slug.push(char);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.len() < 2 { "workspace".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::names::slug_problem, *};

    #[test]
    fn a_name_becomes_a_slug() {
        for (name, slug) in [
            ("Ada Byron", "ada-byron"),
            ("  Ada  King-Byron, 2nd. ", "ada-king-byron-2nd"),
            ("\u{410}\u{434}\u{430}", "workspace"),
            ("A", "workspace"),
            ("<b>", "workspace"),
            ("--a-b--", "a-b"),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
        }
        let long = slug_of(&"Ada ".repeat(30));
        assert!(slug_problem(&format!("{long}-abc123")).is_none(), "{long}");
    }
}
