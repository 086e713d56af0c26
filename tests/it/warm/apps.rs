//! What a user or a workspace says about an app, while its tokens are known by heart.

use entity::app_policy::Policy;
use latchkey::{
    identity::connected_apps,
    store::paging::Wanted,
    tokens::{
        approvals::{self, Decider, Decision},
        blocks,
        revoke::{self, Asking},
        scopes::Scope,
    },
};

use super::Warm;

async fn decide(warm: &Warm, decision: Decision) {
    let decider = Decider { user_id: warm.acme.ada.id, workspace: &warm.acme.workspace };
    let done = approvals::decide(&warm.world.app, decider, &warm.script.id, decision).await;
    assert!(done.unwrap());
}

#[tokio::test]
async fn denied_by_the_workspace() {
    let warm = Warm::token().await;

    decide(&warm, Decision::Deny).await;

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn approved_with_fewer_scopes() {
    let warm = Warm::token().await;

    decide(&warm, Decision::Approve(Scope::parse("leads:write").unwrap())).await;

    assert_eq!(warm.answers().await, (vec![200, 403, 200], true));
    assert_eq!(warm.me().await["scopes"], serde_json::json!(["leads:write"]));
    // a ceiling that is lifted gives back what the user allows
    decide(&warm, Decision::Undecide).await;
    warm.heat().await;
}

#[tokio::test]
async fn beyond_the_workspaces_policy() {
    for policy in [Policy::Approval, Policy::Deny] {
        let warm = Warm::token().await;
        let decider = Decider { user_id: warm.acme.ada.id, workspace: &warm.acme.workspace };

        assert!(approvals::set_policy(&warm.world.app, decider, policy).await.unwrap());

        warm.assert_refused(401).await;
    }
}

#[tokio::test]
async fn blocked_by_its_user() {
    let warm = Warm::token().await;
    let (app, ada) = (&warm.world.app, warm.acme.ada.id);
    let grants = connected_apps::page(app, ada, &Wanted::default()).await.unwrap().rows;

    revoke::disconnect(app, ada, grants[0].grant.id, Asking::Blocked).await.unwrap();

    warm.assert_refused(401).await;
    assert!(blocks::unblock(app, ada, &warm.script.id).await.unwrap());
    warm.assert_refused(401).await;
}

#[tokio::test]
async fn disconnected_from_everybody() {
    let warm = Warm::token().await;
    let actor = latchkey::audit::Actor::Operator;

    revoke::disconnect_everybody(&warm.world.app, actor, &warm.script.id).await.unwrap();

    warm.assert_refused(401).await;
}

#[tokio::test]
async fn disconnected_in_the_workspace() {
    let warm = Warm::token().await;
    let place = (warm.acme.workspace.id, warm.script.id.as_str());
    let actor = latchkey::audit::Actor::Operator;

    revoke::disconnect_workspace(&warm.world.app, actor, place).await.unwrap();

    warm.assert_refused(401).await;
}
