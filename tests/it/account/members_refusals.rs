//! `/workspaces/{slug}/settings/members`: who may not, and what is refused.

use entity::member::Role;
use uuid::Uuid;

use super::members::{MEMBERS, page_of, role_of, staffed};
use crate::support::{Browser, World};

#[tokio::test]
async fn members_change_nobody() {
    let (world, acme, alma, ben) = staffed().await;
    let mut bens = Browser::of(&world, &ben).await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let own = bens.get(&format!("{MEMBERS}/leave")).await;
    let token = own.form("#leave-confirm").get("csrf").unwrap().to_owned();

    for person in [&acme.ada, &alma, &ben] {
        for end in ["", "/remove"] {
            let path = format!("{}{end}", page_of(person));
            assert_eq!(bens.get(&path).await.status, 404, "{path}");
            let page = adas.get(&path).await;
            let form = page.form("main form").with("csrf", &token);
            assert_eq!(bens.send_form(&page.url, &form).await.status, 404, "{path}");
        }
    }
    assert_eq!(role_of(&world, &alma).await.as_deref(), Some("Admin"));
}

#[tokio::test]
async fn admins_neither_touch_nor_make_owners() {
    let (world, acme, alma, ben) = staffed().await;
    let mut almas = Browser::of(&world, &alma).await;

    assert_eq!(almas.get(&page_of(&acme.ada)).await.status, 404);
    assert_eq!(almas.get(&format!("{}/remove", page_of(&acme.ada))).await.status, 404);
    let page = almas.get(&page_of(&ben)).await;
    assert!(!page.has("input[value=owner]"));
    let answer = almas.submit(&page, "#change-role-submit", &[("role", "owner")]).await;
    assert_eq!((answer.status, &*answer.text("#role-problem")), (422, "Choose one of the roles."));
    let answer = almas.submit(&page, "#change-role-submit", &[("role", "admin")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(role_of(&world, &ben).await.as_deref(), Some("Admin"));
}

#[tokio::test]
async fn what_is_no_role_is_refused() {
    let (world, acme, _, ben) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get(&page_of(&ben)).await;

    for role in ["", "root", "Owner", "member\0", &"x".repeat(9000)] {
        let answer = adas.submit(&page, "#change-role-submit", &[("role", role)]).await;
        assert_eq!(answer.status, 422, "{role:?}");
    }
    assert_eq!(role_of(&world, &ben).await.as_deref(), Some("Member"));
}

#[tokio::test]
async fn nobody_else_is_found() {
    let (world, acme, ..) = staffed().await;
    let elsewhere = world.workspace("elsewhere").await;
    let joe = world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for id in [joe.id.to_string(), Uuid::nil().to_string(), "x".into(), "%00".into()] {
        for end in ["", "/remove"] {
            assert_eq!(adas.get(&format!("{MEMBERS}/{id}{end}")).await.status, 404, "{id}{end}");
        }
    }
    for page in ["members", "members/leave", "invitations", "audit", "audit/export?format=csv"] {
        let path = format!("/workspaces/elsewhere/settings/{page}");
        assert_eq!(adas.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn no_form_is_taken_from_elsewhere() {
    let (world, acme, _, ben) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for (path, button) in [
        (page_of(&ben), "#change-role-submit"),
        (format!("{}/remove", page_of(&ben)), "#remove-member-confirm"),
        (format!("{MEMBERS}/leave"), "#leave-confirm"),
    ] {
        let page = adas.get(&path).await;
        let form = page.form(button);
        world.refuses_forgeries(&mut adas, &page, &form).await;
        world.answers_only_to("GET, HEAD, POST", &mut adas, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
        let stranger = Browser::new(&world).get(&path).await;
        assert_eq!(stranger.location(), Some(&*format!("/login?next={path}")));
    }
    assert_eq!(role_of(&world, &ben).await.as_deref(), Some("Member"));
}

#[tokio::test]
async fn a_second_click_on_remove_finds_nobody() {
    let (world, acme, _, ben) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get(&format!("{}/remove", page_of(&ben))).await;

    let answers = [
        adas.submit(&page, "#remove-member-confirm", &[]).await.status,
        adas.submit(&page, "#remove-member-confirm", &[]).await.status,
    ];

    assert_eq!(answers, [303, 404]);
    assert_eq!(world.audited("member.remove").await, 1);
}

#[tokio::test]
async fn names_are_text_and_not_markup() {
    let world = World::new().await;
    let acme = world.acme().await;
    let new = latchkey::identity::users::NewUser {
        username: "acme/eve@acme.example".to_owned(),
        name: Some("<b>Eve</b>\"'&".to_owned()),
        memberships: vec![latchkey::workspaces::Membership {
            workspace_id: acme.workspace.id,
            role: Role::Member,
        }],
        ..latchkey::identity::users::NewUser::default()
    };
    let eve = world.person_of(new).await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    for path in [MEMBERS.to_owned(), page_of(&eve)] {
        let page = adas.get(&path).await;
        assert!(page.text("main").contains("<b>Eve</b>\"'&") && !page.has("b"), "{path}");
    }
}
