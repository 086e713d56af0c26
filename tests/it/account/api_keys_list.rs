//! The list of a workspace's keys, when there are many.

use chrono::TimeDelta;
use entity::{api_key, member::Role};
use latchkey::{
    keys::listing,
    store::{self, paging::Wanted},
};

use super::api_keys::{KEYS, ada};
use crate::support::{Acme, Browser, Page, World};

/// Keys of Ada's called `Crowd 00001` and so on, beside the ones there are.
async fn many(world: &World, acme: &Acme, count: u32) {
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let db = world.app.store.read();
    let (place, wanted) = (acme.workspace.id, Wanted::default());
    let page = store::api_keys::page(db, place, store::api_keys::Sight::All, &wanted);
    let model = page.await.unwrap().rows.remove(0);
    let row = |number: u32| api_key::Model {
        id: world.app.random.uuid(world.app.now()),
        name: format!("Crowd {number:05}"),
        key_sha256: [number.to_be_bytes().to_vec(), vec![7; 28]].concat(),
        ..model.clone()
    };
    world.rows::<api_key::Entity>((1..=count).map(row).collect()).await;
}

fn names(page: &Page) -> Vec<String> {
    page.texts("td.title strong")
}

#[tokio::test]
async fn keys_are_searched_and_gone_through_and_all_are_counted() {
    let (world, acme, mut browser) = ada().await;
    many(&world, &acme, 1_100).await;

    let first = browser.get(KEYS).await;
    let second = browser.get(&first.link("a[rel=next]")).await;
    let found = browser.submit(&first, "form.search", &[("q", "crowd 0077")]).await;
    let none = browser.submit(&first, "form.search", &[("q", "nothing_like_it")]).await;

    assert_eq!((names(&first).len(), names(&second).len()), (50, 50));
    assert!(first.text(".meter").starts_with("1101 of "), "{}", first.text(".meter"));
    assert_eq!(names(&found).len(), 10);
    assert_eq!(none.text(".empty h2"), "No key found");
    assert_eq!(none.link(".empty a"), KEYS);
    // more than the plan allows: there is no button for another one
    assert!(!first.has("#create-key") && first.has(".flash.warn"));
    let viewer = listing::Viewer::Member { user_id: acme.ada.id, role: Role::Owner };
    let all = listing::list(&world.app, acme.workspace.id, viewer).await.unwrap();
    assert_eq!(all.len(), 1_101, "the API lists every key");
}

/// A search finds a key by what its viewer may know of it, and by its owner.
#[tokio::test]
async fn a_search_tells_nothing_of_the_keys_of_others() {
    let (world, acme, _) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    world.key(&acme.workspace, &ben, "leads:read").await;
    world.clock.advance(TimeDelta::seconds(1));
    many(&world, &acme, 60).await;
    let mut browser = Browser::of(&world, &ben).await;
    let page = browser.get(KEYS).await;

    let theirs = browser.submit(&page, "form.search", &[("q", "crowd 00007")]).await;
    let own = browser.submit(&page, "form.search", &[("q", "a key")]).await;
    let by_owner = browser.submit(&page, "form.search", &[("q", "ADA@")]).await;

    assert_eq!(theirs.text(".empty h2"), "No key found");
    assert_eq!(names(&own), ["a key"]);
    assert_eq!(by_owner.texts("tbody tr").len(), 50);
    assert!(names(&by_owner).is_empty(), "whose they are, and no more");
}
