//! `/settings/workspaces`, and the pages of somebody who is in very many workspaces.

use entity::member::Role;

use crate::support::{Acme, Browser, Page, World};

const PATH: &str = "/settings/workspaces";

/// Ada, who is in Acme and 250 more; her browser.
async fn crowded() -> (World, Acme, Browser) {
    let (world, acme) = World::of_acme().await;
    world.joins(&acme.ada, 250).await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, browser)
}

fn rows(page: &Page) -> usize {
    page.texts("#own-workspaces tbody tr").len()
}

/// The first, the last and one in the middle: whichever order they are read in, one is beyond any cap.
#[tokio::test]
async fn every_workspace_has_its_pages_however_many_there_are() {
    let (_world, _, mut browser) = crowded().await;

    for slug in ["acme", "crowd-1", "crowd-125", "crowd-250"] {
        for page in ["keys", "members"] {
            let page = browser.get(&format!("/workspaces/{slug}/settings/{page}")).await;

            assert_eq!(page.status, 200, "{}", page.url);
            assert!(page.has(".switcher a[aria-current=page]"), "{}", page.body);
        }
    }
    // who is no member is told nothing
    assert_eq!(browser.get("/workspaces/crowd-0/settings/keys").await.status, 404);
    assert_eq!(browser.get("/workspaces/%00/settings/keys").await.status, 404);
}

#[tokio::test]
async fn the_switcher_shows_the_newest_and_leads_to_all() {
    let (_world, _, mut browser) = crowded().await;

    let page = browser.get("/workspaces/crowd-7/settings/keys").await;

    let names = page.texts(".switcher a");
    let newest = ["Crowd 245", "Crowd 246", "Crowd 247", "Crowd 248", "Crowd 249", "Crowd 250"];
    assert_eq!(names[0], "Crowd 7");
    assert_eq!(names[1..7], newest);
    assert_eq!(names[7..], ["All workspaces"]);
    assert_eq!(page.link(".switcher a:last-child"), PATH);
}

#[tokio::test]
async fn all_workspaces_are_searched_and_gone_through() {
    let (_world, _, mut browser) = crowded().await;

    let first = browser.get(PATH).await;
    let second = browser.get(&first.link("a[rel=next]")).await;
    let found = browser.submit(&first, "form.search", &[("q", "CROWD-25")]).await;
    let none = browser.submit(&first, "form.search", &[("q", "<b>\u{0}%")]).await;

    assert_eq!((first.status, &*first.text("h1")), (200, "Your workspaces"));
    assert_eq!((rows(&first), rows(&second)), (50, 50));
    assert_eq!(found.texts("#own-workspaces code"), ["crowd-25", "crowd-250"]);
    assert_eq!(found.texts("td[data-label='Your role']"), ["Member", "Member"]);
    assert_eq!(found.link("#own-workspaces a"), "/workspaces/crowd-25/settings/keys");
    assert_eq!((none.status, rows(&none)), (200, 50), "what cannot be typed is not searched");
    let mut seen = Vec::new();
    let mut page = first;
    loop {
        seen.extend(page.texts("#own-workspaces code"));
        if !page.has("a[rel=next]") {
            break;
        }
        page = browser.get(&page.link("a[rel=next]")).await;
    }
    assert_eq!(seen.len(), 251);
}

#[tokio::test]
async fn who_is_in_none_reads_what_to_do() {
    let world = World::new().await;
    let joe = world.person("joe@example.com", &[]).await;

    let page = Browser::of(&world, &joe).await.get(PATH).await;

    assert_eq!((page.status, &*page.text(".empty h2")), (200, "No workspace yet"));
    let stranger = Browser::new(&world).get(PATH).await;
    assert_eq!(stranger.location(), Some("/login?next=/settings/workspaces"));
}

#[tokio::test]
async fn the_profile_names_some_and_leads_to_all() {
    let (_world, _, mut browser) = crowded().await;

    let page = browser.get("/settings/profile").await;

    assert_eq!(page.link("#all-workspaces"), PATH);
    assert!(page.texts("dl.facts dd").len() < 40, "{}", page.body);
}

/// Nobody who administers the server misses a workspace of a user's.
#[tokio::test]
async fn an_administrator_goes_through_the_workspaces_of_a_user() {
    let (world, _, mut browser) = crate::admin::clients::admin().await;
    let joe = world.person("joe@example.com", &[]).await;
    world.joins(&joe, 60).await;
    let path = format!("/admin/users/{}", joe.id);

    let first = browser.get(&path).await;
    let second = browser.get(&first.link("a[rel=next]")).await;
    let found = browser.submit(&first, "form.search", &[("q", "crowd 33")]).await;

    let cells = "td[data-label=Role]";
    assert_eq!((first.texts(cells).len(), second.texts(cells).len()), (50, 10));
    assert_eq!(found.texts("td[data-label=Workspace]"), ["Crowd 33"]);
    let few = world.workspace("few").await;
    let ben = world.person("ben@example.com", &[(&few, Role::Owner)]).await;
    let page = browser.get(&format!("/admin/users/{}", ben.id)).await;
    assert!(!page.has("form.search") && !page.has("a[rel=next]"));
}
