//! What a workspace says about third-party apps holds wherever a grant is made or used.

use entity::{app_policy::Policy, member::Role, workspace};
use latchkey::{
    clients::{binding::Binding, registration::NewClient},
    tokens::{
        approvals::{self, Decider, Decision},
        scopes::Scope,
    },
};
use serde_json::json;

use super::{at_authorize, invalid_grant};
use crate::support::{Acme, ApiCaller, Browser, ClientApp, Person, Pkce, Tokens, World, script};

const DENIED: &str = "the workspace does not allow this client";
const NEEDS_APPROVAL: &str = "the workspace has to approve this client first";

/// Ada's decider, as her pages make it.
fn ada(acme: &Acme) -> Decider<'_> {
    Decider { user_id: acme.ada.id, workspace: &acme.workspace }
}

pub(super) async fn set(world: &World, acme: &Acme, policy: Policy) {
    assert!(approvals::set_policy(&world.app, ada(acme), policy).await.unwrap());
}

pub(super) async fn decide(world: &World, acme: &Acme, client: &ClientApp, decision: Decision) {
    let done = approvals::decide(&world.app, ada(acme), &client.id, decision).await;
    assert!(done.unwrap());
}

pub(super) fn approve(scope: &str) -> Decision {
    Decision::Approve(Scope::parse(scope).unwrap())
}

/// Ben, a member of Acme.
pub(super) async fn ben(world: &World, acme: &Acme) -> Person {
    world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await
}

#[tokio::test]
async fn a_workspace_that_denies_apps_explains_and_lets_the_user_go_back() {
    let (world, acme, client, _) = at_authorize().await;
    set(&world, &acme, Policy::Deny).await;
    let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;

    let page = browser.open(&client.authorization().path()).await;

    assert_eq!((page.status, &*page.text("h1")), (403, "Web cannot be connected"));
    assert!(page.text("main").contains("The workspace acme does not allow this app"));
    assert!(!page.has("#consent-allow") && !page.has("#consent-ask"));
    let back = browser.submit(&page, "#consent-deny", &[]).await.callback();
    assert_eq!(
        back.shown(),
        json!({
            "error": "access_denied",
            "error_description": "the user did not allow it",
            "state": "a state: +&=%",
            "iss": world.url(""),
        })
    );
}

#[tokio::test]
async fn other_workspaces_can_still_be_chosen() {
    let (world, acme, client, _) = at_authorize().await;
    let second = world.workspace("second").await;
    let places = [(&acme.workspace, Role::Member), (&second, Role::Owner)];
    let ben = world.person("acme/ben@acme.example", &places).await;
    set(&world, &acme, Policy::Deny).await;
    let mut browser = Browser::of(&world, &ben).await;

    let page = browser.open(&client.authorization().path()).await;

    assert!(page.text("main").contains("The workspace acme does not allow this app"));
    // a page that was shown before the policy does not help
    let mut form = page.form("#consent-allow");
    form.fields.push(("workspace".to_owned(), acme.workspace.id.to_string()));
    let refused = browser.send_form(&page.url, &form).await;
    assert_eq!((refused.status, refused.location()), (200, None), "{}", refused.body);
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    let me = ApiCaller::bearer(&world, &tokens.access).me().await;
    assert_eq!(me.json()["workspace"]["slug"], "second");
}

/// The consent page is open while the workspace decides.
#[tokio::test]
async fn a_decision_made_while_the_page_is_read_counts() {
    let (world, acme, client, _) = at_authorize().await;
    let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
    let page = browser.open(&client.authorization().path()).await;
    assert!(page.has("#consent-allow"));
    decide(&world, &acme, &client, Decision::Deny).await;

    let answer = browser.submit(&page, "#consent-allow", &[]).await;

    assert_eq!((answer.status, answer.location()), (403, None), "{}", answer.body);
    assert_eq!(world.audited("grant.create").await, 0);
    let back = browser.submit(&answer, "#consent-deny", &[]).await.callback();
    assert_eq!(back.params["error"], "access_denied");
}

/// Whoever is faster: in the end nothing works.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_races_with_consents_leaves_no_token_that_works() {
    let (world, acme, client, _) = at_authorize().await;
    let mut pages = Vec::new();
    for number in 0..6 {
        let name = format!("acme/p{number}@acme.example");
        let person = world.person(&name, &[(&acme.workspace, Role::Member)]).await;
        let mut browser = Browser::of(&world, &person).await;
        let page = browser.open(&client.authorization().path()).await;
        pages.push((browser, page));
    }

    let consents = pages.iter_mut().map(|(it, page)| it.submit(page, "#consent-allow", &[]));
    let consents = futures_util::future::join_all(consents);
    let (answers, ()) = tokio::join!(consents, decide(&world, &acme, &client, Decision::Deny));

    for answer in answers {
        if answer.status == 303 {
            let code = answer.callback().code().to_owned();
            let refused = client.exchange(&code, &Pkce::default()).await;
            assert_eq!(refused.status, 400, "{}", refused.body);
        } else {
            assert_eq!(answer.status, 403);
        }
    }
}

#[tokio::test]
async fn the_password_grant_obeys_the_workspace() {
    let (world, acme, ..) = at_authorize().await;
    let script = world.script().await;
    set(&world, &acme, Policy::Approval).await;
    assert_eq!(script.password(&acme.ada).await.shown(), invalid_grant(NEEDS_APPROVAL));
    set(&world, &acme, Policy::Deny).await;
    assert_eq!(script.password(&acme.ada).await.shown(), invalid_grant(DENIED));
    // only who has proved the password is told
    let wrong = script.sign_in(&acme.ada.username, "wrong").await;
    assert_eq!(wrong.shown(), super::password_refused());

    decide(&world, &acme, &script, approve("leads:read")).await;

    assert_eq!(Tokens::of(&script.password(&acme.ada).await).scope, "leads:read");
    let wide = script.password_with(&acme.ada, &[("scope", "leads:write")]).await;
    assert_eq!((wide.status, &wide.json()["error"]), (400, &json!("invalid_scope")));
}

#[tokio::test]
async fn a_code_is_worth_nothing_once_the_app_is_denied() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let callback = browser.authorize(&client.authorization(), &acme.ada).await;
    decide(&world, &acme, &client, Decision::Deny).await;

    let answer = client.exchange(callback.code(), &Pkce::default()).await;

    assert_eq!(answer.shown(), super::code_refused());
}

#[tokio::test]
async fn an_app_that_is_denied_stops_at_once() {
    let (world, acme, script, tokens) = super::signed_in().await;
    let caller = ApiCaller::bearer(&world, &tokens.access);
    assert_eq!(caller.me().await.status, 200);

    decide(&world, &acme, &script, Decision::Deny).await;

    assert_eq!(caller.me().await.status, 401);
    assert_eq!(script.refresh(&tokens.refresh).await.shown(), super::refresh_refused());
    assert!(!world.introspector().await.sees_alive(&tokens.access).await);
    // and does not come back when the decision is another one
    decide(&world, &acme, &script, approve("leads:read")).await;
    assert_eq!(caller.me().await.status, 401);
    assert_eq!(world.audited("app.deny").await, 1);
}

#[tokio::test]
async fn a_stricter_policy_stops_what_nobody_has_decided_about() {
    let (world, acme, client, tokens) = super::signed_in().await;
    let approved = world.client(NewClient { name: "Approved".to_owned(), ..script() }).await;
    decide(&world, &acme, &approved, approve("leads:read leads:write")).await;
    let kept = Tokens::of(&approved.password(&acme.ada).await);
    let own = NewClient { binding: Binding::Workspace(acme.workspace.id), ..script() };
    let own = Tokens::of(&world.client(own).await.password(&acme.ada).await);

    set(&world, &acme, Policy::Approval).await;

    for (tokens, status) in [(&tokens, 401), (&kept, 200), (&own, 200)] {
        assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, status);
    }
    set(&world, &acme, Policy::Allow).await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 400, "nothing comes back");
    Tokens::of(&client.password(&acme.ada).await);
}

/// Fewer scopes than were allowed narrow at once what is connected, and nobody is asked anew.
#[tokio::test]
async fn an_approval_with_fewer_scopes_is_a_ceiling() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let callback = browser.authorize(&client.authorization(), &acme.ada).await;
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:write").await.status, 204);

    decide(&world, &acme, &client, approve("leads:read")).await;

    assert_eq!(caller.get("/api/v1/verify?scope=leads:write").await.status, 403);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:read").await.status, 204);
    assert_eq!(Tokens::of(&client.refresh(&tokens.refresh).await).scope, "leads:read");
    let again = browser.get(&client.authorization().path()).await;
    let tokens = client.exchange(again.callback().code(), &Pkce::default()).await;
    assert_eq!(Tokens::of(&tokens).scope, "leads:read");
    let ben = ben(&world, &acme).await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.open(&client.authorization().path()).await;
    assert_eq!(page.texts(".scopes li"), ["See your leads"], "no more is offered");
}

#[tokio::test]
async fn workspaces_decide_for_themselves_alone() {
    let (world, acme, client, _) = at_authorize().await;
    let second: workspace::Model = world.workspace("second").await;
    let joe = world.person("joe@example.com", &[(&second, Role::Owner)]).await;
    let mut browser = Browser::new(&world);
    let callback = browser.authorize(&client.authorization(), &joe).await;
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);

    set(&world, &acme, Policy::Deny).await;
    decide(&world, &acme, &client, Decision::Deny).await;

    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    // nobody decides for a workspace that they do not run
    let decider = Decider { user_id: joe.id, workspace: &acme.workspace };
    let app = &world.app;
    assert!(!approvals::decide(app, decider, &client.id, Decision::Undecide).await.unwrap());
    assert!(!approvals::set_policy(app, decider, Policy::Allow).await.unwrap());
}

/// A policy of one node is known to the others within a second; they ask the database meanwhile.
#[tokio::test]
async fn other_nodes_obey_too() {
    let (world, acme, script, tokens) = super::signed_in().await;
    let node = world.another_node().await;
    assert_eq!(ApiCaller::bearer(&node, &tokens.access).me().await.status, 200);

    decide(&world, &acme, &script, Decision::Deny).await;

    assert_eq!(ApiCaller::bearer(&node, &tokens.access).me().await.status, 401);
    assert_eq!(script.at(&node).password(&acme.ada).await.shown(), invalid_grant(DENIED));
}
