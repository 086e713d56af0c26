//! `/admin/clients`: who may not, and what cannot be registered.

use entity::member::Role;
use serde_json::json;

use super::clients::{admin, filled};
use crate::support::{Browser, CALLBACK, Form, Page, Tokens, World};

/// QF-12: nobody registers a client without the operator.
#[tokio::test]
async fn nobody_registers_a_client_by_themselves() {
    let (world, _, mut admins) = admin().await;
    let client = json!({ "client_name": "Mine", "redirect_uris": [CALLBACK] });

    let answer = world.http.post(world.url("/oauth/register")).json(&client).send().await.unwrap();

    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert!(!admins.get("/admin/clients").await.has("tbody tr"));
}

/// QF-12.
#[tokio::test]
async fn to_everybody_else_the_pages_do_not_exist() {
    let (world, _, mut admins) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let token = adas.get("/settings/security").await;
    let token = token.form("form").get("csrf").unwrap().to_owned();
    let client = format!("/admin/clients/{}", script.id);

    for path in ["/admin/clients", "/admin/new-client", &client, &format!("{client}/rotate-secret")]
    {
        let page = adas.get(path).await;
        assert_eq!((page.status, page.text("h1").as_str()), (404, "Page not found"), "{path}");
        assert_eq!(admins.get(path).await.status, 200, "{path}");
    }
    let (page, form) = filled(&mut admins).await;
    let form = form.with("csrf", &token);
    assert_eq!(adas.send_form(&page.url, &form).await.status, 404);
    for end in ["rotate-secret", "disable", "enable"] {
        let mut form = form.clone();
        form.action = format!("{client}/{end}");
        let answer = adas.send_form(&page.url, &form).await;
        assert_eq!((answer.status, answer.text("h1").as_str()), (404, "Page not found"), "{end}");
    }
    assert_eq!(admins.get("/admin/clients").await.texts("tbody tr").len(), 1);
    Tokens::of(&script.password(&acme.ada).await);
    assert!(!adas.get("/settings/profile").await.has("a[href='/admin/clients']"));
}

#[tokio::test]
async fn an_owner_of_a_workspace_is_no_administrator_of_the_server() {
    let world = World::new().await;
    let workspace = world.workspace("acme").await;
    let owner = world.person("owner@example.com", &[(&workspace, Role::Owner)]).await;

    let page = Browser::of(&world, &owner).await.get("/admin/clients").await;

    assert_eq!(page.status, 404);
}

#[tokio::test]
async fn forged_forms_change_nothing() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let client = format!("/admin/clients/{}", script.id);
    let (new, registering) = filled(&mut browser).await;
    let rotation = browser.get(&format!("{client}/rotate-secret")).await;
    let rotating = rotation.form("#rotate-secret-confirm");
    let shown = browser.get(&client).await;
    let question = browser.get(&format!("{client}/disable")).await;
    let disabling = question.form("#confirm");
    let mut enabling = disabling.clone();
    enabling.action = format!("{client}/enable");

    for (page, form, allow) in [
        (&new, &registering, "GET, HEAD, POST"),
        (&rotation, &rotating, "GET, HEAD, POST"),
        (&question, &disabling, "GET, HEAD, POST"),
        (&shown, &enabling, "POST"),
    ] {
        world.refuses_forgeries(&mut browser, page, form).await;
        world.answers_only_to(allow, &mut browser, (page, form)).await;
        world.asks_strangers_to_sign_in(page, form).await;
    }

    Tokens::of(&script.password(&acme.ada).await);
    assert_eq!(browser.get("/admin/clients").await.texts("tbody tr").len(), 1);
}

/// Sends each form: it comes back as it was filled, with this one problem.
async fn names(browser: &mut Browser, new: &Page, cases: Vec<(Form, &str)>) {
    for (form, problem) in cases {
        let page = browser.send_form(&new.url, &form).await;

        assert_eq!((page.status, page.texts("p.problem")), (422, vec![problem.to_owned()]));
        let flash = "The client was not registered. Please look at the marked fields.";
        assert_eq!(page.text(".flash"), flash);
        let again = page.form("#register-client-submit");
        for field in ["name", "redirect_uris", "workspace", "kind", "scope", "publisher"] {
            let sent = form.get(field).unwrap_or_default();
            assert_eq!(again.get(field).unwrap_or_default(), sent, "{field}: {problem}");
        }
    }
    assert!(!browser.get("/admin/clients").await.has("tbody tr"));
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_and_what_was_typed_stays() {
    let (_world, _, mut browser) = admin().await;
    let (new, form) = filled(&mut browser).await;
    let public = form.with("kind", "public").with("redirect_uris", "");
    let secret_only = public.with("grant_type", "client_credentials");
    let public = form.with("kind", "public");

    let cases = vec![
        (form.with("name", ""), "The name must be 1 to 120 characters long."),
        (form.with("name", &"x".repeat(121)), "The name must be 1 to 120 characters long."),
        (
            form.with("name", "a\u{7}"),
            "The name must not have control characters or invisible ones.",
        ),
        (
            form.with("publisher", &"x".repeat(121)),
            "The publisher must be 1 to 120 characters long.",
        ),
        (
            form.with("grant_type", "refresh_token").with("redirect_uris", ""),
            "The selection refresh_token needs authorization_code, password or device_code.",
        ),
        (secret_only, "The selection client_credentials needs a confidential client."),
        (public.with("may_introspect", "yes"), "Introspection needs a confidential client."),
        (form.with("workspace", "nowhere"), "The workspace does not exist."),
    ];

    names(&mut browser, &new, cases).await;
}

#[tokio::test]
async fn redirect_uris_that_could_lead_astray_are_named_by_their_number() {
    let (_world, _, mut browser) = admin().await;
    let (new, form) = filled(&mut browser).await;
    let with = |uris: &str| form.with("redirect_uris", uris);

    let cases = vec![
        (
            with(""),
            "The list must name at least one URI, because authorization_code is a grant type.",
        ),
        (
            with("http://app.example/cb"),
            "The list number 1 must be https; http is for 127.0.0.1, [::1] and localhost only.",
        ),
        (
            with(&format!("{CALLBACK}\nhttps://*.example/cb")),
            "The list number 2 must not have a wildcard.",
        ),
        (with("https://app.example/cb#x"), "The list number 1 must not have a fragment."),
        (
            with("https://me@app.example/cb"),
            "The list number 1 must not have a user name or password.",
        ),
        (
            with("javascript:alert(1)"),
            "The list number 1 must be https, http on loopback, or a private-use scheme with a dot.",
        ),
        (with(&format!("{CALLBACK}\n{CALLBACK}")), "The list names a URI twice."),
    ];

    names(&mut browser, &new, cases).await;
}

#[tokio::test]
async fn a_nul_in_any_field_is_refused() {
    let (_world, _, mut browser) = admin().await;
    let (new, form) = filled(&mut browser).await;

    for field in [
        "name",
        "publisher",
        "redirect_uris",
        "workspace",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "scope",
        "grant_type",
    ] {
        let value = format!("{}\0", form.get(field).unwrap_or_default());
        let page = browser.send_form(&new.url, &form.with(field, &value)).await;

        assert_eq!(page.status, 422, "{field}");
    }
    assert!(!browser.get("/admin/clients").await.has("tbody tr"));
    assert_eq!(browser.get("/admin/clients?after=%00").await.status, 200);
}

#[tokio::test]
async fn unknown_grant_types_and_scopes_are_refused() {
    let (_world, _, mut browser) = admin().await;
    let (new, form) = filled(&mut browser).await;

    for (form, field) in [
        (form.with("grant_type", "implicit"), "grant_types"),
        (form.without("grant_type").with("redirect_uris", ""), "grant_types"),
        (form.with("scope", "cows:milk"), "scope"),
        (form.with("scope", "two words"), "scope"),
    ] {
        let page = browser.send_form(&new.url, &form).await;

        assert_eq!(page.status, 422, "{form:?}");
        assert!(page.has(&format!("#{field}-problem")), "{field}: {:?}", page.texts("p.problem"));
    }
    assert!(!browser.get("/admin/clients").await.has("tbody tr"));
}

#[tokio::test]
async fn several_wrong_fields_are_named_together() {
    let (_world, _, mut browser) = admin().await;
    let (new, form) = filled(&mut browser).await;
    let form = form.with("name", "").with("workspace", "nowhere").with("scope", "cows:milk");

    let page = browser.send_form(&new.url, &form).await;

    assert_eq!((page.status, page.texts("p.problem").len()), (422, 3));
    for field in ["name", "workspace", "scope"] {
        assert!(page.has(&format!("#{field}-problem")), "{field}");
    }
}

#[tokio::test]
async fn a_name_is_text_and_not_markup() {
    let (_world, _, mut browser) = admin().await;
    let (new, form) = filled(&mut browser).await;
    let name = "<script>alert(1)</script>\"'&";

    let page = browser.send_form(&new.url, &form.with("name", name)).await;

    assert_eq!((page.status, page.text("section h2").as_str()), (201, name));
    assert!(!page.has("script:not([src='/static/copy.js'])"));
    let list = browser.get("/admin/clients").await;
    assert_eq!(list.text("tbody strong"), name);
    assert!(!list.has("script"));
}

#[tokio::test]
async fn an_unknown_client_is_not_found() {
    let (world, _, mut browser) = admin().await;
    let (page, form) = filled(&mut browser).await;

    for id in ["nobody", "%00", "%2e%2e", "x'--", &"x".repeat(3000)] {
        for end in ["", "/rotate-secret"] {
            let page = browser.get(&format!("/admin/clients/{id}{end}")).await;
            assert_eq!(
                (page.status, page.text("h1").as_str()),
                (404, "Page not found"),
                "{id}{end}"
            );
        }
        for end in ["rotate-secret", "disable", "enable"] {
            let mut form = form.clone();
            form.action = format!("/admin/clients/{id}/{end}");
            assert_eq!(browser.send_form(&page.url, &form).await.status, 404, "{id}/{end}");
        }
    }
    assert_eq!(world.audited("client.disable").await, 0);
}

#[tokio::test]
async fn an_administrator_who_was_disabled_is_out_at_once() {
    let (world, person, mut browser) = admin().await;
    assert_eq!(browser.get("/admin/clients").await.status, 200);

    let actor = latchkey::audit::Actor::Operator;
    latchkey::identity::users::disable(&world.app, actor, person.id).await.unwrap();

    assert_eq!(browser.get("/admin/clients").await.status, 303);
}
