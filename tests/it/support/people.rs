//! Who is in a world: made by the same rules that the command line and the pages use.

use entity::{enterprise, member::Role, workspace};
use latchkey::{
    app::App,
    audit::Actor,
    clients::binding::Binding,
    clients::registration::{self, NewClient, Registration},
    config::Environment,
    crypto::secret::Secret,
    fault::Fault,
    identity::users::{self, NewUser},
    keys::manage::{self, Creation, KeyOwner, NewKey},
    workspaces::{self, LastOwner, Membership, NewWorkspace, roles::Outcome},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{ClientApp, World};

/// Where the clients that use codes get them: nothing listens there, browsers stop before.
pub const CALLBACK: &str = "http://127.0.0.1:9999/callback";

/// A user, and what only the user knows.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub id: Uuid,
    /// `pin/email` or `email`.
    pub username: String,
    /// The password.
    pub password: String,
}

/// The enterprise of most tests: its workspace and its people.
pub struct Acme {
    /// The workspace `acme`, on the plan `pro`.
    pub workspace: workspace::Model,
    /// Its owner.
    pub ada: Person,
}

/// Takes somebody out of a workspace, its last owner too; `false` if they were not in it.
pub async fn expel(app: &App, workspace_id: Uuid, user_id: Uuid) -> Result<bool, Fault> {
    let place = (workspace_id, user_id);
    let removed = workspaces::remove_member(app, Actor::Operator, place, LastOwner::Goes).await?;
    Ok(removed == Outcome::Done)
}

impl World {
    /// A world with enterprise and workspace `acme`.
    pub async fn of_acme() -> (Self, Acme) {
        let world = Self::new().await;
        let acme = world.acme().await;
        (world, acme)
    }

    /// Enterprise and workspace `acme`, and Ada who owns it.
    pub async fn acme(&self) -> Acme {
        self.enterprise("acme").await;
        let workspace = self
            .workspace_of(NewWorkspace {
                enterprise: Some("acme".to_owned()),
                ..workspace_named("acme")
            })
            .await;
        let ada = self.person("acme/ada@acme.example", &[(&workspace, Role::Owner)]).await;
        Acme { workspace, ada }
    }

    /// An enterprise.
    pub async fn enterprise(&self, pin: &str) -> enterprise::Model {
        let made = workspaces::create_enterprise(&self.app, Actor::Operator, pin, pin).await;
        made.unwrap().unwrap()
    }

    /// A workspace of the default product that belongs to no enterprise.
    pub async fn workspace(&self, slug: &str) -> workspace::Model {
        self.workspace_of(workspace_named(slug)).await
    }

    /// A workspace of any kind.
    pub async fn workspace_of(&self, new: NewWorkspace) -> workspace::Model {
        workspaces::create_workspace(&self.app, Actor::Operator, new).await.unwrap().unwrap()
    }

    /// A user with memberships.
    pub async fn person(&self, username: &str, places: &[(&workspace::Model, Role)]) -> Person {
        let membership = |(it, role): &(&workspace::Model, Role)| Membership {
            workspace_id: it.id,
            role: *role,
        };
        self.person_of(NewUser {
            username: username.to_owned(),
            memberships: places.iter().map(membership).collect(),
            ..NewUser::default()
        })
        .await
    }

    /// A user of any kind, with the given password or one that nobody else has.
    pub async fn person_of(&self, mut new: NewUser) -> Person {
        let chosen = new.password.take().map(|password| password.to_string());
        let password = chosen.unwrap_or_else(|| format!("the password of {}", new.username));
        new.password = Some(Zeroizing::new(password.clone()));
        let made = users::create(&self.app, Actor::Operator, new).await.unwrap();
        let user = made.unwrap_or_else(|problems| panic!("{problems:?}")).user;
        Person { id: user.id, username: user.username, password }
    }

    /// A client of any kind.
    pub async fn client(&self, new: NewClient) -> ClientApp {
        let redirect_uri = new.redirect_uris.first().cloned().unwrap_or_default();
        match registration::register(&self.app, Actor::Operator, new).await.unwrap() {
            Registration::Registered { client, secret } => {
                let secret = secret.as_ref().map(Secret::reveal);
                let mut app = ClientApp::new(self, &client.id, secret);
                app.redirect_uri = redirect_uri;
                app
            }
            Registration::Invalid(problems) => panic!("{problems:?}"),
        }
    }

    /// A confidential client for the password grant.
    pub async fn script(&self) -> ClientApp {
        self.client(script()).await
    }

    /// A confidential client for the authorization-code grant.
    pub async fn web(&self) -> ClientApp {
        self.client(web()).await
    }

    /// A public client for the authorization-code grant.
    pub async fn spa(&self) -> ClientApp {
        self.client(NewClient { is_public: true, ..web() }).await
    }

    /// A confidential client that may introspect, bound to no workspace.
    pub async fn introspector(&self) -> ClientApp {
        self.client(NewClient { may_introspect: true, ..service(None) }).await
    }

    /// A live key of a workspace, owned by a user, with these scopes.
    pub async fn key(&self, workspace: &workspace::Model, owner: &Person, scope: &str) -> String {
        self.key_of(NewKey {
            workspace_id: workspace.id,
            name: "a key".to_owned(),
            scopes: scope.split_whitespace().map(str::to_owned).collect(),
            full_access: false,
            environment: Environment::Live,
            owner: KeyOwner::User(owner.id),
            created_by: None,
            expires_at: None,
        })
        .await
    }

    /// A test key of a workspace, owned by a user, with these scopes.
    pub async fn test_key(
        &self,
        workspace: &workspace::Model,
        owner: &Person,
        scope: &str,
    ) -> String {
        self.key_of(NewKey {
            workspace_id: workspace.id,
            name: "a test key".to_owned(),
            scopes: scope.split_whitespace().map(str::to_owned).collect(),
            full_access: false,
            environment: Environment::Test,
            owner: KeyOwner::User(owner.id),
            created_by: None,
            expires_at: None,
        })
        .await
    }

    /// A key of any kind.
    pub async fn key_of(&self, new: NewKey) -> String {
        match manage::create(&self.app, Actor::Operator, new).await.unwrap() {
            Creation::Created { raw, .. } => raw.reveal().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

/// A workspace of the default product on the plan `pro`.
pub fn workspace_named(slug: &str) -> NewWorkspace {
    NewWorkspace {
        slug: slug.to_owned(),
        name: format!("The workspace {slug}"),
        enterprise: None,
        product: "default".to_owned(),
        plan: "pro".to_owned(),
    }
}

/// A confidential client for the password grant.
pub fn script() -> NewClient {
    NewClient {
        name: "Script".to_owned(),
        grant_types: texts(&["password", "refresh_token"]),
        scope: texts(&["leads:read", "leads:write"]),
        ..NewClient::default()
    }
}

/// A confidential client for the authorization-code grant.
pub fn web() -> NewClient {
    NewClient {
        name: "Web".to_owned(),
        redirect_uris: texts(&[CALLBACK]),
        grant_types: texts(&["authorization_code", "refresh_token"]),
        scope: texts(&["leads:read", "leads:write"]),
        ..NewClient::default()
    }
}

/// A confidential client for itself.
pub fn service(workspace: Option<&workspace::Model>) -> NewClient {
    NewClient {
        name: "Service".to_owned(),
        grant_types: texts(&["client_credentials"]),
        scope: texts(&["leads:read", "leads:write"]),
        binding: workspace.map_or(Binding::None, |it| Binding::Workspace(it.id)),
        ..NewClient::default()
    }
}

/// The same in a workspace, that may exchange tokens (RFC 8693).
pub fn exchanging(workspace: &workspace::Model) -> NewClient {
    let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    NewClient { grant_types: texts(&["client_credentials", grant]), ..service(Some(workspace)) }
}

/// Owned strings.
pub fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
