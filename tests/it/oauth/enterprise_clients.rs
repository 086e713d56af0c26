//! A client that is bound to an enterprise acts in its workspaces, is no third party there, and acts
//! nowhere else.

use entity::{app_policy::Policy, member::Role};
use latchkey::{
    audit::Actor,
    clients::{
        binding::{self, Binding},
        registration::NewClient,
    },
};

use super::app_policies::set;
use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Person, Pkce, Tokens, World, script, web,
};

/// Acme, and a client of Acme's.
async fn of_acme(new: NewClient) -> (World, Acme, ClientApp) {
    let world = World::new().await;
    let acme = world.acme().await;
    let binding = Binding::Enterprise(acme.workspace.enterprise_id.unwrap());
    let client = world.client(NewClient { binding, ..new }).await;
    (world, acme, client)
}

async fn bind(world: &World, client: &ClientApp, binding: Binding) {
    binding::bind(&world.app, Actor::Operator, &client.id, binding).await.unwrap().unwrap();
}

/// A member of Acme who has a workspace of her own besides.
async fn with_a_second(world: &World, acme: &Acme) -> Person {
    let second = world.workspace("second").await;
    let places = [(&acme.workspace, Role::Member), (&second, Role::Owner)];
    world.person("acme/dee@acme.example", &places).await
}

#[tokio::test]
async fn it_needs_no_approval_in_a_workspace_of_its_enterprise() {
    for policy in [Policy::Deny, Policy::Approval] {
        let (world, acme, client) = of_acme(web()).await;
        set(&world, &acme, policy).await;
        let mut browser = Browser::of(&world, &acme.ada).await;

        let callback = browser.authorize(&client.authorization(), &acme.ada).await;

        let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
        ApiCaller::bearer(&world, &tokens.access).get("/api/v1/leads").await.expect(200);
        // what the workspace says later is about others, too
        set(&world, &acme, Policy::Deny).await;
        let tokens = Tokens::of(&client.refresh(&tokens.refresh).await);
        ApiCaller::bearer(&world, &tokens.access).get("/api/v1/leads").await.expect(200);
        let again = browser.open(&client.authorization().path()).await;
        assert!(again.callback().shown()["error"].is_null(), "remembered");
    }
}

#[tokio::test]
async fn it_is_offered_no_other_workspace() {
    let (world, acme, client) = of_acme(web()).await;
    let dee = with_a_second(&world, &acme).await;
    let mut browser = Browser::of(&world, &dee).await;

    let page = browser.open(&client.authorization().path()).await;

    assert!(page.has("#consent-allow"));
    assert!(!page.text("main").contains("second"));
}

#[tokio::test]
async fn passwords_open_no_other_workspace() {
    let (world, acme, client) = of_acme(script()).await;
    let dee = with_a_second(&world, &acme).await;

    let here = client.password_with(&dee, &[("workspace", "acme")]).await;
    let there = client.password_with(&dee, &[("workspace", "second")]).await;

    ApiCaller::bearer(&world, &Tokens::of(&here).access).me().await.expect(200);
    assert_eq!(there.expect(400).json()["error"], "invalid_request");
}

/// Contract: 403 when a token's client is no longer bound to the workspace.
#[tokio::test]
async fn what_it_was_allowed_elsewhere_is_refused_while_it_is_bound() {
    let (world, acme, client) = of_acme(web()).await;
    let other = world.enterprise("other").await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let callback = browser.authorize(&client.authorization(), &acme.ada).await;
    let unspent = browser.open(&client.authorization().path()).await.callback();
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    let caller = ApiCaller::bearer(&world, &tokens.access);
    caller.get("/api/v1/leads").await.expect(200);

    bind(&world, &client, Binding::Enterprise(other.id)).await;

    caller.get("/api/v1/leads").await.expect(403);
    for refused in [
        client.refresh(&tokens.refresh).await,
        client.exchange(unspent.code(), &Pkce::default()).await,
    ] {
        assert_eq!(refused.expect(400).json()["error"], "invalid_grant");
    }
    let page = browser.open(&client.authorization().path()).await;
    assert!(page.text("main").contains("It will not be able to do anything but know who you are."));
    // nothing of it is at an end
    bind(&world, &client, Binding::Enterprise(acme.workspace.enterprise_id.unwrap())).await;
    caller.get("/api/v1/leads").await.expect(200);
    Tokens::of(&client.refresh(&tokens.refresh).await);
}
