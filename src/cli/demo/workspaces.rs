//! The demo's enterprise, workspaces and billable accounts.

use entity::{enterprise, member::Role, workspace};
use uuid::Uuid;

use super::{Failure, document::SubscriptionKeys, people::People};
use crate::{
    app::App,
    audit::Actor::Operator,
    config::DEFAULT_PRODUCT,
    workspaces::{
        Account, NewWorkspace, add_member, allow_comms, create_enterprise, create_workspace,
        open_subscription, verify_user,
    },
};

/// The enterprise's PIN.
pub(super) const PIN: &str = "acme";

/// The workspaces that are named as their product is.
const PRODUCTS: [(&str, &str); 4] = [
    ("flowestate", "FlowEstate"),
    ("subworkflow", "Subworkflow"),
    ("subscribeflow", "SubscribeFlow"),
    ("reqflo", "Reqflo"),
];

pub(super) async fn enterprise(app: &App) -> Result<enterprise::Model, Failure> {
    Ok(create_enterprise(app, Operator, PIN, "Acme Health").await??)
}

/// Acme's workspace and Joe's.
pub(super) async fn homes(app: &App) -> Result<(workspace::Model, workspace::Model), Failure> {
    let acme = NewWorkspace {
        slug: "acme".to_owned(),
        name: "Acme Health".to_owned(),
        enterprise: Some(PIN.to_owned()),
        product: DEFAULT_PRODUCT.to_owned(),
        plan: "pro".to_owned(),
    };
    let joe = NewWorkspace {
        slug: "joe".to_owned(),
        name: "Joe's workspace".to_owned(),
        enterprise: None,
        product: DEFAULT_PRODUCT.to_owned(),
        plan: "free".to_owned(),
    };
    let acme = create_workspace(app, Operator, acme).await??;
    Ok((acme, create_workspace(app, Operator, joe).await??))
}

/// A workspace for each product, owned by `owner`.
pub(super) async fn products(app: &App, owner: Uuid) -> Result<Vec<workspace::Model>, Failure> {
    let mut made = Vec::with_capacity(PRODUCTS.len());
    for (slug, name) in PRODUCTS {
        let new = NewWorkspace {
            slug: slug.to_owned(),
            name: name.to_owned(),
            enterprise: None,
            product: slug.to_owned(),
            plan: "pro".to_owned(),
        };
        let workspace = create_workspace(app, Operator, new).await??;
        add_member(app, Operator, workspace.id, owner, Role::Owner).await??;
        made.push(workspace);
    }
    Ok(made)
}

/// Who may call the gated API: Acme is allow-listed and Ada verified, Joe is verified only.
pub(super) async fn accounts(
    app: &App,
    enterprise_id: Uuid,
    people: &People,
) -> Result<SubscriptionKeys, Failure> {
    let (acme, joe) = (Account::Enterprise(enterprise_id), Account::User(people.joe));
    allow_comms(app, Operator, acme).await?;
    verify_user(app, Operator, people.ada).await?;
    verify_user(app, Operator, people.joe).await?;
    Ok(SubscriptionKeys {
        acme: subscription(app, acme).await?,
        joe: subscription(app, joe).await?,
    })
}

async fn subscription(app: &App, account: Account) -> Result<String, Failure> {
    let issued = open_subscription(app, Operator, account).await??;
    Ok(issued.key.reveal().to_owned())
}
