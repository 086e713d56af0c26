//! Inviting people to a workspace: who may not, and whom nobody invites.

use chrono::TimeDelta;
use entity::member::Role;
use uuid::Uuid;

use super::{
    invitations::{INVITATIONS, invite, invited, path_of},
    members::staffed,
};
use crate::support::{Browser, World};

#[tokio::test]
async fn members_invite_nobody() {
    let (world, _, _, ben) = staffed().await;
    let mut bens = Browser::of(&world, &ben).await;

    assert_eq!(bens.get(INVITATIONS).await.status, 404);
    let own = bens.get("/workspaces/acme/settings/members/leave").await;
    let mut form = own.form("#leave-confirm");
    for action in [
        INVITATIONS.to_owned(),
        format!("{INVITATIONS}/{}/resend", Uuid::nil()),
        format!("{INVITATIONS}/{}/withdraw", Uuid::nil()),
    ] {
        form.action = action;
        assert_eq!(bens.send_form(&own.url, &form).await.status, 404, "{}", form.action);
    }
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn admins_invite_no_owners_and_leave_theirs_alone() {
    let (world, acme, alma, _) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    invite(&mut adas, "olga@example.com", "owner").await;
    let mut almas = Browser::of(&world, &alma).await;
    let list = almas.get(INVITATIONS).await;
    assert!(!list.has("input[value=owner]") && !list.has("td.does form"));
    let theirs = adas.get(INVITATIONS).await;

    let page = invite(&mut almas, "eve@example.com", "owner").await;

    assert_eq!(
        (page.status, &*page.text("#role-problem")),
        (422, "The role must be one of these.")
    );
    let token = list.form("#invite-submit").get("csrf").unwrap().to_owned();
    for end in ["resend", "withdraw"] {
        let form = theirs.form(&format!("form[action$='/{end}']")).with("csrf", &token);
        assert_eq!(almas.send_form(&list.url, &form).await.status, 404, "{end}");
    }
    assert_eq!(world.take_mail().await.len(), 1);
}

#[tokio::test]
async fn what_is_no_username_is_refused_and_kept() {
    let (world, acme) = World::of_acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let long = "x".repeat(300) + "@example.com";

    for typed in
        ["", "ben", "a/b/c@d", "<b>@example.com", "b@e.com\r\nBcc: x@y", "b\0@e.com", &long]
    {
        let page = invite(&mut adas, typed, "member").await;

        assert_eq!(page.status, 422, "{typed:?}");
        let words = page.text("#username-problem");
        assert_eq!(words, "This must be an email address, or PIN/address.", "{typed:?}");
        assert!(page.has("input[name=username][aria-invalid=true]"));
        assert!(!page.has("b"));
    }
    let page = invite(&mut adas, "b<i>@x", "admin").await;
    let form = page.form("#invite-submit");
    assert_eq!((form.get("username"), form.get("role")), (Some("b<i>@x"), Some("admin")));
    assert_eq!(world.take_mail_if_any().await, 0);
}

#[tokio::test]
async fn a_pin_must_be_the_workspaces_own() {
    let (world, acme) = World::of_acme().await;
    world.enterprise("other").await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for username in ["other/ben@acme.example", "nobody/ben@acme.example"] {
        let page = invite(&mut adas, username, "member").await;
        assert_eq!(page.status, 422);
        assert!(page.text("#username-problem").contains("not the one of this workspace's"));
    }
}

#[tokio::test]
async fn the_answer_is_the_same_whether_there_is_an_account() {
    let (world, acme) = World::of_acme().await;
    world.person("known@example.com", &[]).await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for username in ["known@example.com", "unknown@example.com"] {
        let answer = invite(&mut adas, username, "member").await;
        let place = format!("{INVITATIONS}?notice=invitation-sent");
        assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
    }
    assert_eq!(world.take_mail().await.len(), 2);
}

#[tokio::test]
async fn members_and_invited_people_are_not_invited_twice() {
    let (world, acme, ..) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    invite(&mut adas, "new@example.com", "member").await;

    let member = invite(&mut adas, "ACME/Ben@acme.example", "member").await;
    let again = invite(&mut adas, " New@example.com ", "admin").await;

    assert_eq!(member.text("#username-problem"), "This is a member already.");
    assert!(again.text("#username-problem").starts_with("This is invited already"));
    assert_eq!(world.take_mail().await.len(), 1);
    // once it has expired, it is no longer in the way
    world.clock.advance(TimeDelta::days(8));
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(invite(&mut adas, "new@example.com", "member").await.status, 303);
}

#[tokio::test]
async fn fifty_may_wait_for_an_answer() {
    let (world, acme) = World::of_acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    for number in 0..50 {
        if number % 30 == 0 {
            world.clock.advance(TimeDelta::minutes(11));
        }
        let answer = invite(&mut adas, &format!("p{number}@example.com"), "member").await;
        assert_eq!(answer.status, 303, "{number}");
    }

    let page = invite(&mut adas, "one.more@example.com", "member").await;

    assert_eq!(page.status, 422);
    assert!(page.text("#username-problem").contains("50 invitations are unanswered"));
}

#[tokio::test]
async fn letters_are_throttled() {
    let (world, _, mut adas, _) = invited("ben@example.com", "member").await;
    let list = adas.get(INVITATIONS).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(adas.submit(&list, "form[action$='/resend']", &[]).await.status);
    }
    assert_eq!(statuses, [303, 303, 429]);
    let page = adas.submit(&list, "form[action$='/resend']", &[]).await;
    assert_eq!(page.header("retry-after"), Some("3600"));
    assert!(page.text("[role=alert]").contains("Try again in 60 minutes"));
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 2);
    // what was refused has not killed the link
    let mut alive = Vec::new();
    for letter in &letters {
        alive.push(Browser::new(&world).get(&path_of(letter)).await.status == 200);
    }
    assert_eq!(alive.iter().filter(|alive| **alive).count(), 1);

    for number in 0..27 {
        invite(&mut adas, &format!("p{number}@example.com"), "member").await;
    }
    let page = invite(&mut adas, "q@example.com", "member").await;
    assert_eq!(page.status, 429);
    assert_eq!(page.form("#invite-submit").get("username"), Some("q@example.com"));
    world.clock.advance(TimeDelta::minutes(10));
    assert_eq!(invite(&mut adas, "q@example.com", "member").await.status, 303);
}

#[tokio::test]
async fn a_link_that_is_none_says_nothing() {
    let (world, ..) = invited("ben@example.com", "member").await;
    let mut browser = Browser::new(&world);
    let long = "x".repeat(3000);

    for token in ["x", "lk_iv_", "%00", "..%2f", &long] {
        let page = browser.get(&format!("/invitations/{token}")).await;
        assert_eq!((page.status, &*page.text("h1")), (404, "This invitation is over"), "{token}");
    }
}

#[tokio::test]
async fn no_form_is_taken_from_elsewhere() {
    let (world, _, mut adas, path) = invited("ben@example.com", "member").await;
    let page = adas.get(INVITATIONS).await;
    let form = page.form("#invite-submit").with("username", "eve@example.com");
    world.refuses_forgeries(&mut adas, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut adas, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    for end in ["resend", "withdraw"] {
        let form = page.form(&format!("form[action$='/{end}']"));
        world.refuses_forgeries(&mut adas, &page, &form).await;
        world.answers_only_to("POST", &mut adas, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
    }
    let ben = world.person("ben@example.com", &[]).await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.get(&path).await;
    let form = page.form("#invitation-accept");
    world.refuses_forgeries(&mut bens, &page, &form).await;
    world.answers_only_to("POST", &mut bens, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    let mut form = form;
    form.action = format!("{path}/decline");
    world.refuses_forgeries(&mut bens, &page, &form).await;

    assert_eq!(bens.get(&path).await.status, 200, "it still is open");
    assert_eq!(world.audited("invitation.resend").await, 0);
}

#[tokio::test]
async fn a_disabled_workspace_takes_nobody_in() {
    let (world, acme, _, path) = invited("ben@example.com", "member").await;
    let ben = world.person("ben@example.com", &[]).await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.get(&path).await;
    let (app, actor) = (&world.app, latchkey::audit::Actor::Operator);
    latchkey::workspaces::disable_workspace(app, actor, acme.workspace.id).await.unwrap();

    let answer = bens.submit(&page, "#invitation-accept", &[]).await;

    assert_eq!((answer.status, &*answer.text("h1")), (404, "This invitation is over"));
}

#[tokio::test]
async fn another_workspaces_invitations_are_not_there() {
    let (world, _, adas, _) = invited("ben@example.com", "member").await;
    let other = world.workspace("other").await;
    let joe = world.person("joe@example.com", &[(&other, Role::Owner)]).await;
    let mut joes = Browser::of(&world, &joe).await;
    let theirs = adas.copy().get(INVITATIONS).await;
    let own = joes.get("/workspaces/other/settings/invitations").await;
    let token = own.form("#invite-submit").get("csrf").unwrap().to_owned();

    for end in ["resend", "withdraw"] {
        let mut form = theirs.form(&format!("form[action$='/{end}']")).with("csrf", &token);
        assert_eq!(joes.send_form(&own.url, &form).await.status, 404, "{end}");
        form.action = form.action.replace("/acme/", "/other/");
        assert_eq!(joes.send_form(&own.url, &form).await.status, 404, "{end}");
    }
}
