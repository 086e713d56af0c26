//! Somebody who is in more workspaces than a page offers reaches each of them.

use latchkey::identity::memberships;

use super::{
    at_authorize,
    device::{at_device, codes, poll, question},
};
use crate::support::{ApiCaller, Pkce, Tokens, World};

const FIND: &str = "#consent-find";
const FIELD: &str = "other_workspace";

/// The slug of the workspace that tokens are for.
async fn place_of(world: &World, tokens: &Tokens) -> String {
    let me = ApiCaller::bearer(world, &tokens.access).me().await.expect(200).json();
    me["workspace"]["slug"].as_str().unwrap_or_else(|| panic!("{me}")).to_owned()
}

#[tokio::test]
async fn another_workspace_is_found_by_its_slug_and_allowed() {
    let (world, acme, client, mut browser) = at_authorize().await;
    world.joins(&acme.ada, 250).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!(page.texts("#workspace option").len(), 50);
    assert_eq!(page.texts("#workspace option")[0], "The workspace acme");
    let form = page.form(FIND).without("scope.leads:write").with(FIELD, " crowd-240 ");

    let found = browser.send_form(&page.url, &form).await;

    assert_eq!(found.status, 200, "{}", found.body);
    assert_eq!(found.text("#workspace option[selected]"), "Crowd 240");
    assert!(!found.has("input[name='scope.leads:write'][checked]"), "what was unticked stays so");
    assert_eq!(found.form("#consent-allow").get(FIELD), Some(""));
    let callback = browser.submit(&found, "#consent-allow", &[]).await.callback();
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read");
    assert_eq!(place_of(&world, &tokens).await, "crowd-240");
    // what is allowed in it is remembered like anything else
    let narrow = client.authorization().with("scope", "leads:read");
    assert!(browser.open(&narrow.path()).await.callback().code().starts_with("lk_ac_"));
}

/// Whoever types a slug and presses the wrong button has not meant the workspace above it.
#[tokio::test]
async fn a_slug_that_was_only_typed_is_looked_up_before_anything_is_allowed() {
    let (world, acme, client, mut browser) = at_authorize().await;
    world.joins(&acme.ada, 60).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;

    let shown = browser.submit(&page, "#consent-allow", &[(FIELD, "crowd-60")]).await;

    assert_eq!(shown.status, 200, "{}", shown.body);
    assert_eq!(shown.text("#workspace option[selected]"), "Crowd 60");
    assert_eq!(world.audited("grant.create").await, 0);
}

#[tokio::test]
async fn a_workspace_that_is_not_ones_own_is_not_found() {
    let (world, acme, client, mut browser) = at_authorize().await;
    world.joins(&acme.ada, 60).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let long = "x".repeat(500);
    // `crowd-0` exists, and Ada is not in it
    for typed in ["crowd-0", "nowhere", "", "<b>", &long] {
        let refused = browser.submit(&page, FIND, &[(FIELD, typed)]).await;

        assert_eq!(refused.status, 422, "{typed:?}");
        assert!(refused.has("#other-workspace[aria-invalid=true]"), "{}", refused.body);
        assert!(refused.text("#other-workspace-problem").starts_with("You are in no workspace"));
        assert_eq!(refused.form(FIND).get(FIELD), Some(typed), "what was typed is kept");
    }
    let form = page.form(FIND);
    world.refuses_forgeries(&mut browser, &page, &form).await;
}

#[tokio::test]
async fn who_is_in_few_is_not_asked_for_others() {
    let (world, acme, client, mut browser) = at_authorize().await;
    world.joins(&acme.ada, 49).await;
    browser.sign_in(&acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    assert_eq!(page.texts("#workspace option").len(), 50);
    assert!(!page.has(FIND));
}

#[tokio::test]
async fn another_workspace_is_found_for_a_device() {
    let (world, acme, client) = at_device().await;
    world.joins(&acme.ada, 250).await;
    let (device_code, user_code) = codes(&client).await;
    let mut browser = crate::support::Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;

    let unknown = browser.submit(&page, FIND, &[(FIELD, "crowd-0")]).await;
    let found = browser.submit(&unknown, FIND, &[(FIELD, "crowd-250")]).await;

    assert_eq!((unknown.status, found.status), (422, 200), "{}", found.body);
    assert_eq!(found.text("#workspace option[selected]"), "Crowd 250");
    assert_eq!(browser.submit(&found, "#consent-allow", &[]).await.status, 200);
    let tokens = Tokens::of(&poll(&client, &device_code).await);
    assert_eq!(place_of(&world, &tokens).await, "crowd-250");
}

#[tokio::test]
async fn the_password_grant_reaches_every_workspace() {
    let (world, acme) = World::of_acme().await;
    let workspaces = world.joins(&acme.ada, 250).await;
    let script = world.script().await;
    let last = &workspaces[249];

    for (named, slug) in [
        (last.slug.clone(), "crowd-250"),
        (last.id.to_string(), "crowd-250"),
        (workspaces[124].slug.clone(), "crowd-125"),
    ] {
        let answer = script.password_with(&acme.ada, &[("workspace", &named)]).await;
        assert_eq!(place_of(&world, &Tokens::of(&answer)).await, slug);
    }
    let answer = script.password(&acme.ada).await;
    assert_eq!(place_of(&world, &Tokens::of(&answer)).await, "acme", "her own enterprise's");
    for named in ["crowd-0", "\u{0}", &last.id.simple().to_string()] {
        let answer = script.password_with(&acme.ada, &[("workspace", named)]).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_request".into()));
    }
    assert_eq!(memberships::newest(&world.app, acme.ada.id, 3).await.unwrap().len(), 3);
}

const WRITE: &str = "scope.leads:write";
const WRITE_TICKED: &str = "input[name='scope.leads:write'][checked]";

/// What was ticked was meant for the workspace whose marks stood beside it.
#[tokio::test]
async fn what_was_not_allowed_in_the_one_that_is_found_is_not_ticked() {
    let (world, acme, client, mut browser) = at_authorize().await;
    world.joins(&acme.ada, 250).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let found = browser.submit(&page, FIND, &[(FIELD, "crowd-240")]).await;
    let less = found.form("#consent-allow").without(WRITE);
    browser.send_form(&found.url, &less).await.callback();
    let page = browser.open(&client.authorization().path()).await;
    assert!(page.has(WRITE_TICKED), "it begins with another one");

    let found = browser.submit(&page, FIND, &[(FIELD, "crowd-240")]).await;

    assert_eq!(found.text("#workspace option[selected]"), "Crowd 240 (connected)");
    assert!(found.texts(".scopes").concat().contains("Not allowed last time"));
    assert!(!found.has(WRITE_TICKED), "{}", found.body);
}

#[tokio::test]
async fn who_goes_back_to_another_one_sees_its_marks_before_anything_is_allowed() {
    let (world, acme, client, mut browser) = at_authorize().await;
    world.joins(&acme.ada, 250).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let mut less = page.form("#consent-allow").without(WRITE);
    less.set("workspace", &acme.workspace.id.to_string());
    browser.send_form(&page.url, &less).await.callback();
    let page = browser.open(&client.authorization().path()).await;
    let found = browser.submit(&page, FIND, &[(FIELD, "crowd-250")]).await;
    let mut form = found.form("#consent-allow");
    form.set("workspace", &acme.workspace.id.to_string());
    form.set(WRITE, "on");

    // the workspace whose marks the page had is offered no more
    let again = browser.send_form(&found.url, &form).await;

    assert_eq!(again.status, 422, "{}", again.body);
    assert!(again.texts(".scopes").concat().contains("Not allowed last time"));
    assert!(!again.has(WRITE_TICKED), "{}", again.body);
    assert_eq!(world.audited("grant.extend").await, 0);
}
