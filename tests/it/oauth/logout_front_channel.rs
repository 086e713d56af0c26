//! Clients are told by the browser that a session ended (OpenID Connect Front-Channel Logout 1.0).

use entity::client_settings::Settings;

use crate::support::{AFTER, Browser, World, party};

/// CS-L5, CS-L8: a frame for each client, which says who tells it and of which session.
#[tokio::test]
async fn the_browser_tells_every_client_in_a_frame() {
    let (world, acme) = World::of_acme().await;
    let told = |uri: &str| {
        party(Settings { frontchannel_logout_uri: Some(uri.to_owned()), ..Settings::default() })
    };
    let one = world.client(told("https://one.example/out?x=1")).await;
    let other = world.client(told("https://other.example:8443/out")).await;
    let absent = world.client(told("https://absent.example/out")).await;
    let mut browser = Browser::new(&world);
    for client in [&one, &other] {
        world.signed_in_at((&mut browser, client), &acme.ada, "openid").await;
    }
    assert!(!absent.id.is_empty());
    let sid = world.sids(&acme.ada).await[0];
    let hint = world.hint(&world.id_claims(&one, &acme.ada, Some(sid))).await;

    let params =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "s")];
    let page = browser.log_out_with(&params).await;

    assert_eq!((page.status, &*page.text("h1"), page.location()), (200, "Signed out", None));
    let issuer: String = url::form_urlencoded::byte_serialize(world.url("").as_bytes()).collect();
    let expected = [
        format!("https://one.example/out?x=1&iss={issuer}&sid={sid}"),
        format!("https://other.example:8443/out?iss={issuer}&sid={sid}"),
    ];
    for address in &expected {
        let escaped = address.replace('&', "&#38;");
        let is_there = page.body.contains(&escaped)
            || page.body.contains(&address.replace('&', "&amp;"))
            || page.body.contains(address);
        assert!(is_there, "{address}: {}", page.body);
    }
    assert_eq!(page.texts("iframe").len(), 2);
    let policy = page.header("content-security-policy").unwrap();
    let sources = policy.split("; ").find(|part| part.starts_with("frame-src")).unwrap();
    let mut sources: Vec<_> = sources.split(' ').skip(1).collect();
    sources.sort_unstable();
    assert_eq!(sources, ["https://one.example", "https://other.example:8443"]);
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.link("#logout-continue"), format!("{AFTER}&state=s"));
    assert_eq!(page.attribute("script", "src"), "/static/signed-out.js");
    assert_eq!(browser.get("/static/signed-out.js").await.status, 200);
    assert_eq!(browser.get("/settings/profile").await.status, 303);
}

#[tokio::test]
async fn the_plain_form_tells_them_too_and_stays() {
    let (world, acme) = World::of_acme().await;
    let uri = Some("https://one.example/out".to_owned());
    let settings = Settings { frontchannel_logout_uri: uri, ..Settings::default() };
    let client = world.client(party(settings)).await;
    let mut browser = Browser::new(&world);
    world.signed_in_at((&mut browser, &client), &acme.ada, "openid").await;

    let page = browser.get("/oauth/logout").await;
    let page = browser.submit(&page, "#logout-confirm", &[]).await;

    assert_eq!((page.texts("iframe").len(), page.has("#logout-continue")), (1, false));
    assert!(!page.has("script"));
}
