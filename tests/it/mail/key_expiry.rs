//! Letters about API keys that are about to expire: a week and a day before.

use chrono::{DateTime, TimeDelta, Utc};
use entity::member::Role;
use latchkey::{
    audit::Actor,
    config::Environment,
    identity::users,
    jobs::expiry,
    keys::manage::{KeyOwner, NewKey},
    store::{
        api_keys::{self, Sight},
        paging::Wanted,
    },
    workspaces,
};
use uuid::Uuid;

use crate::support::{Acme, ApiCaller, Letter, World, expel};

async fn expires(world: &World, acme: &Acme, owner: KeyOwner, at: DateTime<Utc>) -> String {
    world
        .key_of(NewKey {
            workspace_id: acme.workspace.id,
            name: "Billing sync".to_owned(),
            scopes: ["leads:read".to_owned()].into_iter().collect(),
            full_access: false,
            environment: Environment::Live,
            owner,
            created_by: None,
            expires_at: Some(at),
        })
        .await
}

/// Ada's key, which ends in so many days.
async fn ends_in(world: &World, acme: &Acme, days: i64) -> String {
    let at = world.app.now() + TimeDelta::days(days);
    expires(world, acme, KeyOwner::User(acme.ada.id), at).await
}

async fn told(world: &World) -> Vec<Letter> {
    expiry::run_once(&world.app).await.unwrap();
    world.take_mail().await
}

#[tokio::test]
async fn the_owner_is_told_a_week_and_a_day_before_and_once_each() {
    let (world, acme) = World::of_acme().await;
    let key = ends_in(&world, &acme, 30).await;
    assert_eq!(told(&world).await, []);
    world.clock.advance(TimeDelta::days(23) - TimeDelta::seconds(1));
    assert_eq!(told(&world).await, []);
    world.clock.advance(TimeDelta::seconds(1));

    let letters = told(&world).await;

    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        (&*letter.to, &*letter.subject),
        ("ada@acme.example", "An API key is about to expire")
    );
    let shown = format!("{}…{}", &key[..12], &key[key.len() - 4..]);
    for part in ["“Billing sync”", "“The workspace acme”", "4 April 2027 at 10:27 UTC", &shown]
    {
        assert!(letter.text.contains(part), "{part}: {}", letter.text);
    }
    assert!(!letter.text.contains(&key));
    assert_eq!(letter.link(), world.url("/workspaces/acme/settings/keys"));
    for _ in 0..5 {
        world.clock.advance(TimeDelta::days(1));
        assert_eq!(told(&world).await, []);
    }
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(told(&world).await.len(), 1);
    assert_eq!(told(&world).await, []);
    assert_eq!(ApiCaller::bearer(&world, &key).me().await.status, 200);
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(told(&world).await, []);
    assert_eq!(world.audited("api_key.warn").await, 2);
}

#[tokio::test]
async fn whoever_makes_a_key_for_a_few_days_knows() {
    let (world, acme) = World::of_acme().await;
    ends_in(&world, &acme, 3).await;
    let at = world.app.now() + TimeDelta::hours(3);
    expires(&world, &acme, KeyOwner::User(acme.ada.id), at).await;
    assert_eq!(told(&world).await, []);

    world.clock.advance(TimeDelta::days(2));

    assert_eq!(told(&world).await.len(), 1);
    assert_eq!(told(&world).await, []);
}

#[tokio::test]
async fn of_two_letters_that_are_due_the_last_one_is_sent() {
    let (world, acme) = World::of_acme().await;
    ends_in(&world, &acme, 30).await;
    // nobody was here for four weeks
    world.clock.advance(TimeDelta::days(29));

    assert_eq!(told(&world).await.len(), 1);
    assert_eq!(told(&world).await, []);
}

#[tokio::test]
async fn a_service_accounts_key_is_its_workspaces_owners() {
    let (world, acme) = World::of_acme().await;
    let place = [(&acme.workspace, Role::Owner)];
    world.person("acme/eve@acme.example", &place).await;
    world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let account =
        workspaces::service_account(&world.app, Actor::Operator, acme.workspace.id, "ci").await;
    let owner = KeyOwner::ServiceAccount(account.unwrap().unwrap().id);
    expires(&world, &acme, owner, world.app.now() + TimeDelta::days(30)).await;
    world.clock.advance(TimeDelta::days(23));

    let letters = told(&world).await;

    let to: Vec<_> = letters.iter().map(|letter| &*letter.to).collect();
    assert_eq!(to, ["ada@acme.example", "eve@acme.example"]);
}

#[tokio::test]
async fn what_nobody_can_use_is_nobodys_business() {
    let (world, acme) = World::of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let gone = world.person("acme/gone@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let at = world.app.now() + TimeDelta::days(30);
    for owner in [ben.id, gone.id] {
        expires(&world, &acme, KeyOwner::User(owner), at).await;
    }
    users::disable(&world.app, Actor::Operator, ben.id).await.unwrap();
    let place = acme.workspace.id;
    expel(&world.app, place, gone.id).await.unwrap();
    ends_in(&world, &acme, 30).await;
    ends_in(&world, &acme, 30).await;
    let (db, wanted) = (world.app.store.read(), Wanted::default());
    let keys = api_keys::page(db, place, Sight::All, &wanted).await.unwrap().rows;
    let adas: Vec<Uuid> = keys
        .iter()
        .filter(|key| key.owner_user_id == Some(acme.ada.id))
        .map(|key| key.id)
        .collect();
    let manage = latchkey::keys::manage::set_active;
    assert!(manage(&world.app, Actor::Operator, place, adas[0], false).await.unwrap());
    let revoke = latchkey::keys::manage::revoke;
    revoke(&world.app, Actor::Operator, place, adas[1]).await.unwrap();
    world.clock.advance(TimeDelta::days(23));

    assert_eq!(told(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_tell_once() {
    let (world, acme) = World::of_acme().await;
    let node = world.another_node().await;
    for _ in 0..5 {
        ends_in(&world, &acme, 30).await;
    }
    world.clock.advance(TimeDelta::days(23));

    let (one, two) = tokio::join!(expiry::run_once(&world.app), expiry::run_once(&node.app));

    assert_eq!(one.unwrap() + two.unwrap(), 5);
    assert_eq!(world.take_mail().await.len(), 5);
}
