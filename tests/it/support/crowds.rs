//! Very many rows of a kind, written beside the rules: what grows is looked at, not how it grew.

use chrono::TimeDelta;
use entity::{app_request, client, grant, member, sign_in_failure, user, workspace};
use latchkey::{crypto::digest, store};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};

use super::{ClientApp, Person, World};

/// Rows of one statement: databases bound the number of values.
const AT_ONCE: usize = 500;

impl World {
    /// Calls a table something else: nothing finds it any more.
    pub async fn rename(&self, table: &str, to: &str) {
        let txn = self.app.store.begin().await.unwrap();
        txn.execute_unprepared(&format!("alter table {table} rename to {to}")).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// A count that has come so far by now.
    pub async fn count_of(&self, name: &str, failures: i64) {
        let now = store::instant(self.app.now());
        self.rows::<sign_in_failure::Entity>(vec![sign_in_failure::Model {
            key_sha256: digest::sha256(name.as_bytes()),
            failures,
            window_started_at: now,
            last_failed_at: now,
        }])
        .await;
    }

    /// Rows, as they are.
    pub async fn rows<E>(&self, rows: Vec<E::Model>)
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel> + Clone,
        E::ActiveModel: Send,
    {
        let txn = self.app.store.begin().await.unwrap();
        for some in rows.chunks(AT_ONCE) {
            let some = some.iter().cloned().map(IntoActiveModel::into_active_model);
            E::insert_many(some).exec_without_returning(&txn).await.unwrap();
        }
        txn.commit().await.unwrap();
    }

    /// Workspaces `crowd-1` to `crowd-{count}` that somebody joins one after the other, a second each
    /// from now.
    pub async fn joins(&self, person: &Person, count: u32) -> Vec<workspace::Model> {
        let model = self.workspace("crowd-0").await;
        let now = self.app.now();
        let workspaces: Vec<_> = (1..=count)
            .map(|number| workspace::Model {
                id: self.app.random.uuid(now),
                slug: format!("crowd-{number}"),
                name: format!("Crowd {number}"),
                ..model.clone()
            })
            .collect();
        let members = workspaces.iter().zip(1..).map(|(it, number)| member::Model {
            workspace_id: it.id,
            user_id: person.id,
            role: member::Role::Member,
            created_at: store::instant(now + TimeDelta::seconds(number)),
        });
        let members = members.collect();
        self.rows::<workspace::Entity>(workspaces.clone()).await;
        self.rows::<member::Entity>(members).await;
        workspaces
    }

    /// What somebody has allowed each of `count` apps in a workspace; the apps are like `model`.
    pub async fn connects(
        &self,
        person: &Person,
        place: &workspace::Model,
        model: &ClientApp,
        count: u32,
    ) -> Vec<client::Model> {
        let db = self.app.store.read();
        let found = store::clients::find(db, &model.id).await.unwrap().unwrap();
        let now = self.app.now();
        let clients: Vec<_> = (1..=count)
            .map(|number| client::Model {
                id: format!("crowd-{number:05}"),
                name: format!("Crowd {number:05}"),
                ..found.clone()
            })
            .collect();
        let grants = clients.iter().map(|client| grant::Model {
            id: self.app.random.uuid(now),
            client_id: client.id.clone(),
            user_id: person.id,
            workspace_id: Some(place.id),
            scope: client.scope.clone(),
            declined: String::new(),
            created_at: store::instant(now),
            last_used_at: None,
            uses: 0,
            revoked_at: None,
        });
        let grants = grants.collect();
        self.rows::<client::Entity>(clients.clone()).await;
        self.rows::<grant::Entity>(grants).await;
        clients
    }

    /// Members of a workspace who each ask that an app may be connected to it.
    pub async fn ask(
        &self,
        place: &workspace::Model,
        client: &ClientApp,
        count: u32,
    ) -> Vec<user::Model> {
        let somebody = self.person("somebody@example.com", &[]).await;
        let db = self.app.store.read();
        let model = store::users::find(db, somebody.id).await.unwrap().unwrap();
        let now = self.app.now();
        let users: Vec<_> = (1..=count)
            .map(|number| user::Model {
                id: self.app.random.uuid(now),
                username: format!("crowd{number:04}@example.com"),
                email: format!("crowd{number:04}@example.com"),
                ..model.clone()
            })
            .collect();
        let members = users.iter().map(|user| member::Model {
            workspace_id: place.id,
            user_id: user.id,
            role: member::Role::Member,
            created_at: store::instant(now),
        });
        let requests = users.iter().map(|user| app_request::Model {
            id: self.app.random.uuid(now),
            workspace_id: place.id,
            client_id: client.id.clone(),
            user_id: user.id,
            scope: "leads:read".to_owned(),
            message: None,
            created_at: store::instant(now),
        });
        let (members, requests) = (members.collect(), requests.collect());
        self.rows::<user::Entity>(users.clone()).await;
        self.rows::<member::Entity>(members).await;
        self.rows::<app_request::Entity>(requests).await;
        users
    }
}
