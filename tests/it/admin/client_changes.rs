//! `/admin/clients/{id}`: changing a client, its publisher, its binding, its secret, and its end.

use chrono::TimeDelta;
use latchkey::clients::registration::NewClient;

use super::clients::{admin, introduced};
use crate::support::{
    ApiCaller, Browser, CALLBACK, ClientApp, Form, Page, Tokens, World, script, service, web,
};

fn path_of(client: &ClientApp) -> String {
    format!("/admin/clients/{}", client.id)
}

#[tokio::test]
async fn a_publisher_is_verified_and_no_longer() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let client = world.client(NewClient { publisher: Some("Labs".into()), ..web() }).await;
    let page = browser.get(&path_of(&client)).await;

    let answer = browser.submit(&page, "#switch-verified", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The publisher is verified.");
    assert_eq!(page.texts("dl.facts dd")[2], "Labs Verified");
    let consent = Browser::of(&world, &acme.ada).await.open(&client.authorization().path()).await;
    assert!(!consent.body.contains("Not verified"));
    let answer = browser.submit(&page, "#switch-verified", &[]).await;
    assert_eq!(browser.follow(answer).await.texts("dl.facts dd")[2], "Labs Not verified");
    for action in ["client.verify", "client.unverify"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

/// FE-29: where a client's own tokens belong.
#[tokio::test]
async fn a_client_is_bound_elsewhere_and_unbound() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    world.workspace("other").await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let token = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await).access;
    let caller = ApiCaller::bearer(&world, &token);
    assert_eq!(caller.me().await.json()["workspace"]["slug"], "acme");
    let page = browser.get(&path_of(&client)).await;

    let answer = browser.submit(&page, "#bind-client", &[("workspace", " other ")]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The client is bound.");
    assert_eq!(caller.me().await.json()["workspace"]["slug"], "other");
    let refused = browser.submit(&page, "#bind-client", &[("workspace", "nowhere")]).await;
    assert_eq!(refused.text("#workspace-problem"), "The workspace does not exist.");
    assert_eq!(refused.form("#bind-client").get("workspace"), Some("nowhere"));
    let form = unbinding(&page, &client);
    let answer = browser.send_form(&page.url, &form).await;
    assert_eq!(browser.follow(answer).await.text(".flash"), "The client is bound to nothing.");
    caller.me().await.expect(403);
    let again = browser.send_form(&page.url, &form).await;
    assert_eq!(again.text("#client-problem"), "The client is bound to nothing.");
}

/// What the second button of the form does.
fn unbinding(page: &Page, client: &ClientApp) -> Form {
    let mut form = page.form("#bind-client");
    form.action = format!("{}/unbind", path_of(client));
    form
}

#[tokio::test]
async fn a_client_is_bound_to_an_enterprise_and_unbound() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let page = browser.get(&path_of(&client)).await;

    let answer = browser.submit(&page, "#bind-client", &[("enterprise", " ACME ")]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The client is bound.");
    assert!(page.texts("dl.facts dd").contains(&"all of acme (acme)".to_owned()));
    // to one thing at a time
    let token = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await).access;
    ApiCaller::bearer(&world, &token).me().await.expect(403);
    let answer = browser.send_form(&page.url, &unbinding(&page, &client)).await;
    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The client is bound to nothing.");
    assert!(page.texts("dl.facts dd").contains(&"any".to_owned()));
    assert_eq!((world.audited("client.bind").await, world.audited("client.unbind").await), (1, 1));
}

#[tokio::test]
async fn a_binding_that_cannot_be_is_refused_beside_its_field() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let asks =
        world.client(NewClient { may_introspect: true, ..service(Some(&acme.workspace)) }).await;
    for (client, workspace, enterprise, field, words) in [
        (&client, "", "", "workspace", "The workspace or an enterprise has to be named."),
        (&client, "", "nobody", "enterprise", "The enterprise does not exist."),
        (&client, "", "<b>\u{0}", "enterprise", "The enterprise does not exist."),
        (&client, "acme", "acme", "enterprise", "The enterprise cannot be given with a workspace."),
        (
            &asks,
            "",
            "acme",
            "enterprise",
            "The enterprise is not for a client that may introspect; it can be bound to a workspace.",
        ),
    ] {
        let page = browser.get(&path_of(client)).await;
        let typed = [("workspace", workspace), ("enterprise", enterprise)];

        let refused = browser.submit(&page, "#bind-client", &typed).await;

        assert_eq!(refused.status, 422, "{words}");
        assert_eq!(refused.text(&format!("#{field}-problem")), words);
        if !enterprise.contains('\0') {
            assert_eq!(refused.form("#bind-client").get("enterprise"), Some(enterprise));
        }
        let home = "The workspace acme (acme)".to_owned();
        assert!(refused.texts("dl.facts dd").contains(&home));
    }
    assert_eq!(world.audited("client.bind").await, 0);
}

#[tokio::test]
async fn a_client_that_introspects_stays_bound() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let new = NewClient { may_introspect: true, ..service(Some(&acme.workspace)) };
    let client = world.client(new).await;
    let page = browser.get(&path_of(&client)).await;
    let form = unbinding(&page, &client);

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!(answer.status, 422);
    assert!(answer.text("#client-problem").contains("must stay bound"));
}

#[tokio::test]
async fn what_a_client_says_and_may_is_changed() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let client = world.client(web()).await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let callback = adas.authorize(&client.authorization(), &acme.ada).await;
    let pkce = crate::support::Pkce::default();
    let tokens = Tokens::of(&client.exchange(callback.code(), &pkce).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    caller.get("/api/v1/leads").await.expect(200);
    let page = browser.get(&format!("{}/edit", path_of(&client))).await;
    let mut form = page.form("#edit-client-submit");
    assert_eq!(form.get("redirect_uris"), Some(CALLBACK));
    form.set("name", "New name");
    form.set("publisher", "Labs");
    form.set("redirect_uris", &format!("{CALLBACK}\r\nhttps://app.example/cb"));
    form.set("scope", "leads:write");
    form.set("access_token_ttl_secs", "120");
    form.set("policy_uri", "https://app.example/policy");

    let answer = browser.send_form(&page.url, &form).await;

    let page = browser.follow(answer).await;
    assert_eq!((&*page.text("h1"), &*page.text(".flash")), ("New name", "The client is changed."));
    assert_eq!(page.texts("dd li code"), [CALLBACK, "https://app.example/cb", "leads:write"]);
    assert!(page.body.contains("access tokens: 120 s"));
    // what was taken away is refused at once
    caller.get("/api/v1/leads").await.expect(403);
    world.clock.advance(TimeDelta::seconds(61));
    let refreshed = client.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.json()["expires_in"], 120);
    assert_eq!(world.audited("client.update").await, 1);
}

#[tokio::test]
async fn what_breaks_a_rule_is_marked_and_kept() {
    let (world, _, mut browser) = admin().await;
    let client = world.client(web()).await;
    let page = browser.get(&format!("{}/edit", path_of(&client))).await;
    let form = page.form("#edit-client-submit");

    for (field, typed, words) in [
        ("name", "", "The name must be 1 to 120 characters long."),
        ("name", "a\0", "The name must not have control characters or invisible ones."),
        (
            "redirect_uris",
            "http://app.example/",
            "The list number 1 must be https; http is for 127.0.0.1, [::1] and localhost only.",
        ),
        (
            "redirect_uris",
            "",
            "The list must name at least one URI, because authorization_code is a grant type.",
        ),
        ("scope", "cows:milk", "The selection token number 1 is in no product's catalogue."),
        ("access_token_ttl_secs", "soon", "This must be a number of seconds."),
        ("access_token_ttl_secs", "0", "This must be 1 second to 10 years."),
        ("refresh_token_idle_ttl_secs", "99999999999", "This must be 1 second to 10 years."),
        (
            "logo_uri",
            "javascript:alert(1)",
            "The address must be an https URL of at most 2000 bytes.",
        ),
    ] {
        let answer = browser.send_form(&page.url, &form.with(field, typed)).await;
        assert_eq!(answer.status, 422, "{field} {typed:?}");
        assert_eq!(answer.text(&format!("#{field}-problem")), words);
        // a page has no NUL, whatever was typed
        if field != "scope" && !typed.contains('\0') {
            let again = answer.form("#edit-client-submit");
            assert_eq!(again.get(field).unwrap_or_default(), typed, "{field}");
        }
    }
    assert_eq!(browser.get(&path_of(&client)).await.text("h1"), "Web");
    assert_eq!(world.audited("client.update").await, 0);
}

/// The secret before is accepted as long as was chosen: by the token endpoint and by introspection,
/// also when the client is known by heart.
#[tokio::test]
async fn a_secret_is_rotated_with_the_overlap_that_was_chosen() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let new = NewClient { may_introspect: true, ..script() };
    let old = world.client(new).await;
    let token = Tokens::of(&old.password(&acme.ada).await).access;
    let page = browser.get(&format!("{}/rotate-secret", path_of(&old))).await;

    let shown = browser.submit(&page, "#rotate-secret-confirm", &[("overlap", "3600")]).await;

    assert_eq!(shown.status, 200);
    let new = introduced(&world, &shown);
    for client in [&old, &new] {
        Tokens::of(&client.password(&acme.ada).await);
        client.introspect(&token).await.expect(200);
    }
    let page = browser.get(&path_of(&old)).await;
    assert!(page.body.contains("The secret before"));
    world.clock.advance(TimeDelta::hours(1) - TimeDelta::seconds(1));
    old.introspect(&token).await.expect(200);
    world.clock.advance(TimeDelta::seconds(1));
    old.introspect(&token).await.expect(401);
    assert_eq!(old.password(&acme.ada).await.status, 401);
    Tokens::of(&new.password(&acme.ada).await);
    let mut browser = Browser::of(&world, &super::users::another_admin(&world, "late").await).await;
    assert!(!browser.get(&path_of(&old)).await.body.contains("The secret before"));
}

#[tokio::test]
async fn a_second_rotation_ends_what_the_first_has_left() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let first = world.client(script()).await;
    let path = format!("{}/rotate-secret", path_of(&first));
    let mut secrets = vec![first];
    for _ in 0..2 {
        let page = browser.get(&path).await;
        let shown = browser.submit(&page, "#rotate-secret-confirm", &[("overlap", "86400")]).await;
        secrets.push(introduced(&world, &shown));
    }

    let mut statuses = Vec::new();
    for client in &secrets {
        statuses.push(client.password(&acme.ada).await.status);
    }

    assert_eq!(statuses, [401, 200, 200]);
    let page = browser.get(&path).await;
    for overlap in ["-1", "2592001", "soon"] {
        let answer = browser.submit(&page, "#rotate-secret-confirm", &[("overlap", overlap)]).await;
        assert_eq!(answer.status, 422, "{overlap}");
        assert_eq!(answer.text("#overlap-problem"), "The time must be at most 30 days.");
    }
    assert_eq!(world.audited("client.rotate_secret").await, 2);
}

/// Gone with all that was issued to it, and nothing else.
#[tokio::test]
async fn a_client_is_deleted_for_good() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let (client, other) = (world.client(web()).await, world.script().await);
    let mut adas = Browser::of(&world, &acme.ada).await;
    let callback = adas.authorize(&client.authorization(), &acme.ada).await;
    let pkce = crate::support::Pkce::default();
    let tokens = Tokens::of(&client.exchange(callback.code(), &pkce).await);
    let waiting = adas.authorize(&client.authorization(), &acme.ada).await;
    let others = Tokens::of(&other.password(&acme.ada).await);
    let page = browser.get(&format!("{}/delete", path_of(&client))).await;
    assert_eq!(page.text("h1"), "Delete Web for good?");
    assert_eq!(page.texts("main li")[0], "Connections of people that end: 1");
    ApiCaller::bearer(&world, &tokens.access).me().await.expect(200);

    let answer = browser.submit(&page, "#confirm", &[]).await;

    let list = browser.follow(answer).await;
    assert_eq!(list.text(".flash"), "The client is deleted.");
    assert_eq!(list.texts("tbody strong"), ["Script"]);
    ApiCaller::bearer(&world, &tokens.access).me().await.expect(401);
    for refused in
        [client.refresh(&tokens.refresh).await, client.exchange(waiting.code(), &pkce).await]
    {
        assert_eq!((refused.status, &refused.json()["error"]), (401, &"invalid_client".into()));
    }
    ApiCaller::bearer(&world, &others.access).me().await.expect(200);
    assert_eq!(adas.get("/settings/connected-apps").await.texts("article h2"), ["Script"]);
    assert_eq!(browser.get(&path_of(&client)).await.status, 404);
    assert_eq!(browser.submit(&page, "#confirm", &[]).await.status, 404);
    let trail = browser.get("/admin/audit?action=client.delete").await;
    assert!(trail.text("td.title").contains("Web"));
}

#[tokio::test]
async fn no_form_is_taken_from_elsewhere() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let path = path_of(&client);
    let one = browser.get(&path).await;
    let edit = browser.get(&format!("{path}/edit")).await;
    let delete = browser.get(&format!("{path}/delete")).await;

    for (page, button, allow) in [
        (&one, "#switch-verified", "POST"),
        (&one, "#bind-client", "POST"),
        (&edit, "#edit-client-submit", "GET, HEAD, POST"),
        (&delete, "#confirm", "GET, HEAD, POST"),
    ] {
        let form = page.form(button);
        world.refuses_forgeries(&mut browser, page, &form).await;
        world.answers_only_to(allow, &mut browser, (page, &form)).await;
        world.asks_strangers_to_sign_in(page, &form).await;
    }
    let mut adas = Browser::of(&world, &acme.ada).await;
    let own = adas.get("/settings/security").await;
    let mut form = own.form("form");
    for end in ["edit", "delete", "verify", "unverify", "bind", "unbind"] {
        form.action = format!("{path}/{end}");
        assert_eq!(adas.send_form(&own.url, &form).await.status, 404, "{end}");
        let mut form = one.form("#bind-client");
        form.action = format!("/admin/clients/nobody/{end}");
        assert_eq!(browser.send_form(&one.url, &form).await.status, 404, "{end}");
    }
    for end in ["edit", "delete"] {
        assert_eq!(adas.get(&format!("{path}/{end}")).await.status, 404, "{end}");
    }
    unchanged(&world).await;
}

async fn unchanged(world: &World) {
    for action in ["client.update", "client.delete", "client.verify", "client.bind"] {
        assert_eq!(world.audited(action).await, 0, "{action}");
    }
}
