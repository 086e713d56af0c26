//! The writes that tokens wait for are wholes: all of it happens, or nothing.

use chrono::TimeDelta;
use entity::{access_token, authorization_code, grant, terms::Terms, token_family, types::Instant};
use latchkey::{
    crypto::digest,
    store::{self, Store, issuing, issuing::Rotated},
};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::support::{Tokens, World};

/// A signed-in user's rows.
struct Rows {
    world: World,
    family: token_family::Model,
    token: access_token::Model,
}

/// What a refused write must leave as it is.
#[derive(Debug, PartialEq)]
struct State {
    families: Vec<token_family::Model>,
    tokens: u64,
    codes: Vec<authorization_code::Model>,
    grants: Vec<grant::Model>,
}

impl Rows {
    async fn new() -> Self {
        let (world, acme) = World::of_acme().await;
        Tokens::of(&world.script().await.password(&acme.ada).await);
        let db = world.app.store.read();
        let family = token_family::Entity::find().one(db).await.unwrap().unwrap();
        let token = access_token::Entity::find().one(db).await.unwrap().unwrap();
        Self { world, family, token }
    }

    fn store(&self) -> &Store {
        &self.world.app.store
    }

    fn later(&self) -> Instant {
        store::instant(self.world.app.now() + TimeDelta::minutes(2))
    }

    async fn state(&self) -> State {
        let db = self.store().read();
        State {
            families: token_family::Entity::find().all(db).await.unwrap(),
            tokens: access_token::Entity::find().count(db).await.unwrap(),
            codes: authorization_code::Entity::find().all(db).await.unwrap(),
            grants: grant::Entity::find().all(db).await.unwrap(),
        }
    }

    fn token(&self, name: &str) -> access_token::Model {
        access_token::Model { token_sha256: digest::sha256(name.as_bytes()), ..self.token.clone() }
    }

    fn rotated(&self, access_token: access_token::Model) -> Rotated {
        Rotated {
            family_id: self.family.id,
            generation: 0,
            spent_sha256: self.family.refresh_sha256.clone().unwrap(),
            refresh_sha256: digest::sha256(b"the next refresh token"),
            now: self.later(),
            refresh_expires_at: self.family.expires_at,
            ends_at: self.family.expires_at,
            access_token,
            used_grant: self.family.grant_id,
        }
    }

    fn code(&self, name: &str) -> authorization_code::Model {
        authorization_code::Model {
            code_sha256: digest::sha256(name.as_bytes()),
            family_id: 7,
            client_id: self.family.client_id.clone(),
            grant_id: self.family.grant_id.unwrap(),
            redirect_uri: "https://app.example.com/callback".to_owned(),
            scope: String::new(),
            code_challenge: None,
            nonce: None,
            terms: Some(Terms { sid: Some(name.to_owned()), ..Terms::default() }),
            resource: None,
            user_epoch: 0,
            authenticated_at: self.family.created_at,
            expires_at: self.later(),
            consumed_at: None,
        }
    }

    /// The first rows of a family.
    fn first(&self, id: i64) -> (token_family::Model, access_token::Model) {
        let family = token_family::Model { id, ..self.family.clone() };
        let issued_at = self.later();
        (family, access_token::Model { family_id: id, issued_at, ..self.token(&id.to_string()) })
    }
}

#[tokio::test]
async fn a_refresh_token_is_spent_once_with_all_that_comes_with_it() {
    let rows = Rows::new().await;

    assert!(
        issuing::rotate(rows.store().desk().await.unwrap(), rows.rotated(rows.token("one")))
            .await
            .unwrap()
    );
    let after = rows.state().await;
    assert_eq!((after.families[0].generation, after.tokens), (1, 2));
    assert_eq!(after.grants[0].last_used_at, Some(rows.later()));

    rows.world.clock.advance(TimeDelta::minutes(9));
    assert!(
        !issuing::rotate(rows.store().desk().await.unwrap(), rows.rotated(rows.token("two")))
            .await
            .unwrap()
    );
    assert_eq!(rows.state().await, after);
}

#[tokio::test]
async fn a_refresh_token_is_not_spent_if_what_comes_with_it_cannot_be_stored() {
    let rows = Rows::new().await;
    let before = rows.state().await;

    issuing::rotate(rows.store().desk().await.unwrap(), rows.rotated(rows.token.clone()))
        .await
        .unwrap_err();

    assert_eq!(rows.state().await, before);
}

#[tokio::test]
async fn a_code_is_spent_once_with_all_that_comes_with_it() {
    let rows = Rows::new().await;
    let (code, store) = (rows.code("a code"), rows.store());
    assert!(issuing::authorize(store, code.clone(), None).await.unwrap());
    let now = rows.later();
    let exchange = |id| issuing::exchange(store, code.code_sha256.clone(), rows.first(id), now);

    assert!(exchange(8).await.unwrap());
    let after = rows.state().await;
    assert_eq!((after.families.len(), after.tokens), (2, 2));
    assert_eq!(after.codes[0].consumed_at, Some(now));
    assert_eq!(after.grants[0].last_used_at, Some(now));

    rows.world.clock.advance(TimeDelta::minutes(9));
    assert!(!exchange(9).await.unwrap());
    assert_eq!(rows.state().await, after);
}

#[tokio::test]
async fn a_code_is_not_spent_if_what_comes_with_it_cannot_be_stored() {
    let rows = Rows::new().await;
    let code = rows.code("a code");
    assert!(issuing::authorize(rows.store(), code.clone(), None).await.unwrap());
    let before = rows.state().await;

    // no two families have one id
    let taken = rows.first(rows.family.id);
    issuing::exchange(rows.store(), code.code_sha256, taken, rows.later()).await.unwrap_err();

    assert_eq!(rows.state().await, before);
}

#[tokio::test]
async fn another_clients_code_is_not_spent() {
    let rows = Rows::new().await;
    let code = rows.code("a code");
    assert!(issuing::authorize(rows.store(), code.clone(), None).await.unwrap());
    let before = rows.state().await;

    let (family, token) = rows.first(8);
    let foreign = (token_family::Model { client_id: "another".to_owned(), ..family }, token);
    let store = rows.store();
    assert!(!issuing::exchange(store, code.code_sha256, foreign, rows.later()).await.unwrap());

    assert_eq!(rows.state().await, before);
}

#[tokio::test]
async fn no_token_is_stored_without_its_family() {
    let rows = Rows::new().await;
    let before = rows.state().await;

    let (_, orphan) = rows.first(8);
    assert!(!issuing::issue(rows.store(), orphan).await.unwrap());
    assert_eq!(rows.state().await, before);

    assert!(issuing::issue(rows.store(), rows.token("one")).await.unwrap());
    assert_eq!(rows.state().await.tokens, before.tokens + 1);
}

/// A consent that is revoked while it is used makes no code.
#[tokio::test]
async fn no_code_is_made_under_a_revoked_grant() {
    let rows = Rows::new().await;
    let txn = rows.store().begin().await.unwrap();
    let grant_id = rows.family.grant_id.unwrap();
    assert!(store::grants::revoke(&txn, grant_id, rows.world.app.now()).await.unwrap());
    txn.commit().await.unwrap();

    assert!(!issuing::authorize(rows.store(), rows.code("a code"), None).await.unwrap());

    assert!(rows.state().await.codes.is_empty());
}
