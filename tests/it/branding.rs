//! `[brand]`: the operator's name, logo and colour, wherever people see the server.

use latchkey::config::Config;

use crate::support::{Browser, Page, World};

const NAME: &str = "Ex & Ample <Ltd>";
const ACCENT: &str = "#a01234";

fn branded(logo: &str) -> impl FnOnce(&mut Config) {
    move |config| {
        NAME.clone_into(&mut config.brand.name);
        config.brand.logo = Some(logo.to_owned());
        ACCENT.clone_into(&mut config.brand.accent);
    }
}

/// The sources of pictures that a page allows.
#[track_caller]
fn image_sources(page: &Page) -> Vec<String> {
    let policy = page.header("content-security-policy").unwrap();
    let directive = policy.split("; ").find_map(|it| it.strip_prefix("img-src "));
    directive.unwrap_or_else(|| panic!("{policy}")).split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn pages_and_letters_bear_the_name_the_logo_and_the_colour() {
    let logo = "https://cdn.example:8443/logos/one.svg?size=2";
    let world = World::with(branded(logo)).await;
    let acme = world.acme().await;
    let mut nobodys = Browser::new(&world);
    let mut adas = Browser::of(&world, &acme.ada).await;

    for page in [
        nobodys.get("/login").await,
        nobodys.get("/nothing").await,
        nobodys.get("/oauth/authorize").await,
        adas.get("/settings/security").await,
    ] {
        let place = &page.url;
        assert!(page.text("title").ends_with(&format!("· {NAME}")), "{place}");
        assert_eq!(page.text("header.brand > span"), NAME, "{place}");
        assert_eq!(page.attribute("header.brand img", "src"), logo, "{place}");
        // its origin, and nothing else of another site
        let sources = image_sources(&page);
        let elsewhere: Vec<_> = sources.iter().filter(|it| it.contains("://")).collect();
        assert_eq!(elsewhere, ["https://cdn.example:8443"], "{place}: {sources:?}");
        let sheet = page.attribute("link[href^='/static/brand.css']", "href");
        let sheet = nobodys.get(&sheet).await;
        assert_eq!(sheet.status, 200, "{place}");
        assert!(sheet.body.contains(ACCENT), "{place}: {}", sheet.body);
    }

    let page = nobodys.get("/forgot-password").await;
    nobodys.submit(&page, "#forgot-submit", &[("username", &acme.ada.username)]).await;
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].text.lines().any(|line| line.trim() == NAME), "{}", letters[0].text);
}

#[tokio::test]
async fn a_logo_of_the_server_itself_opens_the_policy_to_nobody() {
    let world = World::with(branded("/static/icon.svg")).await;

    let page = Browser::new(&world).get("/login").await;

    assert_eq!(page.attribute("header.brand img", "src"), "/static/icon.svg");
    let sources = image_sources(&page);
    assert!(!sources.iter().any(|it| it.contains("://")), "{sources:?}");
}

/// Another colour is another address: no browser keeps the old one.
#[tokio::test]
async fn the_address_of_the_colours_changes_with_them() {
    let mut addresses = Vec::new();
    for accent in ["#a01234", "#0a1b2c"] {
        let world = World::with(|config| accent.clone_into(&mut config.brand.accent)).await;
        let page = Browser::new(&world).get("/login").await;
        addresses.push(page.attribute("link[href^='/static/brand.css']", "href"));
    }

    assert_ne!(addresses[0], addresses[1]);
}
