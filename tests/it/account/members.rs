//! `/workspaces/{slug}/settings/members`: who is in a workspace, other roles, removal and leaving.

use chrono::TimeDelta;
use entity::member::Role;
use futures_util::future::join_all;

use crate::support::{Acme, ApiCaller, Browser, Person, Tokens, World};

pub(super) const MEMBERS: &str = "/workspaces/acme/settings/members";

/// Acme with an admin and a member.
pub(super) async fn staffed() -> (World, Acme, Person, Person) {
    let (world, acme) = World::of_acme().await;
    let alma = world.person("acme/alma@acme.example", &[(&acme.workspace, Role::Admin)]).await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    (world, acme, alma, ben)
}

pub(super) fn page_of(person: &Person) -> String {
    format!("{MEMBERS}/{}", person.id)
}

pub(super) async fn role_of(world: &World, person: &Person) -> Option<String> {
    let mut browser = Browser::of(world, person).await;
    let page = browser.get(MEMBERS).await;
    let rows = page.texts("tbody tr").into_iter().zip(page.texts("td[data-label=Role]"));
    rows.into_iter().find(|(row, _)| row.contains("You")).map(|(_, role)| role)
}

#[tokio::test]
async fn owners_see_everybody_with_role_sign_in_and_second_factor() {
    let (world, acme, _, ben) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::hours(23));
    Browser::of(&world, &ben).await;

    let page = adas.get(MEMBERS).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Members"));
    assert_eq!(page.texts("nav.tabs a[aria-current=page]"), ["Members"]);
    let names = ["acme/ada@acme.example", "acme/alma@acme.example", "acme/ben@acme.example"];
    assert_eq!(page.texts("td.title strong"), names);
    assert_eq!(page.texts("td[data-label=Role]"), ["Owner", "Admin", "Member"]);
    assert_eq!(page.texts("td[data-label='Last sign-in']"), ["5 Mar 2027", "never", "6 Mar 2027"]);
    assert_eq!(page.texts("td[data-label='Second factor']"), ["Off", "Off", "Off"]);
    assert_eq!(page.texts("td.does a").len(), 6);
}

#[tokio::test]
async fn members_see_the_list_and_nothing_private() {
    let (world, _, _, ben) = staffed().await;
    let mut bens = Browser::of(&world, &ben).await;

    let page = bens.get(MEMBERS).await;

    assert_eq!(page.texts("td.title strong").len(), 3);
    assert_eq!(page.texts("th"), ["Member", "Role", "Since"]);
    assert!(page.has("#leave-workspace") && !page.has("#invite"));
    assert!(!page.has("td.does"));
}

#[tokio::test]
async fn admins_have_no_way_to_owners() {
    let (world, _, alma, _) = staffed().await;

    let page = Browser::of(&world, &alma).await.get(MEMBERS).await;

    assert_eq!(page.texts("tbody tr:first-child td.does a").len(), 0);
    assert_eq!(page.texts("td.does a").len(), 4);
}

#[tokio::test]
async fn members_are_searched_and_paged() {
    let (world, acme, ..) = staffed().await;
    for number in 0..60 {
        let username = format!("acme/p{number:02}@acme.example");
        world.person(&username, &[(&acme.workspace, Role::Member)]).await;
    }
    let elsewhere = world.workspace("elsewhere").await;
    world.person("p99@acme.example", &[(&elsewhere, Role::Member)]).await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    let found = adas.get(&format!("{MEMBERS}?q=P5")).await;
    let first = adas.get(MEMBERS).await;
    let second = adas.get(&format!("{MEMBERS}?after=acme/p46@acme.example")).await;

    assert_eq!(found.texts("tbody tr").len(), 10);
    assert_eq!((first.texts("tbody tr").len(), second.texts("tbody tr").len()), (50, 13));
    assert!(first.has("a[rel=next]") && !second.has("a[rel=next]"));
    let none = adas.get(&format!("{MEMBERS}?q=p99")).await;
    assert!(none.text(".empty").starts_with("No member has that"));
}

/// Contract §3: effective on the next request.
#[tokio::test]
async fn a_smaller_role_holds_at_once() {
    let (world, acme, alma, _) = staffed().await;
    let key = world.key(&acme.workspace, &alma, "api-keys:manage leads:read").await;
    let caller = ApiCaller::key(&world, &key);
    caller.get("/api/api-keys").await.expect(200);
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get(&page_of(&alma)).await;
    assert_eq!(page.text("h1"), "Role of acme/alma@acme.example");
    assert_eq!(page.form("#change-role-submit").get("role"), Some("admin"));

    let answer = adas.submit(&page, "#change-role-submit", &[("role", "member")]).await;

    let place = format!("{MEMBERS}?notice=role-changed");
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
    let page = adas.follow(answer).await;
    assert_eq!(page.text(".flash"), "The role is changed. It holds from now on.");
    assert_eq!(page.texts("td[data-label=Role]"), ["Owner", "Member", "Member"]);
    caller.get("/api/api-keys").await.expect(403);
    assert_eq!(Browser::of(&world, &alma).await.get(&page_of(&alma)).await.status, 404);
    assert_eq!(world.audited("member.set_role").await, 1);
}

#[tokio::test]
async fn a_removed_member_is_out_at_once() {
    let (world, acme, _, ben) = staffed().await;
    let key = world.key(&acme.workspace, &ben, "leads:read").await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&ben).await);
    let mut bens = Browser::of(&world, &ben).await;
    assert_eq!(bens.get(MEMBERS).await.status, 200);
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get(&format!("{}/remove", page_of(&ben))).await;
    assert_eq!(page.text("h1"), "Remove acme/ben@acme.example?");
    let stops = page.texts("ul.plain li");
    assert!(stops[0].starts_with("1 API key") && stops[1].starts_with("1 connected app"));
    ApiCaller::key(&world, &key).me().await.expect(200);

    let answer = adas.submit(&page, "#remove-member-confirm", &[]).await;

    assert_eq!(answer.location(), Some(&*format!("{MEMBERS}?notice=member-removed")));
    for credential in [&key, &tokens.access] {
        let me = ApiCaller::bearer(&world, credential).me().await;
        assert_eq!((me.status, &me.json()["error"]["code"]), (403, &"FORBIDDEN".into()));
    }
    assert_eq!(bens.get(MEMBERS).await.status, 404);
    assert_eq!(world.audited("member.remove").await, 1);
}

#[tokio::test]
async fn a_member_leaves() {
    let (world, _, _, ben) = staffed().await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.get(&format!("{MEMBERS}/leave")).await;
    assert_eq!(page.text("h1"), "Leave The workspace acme?");

    let answer = bens.submit(&page, "#leave-confirm", &[]).await;

    let page = bens.follow(answer).await;
    assert_eq!(page.text(".flash"), "You have left the workspace.");
    assert_eq!(bens.get(MEMBERS).await.status, 404);
    assert_eq!(world.audited("member.leave").await, 1);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let (world, acme, ..) = staffed().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let leave = adas.get(&format!("{MEMBERS}/leave")).await;
    let role = adas.get(&page_of(&acme.ada)).await;
    let remove = adas.get(&format!("{}/remove", page_of(&acme.ada))).await;

    for page in [
        adas.submit(&leave, "#leave-confirm", &[]).await,
        adas.submit(&role, "#change-role-submit", &[("role", "admin")]).await,
        adas.submit(&remove, "#remove-member-confirm", &[]).await,
    ] {
        assert_eq!(page.status, 422, "{}", page.url);
        assert!(page.text("[role=alert]").contains("Make somebody else an owner first"));
    }
    assert_eq!(role_of(&world, &acme.ada).await.as_deref(), Some("Owner"));
    assert_eq!(world.audited("member.leave").await, 0);
}

/// Who cannot sign in is in charge of nothing.
#[tokio::test]
async fn a_disabled_owner_does_not_count() {
    let (world, acme, ..) = staffed().await;
    let olga = world.person("acme/olga@acme.example", &[(&acme.workspace, Role::Owner)]).await;
    let actor = latchkey::audit::Actor::Operator;
    latchkey::identity::users::disable(&world.app, actor, olga.id).await.unwrap();
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = adas.get(&format!("{MEMBERS}/leave")).await;

    assert_eq!(adas.submit(&page, "#leave-confirm", &[]).await.status, 422);
}

/// Two owners leave at once, or make each other members: one stays.
#[tokio::test]
async fn of_owners_who_go_at_once_one_stays() {
    for end in ["leave", "demote"] {
        let (world, acme) = World::of_acme().await;
        let mut owners = vec![acme.ada.clone()];
        for number in 0..3 {
            let username = format!("acme/o{number}@acme.example");
            owners.push(world.person(&username, &[(&acme.workspace, Role::Owner)]).await);
        }
        let going = owners.iter().map(async |owner| {
            let mut browser = Browser::of(&world, owner).await;
            if end == "leave" {
                let page = browser.get(&format!("{MEMBERS}/leave")).await;
                return browser.submit(&page, "#leave-confirm", &[]).await.status;
            }
            let page = browser.get(&page_of(owner)).await;
            browser.submit(&page, "#change-role-submit", &[("role", "member")]).await.status
        });

        let mut statuses = join_all(going).await;

        statuses.sort_unstable();
        assert_eq!(statuses, [303, 303, 303, 422], "{end}");
    }
}
