//! The demo's API keys: three of Acme's and one or two of each product's, all owned by Ada.

use entity::workspace;
use uuid::Uuid;

use super::{Failure, document::ApiKeys};
use crate::{
    app::App,
    audit::Actor,
    config::Environment,
    keys::manage::{Creation, KeyOwner, NewKey, create as create_key, too_wide},
};

/// Makes every key. `products` are Ada's workspaces, each named as its product is.
pub(super) async fn create(
    app: &App,
    owner: Uuid,
    acme: &workspace::Model,
    products: &[workspace::Model],
) -> Result<ApiKeys, Failure> {
    let maker = Maker { app, owner };
    let of = |slug: &'static str| {
        let found = products.iter().find(|workspace| workspace.slug == slug);
        found.ok_or_else(|| Failure::unknown(slug))
    };
    let (live, test) = (Environment::Live, Environment::Test);
    let subscribeflow = of("subscribeflow")?;
    Ok(ApiKeys {
        live: maker.full(acme, "Demo live", live).await?,
        test: maker.full(acme, "Demo test", test).await?,
        read_only: maker.read_only(acme, "Demo read only").await?,
        flowestate: maker.full(of("flowestate")?, "Demo", live).await?,
        subworkflow: maker.full(of("subworkflow")?, "Demo", live).await?,
        subscribeflow_live: maker.full(subscribeflow, "Demo live", live).await?,
        subscribeflow_test: maker.full(subscribeflow, "Demo test", test).await?,
        reqflo_live: maker.full(of("reqflo")?, "Demo live", live).await?,
    })
}

struct Maker<'a> {
    app: &'a App,
    owner: Uuid,
}

impl Maker<'_> {
    /// A key with every scope of the workspace's product.
    async fn full(
        &self,
        workspace: &workspace::Model,
        name: &str,
        environment: Environment,
    ) -> Result<String, Failure> {
        self.key(workspace, name, environment, |_| true).await
    }

    async fn read_only(&self, workspace: &workspace::Model, name: &str) -> Result<String, Failure> {
        let is_reading = |scope: &str| scope.ends_with(":read");
        self.key(workspace, name, Environment::Live, is_reading).await
    }

    async fn key(
        &self,
        workspace: &workspace::Model,
        name: &str,
        environment: Environment,
        has: impl Fn(&str) -> bool,
    ) -> Result<String, Failure> {
        let product = self.app.config.products.get(&workspace.product);
        let product = product.ok_or_else(|| Failure::unknown("product"))?;
        let new = NewKey {
            workspace_id: workspace.id,
            name: name.to_owned(),
            scopes: product.scopes.keys().filter(|scope| has(scope)).cloned().collect(),
            full_access: false,
            environment,
            owner: KeyOwner::User(self.owner),
            created_by: Some(self.owner),
            expires_at: None,
        };
        match create_key(self.app, Actor::Operator, new).await? {
            Creation::Created { raw, .. } => Ok(raw.reveal().to_owned()),
            Creation::PlanLimitReached { limit } => Err(Failure::new(format!(
                "plans: the plan {} allows {limit} keys, too few for the demo",
                workspace.plan
            ))),
            Creation::BeyondCredential(excess) => Err(vec![too_wide(&excess)].into()),
            Creation::Invalid(problems) => Err(problems.into()),
        }
    }
}
